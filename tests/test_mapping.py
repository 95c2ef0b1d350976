"""
From one call to its requests: what holds whatever the call, and what its sender is told.
"""

import copy
from urllib.parse import parse_qsl

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from sdkbridge.calls import Alias, Group, Identify, Page, Screen, Track, parse_call
from sdkbridge.errors import InvalidCall
from sdkbridge.kissmetrics.requests import RESERVED, encode
from sdkbridge.mapping import map_call, wanted
from sdkbridge.options import MappingOptions

NOW = 1_600_000_000.9
SECRET = "4111-1111-1111-1111"


def mapped(call, *, alias=True, **options):
    return map_call(call, alias=alias, received=NOW, options=MappingOptions(**options))


def tracked(properties, *, event="E", **options):
    return mapped(Track(user_id="ann", event=event, properties=properties), **options)


def codes(result):
    return [warning.code for warning in result.warnings]


def warning(result, code):
    (found,) = [warning for warning in result.warnings if warning.code == code]
    return found.message


# Which destinations a call is for


@pytest.mark.parametrize(
    ("integrations", "expected"),
    [
        ({}, True),
        ({"All": True}, True),
        ({"Mixpanel": False}, True),
        ({"All": False}, False),
        ({"all": False}, False),
        ({"All": False, "Kissmetrics": True}, True),
        ({"All": False, "KISSmetrics": True}, True),
        ({"All": False, "KISSmetrics": {"key": "x"}}, True),
        ({"All": False, "Kissmetrics": {}}, True),
        ({"All": False, "Kissmetrics": None}, False),
        ({"All": False, "Kissmetrics": "yes"}, False),
        ({"All": False, "Mixpanel": True}, False),
        ({"Kissmetrics": False}, False),
        ({"kissmetrics": False}, False),
        ({"All": True, "KISSmetrics": False}, False),
        ({"Kissmetrics": None}, True),
        ({1: False}, True),
    ],
)
def test_integrations_switch_kissmetrics_on_and_off(integrations, expected):
    """
    A caller's choice of destinations is kept, however Kissmetrics is spelt.
    """
    assert wanted(Track(user_id="ann", event="E", integrations=integrations)) is expected


# Names


def test_an_event_of_255_characters_is_recorded():
    """
    The longest name that Kissmetrics keeps is still an event.
    """
    (request,) = tracked({}, event="x" * 255).requests

    assert request.name == "x" * 255


@pytest.mark.parametrize(
    ("call", "field", "reason"),
    [
        (Track(user_id="ann", event="x" * 256), "event", "too_long"),
        (Page(user_id="ann", name="x" * 250), "name", "too_long"),
        (Screen(user_id="ann", category="x" * 250), "category", "too_long"),
        (Track(user_id="ann", event="\ud800"), "event", "type"),
        (Page(user_id="ann", name="\ud800"), "name", "type"),
    ],
)
def test_an_event_without_a_usable_name_is_refused(call, field, reason):
    """
    A cut name would be another event; the sender is told which member is to blame.
    """
    with pytest.raises(InvalidCall) as refusal:
        mapped(call)

    assert (refusal.value.field, refusal.value.reason) == (field, reason)


def test_a_property_whose_full_name_is_too_long_is_left_out():
    """
    The prefix counts: 251 characters fit behind "E - ", 252 do not.
    """
    result = tracked({"a" * 251: 1, "b" * 252: 2})

    assert result.requests[0].properties == (("E - " + "a" * 251, "1"),)
    assert codes(result) == ["name_too_long"]


@pytest.mark.parametrize("name", sorted(RESERVED | {"_K", "_P"}))
@pytest.mark.parametrize("kind", [Identify, Group])
def test_reserved_names_are_left_out_aloud(name, kind):
    """
    No trait can be mistaken for the request's own parameters, in whatever case.
    """
    call = kind(user_id="ann", traits={name: "x", "plan": "pro"}, **({"group_id": "g"} if kind is Group else {}))
    result = mapped(call, prefix_separator="")
    names = [name for name, _ in result.requests[-1].properties]

    # A group's traits are prefixed, so that none of them is reserved.
    assert (name in names) is False
    assert codes(result) == (["reserved_name"] if kind is Identify else [])


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("_own", "underscore_name"),
        ("a,b", "name_changed"),
        ("a:b", "name_changed"),
        ("Customer ID", "customer_id"),
        ("customer id", "customer_id"),
    ],
)
def test_names_that_kissmetrics_spoils_are_sent_and_said_aloud(name, code):
    """
    The data goes out as the caller wrote it, and the warning names the property.
    """
    result = tracked({name: 1}, prefix_properties=False)

    assert result.requests[0].properties == ((name, "1"),)
    assert repr(name) in warning(result, code)


def test_an_event_that_kissmetrics_renames_is_said_aloud():
    """
    A comma or colon in an event's name becomes a space there.
    """
    assert repr("Signed Up: Web") in warning(tracked({}, event="Signed Up: Web"), "name_changed")


@pytest.mark.parametrize("properties", [{"Plan": 1, "plan": 2}, {"a.b": 1, "a": {"b": 2}}, {"a:b": 1, "a,b": 2}])
def test_two_names_that_are_one_to_kissmetrics_are_said_aloud(properties):
    """
    Case, commas and colons do not tell two properties apart, and a flattened name can meet another.
    """
    assert "same_name_twice" in codes(tracked(properties))


def test_a_property_without_a_name_is_left_out():
    """
    Neither alone nor behind a prefix does an empty name go out.
    """
    result = tracked({"": 1, "a": 2})

    assert result.requests[0].properties == (("E - a", "2"),)
    assert codes(result) == ["empty_name"]


# Values


def test_a_value_of_512_characters_is_long_enough():
    """
    Beyond the limit of Kissmetrics' current page the value is sent all the same, with a warning.
    """
    result = tracked({"a": "x" * 512, "b": "x" * 513})

    assert [len(text) for _, text in result.requests[0].properties] == [512, 513]
    assert "'E - b'" in warning(result, "long_value")
    assert "'E - a'" not in warning(result, "long_value")


def test_warnings_never_show_values():
    """
    A warning may end up in a log; what was said of a person must not.
    """
    bad = {"_k": SECRET, "long": SECRET * 50, "half": SECRET + "\ud800", "odd": [SECRET, object()], "id": SECRET}
    identify = mapped(Identify(user_id="ann", traits={**bad, "a:b": SECRET}, timestamp=SECRET))
    track = tracked({**bad, "revenue": SECRET, "products": SECRET})

    assert len(identify.warnings) == 7
    assert len(track.warnings) == 5
    assert SECRET not in " ".join(str(warning) for warning in (*identify.warnings, *track.warnings))


def test_a_warning_stays_short_however_many_names_there_are():
    """
    One warning for each kind of problem, with the first five names and the number of the others.
    """
    result = tracked({f"{'n' * 200}{number}": object() for number in range(1000)})

    assert codes(result) == ["unsupported_value"]
    assert warning(result, "unsupported_value").endswith(" and 995 more")
    assert len(result.warnings[0].message) < 500


def test_a_name_in_a_warning_can_be_printed():
    """
    A name with half a character in it is shown escaped.
    """
    (message,) = [warning.message for warning in tracked({"\ud800": 1}).warnings]

    assert message.encode()
    assert "\\ud800" in message


# What a call says of itself


@pytest.mark.parametrize("spelling", ["id", "ID", "Id"])
def test_the_user_id_goes_before_a_trait_of_that_name(spelling):
    """
    Kissmetrics would keep one of the two; it must be the right one.
    """
    result = mapped(Identify(user_id="ann", traits={spelling: "other"}))

    assert result.requests[0].properties == (("id", "ann"),)
    assert codes(result) == ["replaced_property"]


def test_the_same_id_again_is_no_matter():
    """
    A trait that repeats the userId, as text or number, needs no warning.
    """
    assert codes(mapped(Identify(user_id="7", traits={"id": 7}))) == []


def test_sdk_traits_are_known_by_their_value_as_the_bridge_keeps_it():
    """
    An e-mail address as userId is folded on its way in; the trait that repeats it is not.
    """
    result = mapped(
        Identify(user_id="ann@shop.example", traits={"userId": " Ann@Shop.example", "anonymousId": None})
    )

    assert result.requests[0].properties == (("id", "ann@shop.example"),)


@pytest.mark.parametrize(
    "call",
    [
        Identify(user_id="ann"),
        Track(user_id="ann", event="E"),
        Page(user_id="ann", name="Home"),
        Screen(user_id="ann", name="Home"),
        Group(user_id="ann", group_id="g"),
        Alias(user_id="ann", previous_id="old"),
    ],
    ids=lambda call: call.type,
)
@pytest.mark.parametrize(
    ("context", "ip", "user_agent"),
    [
        ({"ip": "8.8.8.8", "userAgent": "iPhone"}, "8.8.8.8", "iPhone"),
        ({"ip": "", "userAgent": None}, None, None),
        ({"ip": 8, "userAgent": {"name": "iPhone"}}, None, None),
        ({"ip": "\ud800", "userAgent": "\udfff"}, None, None),
    ],
)
def test_address_and_user_agent_come_from_the_context(call, context, ip, user_agent):
    """
    Every request carries them, and what is no text is not sent.
    """
    result = mapped(evolve(call, context=context))

    assert [(request.ip, request.user_agent) for request in result.requests] == [(ip, user_agent)]


def test_a_call_without_a_time_happens_on_arrival():
    """
    Whole seconds, rounded down.
    """
    assert tracked({}).requests[0].second == 1_600_000_000


# Aliases


@pytest.mark.parametrize(
    "call",
    [
        Identify(user_id="ann", anonymous_id="a-1"),
        Alias(user_id="ann", previous_id="a-1"),
        Alias(user_id="ann", anonymous_id="a-1"),
    ],
)
@pytest.mark.parametrize("alias", [True, False])
def test_an_alias_leaves_only_when_it_was_decided(call, alias):
    """
    The mapping never sends an alias on its own account.
    """
    paths = [request.path for request in mapped(call, alias=alias).requests]

    assert paths.count("/a") == alias


@pytest.mark.parametrize("call", [Identify(user_id="ann"), Identify(anonymous_id="a-1", traits={"a": 1})])
def test_an_identify_of_one_identity_has_nothing_to_join(call):
    """
    Without both sides there is no alias, whatever was decided.
    """
    assert [request.path for request in mapped(call, alias=True).requests] == ["/s"]


# Revenue, orders and experiments


@pytest.mark.parametrize("nothing", [None, "", float("nan")])
def test_a_revenue_that_says_nothing_falls_back_to_the_total(nothing):
    """
    An order that leaves its revenue empty is worth its total.
    """
    result = tracked({"revenue": nothing, "total": 20}, event="Order Completed", prefix_properties=False)

    assert dict(result.requests[0].properties) == {"Billing Amount": "20", "revenue": "20", "total": "20"}
    assert codes(result) == []


def test_revenue_is_found_in_any_case():
    """
    Segment's libraries find Revenue as well as revenue, and it goes out once.
    """
    result = tracked({"Revenue": "$5"}, prefix_properties=False)

    assert dict(result.requests[0].properties) == {"Billing Amount": "5", "revenue": "5"}


def test_the_revenue_goes_before_a_billing_amount_of_the_caller():
    """
    Kissmetrics gets one Billing Amount, the one that Segment would send.
    """
    result = tracked({"revenue": 5, "billing amount": 7})

    assert dict(result.requests[0].properties) == {"Billing Amount": "5", "E - revenue": "5"}
    assert codes(result) == ["replaced_property"]


def test_products_in_any_case_stay_out_of_the_event():
    """
    Products of an order are set one by one however the property is spelt.
    """
    result = tracked({"Products": ({"sku": "a"},)}, event="Order Completed")

    assert [request.properties for request in result.requests] == [(), (("Order Completed - sku", "a"),)]


def test_products_keep_their_distance():
    """
    The second of each product follows from its place, also where others are left out.
    """
    result = tracked({"products": [{"a": 1}, None, {"a": 3}]}, event="Order Completed")

    assert [request.second for request in result.requests] == [1_600_000_000, 1_600_000_000, 1_600_000_002]
    assert "'products[1]'" in warning(result, "unsupported_value")


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"experiment_name": "A"},
        {"experiment_name": ["A"], "variation_name": "b"},
        {"experiment_name": {"a": 1}, "variation_name": object()},
        {"experiment_name": "A", "variation_name": ""},
    ],
)
def test_an_incomplete_experiment_sets_nothing(properties):
    """
    Without the names of both, the event is all there is.
    """
    result = tracked(properties, event="Experiment Viewed", experiment_as_property=True)

    assert [request.path for request in result.requests] == ["/e"]


# Whatever the call

TEXT = st.text(max_size=8) | st.sampled_from(sorted(RESERVED)) | st.just("\ud800")
SINGLE = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.dates()
VALUE = st.recursive(
    SINGLE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)
OBJECT = st.dictionaries(TEXT | st.sampled_from(["revenue", "products", "total", "id", "name"]), VALUE, max_size=5)
ID = st.sampled_from(["ann", "a-1", "2014-01-01"])
CALL = st.one_of(
    st.builds(Identify, user_id=ID, anonymous_id=st.none() | ID, traits=OBJECT, context=OBJECT, timestamp=SINGLE),
    st.builds(
        Track,
        user_id=ID,
        event=st.sampled_from(["E", "_k", "Order Completed", "Experiment Viewed"]),
        properties=OBJECT,
        timestamp=SINGLE,
        sent_at=SINGLE,
    ),
    st.builds(Page, anonymous_id=ID, name=st.none() | ID, category=st.none() | ID, properties=OBJECT),
    st.builds(Screen, anonymous_id=ID, name=st.none() | ID, category=st.none() | ID, properties=OBJECT),
    st.builds(Group, user_id=ID, group_id=ID, traits=OBJECT),
    st.builds(Alias, user_id=ID, previous_id=st.none() | ID, anonymous_id=st.none() | ID),
)
OPTIONS = st.builds(
    MappingOptions,
    prefix_properties=st.booleans(),
    prefix_separator=st.sampled_from([" - ", "-", ""]),
    send_empty_set=st.booleans(),
    product_revenue=st.booleans(),
    experiment_as_property=st.booleans(),
    unnamed_page=st.sampled_from(["drop", "loaded"]),
    object_array=st.sampled_from(["json", "js", "drop"]),
)


@given(CALL, OPTIONS, st.booleans())
def test_every_call_becomes_requests_that_can_be_sent(call, options, alias):
    """
    Whatever callers say: it is about the right person and time, can be encoded, and comes out the same twice.
    """
    untouched = copy.deepcopy(call)
    result = map_call(call, alias=alias, received=NOW, options=options)

    assert repr(call) == repr(untouched)
    assert map_call(call, alias=alias, received=NOW, options=options) == result
    for request in result.requests:
        parameters = request.parameters()
        assert dict(parse_qsl(encode(parameters), keep_blank_values=True)) == parameters
        assert {name for name, _ in request.properties} & RESERVED == set()
        assert all(text for _, text in request.properties)
        assert request.identity == (call.user_id or call.anonymous_id) or request.path == "/a"
        assert (request.second is None) == (request.path == "/a")


@given(CALL)
def test_the_same_call_parsed_from_json_is_mapped_the_same(call):
    """
    A call made by hand and one that came over the wire lead to the same requests.
    """
    members = {
        "userId": "user_id",
        "anonymousId": "anonymous_id",
        "previousId": "previous_id",
        "groupId": "group_id",
        "sentAt": "sent_at",
    }
    same = ["type", "timestamp", "context", "traits", "event", "properties", "name", "category"]
    members |= {name: name for name in same}
    message = {member: getattr(call, name, None) for member, name in members.items()}
    parsed = parse_call(message)

    assert mapped(parsed) == mapped(call)
