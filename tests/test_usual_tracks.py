"""
A track that is taken in one go is what would come of it step by step.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import count
from types import MappingProxyType
from typing import Any
from unittest.mock import ANY

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from made_messages import RECEIVED, Maker

from identity.ids import IdentityKind
from sdkbridge import Bridge, InvalidCall
from sdkbridge.acceptance.admission import admit
from sdkbridge.acceptance.stamping import stamp_message
from sdkbridge.acceptance.usual_tracks import UsualTracks
from sdkbridge.calls import Track, parse_call
from sdkbridge.kissmetrics.requests import Request, encode
from sdkbridge.mapping import map_call, wanted
from sdkbridge.options import PROFILES, MappingOptions, options_for
from sdkbridge.receipt import CallWarning

OPTIONS = {
    **{profile: options_for(profile, {}) for profile in PROFILES},
    "prefixed": options_for("bridge", {"prefix_properties": True, "order_total_fallback": "both"}),
    "other names": options_for("bridge", {"lifecycle_names": "kissmetrics", "experiment_as_property": True}),
    "as orders are": options_for("bridge", {"order_clean": False, "order_event_pattern": "Order"}),
    "without context": options_for("bridge", {"forward_ip": False, "forward_user_agent": False}),
}
MADE = [Maker("usual tracks").message().message for _ in range(2000)]

SERVER = {
    "type": "track",
    "messageId": "m-1",
    "userId": "ann@example.com",
    "event": "Signed Up",
    "timestamp": "2023-11-14T22:00:00.000Z",
    "properties": {"plan": "pro", "price": 12.5, "zip": "10115", "cart": {"id": "c-1", "tags": ["a", "b"]}},
    "context": {"library": {"name": "analytics-python", "version": "2.4.0"}},
    "integrations": {},
}
PHONE = SERVER | {
    "anonymousId": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "sentAt": "2023-11-14T22:00:02.000Z",
    "context": {"ip": "203.0.113.7", "userAgent": "Shop/3.2 (iPhone; iOS 18.1)"},
}

Step = tuple[str | None, str, IdentityKind, str, Request, tuple[CallWarning, ...]]


def step_by_step(message: dict[str, Any], options: MappingOptions) -> Step:
    call = parse_call(message)
    assert isinstance(call, Track)
    assert wanted(call)
    admitted = admit(call, long_id=options.long_id)
    stamped = stamp_message(admitted)
    assert stamped.proposed is None
    mapped = map_call(stamped.call, alias=False, received=RECEIVED, options=options)
    (request,) = mapped.requests
    return (
        call.message_id,
        request.identity,
        IdentityKind.NAMED if stamped.call.user_id else IdentityKind.ANONYMOUS,
        stamped.lane,
        request,
        admitted.warnings + mapped.warnings,
    )


def in_one_go(message: dict[str, Any], options: MappingOptions) -> Step | None:
    tracks = UsualTracks(options)
    track = tracks.of(message)
    who = None if track is None else tracks.who(track)
    request = None if track is None or who is None else track.request(who.identity, RECEIVED)
    if track is None or who is None or request is None:
        return None
    return (track.message_id, who.identity, who.kind, who.lane, request, track.warnings)


ODD = [ANY, None, "", " ", "x", 7, True, [], {}, "\ud83d", "é", {"All": False}, {"ip": 7}, ["a"], "n" * 256]
CHANGES: dict[str, list[Any]] = {
    "type": ["Track", "page", "identify"],
    "messageId": ["m-2", "m\n"],
    "userId": [" Ann@Example.com ", "null", "0f8fad5b-d9cb-469f-a165-70867728950e", "n" * 255],
    "anonymousId": ["ann@example.com", "Ann@Example.com", "guest", "7"],
    "event": ["Order Completed", "Application Opened", "Experiment Viewed", "a:b", "a, b", "_x", "v" * 255],
    "timestamp": [
        *("2023-11-14T22:00:00Z", "2008-01-01T00:00:00Z", "2033-01-01T00:00:00Z", "2023-11-14", "soon"),
        *(1.6e9, 1.6e12, "2023-11-14T23:59:60Z", "2023-11-14T22:00:00+01:00"),
    ],
    "sentAt": ["2023-11-14T22:00:00Z", "2023-11-14T22:20:00Z", "2033-01-01T00:00:00Z", 1.6e9, "soon"],
    "context": [{"ip": "203.0.113.7"}, {"userAgent": " "}, {"ip": "\ud83d"}, {"traits": {"plan": "pro"}}],
    "integrations": [{"All": True}, {"Kissmetrics": False}],
    "properties": [
        *({}, {"plan": "pro", "n": 1}, {"price": "12"}, {"_p": "x"}, {"_x": "y"}, {"plan": "v" * 600}),
        *({"Revenue": 5}, {"revenue": {"a": 1}}, {"TOTAL": "5"}, {"total": 5, "n": 1}),
        *({"products": []}, {"products": [{"name": "Hat"}]}, {"Products": {"a": 1}}),
        *({"products": {}}, {"Revenue": {"a": {}}, "n": 1}, {"Total": {}}, {"cart": {"revenue": {}}}),
        *({"experiment_name": "Hats", "variation_name": "red"}, {"a": {"b": {"c": None}}}),
    ],
}
ONE_CHANGE = [(name, value) for name, values in CHANGES.items() for value in (*values, *ODD)]


def check(message: dict[str, Any], options: MappingOptions) -> bool:
    """
    Compare both ways, if it can be taken in one go; return whether it can.
    """
    found = in_one_go(message, options)
    if found is None:
        return False
    expected = step_by_step(message, options)
    assert found == expected
    assert found[4].query() == encode(expected[4].parameters())
    return True


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
@pytest.mark.parametrize("message", [SERVER, PHONE], ids=["server", "phone"])
def test_whatever_is_odd_is_looked_at_closer(message: dict[str, Any], options: MappingOptions) -> None:
    """
    Anything in the place of any one member, and each event with each set of properties.
    """
    changed = [message | {name: value} for name, value in ONE_CHANGE]
    for event in CHANGES["event"]:
        changed += [message | {"event": event, "properties": properties} for properties in CHANGES["properties"]]
    taken = [check(one, options) for one in changed]

    # Where clocks are not the senders', all are.
    assert (True in taken) == (options.timestamp_policy == "device")
    assert False in taken


some_values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)


@given(
    message=st.builds(
        lambda message, changed, properties: message | {"properties": properties} | dict(changed),
        st.sampled_from([SERVER, PHONE]),
        st.lists(st.sampled_from(ONE_CHANGE), max_size=2),
        st.dictionaries(st.sampled_from(["plan", "Plan", "total", "é"]), some_values | st.lists(some_values)),
    )
    | st.sampled_from(MADE),
    options=st.sampled_from([one for one in OPTIONS.values() if one.timestamp_policy == "device"]),
)
def test_a_usual_track_is_what_comes_of_it_step_by_step(message: dict[str, Any], options: MappingOptions) -> None:
    """
    The same message id, identity, lane, request and warnings; whatever else there is to it is left alone.
    """
    check(message, options)


@pytest.mark.parametrize("options", [OPTIONS["bridge"], OPTIONS["prefixed"]], ids=["bridge", "prefixed"])
@pytest.mark.parametrize(
    "message",
    [SERVER, PHONE, PHONE | {"userId": None}, {"type": "track", "userId": "ann", "event": "Signed Up"}],
    ids=["of a server", "of a phone", "of nobody yet", "of few words"],
)
def test_usual_tracks_are_taken_in_one_go(message: dict[str, Any], options: MappingOptions) -> None:
    """
    As Segment's libraries send them, again and again.
    """
    for _ in range(2):
        assert check(message, options)


@pytest.mark.parametrize("device", [{}, {"device": "phone"}], ids=["by itself", "on a device"])
@pytest.mark.parametrize("member", ["userId", "anonymousId"])
@pytest.mark.parametrize("unreadable", [True, ["ann"], {"id": 7}, math.nan, "half \ud83d"], ids=repr)
def test_an_identity_that_cannot_be_read_refuses_a_call(
    unreadable: object, member: str, device: dict[str, str]
) -> None:
    """
    Also one that was taken before, and one on a device, where no identity of the call's own counts.
    """
    with Bridge(":memory:", api_key="key", deliver=False) as bridge:
        bridge.accept(SERVER | device)

        for message_id in ("m-1", "m-2"):
            with pytest.raises(InvalidCall, match=member):
                bridge.accept(SERVER | device | {"messageId": message_id, member: unreadable})


class CountedIds:
    """
    The same ids each time.
    """

    def __init__(self) -> None:
        self._numbers = count()

    def anonymous_id(self, device: str) -> str:
        return f"{device}-{next(self._numbers)}"

    def message_id(self) -> str:
        return f"made-{next(self._numbers)}"


def kept(
    calls: Sequence[Mapping[str, Any]], *, as_batch: bool, forget: str | None
) -> tuple[list[Any], dict[str, list[Any]]]:
    """
    Return what comes of calls at a bridge, and all that it keeps of them.
    """
    with Bridge(
        ":memory:",
        api_key="key",
        deliver=False,
        clock=lambda: RECEIVED,
        ids=CountedIds(),
        options={"context_properties": True},
    ) as bridge:
        for name in ("eve", "ann"):
            bridge.track(name, "Left", message_id=f"m-{name}")
        bridge.track(anonymous_id="a-1", event="Left", message_id="m-a-1")
        if forget is not None:
            bridge.forget(forget)
        if as_batch:
            outcomes: list[Any] = [
                str(one) if isinstance(one, InvalidCall) else one for one in bridge.accept_batch(calls)
            ]
        else:
            outcomes = [_taken(bridge, call) for call in calls]
        database = bridge._core.database
        tables = {
            table: sorted(database.rows(f"SELECT * FROM {table}"), key=repr)
            for table in database.tables()
            if table not in {"tombstone_key", "tombstone", "refused_call"}
        }
        return outcomes, tables


def _taken(bridge: Bridge, call: Mapping[str, Any]) -> Any:
    try:
        return bridge.accept(call)
    except InvalidCall as error:
        return str(error)


IDENTIFY = {"type": "identify", "context": {"app": {"version": "3.2.2"}}}
APP = {"app": {"version": "3.2.1"}, "os": {"name": "iOS"}}


@given(
    calls=st.lists(
        st.builds(
            lambda message, number, event, who: (
                message | {"messageId": f"m-{number}", "event": event, "userId": who}
            ),
            st.sampled_from([SERVER, PHONE, PHONE | {"anonymousId": "a-1", "context": APP}])
            | st.sampled_from(MADE),
            st.integers(0, 5),
            st.sampled_from(["Signed Up", "signed up"]),
            st.sampled_from(["ann", "bob", "eve", "null", None]),
        ),
        max_size=6,
    ),
    device=st.sampled_from([{}, {"device": "phone"}]),
    as_batch=st.booleans(),
    forget=st.sampled_from([None, "eve", "ann", "a-1"]),
)
@example(
    calls=[IDENTIFY | {"userId": "ann", "messageId": "m-1"}, SERVER | {"messageId": "m-2"}],
    device={"device": "phone"},
    as_batch=False,
    forget=None,
)
@example(
    calls=[IDENTIFY | {"userId": None, "messageId": "m-1"}, SERVER | {"messageId": "m-2"}],
    device={"device": "phone"},
    as_batch=False,
    forget=None,
)
@example(
    calls=[SERVER | {"messageId": "m-1"}, SERVER | {"messageId": "m-2", "anonymousId": "eve"}],
    device={},
    as_batch=False,
    forget="eve",
)
@example(
    calls=[
        SERVER | {"messageId": f"m-{number}", "userId": who, "anonymousId": None if who else "a-1"}
        for number, who in enumerate(["ann", "eve", "ann", "bob", "eve", "bob", None, None, "ann"])
    ],
    device={},
    as_batch=True,
    forget="ann",
)
def test_a_bridge_keeps_the_same_of_both(
    calls: list[dict[str, Any]], device: dict[str, str], *, as_batch: bool, forget: str | None
) -> None:
    """
    Also of repeats, of somebody who was forgotten, of several at one second, and on a device. A mapping that is no
    dictionary is never taken in one go.
    """
    messages = [call | device for call in calls]
    step_by_step = [MappingProxyType(message) for message in messages]

    assert kept(messages, as_batch=as_batch, forget=forget) == kept(step_by_step, as_batch=as_batch, forget=forget)
