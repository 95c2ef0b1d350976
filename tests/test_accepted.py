"""
Two calls never count once, and one call never counts twice.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.database import Database
from sdkbridge import Bridge
from sdkbridge.acceptance.accepted import FURTHEST_MOVE_S, AcceptedCalls, DuplicateRule
from sdkbridge.kissmetrics.people import LocalKissmetrics, Rules
from sdkbridge.kissmetrics.requests import Request
from sdkbridge.kissmetrics.server import KissmetricsServer
from sdkbridge.options import MappingOptions
from sdkbridge.pytest_plugin import RunningKissmetrics

Take = Callable[[Request], tuple[int, bool]]
"""Claims a second for a request."""


def taking(database: Database, rule: DuplicateRule = "current") -> Take:
    accepted = AcceptedCalls(database, duplicate_rule=rule)

    def take(request: Request) -> tuple[int, bool]:
        with database.transaction() as connection:
            return accepted.take_second(connection, request, at_ms=0)

    return take


@pytest.fixture
def take(any_database: Database) -> Iterator[Take]:
    yield taking(any_database)
    any_database.close()


def event(name: str, second: int, identity: str = "A") -> Request:
    return Request(path="/e", identity=identity, name=name, second=second)


def test_a_second_event_in_one_second_moves_to_the_next_free_one(take: Take) -> None:
    """
    Three clicks in one second are three clicks to Kissmetrics.
    """
    seconds = [take(event("Clicked", 100)) for _ in range(3)]

    assert seconds == [(100, True), (101, True), (102, True)]


@pytest.mark.parametrize("other", [event("Searched", 100), event("Clicked", 100, "B"), event("Clicked", 99)])
def test_what_kissmetrics_tells_apart_is_not_moved(take: Take, other: Request) -> None:
    """
    Another event, another identity or another second needs no room.
    """
    take(event("Clicked", 100))

    assert take(other) == (other.second, True)


@pytest.mark.parametrize("name", ["CLICKED: NOW", "clicked, now", "Clicked  Now"])
def test_names_are_compared_as_kissmetrics_does(take: Take, name: str) -> None:
    """
    Names that differ in case, commas and colons only are one event there.
    """
    take(event("Clicked: now", 100))

    assert take(event(name, 100)) == (101, True)


def test_an_event_is_never_moved_past_what_the_same_identity_did_next(take: Take) -> None:
    """
    Order within a person counts in a funnel: at the next call's second at the latest.
    """
    take(event("Clicked", 100))
    take(event("Bought", 101))
    taken = [take(event("Clicked", 100)) for _ in range(2)]

    assert taken == [(101, True), (100, False)]


def test_beyond_a_minute_an_event_stays_where_it_is(take: Take) -> None:
    """
    A burst that would need more than a minute is reported instead of moved further.
    """
    taken = [take(event("Clicked", 100)) for _ in range(FURTHEST_MOVE_S + 2)]

    assert taken[:-1] == [(100 + n, True) for n in range(FURTHEST_MOVE_S + 1)]
    assert taken[-1] == (100, False)


@given(st.lists(st.tuples(st.sampled_from(["Clicked", "clicked", "Bought"]), st.integers(100, 106)), max_size=30))
def test_no_two_moved_events_share_a_second(calls: list[tuple[str, int]]) -> None:
    """
    Whatever comes: a second that is said to be free is nobody else's, later by at most a minute.
    """
    database = Database()
    take = taking(database)
    used: Counter[tuple[str, int]] = Counter()
    for name, asked in calls:
        second, alone = take(event(name, asked))
        assert asked <= second <= asked + FURTHEST_MOVE_S
        assert alone == (used[name.lower(), second] == 0)
        used[name.lower(), second] += 1
    database.close()


def placed_plainly(requests: list[Request], rule: DuplicateRule) -> list[tuple[int, bool]]:
    """
    Place requests as `AcceptedCalls` promises to, by looking at all that came before.
    """
    done: list[tuple[Request, int, set[str]]] = []
    placed = []
    for request in requests:
        names = {f"event {request.name}"} if request.name else set()
        if rule == "legacy":
            names |= {f"property {name}" for name, _ in request.properties}
        taken = {second for one, second, others in done if one.identity == request.identity and names & others}
        next_place = min(
            (place for one, place, _ in done if one.identity == request.identity and one.second > request.second),
            default=request.second + FURTHEST_MOVE_S,
        )
        furthest = min(next_place, request.second + FURTHEST_MOVE_S)
        free = [second for second in range(request.second, furthest + 1) if second not in taken]
        placed.append((free[0], True) if free else (request.second, False))
        done.append((request, placed[-1][0], names))
    return placed


said = st.builds(
    lambda identity, name, second, properties: Request(
        path="/e" if name else "/s",
        identity=identity,
        name=name,
        second=second,
        properties=tuple((name, "x") for name in properties),
    ),
    st.sampled_from("AB"),
    st.sampled_from(["clicked", "bought", None]),
    st.sampled_from([100, 101, 103, 108, 159, 160, 161, 200]),
    st.sets(st.sampled_from(["plan", "city"])),
)


@given(st.lists(said, max_size=15), st.sampled_from(get_args(DuplicateRule)), st.sampled_from([1, 70]))
def test_seconds_are_those_of_a_plain_model(requests: list[Request], rule: DuplicateRule, crowd: int) -> None:
    """
    Whatever was done before, few or more than a minute holds, each request gets the second that it should.
    """
    requests = requests[:1] * crowd + requests
    database = Database()
    take = taking(database, rule)
    taken = [take(request) for request in requests]
    database.close()

    assert taken == placed_plainly(requests, rule)


class TestProperties:
    """
    Values of one property in one second: lost only by Kissmetrics' legacy rule.
    """

    @staticmethod
    def said(second: int, **properties: str) -> Request:
        return Request(path="/s", identity="A", second=second, properties=tuple(properties.items()))

    def test_they_stay_where_they_are(self, take: Take) -> None:
        """
        The current rule keeps both values, so nothing is moved.
        """
        taken = [take(self.said(100, plan=plan)) for plan in ("free", "pro")]

        assert taken == [(100, True), (100, True)]

    def test_they_are_moved_under_the_legacy_rule(self) -> None:
        """
        Each of them waits for a second in which none of its properties has a value; an event's count, too.
        """
        database = Database()
        take = taking(database, "legacy")
        bought = Request(path="/e", identity="A", name="plan", second=100, properties=(("PLAN", "pro"),))
        requests = [
            self.said(100, plan="free"),
            bought,
            self.said(100, city="Oslo"),
            self.said(100, plan="x", a="b"),
        ]
        taken = [take(request) for request in requests]
        database.close()

        assert taken == [(100, True), (101, True), (100, True), (102, True)]

    def test_they_may_be_thousands(self) -> None:
        """
        More than a statement takes parameters, or conditions.
        """
        database = Database()
        take = taking(database, "legacy")
        many = {f"property {number}": "x" for number in range(40_000)}
        taken = [take(self.said(100, **many)) for _ in range(2)]
        database.close()

        assert taken == [(100, True), (101, True)]

    def test_the_local_kissmetrics_loses_none(self, tmp_path: Path) -> None:
        """
        Two changes of plan in one second arrive as two under the rule of 2016, and the receipt says so.
        """
        kissmetrics = LocalKissmetrics(Database(), rules=Rules(duplicate_rule="legacy"))
        options = MappingOptions(duplicate_rule="legacy")
        with (
            KissmetricsServer(kissmetrics) as server,
            Bridge(tmp_path / "b.db", api_key="k", url=server.url, options=options) as bridge,
        ):
            for plan in ("free", "pro"):
                receipt = bridge.identify("ann", {"plan": plan}, timestamp=1_700_000_000)
            bridge.flush()

        assert [warning.code for warning in receipt.warnings] == ["same_second"]
        assert [value.value for value in kissmetrics.history("ann", "plan")] == ["free", "pro"]


def test_the_bridge_says_what_it_could_not_keep_apart(tmp_path: Path) -> None:
    """
    Past the limit, the receipt carries the warning dense.
    """
    with Bridge(tmp_path / "b.db", api_key="k", url="http://127.0.0.1:9", deliver=False) as bridge:
        receipts = [bridge.track("A", "Clicked", timestamp=1_700_000_000) for _ in range(62)]

    codes = [[warning.code for warning in receipt.warnings] for receipt in receipts]
    assert codes == [[], *[["same_second"]] * 60, ["dense"]]


def test_a_repeated_message_id_is_one_call(bridge: Bridge, kissmetrics: RunningKissmetrics) -> None:
    """
    The same message again, on whatever way, does nothing and says so.
    """
    first = bridge.track("A", "Clicked", message_id="m-1")
    again = [
        bridge.track("A", "Clicked", message_id="m-1"),
        bridge.device("phone").track("Bought", message_id="m-1"),
    ]
    bridge.flush()

    assert not first.repeated
    assert all(receipt.repeated and not receipt.requests for receipt in again)
    assert events(kissmetrics.local) == {"Clicked": 1}


def test_the_same_call_without_a_message_id_is_two_calls(bridge: Bridge, kissmetrics: RunningKissmetrics) -> None:
    """
    Two identical clicks in one second, made by two calls, count twice.
    """
    for _ in range(2):
        bridge.track("A", "Clicked", timestamp=1_700_000_000)
    bridge.flush()

    assert events(kissmetrics.local) == {"Clicked": 2}


def events(kissmetrics: LocalKissmetrics) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for person in kissmetrics.people():
        counts.update(person.event_counts)
    return dict(counts)
