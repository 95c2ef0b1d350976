"""
Other ways to decide on aliases, and the people that Kissmetrics would count under them.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from attrs import evolve

from identity.database import Database
from sdkbridge import session as sessions
from sdkbridge.calls import Alias, AnyCall, Identify, JSONObject, parse_call
from sdkbridge.ids import IdGenerator
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.mapping import map_call
from sdkbridge.options import MappingOptions, options_for

BRIDGE = options_for("bridge", {})
SEGMENT_SERVER = options_for("segment-server", {})
"""How Segment's server integration maps what `segment_server` decides about."""

Strategy = Callable[[AnyCall], bool]
"""Whether a call's alias is sent."""


def never(call: AnyCall) -> bool:  # noqa: ARG001 - a strategy looks at the call; this one has no need to
    """
    Send no alias at all.
    """
    return False


def segment_server(call: AnyCall) -> bool:
    """
    Send an alias for each identify that carries both ids, and for each alias call, whatever they hold.

    Source: segment-boneyard/integration-kissmetrics 1.2.3, ``lib/mapper.js``.
    """
    if isinstance(call, Alias):
        return call.previous_id is not None and call.user_id is not None
    return isinstance(call, Identify) and call.user_id is not None and call.anonymous_id is not None


def as_sdks_send(messages: Iterable[JSONObject], *, ids: IdGenerator) -> Iterator[AnyCall]:
    """
    Yield calls as Segment's SDKs would send them: what a device does carries its anonymous id and its user id.
    """
    devices: dict[str, sessions.DeviceSession] = {}
    for message in messages:
        device: Any = message.get("device")
        if device is None:
            yield parse_call(message)
            continue
        if device not in devices:
            devices[device] = sessions.begin(device, ids.anonymous_id(device))
        if message["type"] == "reset":
            devices[device] = sessions.reset(devices[device], ids.anonymous_id(device))
            continue
        call = parse_call(message)
        if isinstance(call, Identify):
            devices[device], _ = sessions.identify(devices[device], call.user_id)
        session = devices[device]
        if isinstance(call, Alias):
            yield evolve(call, previous_id=call.previous_id or session.identity)
        else:
            yield evolve(call, user_id=session.user_id, anonymous_id=session.anonymous_id)


def people_under(
    strategy: Strategy, calls: Iterable[AnyCall], *, received: float, options: MappingOptions = BRIDGE
) -> LocalKissmetrics:
    """
    Return a Kissmetrics of its own that was told of the calls under one strategy.

    Args:
        strategy: which aliases are sent.
        calls: as SDKs send them.
        received: the time in seconds since 1970 UTC, for calls that tell none.
        options: how calls are mapped besides.
    """
    kissmetrics = LocalKissmetrics(Database(":memory:"), clock=lambda: received)
    for call in calls:
        if isinstance(call, Alias) and call.previous_id is None:
            continue
        mapped = map_call(call, alias=strategy(call), received=received, options=options)
        for request in mapped.requests:
            kissmetrics.receive(request.path, {"_k": "comparison", **request.parameters()})
    return kissmetrics
