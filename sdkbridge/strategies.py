"""
Whom Kissmetrics would count under other strategies of aliases, with all that they did.
"""

from collections.abc import Iterable, Iterator

from attrs import evolve

from identity.database import Database
from identity.simulate.calls import RESET, Call, read_call
from identity.simulate.devices import Devices
from identity.simulate.numbered import Identities
from identity.simulate.strategies import Strategy
from sdkbridge.calls import Alias, AnyCall, JSONObject, parse_call
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.mapping import map_call
from sdkbridge.options import MappingOptions, options_for

BRIDGE = options_for("bridge", {})
SEGMENT_SERVER = options_for("segment-server", {})
"""How Segment's server integration maps what the strategy of its name decides about."""


def people_under(
    strategy: Strategy, messages: Iterable[JSONObject], *, received: float, options: MappingOptions = BRIDGE
) -> LocalKissmetrics:
    """
    Return a Kissmetrics of its own that was told of calls under one strategy.

    Args:
        strategy: which aliases are sent.
        messages: calls in Segment's spelling; a device's carry the identities of its session, as SDKs send them.
        received: the time in seconds since 1970 UTC, for calls that tell none.
        options: how calls are mapped besides.
    """
    kissmetrics = LocalKissmetrics(Database(":memory:"), clock=lambda: received)
    devices, decide = Devices(screen=strategy.screens), strategy.begin(Identities())
    for message in messages:
        sent = devices.fill(read_call(message))
        aliases = [*decide(sent)]
        if sent.type == RESET:
            continue
        call = _as_sent(message, sent)
        if isinstance(call, Alias) and call.previous_id is None:
            continue
        mapped = map_call(call, alias=bool(aliases), received=received, options=options)
        for request in mapped.requests:
            kissmetrics.receive(request.path, {"_k": "comparison", **request.parameters()})
    return kissmetrics


def as_sdks_send(messages: Iterable[JSONObject]) -> Iterator[AnyCall]:
    """
    Yield calls as Segment's SDKs would send them: what a device does carries its session's identities.
    """
    devices = Devices(screen=False)
    for message in messages:
        sent = devices.fill(read_call(message))
        if sent.type != RESET:
            yield _as_sent(message, sent)


def _as_sent(message: JSONObject, sent: Call) -> AnyCall:
    """
    Return a message as a call that carries the identities it is sent with.
    """
    call = parse_call(message)
    if isinstance(call, Alias):
        return evolve(call, user_id=sent.user_id, previous_id=sent.previous_id)
    return evolve(call, user_id=sent.user_id, anonymous_id=sent.anonymous_id)
