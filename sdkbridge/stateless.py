"""
What a call would become if its identities were met for the first time: mapping without any memory.
"""

from functools import lru_cache

from attrs import frozen

from identity.links import Link, LinkKind, Outcome
from identity.policy import MergePolicy
from identity.proposal import first_meeting
from sdkbridge.acceptance.admission import admit
from sdkbridge.acceptance.proposals import Proposed, RefusedAlias, heeded, proposed_by
from sdkbridge.acceptance.usual_tracks import UsualTracks
from sdkbridge.calls import Alias, AnyCall, JSONObject, parse_call
from sdkbridge.errors import InvalidCall
from sdkbridge.kissmetrics.requests import Request
from sdkbridge.mapping import SWITCHED_OFF, map_call, wanted
from sdkbridge.options import MappingOptions
from sdkbridge.receipt import CallWarning


@frozen
class MappedAlone:
    """
    What one call becomes.
    """

    requests: tuple[Request, ...]
    warnings: tuple[CallWarning, ...]


def map_alone(
    message: JSONObject, *, options: MappingOptions, policy: MergePolicy, received: float
) -> MappedAlone:
    """
    Map one call in Segment's spelling.

    Args:
        message: the call.
        options: how it is mapped.
        policy: what decides about its alias, unless identities are taken as they come.
        received: the time in seconds since 1970 UTC, for a call that tells none.

    Raises:
        InvalidCall: it cannot be taken.
    """
    if options.identities != "as_sent":
        usual = _mapped_at_a_glance(message, _usual_tracks(options, policy.placeholders), received)
        if usual is not None:
            return usual
    call = parse_call(message)
    if not wanted(call):
        return MappedAlone((), (SWITCHED_OFF,))
    if options.identities == "as_sent":
        return _as_sent(call, options=options, received=received)
    admitted = admit(call, long_id=options.long_id, placeholders=policy.placeholders)
    proposed = heeded(proposed_by(admitted.call, admitted.refused_user_id), admitted.call, options)
    alias = proposed is not None and _is_merged(admitted.call, proposed, policy, at_ms=int(received * 1000))
    mapped = map_call(admitted.call, alias=alias, received=received, options=options)
    return MappedAlone(mapped.requests, admitted.warnings + mapped.warnings)


def _mapped_at_a_glance(message: JSONObject, tracks: UsualTracks, received: float) -> MappedAlone | None:
    track = tracks.of(message)
    who = None if track is None else tracks.who(track)
    request = None if track is None or who is None else track.request(who.identity, received)
    return None if track is None or request is None else MappedAlone((request,), track.warnings)


_usual_tracks = lru_cache(maxsize=16)(UsualTracks)


def _is_merged(call: AnyCall, proposed: Proposed, policy: MergePolicy, *, at_ms: int) -> bool:
    link = Link(
        older=proposed.older,
        newer=proposed.newer,
        kind=proposed.kind or LinkKind.SERVER_ALIAS,
        at_ms=at_ms,
    )
    verdict = policy.decide(first_meeting(link, policy.identifiers))
    if verdict.outcome is Outcome.REFUSE and isinstance(call, Alias):
        raise RefusedAlias(verdict)
    return verdict.outcome is Outcome.MERGE


def _as_sent(call: AnyCall, *, options: MappingOptions, received: float) -> MappedAlone:
    """
    Map a call as systems do that look at no identity: whatever proposes an alias sends it.
    """
    if call.user_id is None and call.anonymous_id is None:
        raise InvalidCall("userId", "is required, or else anonymousId", reason="required")
    proposed = heeded(proposed_by(call, None), call, options)
    mapped = map_call(call, alias=proposed is not None, received=received, options=options)
    return MappedAlone(mapped.requests, mapped.warnings)
