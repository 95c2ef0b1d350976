"""
Many calls in one commit, each for itself.
"""

import signal
import sqlite3
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time
from hypothesis import given, settings
from hypothesis import strategies as st

from identity import StoreError
from sdkbridge import Bridge, BridgeClosed, InvalidCall
from sdkbridge.pytest_plugin import RunningKissmetrics
from sdkbridge.refused import KEPT_MS, RefusedMessage

GOOD = {"type": "track", "userId": "ann", "event": "Good"}
BAD = {"type": "track", "userId": "ann", "messageId": "bad"}


@pytest.fixture
def quiet(tmp_path: Path):
    """
    A bridge that delivers nothing.
    """
    with Bridge(tmp_path / "bridge.db", api_key="key", deliver=False) as bridge:
        yield bridge


def test_each_call_has_its_receipt_or_its_refusal(quiet: Bridge) -> None:
    """
    In the order in which they were given.
    """
    first, second, third, fourth = quiet.accept_batch([GOOD, BAD, "no call", GOOD])

    assert [request.name for request in (*first.requests, *fourth.requests)] == ["Good", "Good"]
    assert (second.field, third.field) == ("event", "message")
    assert quiet.status().outbox.waiting == 2


def test_calls_arrive_as_if_each_had_come_alone(bridge: Bridge, kissmetrics: RunningKissmetrics) -> None:
    """
    A batch is delivered, and its first identify joins once.
    """
    identify = {"type": "identify", "userId": "ann@example.com", "anonymousId": "a-1"}
    bridge.accept_batch([{"type": "track", "anonymousId": "a-1", "event": "Opened"}, identify, identify])
    bridge.flush()

    assert kissmetrics.person("ann@example.com").event_counts == {"Opened": 1}
    assert [request.path for request in kissmetrics.requests].count("/a") == 1


def test_a_repeat_within_a_batch_counts_once(quiet: Bridge) -> None:
    """
    As it would between batches.
    """
    outcomes = quiet.accept_batch([GOOD | {"messageId": "m"}, GOOD | {"messageId": "m"}])

    assert [outcome.repeated for outcome in outcomes] == [False, True]


def test_a_refused_call_leaves_nothing_but_its_refusal(quiet: Bridge) -> None:
    """
    Not even the session of a device that it would have been the first call of.
    """
    quiet.accept_batch([{"type": "identify", "device": "phone", "userId": "x" * 300}, GOOD])
    (refused,) = quiet.refused.latest()

    assert (refused.field, refused.reason) == ("userId", "too_long")
    assert quiet.graph.counts().identities == 1


def test_what_a_refused_call_had_written_is_taken_back(quiet: Bridge) -> None:
    """
    The device's session began before its event's name was seen to be too long; the other calls are taken.
    """
    refused, taken = quiet.accept_batch(
        [GOOD | {"device": "phone", "event": "x" * 300}, GOOD | {"device": "tablet"}]
    )

    assert (refused.field, refused.reason) == ("event", "too_long")
    assert [request.name for request in taken.requests] == ["Good"]
    assert quiet._core.database.rows("SELECT device FROM session") == [("tablet",)]


def test_no_second_is_claimed_twice_by_batches(quiet: Bridge) -> None:
    """
    Neither within a batch nor between two: each event is moved to the next free second, and its receipt says so.
    """
    nine = 1_772_355_600
    at_nine = GOOD | {"timestamp": "2026-03-01T09:00:00Z"}
    batches = [[at_nine, at_nine], [at_nine], [at_nine | {"userId": "bob"}, at_nine], [at_nine, at_nine]]
    receipts = [receipt for batch in batches for receipt in quiet.accept_batch(batch)]
    seconds = [request.second - nine for receipt in receipts for request in receipt.requests]
    queries = quiet._core.database.rows("SELECT query FROM outbox ORDER BY request")

    assert seconds == [0, 1, 2, 0, 3, 4, 5]
    assert [int(query.split("_t=")[1]) - nine for (query,) in queries] == seconds


def test_a_refused_alias_keeps_its_verdict(quiet: Bridge) -> None:
    """
    As it does alone: who asked for it, and why it was refused, stays on record.
    """
    (refused,) = quiet.accept_batch([{"type": "alias", "previousId": "null", "userId": "ann"}])

    assert isinstance(refused, InvalidCall)
    assert quiet.graph.counts().links["refuse"] == 1


def test_what_was_refused_can_be_looked_at(quiet: Bridge) -> None:
    """
    When, what was wrong, and the call itself, the latest first; also what was refused before it came here.
    """
    earlier = RefusedMessage({"x": "\udc00"}, InvalidCall("message", "is no JSON", reason="json"))
    with freeze_time("2026-03-01T09:00:00Z"):
        quiet.accept_batch([BAD], refused=[earlier])
    latest, first = quiet.refused.latest()

    assert (latest.field, latest.reason, latest.problem) == ("event", "required", "is required")
    assert (latest.message_id, latest.at_ms) == ("bad", 1_772_355_600_000)
    assert latest.message == '{"type": "track", "userId": "ann", "messageId": "bad"}'
    assert (first.reason, first.message) == ("json", '{"x": "\\udc00"}')


def test_the_refused_calls_of_somebody_are_found(quiet: Bridge) -> None:
    """
    Those that name one of some identities in any value, the newest first.
    """
    calls = [
        BAD | {"userId": name, "messageId": f"m-{number}"} for number, name in enumerate(("ann", "bob", "ANN"))
    ]
    quiet.accept_batch([*calls, {"type": "track", "userId": "joanna", "messageId": "m-3"}])

    assert [one.message_id for one in quiet.refused.of(["ann", "eve"], limit=5)] == ["m-0"]
    assert [one.message_id for one in quiet.refused.of(["ann", "bob"], limit=1)] == ["m-1"]
    assert quiet.refused.of([], limit=5) == []


def test_refused_calls_are_kept_for_a_while_and_cut(quiet: Bridge) -> None:
    """
    Neither a client that sends nonsense for weeks nor one long call fills the disk.
    """
    with freeze_time("2026-03-01T09:00:00Z"):
        quiet.accept_batch([BAD | {"properties": {"x": "y" * 100_000}}])
    (refused,) = quiet.refused.latest()
    with freeze_time("2026-03-01T09:00:00Z") as time:
        time.tick(KEPT_MS / 1000 + 1)
        quiet.accept_batch([BAD | {"messageId": "new"}])

    assert len(refused.message) == 4_000
    assert [one.message_id for one in quiet.refused.latest()] == ["new"]


def test_only_so_many_are_kept(quiet: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The latest of them.
    """
    monkeypatch.setattr("sdkbridge.refused.KEPT", 3)
    for number in range(10):
        quiet.accept_batch([BAD | {"messageId": f"m-{number}"}])

    assert [one.message_id for one in quiet.refused.latest()] == ["m-9", "m-8", "m-7"]


def test_a_batch_that_cannot_be_written_leaves_nothing(quiet: Bridge) -> None:
    """
    Not the calls before the failure either: whoever sent them sends all of them again.
    """
    connection = sqlite3.connect(quiet._core.database.path)
    connection.execute(
        "CREATE TRIGGER full BEFORE INSERT ON outbox WHEN NEW.query LIKE '%Last%' "
        "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    )
    connection.commit()
    connection.close()
    with pytest.raises(StoreError):
        quiet.accept_batch([GOOD, BAD, GOOD | {"event": "Last"}])

    assert quiet.status().outbox.waiting == 0
    assert quiet.refused.latest() == []


def test_names_of_a_batch_that_was_undone_were_never_written(quiet: Bridge) -> None:
    """
    So that whoever writes them in another case next is the first one.
    """
    connection = sqlite3.connect(quiet._core.database.path)
    connection.execute(
        "CREATE TRIGGER full BEFORE INSERT ON outbox WHEN NEW.query LIKE '%Last%' "
        "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    )
    connection.commit()
    connection.close()
    taken_one_by_one = GOOD | {"device": "phone", "event": "x" * 300}
    with pytest.raises(StoreError):
        quiet.accept_batch([GOOD, GOOD, taken_one_by_one, GOOD | {"event": "Last"}])

    assert quiet.accept(GOOD | {"event": "good"}).warnings == ()


def test_a_fault_in_one_call_costs_the_others_nothing(quiet: Bridge, caplog: pytest.LogCaptureFixture) -> None:
    """
    A message that would fail for ever must not stop all that come with it; nothing of it goes into the log.
    """

    class Secret(dict):
        def items(self) -> object:
            raise RuntimeError("ann@example.com")

    first, second = quiet.accept_batch([GOOD | {"properties": Secret(x=1)}, GOOD])

    assert (first.reason, str(first)) == ("fault", "message met a fault of the bridge (RuntimeError)")
    assert second.requests
    assert "RuntimeError in test_batches.py" in caplog.text
    assert "ann@example.com" not in caplog.text


def test_a_closed_bridge_takes_no_batch(quiet: Bridge) -> None:
    """
    And says so.
    """
    quiet.close()
    with pytest.raises(BridgeClosed):
        quiet.accept_batch([GOOD])


def test_of_each_identity_in_a_batch_it_is_asked_once_whether_it_was_forgotten(quiet: Bridge) -> None:
    """
    And not for each call, so that one who was forgotten makes no later batch dearer.
    """
    asked: list[str] = []

    def note(statement: str) -> None:
        if "FROM tombstone WHERE" in statement:
            asked.append(statement)

    quiet.track("gone", "Came")
    quiet.forget("gone")
    quiet._core.database._store._writer.connection().set_trace_callback(note)
    receipts = quiet.accept_batch([GOOD | {"userId": who} for who in ("ann", "bob") for _ in range(20)])
    (forgotten,) = quiet.accept_batch([GOOD | {"userId": "gone"}])

    assert len(asked) < 10  # once more for who was never seen, and of who was forgotten step by step
    assert all(receipt.requests for receipt in receipts)
    assert not forgotten.requests


def test_a_signal_handler_takes_calls_in_the_middle_of_batches(store_url: str) -> None:
    """
    What it accepted is queued once, and so is what the batches accepted that it interrupted.
    """
    turns, accepted = count(), list[str]()

    with Bridge(store_url, api_key="key", deliver=False) as bridge:

        def handler(number: int, frame: object) -> None:
            message_id = f"handler-{next(turns)}"
            try:
                # An identify decides on a link, for which all that waits is written.
                bridge.identify("bob", anonymous_id=f"a-{message_id}", traits={"x": 1}, message_id=message_id)
                accepted.append(message_id)
            except StoreError:
                pass  # as it may be on PostgreSQL: what it needs is locked by what it interrupted
            signal.setitimer(signal.ITIMER_REAL, 0.003)

        before = signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.003)
        try:
            for batch in range(40):
                ids = [f"batch-{batch}-{number}" for number in range(20)]
                bridge.accept_batch([GOOD | {"userId": message_id, "messageId": message_id} for message_id in ids])
                accepted += ids
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        rows = bridge._core.database.rows("SELECT call FROM outbox WHERE path != '/a'")

    assert sorted(call for (call,) in rows) == sorted(accepted)
    assert any(call.startswith("handler") for call in accepted)


PEOPLE = st.sampled_from(["ann", "bob", "ann@example.com", "a-1", "a-2", "null", "x" * 300])

messages = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["track", "track", "identify", "alias", "page", "group", "reset", "nonsense"]),
        "timestamp": st.sampled_from(["2026-03-01T09:00:00Z", "2026-03-01T09:00:01Z"]),
        "event": st.sampled_from(["Seen", "seen", "Bought", "y" * 300]),
    },
    optional={
        "device": st.sampled_from(["phone", "tablet"]),
        "userId": PEOPLE,
        "anonymousId": PEOPLE,
        "previousId": PEOPLE,
        "groupId": st.just("shop"),
        "messageId": st.sampled_from(["m-1", "m-2", "m-3"]),
        "properties": st.fixed_dictionaries({}, optional={"plan": st.text(max_size=3), "Plan": st.integers()}),
        "traits": st.fixed_dictionaries({}, optional={"name": st.text(max_size=3)}),
        "integrations": st.sampled_from([{}, {"All": False}]),
    },
)


class SameIds:
    """
    Made-up ids that are the same however often some are made up in vain.
    """

    def anonymous_id(self, device: str) -> str:
        """
        Name a device's anonymous identity after it.
        """
        return f"anonymous-{device}"

    def message_id(self) -> str:
        """
        Call each call the same.
        """
        return "call"


def accepted(bridge: Bridge, call: dict[str, object]) -> object:
    """
    Have one call taken alone; return its receipt or why it was refused.
    """
    try:
        return bridge.accept(call)
    except InvalidCall as error:
        return error


def all_that_is_kept(bridge: Bridge) -> dict[str, list[tuple[object, ...]]]:
    """
    Return the rows of every table but that of refused calls, which only batches keep.
    """
    database = bridge._core.database
    return {
        table: sorted(database.rows(f"SELECT * FROM {table}"), key=repr)
        for table in database.tables()
        if table != "refused_call"
    }


APP = {"app": {"version": "2"}}
CARRYING = {"options": {"drop_carried_traits": True, "context_properties": True}}


@pytest.mark.parametrize(
    "refused",
    [
        {"type": "track", "event": "y" * 300, "device": "new"},
        {"type": "track", "event": "y" * 300, "device": "phone", "context": APP},
        {"type": "track", "event": "y" * 300, "device": "phone"},
    ],
    ids=["a new session", "what the device is", "nothing"],
)
def test_of_a_refused_call_nothing_is_kept_that_was_written_before(refused: dict[str, Any]) -> None:
    """
    Whatever it wrote by then, and whatever stands beside it in the batch.
    """
    kept = []
    for calls in ([GOOD], [GOOD, refused], [refused, GOOD]):
        with Bridge(
            ":memory:", api_key="key", deliver=False, ids=SameIds(), clock=lambda: 1_772_355_600.0, **CARRYING
        ) as bridge:
            bridge.accept({"type": "track", "event": "Opened", "device": "phone", "messageId": "opened"})
            outcomes = bridge.accept_batch([call | {"messageId": call["event"]} for call in calls])
            kept.append(all_that_is_kept(bridge))
            assert [isinstance(one, InvalidCall) for one in outcomes] == [call is refused for call in calls]

    assert kept[0] == kept[1] == kept[2]


@settings(deadline=None)
@given(
    st.lists(messages, max_size=12),
    st.integers(2, 12),
    st.sampled_from([{}, {"alias_grace": 60.0}, {"options": {"duplicate_rule": "legacy"}}, CARRYING]),
)
def test_how_calls_are_grouped_makes_no_difference(
    calls: list[dict[str, object]], size: int, arguments: dict[str, Any]
) -> None:
    """
    One by one, or in batches of any size: the same answers, and the same rows in every table.
    """
    answers, kept = [], []
    for together in (False, True):
        with Bridge(
            ":memory:", api_key="key", deliver=False, ids=SameIds(), clock=lambda: 1_772_355_600.0, **arguments
        ) as bridge:
            taken: list[object] = []
            for start in range(0, len(calls), size):
                some = calls[start : start + size]
                taken += bridge.accept_batch(some) if together else [accepted(bridge, call) for call in some]
            answers.append([str(one) if isinstance(one, InvalidCall) else one for one in taken])
            kept.append(all_that_is_kept(bridge))

    assert answers[0] == answers[1]
    assert kept[0] == kept[1]
