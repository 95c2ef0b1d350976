"""
What a call would become if its identities were met for the first time: mapping without any memory.
"""

from attrs import frozen

from identity.links import Link, LinkKind, Outcome
from identity.policy import MergePolicy, first_meeting
from sdkbridge.admission import admit
from sdkbridge.calls import Alias, JSONObject, parse_call
from sdkbridge.kissmetrics.requests import Request
from sdkbridge.mapping import map_call, wanted
from sdkbridge.options import MappingOptions
from sdkbridge.proposals import RefusedAlias, proposed_by
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
        policy: what decides about its alias.
        received: the time in seconds since 1970 UTC, for a call that tells none.

    Raises:
        InvalidCall: it cannot be taken.
    """
    call = parse_call(message)
    if not wanted(call):
        return MappedAlone((), ())
    admitted = admit(call)
    proposed = proposed_by(admitted.call, admitted.refused_user_id)
    alias = False
    if proposed is not None:
        link = Link(
            older=proposed.older,
            newer=proposed.newer,
            kind=proposed.kind or LinkKind.SERVER_ALIAS,
            at_ms=int(received * 1000),
        )
        verdict = policy.decide(first_meeting(link))
        if verdict.outcome is Outcome.REFUSE and isinstance(admitted.call, Alias):
            raise RefusedAlias(verdict)
        alias = verdict.outcome is Outcome.MERGE
    mapped = map_call(admitted.call, alias=alias, received=received, options=options)
    return MappedAlone(mapped.requests, admitted.warnings + mapped.warnings)
