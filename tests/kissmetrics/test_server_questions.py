"""
What a Kissmetrics user asks, asked over HTTP.
"""

import json
import urllib.error
import urllib.request
from urllib.parse import urlencode

import pytest

from sdkbridge.pytest_plugin import RunningKissmetrics

KEY = "f1d2d2f924e986ac86fdf7b36c94bcdf32beec15"
START = 1_600_000_000


@pytest.fixture
def asked(kissmetrics: RunningKissmetrics):
    """
    Ann visits on her phone, is aliased, and buys twice on another plan; Bob only visits.
    """
    for path, second, parameters in (
        ("/e", 0, {"_p": "phone", "_n": "Visited", "plan": "free"}),
        ("/a", 0, {"_p": "phone", "_n": "Ann@example.com"}),
        ("/e", 100, {"_p": "Ann@example.com", "_n": "Bought", "amount": "5"}),
        ("/s", 200, {"_p": "Ann@example.com", "plan": "pro"}),
        ("/e", 300, {"_p": "Ann@example.com", "_n": "Bought"}),
        ("/e", 50, {"_p": "bob", "_n": "Visited"}),
    ):
        kissmetrics.local.receive(path, {"_k": KEY, "_d": "1", "_t": str(START + second), **parameters})
    kissmetrics.local.receive("/e", {"_k": "another product", "_p": "eve", "_n": "Visited"})

    def ask(page: str, **parameters: object) -> object:
        query = urlencode({"_k": KEY, **parameters}, doseq=True)
        with urllib.request.urlopen(f"{kissmetrics.url}{page}?{query}", timeout=10) as answer:
            lines = answer.read().splitlines()
            if answer.headers["Content-Type"] == "application/x-ndjson":
                return [json.loads(line) for line in lines]
            return json.loads(lines[0])

    return ask


def refusal(kissmetrics: RunningKissmetrics, target: str) -> tuple[int, str]:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(kissmetrics.url + target, timeout=10)
    with caught.value as answer:
        return answer.code, json.load(answer)["error"]


def test_search(asked) -> None:
    """
    People by a part of an identity, in any case; whether there are more than were asked for.
    """
    found = asked("/search", text="ANN@")

    assert [person["identities"] for person in found["people"]] == [["Ann@example.com", "phone"]]
    assert found["people"][0]["event_counts"] == {"Bought": 2, "Visited": 1}
    assert found["more"] is False
    assert asked("/search", text="o", limit=1)["more"] is True
    assert asked("/search", text="o", limit=2)["more"] is False
    assert asked("/search", text="eve") == {"people": [], "more": False}


def test_timeline(asked) -> None:
    """
    One person's life in order, a line each, with the identity each was sent under.
    """
    kinds = ("second", "kind", "name", "identity", "properties")
    lines = asked("/timeline", identity="phone")

    assert [tuple(line[name] for name in kinds) for line in lines if line["kind"] != "alias"] == [
        (START, "event", "Visited", "phone", {"plan": "free"}),
        (START + 100, "event", "Bought", "Ann@example.com", {"amount": "5"}),
        (START + 200, "properties", None, "Ann@example.com", {"plan": "pro"}),
        (START + 300, "event", "Bought", "Ann@example.com", {}),
    ]
    assert [(line["identity"], line["name"]) for line in lines if line["kind"] == "alias"] == [
        ("phone", "Ann@example.com")
    ]
    assert asked("/timeline", identity="nobody") == []


def test_property(asked) -> None:
    """
    What it was first and last, and at the last or the first time of an event; nothing where there is nothing.
    """
    first, last = {"second": START, "value": "free"}, {"second": START + 200, "value": "pro"}
    whose = {"identity": "phone", "name": "Plan"}

    assert asked("/property", **whose) == {"first": first, "last": last}
    assert asked("/property", **whose, event="bought") == {"at_event": last}
    assert asked("/property", **whose, event="bought", occurrence="first") == {"at_event": first}
    assert asked("/property", **whose, event="left") == {"at_event": None}
    assert asked("/property", identity="bob", name="plan") == {"first": None, "last": None}


def test_funnel(asked) -> None:
    """
    How many did one event after the other, in the order asked for, within a time or not.
    """

    def people(*events: str, **limits: int) -> list[int]:
        return [step["people"] for step in asked("/funnel", event=events, **limits)["steps"]]

    assert asked("/funnel", event=["visited", "Bought"])["steps"] == [
        {"event": "visited", "people": 2},
        {"event": "Bought", "people": 1},
    ]
    assert people("Bought", "Visited") == [1, 0]
    assert people("Visited", "Bought", within=99) == [2, 0]
    assert people("Visited", "Bought", within=100) == [2, 1]


def test_counts(asked) -> None:
    """
    People and events by the last value, the first, or the one at each event.
    """

    def counts(**parameters: str) -> list[tuple[object, ...]]:
        found = asked("/counts", property="plan", **parameters)["counts"]
        return [(one["value"], one["people"], one["events"]) for one in found]

    assert counts() == [("pro", 1, 3), (None, 1, 1)]
    assert counts(event="bought") == [("pro", 1, 2)]
    assert counts(event="bought", value="first") == [("free", 1, 2)]
    assert sorted(counts(event="bought", value="at_event")) == [("free", 1, 1), ("pro", 1, 1)]


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("/search", "text is required"),
        ("/search?text=", "text is required"),
        ("/search?text=a&limit=0", "limit must be a whole number from 1 to 1000"),
        ("/search?text=a&limit=many", "limit must be a whole number from 1 to 1000"),
        ("/search?test=a", "this address takes only text, limit, _k"),
        ("/search?text=%ff", "a parameter is not UTF-8"),
        ("/timeline", "identity is required"),
        ("/property?identity=a", "name is required"),
        ("/property?name=a", "identity is required"),
        ("/property?identity=a&name=b&event=", "event is required"),
        ("/property?identity=a&name=b&occurrence=last", "occurrence goes only with event"),
        ("/property?identity=a&name=b&event=c&occurrence=next", "occurrence must be one of last, first"),
        ("/funnel", "event is required"),
        ("/funnel?event=a&event=", "event is required"),
        ("/funnel?event=a&within=-1", "within must be a whole number from 0 to 1000000000000"),
        ("/funnel?event=a&within=nan", "within must be a whole number from 0 to 1000000000000"),
        ("/counts", "property is required"),
        ("/counts?property=a&value=best", "value must be one of last, first, at_event"),
        ("/counts?property=a&value=at_event", "event is required with value=at_event"),
    ],
)
def test_an_unclear_question_is_refused(kissmetrics: RunningKissmetrics, target: str, problem: str) -> None:
    """
    400, and which parameter is missing or means nothing.
    """
    assert refusal(kissmetrics, target) == (400, problem)


def test_an_empty_event_between_others_is_refused(kissmetrics: RunningKissmetrics) -> None:
    """
    A funnel with a hole in it is a mistake, wherever the hole is.
    """
    assert refusal(kissmetrics, "/funnel?event=&event=a") == (400, "event is required")
