"""
From one call to its Kissmetrics requests: a pure function.

Sources: Segment's Kissmetrics destination page and its published integration; where they disagree, see
`sdkbridge.options`.
"""

from collections.abc import Iterable, Iterator, Mapping
from numbers import Number
from typing import Any

from attrs import evolve, frozen

from identity.ids import fold
from sdkbridge.calls import Alias, AnyCall, Group, Identify, Page, Screen, Track
from sdkbridge.kissmetrics.requests import SET, Request
from sdkbridge.mapping.context import context_without_memory
from sdkbridge.mapping.envelope import Envelope, envelope_of
from sdkbridge.mapping.names import UNPREFIXED, prefixed
from sdkbridge.mapping.properties import properties_of
from sdkbridge.mapping.tracks import track_requests
from sdkbridge.mapping.views import view_requests
from sdkbridge.options import MappingOptions
from sdkbridge.receipt import CallWarning
from sdkbridge.remarks import Problem, Remarks
from sdkbridge.values.javascript import id_text
from sdkbridge.values.times import event_second


@frozen(kw_only=True)
class Mapped:
    """
    What came of a call: the requests to send, in order, and what its sender should look at.
    """

    requests: tuple[Request, ...]
    warnings: tuple[CallWarning, ...] = ()


def map_call(
    call: AnyCall,
    *,
    alias: bool,
    received: float,
    options: MappingOptions,
    context: Mapping[str, str] | None = None,
) -> Mapped:
    """
    Return the Kissmetrics requests of a call.

    Args:
        call: the call; its identities are checked, and at least one of them is there.
        alias: whether the alias that the call proposes is to be sent.
        received: when it arrived, in seconds since 1970 UTC.
        options: how it is mapped.
        context: properties to set besides, of the app and the device (see `sdkbridge.mapping.context`); by
            default those that the call itself gives reason to set.

    Raises:
        InvalidCall: the name of its event is too long, or cannot be encoded.
    """
    remarks = Remarks()
    time = event_second(call.timestamp, call.sent_at, received, policy=options.timestamp_policy)
    envelope = envelope_of(call, second=time.second, options=options, remarks=remarks)
    requests = [*_requests(call, envelope, alias=alias)]
    texts = context_without_memory(call, options) if context is None else context
    if texts:
        properties = properties_of({}, own=texts, naming=UNPREFIXED, options=options, remarks=remarks)
        requests.append(envelope.set(properties))
    if options.coalesce_set:
        requests = _coalesced(requests)
    # An alias has no time that could be wrong.
    timed = any(request.second is not None for request in requests)
    warnings = (*(time.warnings if timed else ()), *remarks.warnings())
    return Mapped(requests=tuple(requests), warnings=warnings)


SWITCHED_OFF = CallWarning("switched_off", "the call's integrations switch Kissmetrics off; nothing was sent")
"""The warning for a call that is not `wanted`."""


def _coalesced(requests: Iterable[Request]) -> list[Request]:
    """
    Make one of the requests that set properties in the same second; a later value takes the place of an earlier.
    """
    kept: list[Request] = []
    for request in requests:
        same = (place for place, other in enumerate(kept) if (other.path, other.second) == (SET, request.second))
        place = next(same, None) if request.path == SET else None
        if place is None:
            kept.append(request)
        else:
            first = kept[place]
            properties = {**dict(first.properties), **dict(request.properties)}
            taken = {**dict(first.taken), **dict(request.taken)}
            kept[place] = evolve(first, properties=tuple(properties.items()), taken=tuple(taken.items()))
    return kept


def wanted(call: AnyCall) -> bool:
    """
    Tell whether a call's integrations leave Kissmetrics switched on.

    Everything is on unless ``All`` is false; Kissmetrics by its own name, in any case, goes before ``All``.
    """
    if not call.integrations:
        return True
    switches = {name.lower(): value for name, value in call.integrations.items() if isinstance(name, str)}
    own = switches.get("kissmetrics")
    if own is False:
        return False
    return switches.get("all") is not False or own is True or isinstance(own, Mapping)


def _requests(call: AnyCall, envelope: Envelope, *, alias: bool) -> Iterator[Request]:
    match call:
        case Identify():
            return _identify(call, envelope, alias=alias)
        case Alias():
            return iter(_alias(call, envelope) if alias else ())
        case Group():
            return _group(call, envelope)
        case Track():
            return track_requests(call, envelope)
        case Page() | Screen():
            return view_requests(call, envelope)


def _identify(call: Identify, envelope: Envelope, *, alias: bool) -> Iterator[Request]:
    joined = _joined(call, envelope) if alias else []
    described = _described(call, envelope)
    if envelope.options.identify_order == "alias_first":
        yield from [*joined, *described]
    else:
        yield from [*described, *joined]


def _joined(call: Identify, envelope: Envelope) -> list[Request]:
    if call.user_id is None or call.anonymous_id is None:
        return []
    if envelope.options.alias_direction == "new_old":
        return _alias_of(call.user_id, call.anonymous_id, envelope)
    return _alias_of(call.anonymous_id, call.user_id, envelope)


def _described(call: Identify, envelope: Envelope) -> list[Request]:
    options = envelope.options
    traits = call.traits
    if options.strip_sdk_traits:
        traits = {name: value for name, value in traits.items() if not _repeats_identity(call, name, value)}
    own = {"id": call.user_id} if options.identify_id_trait and call.user_id else {}
    properties = properties_of(traits, own=own, naming=UNPREFIXED, options=options, remarks=envelope.remarks)
    return [envelope.set(properties)] if properties or options.send_empty_set else []


def _repeats_identity(call: Identify, name: object, value: object) -> bool:
    """
    Tell whether a trait is one that mobile SDKs add to every identify: an identity that the call has anyway.
    """
    if isinstance(value, Number) and not isinstance(value, bool):
        value = id_text(value)
    if not isinstance(value, str):
        return False
    return (name == "userId" and fold(value) == call.user_id) or (
        name == "anonymousId" and fold(value) == call.anonymous_id
    )


def _alias(call: Alias, envelope: Envelope) -> list[Request]:
    options = envelope.options
    older = call.previous_id or (call.anonymous_id if options.alias_from_anonymous_id else None)
    if older is None or call.user_id is None:
        return []
    if options.alias_call_direction == "old_new":
        return _alias_of(older, call.user_id, envelope)
    return _alias_of(call.user_id, older, envelope)


def _alias_of(identity: str, other: str, envelope: Envelope) -> list[Request]:
    return [envelope.alias(identity, other)] if identity != other or envelope.options.self_alias else []


def _group(call: Group, envelope: Envelope) -> Iterator[Request]:
    options = envelope.options
    if not options.send_groups:
        envelope.remarks.add(Problem.CALL_NOT_SENT)
        return
    traits = call.traits
    if options.group_title_case:
        traits = {_capitalised(name): value for name, value in traits.items()}
    properties = properties_of(
        traits,
        own={"id": call.group_id},
        naming=prefixed(f"Group{options.prefix_separator}"),
        options=options,
        remarks=envelope.remarks,
        clean=options.group_clean,
    )
    if properties or options.send_empty_set:
        yield envelope.set(properties)


def _capitalised(name: Any) -> Any:  # noqa: ANN401 - a caller's key, which may be no text
    return f"{name[:1].upper()}{name[1:]}" if isinstance(name, str) and name != "id" else name
