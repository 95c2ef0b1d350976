"""
What Segment's page about its Kissmetrics destination promises, one test each, named after it.
"""

import pytest

from sdkbridge.calls import parse_call
from sdkbridge.mapping import map_call
from sdkbridge.options import options_for

NOW = 1_600_000_000
STAMP = {"_d": "1", "_t": str(NOW)}


def becomes(message, *, alias=False, **settings):
    """
    Return the path and parameters of each request that a call leads to.
    """
    options = options_for("bridge", settings)
    mapped = map_call(parse_call(message), alias=alias, received=NOW, options=options)
    return [(request.path, request.parameters()) for request in mapped.requests]


def test_page():
    """
    `page('Docs')` records "Viewed Docs Page", with the page's properties under "Page - ".
    """
    message = {
        "type": "page",
        "userId": "019mr8mf4r",
        "name": "Docs",
        "properties": {"url": "https://shop.example/docs", "referrer": "https://search.example"},
    }

    assert becomes(message) == [
        (
            "/e",
            {
                "_p": "019mr8mf4r",
                "_n": "Viewed Docs Page",
                **STAMP,
                "Page - name": "Docs",
                "Page - url": "https://shop.example/docs",
                "Page - referrer": "https://search.example",
            },
        )
    ]


@pytest.mark.parametrize(
    ("named", "categorized", "event"),
    [
        (True, True, "Viewed Prices Page"),
        (True, False, "Viewed Prices Page"),
        (False, True, "Viewed Docs Page"),
        (False, False, None),
    ],
)
def test_page_named_and_categorised_toggles(named, categorized, event):
    """
    A page is recorded once, under its name or else its category, as far as each is switched on.
    """
    message = {"type": "page", "userId": "019mr8mf4r", "name": "Prices", "category": "Docs"}
    requests = becomes(message, track_named_pages=named, track_categorized_pages=categorized)

    assert [parameters["_n"] for _, parameters in requests] == ([event] if event else [])


def test_identify():
    """
    `identify` makes the userId the person's identity, then sets the traits as properties of that person.
    """
    message = {"type": "identify", "userId": "019mr8mf4r", "traits": {"gender": "Male", "plan": "pro"}}

    assert becomes(message) == [
        ("/s", {"_p": "019mr8mf4r", **STAMP, "id": "019mr8mf4r", "gender": "Male", "plan": "pro"})
    ]


def test_track():
    """
    `track` records the event with the same properties; revenue is the Billing Amount as well.
    """
    message = {
        "type": "track",
        "userId": "019mr8mf4r",
        "event": "Signed Up",
        "properties": {"plan": "Enterprise", "revenue": 599},
    }

    assert becomes(message, prefix_properties=False) == [
        (
            "/e",
            {
                "_p": "019mr8mf4r",
                "_n": "Signed Up",
                **STAMP,
                "plan": "Enterprise",
                "revenue": "599",
                "Billing Amount": "599",
            },
        )
    ]


def test_group():
    """
    `group` sets the group's id and traits as properties of the person, under "Group - ".
    """
    message = {
        "type": "group",
        "userId": "019mr8mf4r",
        "groupId": "0e8c78ea9d9dsasahjg",
        "traits": {"Name": "Initech", "Employees": 329},
    }

    assert becomes(message) == [
        (
            "/s",
            {
                "_p": "019mr8mf4r",
                **STAMP,
                "Group - id": "0e8c78ea9d9dsasahjg",
                "Group - Name": "Initech",
                "Group - Employees": "329",
            },
        )
    ]


def test_alias():
    """
    `alias` joins the previous identity and the new one.
    """
    message = {"type": "alias", "previousId": "anonymous-id", "userId": "019mr8mf4r"}

    assert becomes(message, alias=True) == [("/a", {"_p": "anonymous-id", "_n": "019mr8mf4r"})]


def test_user_properties_by_traits():
    """
    Traits of an identify become properties of the person, never prefixed.
    """
    ((path, parameters),) = becomes({"type": "identify", "userId": "ann", "traits": {"plan": "pro"}})

    assert path == "/s"
    assert parameters["plan"] == "pro"


def test_user_properties_by_properties():
    """
    Properties of an event become properties of the person too, since Kissmetrics has no others.
    """
    message = {"type": "track", "userId": "ann", "event": "Signed Up", "properties": {"plan": "pro"}}
    ((path, parameters),) = becomes(message)

    assert path == "/e"
    assert parameters["Signed Up - plan"] == "pro"


@pytest.mark.parametrize(("prefixed", "name"), [(False, "foo.bar.prop"), (True, "Signed Up - foo.bar.prop")])
def test_nested_objects_and_arrays(prefixed, name):
    """
    Nested objects are flattened with dots and arrays joined with commas, with the event's name in front or not.
    """
    message = {
        "type": "track",
        "userId": "ann",
        "event": "Signed Up",
        "properties": {"foo": {"bar": {"prop": [1, 2, 3]}}},
    }
    ((_, parameters),) = becomes(message, prefix_properties=prefixed)

    assert parameters[name] == "1,2,3"


def test_experiment_data():
    """
    An A/B testing tool's identify sets the variation as a property of the person.
    """
    message = {"type": "identify", "userId": "ann", "traits": {"Experiment: Red Button": "Red"}}
    ((path, parameters),) = becomes(message)

    assert path == "/s"
    assert parameters["Experiment: Red Button"] == "Red"


def test_experiment_data_from_an_event():
    """
    Segment's Experiment Viewed is an event, and on request a property of the person as well.
    """
    message = {
        "type": "track",
        "userId": "ann",
        "event": "Experiment Viewed",
        "properties": {"experiment_name": "Red Button", "variation_name": "Red"},
    }
    event, variation = becomes(message, experiment_as_property=True)

    assert [event] == becomes(message)
    assert event[1]["_n"] == "Experiment Viewed"
    assert variation == ("/s", {"_p": "ann", **STAMP, "Experiment - Red Button": "Red"})


def test_e_commerce():
    """
    A completed order is an event with its revenue; each product's properties are set, a second apart.
    """
    message = {
        "type": "track",
        "userId": "ann",
        "event": "Order Completed",
        "properties": {
            "order_id": "50314b8e",
            "revenue": 25,
            "products": [{"sku": "45790-32", "price": 19}, {"sku": "46493-32", "price": 3}],
        },
    }

    assert becomes(message) == [
        (
            "/e",
            {
                "_p": "ann",
                "_n": "Order Completed",
                **STAMP,
                "Billing Amount": "25",
                "Order Completed - revenue": "25",
                "Order Completed - order_id": "50314b8e",
            },
        ),
        (
            "/s",
            {"_p": "ann", **STAMP, "Order Completed - sku": "45790-32", "Order Completed - price": "19"},
        ),
        (
            "/s",
            {
                "_p": "ann",
                "_d": "1",
                "_t": str(NOW + 1),
                "Order Completed - sku": "46493-32",
                "Order Completed - price": "3",
            },
        ),
    ]


@pytest.mark.parametrize("event", ["Product Viewed", "Product Added", "Cart Viewed", "Order Refunded"])
def test_e_commerce_events_besides_orders(event):
    """
    The other events of Segment's e-commerce specification are recorded as they are.
    """
    message = {"type": "track", "userId": "ann", "event": event, "properties": {"currency": "USD"}}

    assert becomes(message) == [("/e", {"_p": "ann", "_n": event, **STAMP, f"{event} - currency": "USD"})]
