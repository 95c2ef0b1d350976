"""
Delivery beside the caller's work: it ends in time, outlives what goes wrong, and harms nobody.
"""

import gc
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from faulty_server import FaultyServer, faulty_server
from freezegun import freeze_time

from identity.database import Database
from sdkbridge import Bridge, BridgeClosed, OutboxFull, background
from sdkbridge.background import DeliveryThread
from sdkbridge.delivery import Delivery, DeliveryProblem, DeliverySettings
from sdkbridge.kissmetrics.client import KissmetricsClient
from sdkbridge.pytest_plugin import RunningKissmetrics


@pytest.fixture
def sink() -> Iterator[FaultyServer]:
    with faulty_server() as server:
        yield server


def run(program: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """
    Run a program in a process of its own.
    """
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def delivery_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("sdkbridge-")]


def test_a_flush_tells_what_came_of_it(tmp_path: Path, sink: FaultyServer) -> None:
    """
    Delivered, given up, and left.
    """
    sink.failing = {"B"}
    sink.answers = [(404, {})]
    # A bridge that delivers by itself might have done so before it is asked to.
    with Bridge(tmp_path / "b.db", api_key="k", url=sink.url, deliver=False) as bridge:
        bridge.track("A", "One")
        first = bridge.flush()
        bridge.track("A", "Two")
        bridge.track("B", "Three")
        second = bridge.flush(timeout=0.5)

    assert (first.delivered, first.dead, first.waiting, first.last_error) == (0, 1, 0, None)
    assert (second.delivered, second.dead, second.waiting, second.last_error) == (1, 0, 1, "answered 500")


def test_closing_does_not_wait_for_what_hangs(tmp_path: Path, kissmetrics: RunningKissmetrics) -> None:
    """
    What is under way is broken off, nothing of it is lost, and a second close does nothing.
    """
    kissmetrics.fail("hang")
    bridge = Bridge(tmp_path / "b.db", api_key="k", url=kissmetrics.url)
    bridge.track("A", "Paid")
    bridge.close(timeout=0.2)
    bridge.close()
    kissmetrics.heal()
    with Bridge(tmp_path / "b.db", api_key="k", url=kissmetrics.url) as bridge:
        assert bridge.flush(timeout=20).waiting == 0

    assert kissmetrics.person("A").event_counts == {"Paid": 1}


END = """
import sys
from sdkbridge import Bridge
bridge = Bridge(sys.argv[1], api_key="k", url=sys.argv[2])
for number in range(20):
    bridge.track(f"person {number}", "Paid")
"""


@pytest.mark.parametrize("end", ["", "sys.exit(0)", "raise ValueError", "import os; os._exit(0)"])
def test_a_program_that_just_ends_loses_nothing(end: str, tmp_path: Path, kissmetrics: RunningKissmetrics) -> None:
    """
    What a second is enough for is delivered, the rest by whoever opens the file next.
    """
    run(END + end, tmp_path / "b.db", kissmetrics.url)
    with Bridge(tmp_path / "b.db", api_key="k", url=kissmetrics.url) as bridge:
        bridge.flush(timeout=20)

    assert [dict(person.event_counts) for person in kissmetrics.people] == [{"Paid": 1}] * 20


def test_a_program_that_just_ends_is_not_held_up(tmp_path: Path, kissmetrics: RunningKissmetrics) -> None:
    """
    A Kissmetrics that hangs keeps no process from ending, nor does a file that is locked.
    """
    kissmetrics.fail("hang")
    done = run(END, tmp_path / "b.db", kissmetrics.url)
    with closing(sqlite3.connect(tmp_path / "b.db")) as database:
        (waiting,) = database.execute("SELECT count(*) FROM outbox").fetchone()

    assert (done.returncode, done.stderr, waiting) == (0, "", 20)


FORK = """
import os, sys
from sdkbridge import Bridge
bridge = Bridge(sys.argv[1], api_key="k", url=sys.argv[2])
bridge.track("before", "Paid")
bridge.flush()
children = []
for child in range(3):
    pid = os.fork()
    if pid == 0:
        bridge.track(f"child {child}", "Paid")
        bridge.flush(timeout=30)
        bridge.close()
        os._exit(0)
    children.append(pid)
bridge.track("parent", "Paid")
codes = [os.waitpid(pid, 0)[1] for pid in children]
waiting = bridge.flush(timeout=30).waiting
bridge.close()
print([waiting, *codes])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_bridge_made_before_a_fork_works_on_both_sides(tmp_path: Path, kissmetrics: RunningKissmetrics) -> None:
    """
    As under a server that loads the application before it forks its workers.
    """
    done = run(FORK, tmp_path / "b.db", kissmetrics.url)

    assert (done.stdout, done.stderr) == ("[0, 0, 0, 0]\n", "")
    counts = {person.identities[0]: dict(person.event_counts) for person in kissmetrics.people}
    assert set(counts) == {"before", "child 0", "child 1", "child 2", "parent"}
    assert all(events == {"Paid": 1} for events in counts.values())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_on_error_cannot_kill_anything(
    error: type[BaseException], tmp_path: Path, sink: FaultyServer, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Whatever the callback raises is logged, once until it works again, and delivery goes on.
    """
    told: list[DeliveryProblem] = []

    def tell(problem: DeliveryProblem) -> None:
        told.append(problem)
        if problem.request != 2:
            raise error

    sink.answers = [(500, {}), (400, {}), (400, {}), (400, {})]
    with Bridge(tmp_path / "b.db", api_key="k", url=sink.url, on_error=tell) as bridge:
        bridge.track("A", "Paid")
        bridge.flush()
        for who in "BC":
            bridge.track(who, "Paid")
            report = bridge.flush()

    assert report.waiting == 0
    assert [(problem.request, problem.what, problem.reason) for problem in told] == [
        (1, "failed", "answered 500"),
        (1, "dead", "answered 400"),
        (2, "dead", "answered 400"),
        (3, "dead", "answered 400"),
    ]
    assert caplog.text.count("on_error failed") == 2


def test_on_error_may_use_the_bridge(tmp_path: Path, sink: FaultyServer) -> None:
    """
    It runs in a thread of its own, so it can count its errors by the bridge itself.
    """
    done = threading.Event()

    def tell(problem: DeliveryProblem) -> None:
        bridge.track("operations", "Delivery failed", {"what": problem.what})
        bridge.flush(timeout=5)
        done.set()

    sink.answers = [(404, {})]
    with Bridge(tmp_path / "b.db", api_key="k", url=sink.url, on_error=tell) as bridge:
        bridge.track("A", "Paid")
        assert done.wait(20)

    assert sink.identities() == ["A", "operations"]


def test_no_thread_is_left_of_a_delivery_that_met_problems(tmp_path: Path, sink: FaultyServer) -> None:
    """
    However often it begins anew, and though somebody is told of each.
    """
    told: list[DeliveryProblem] = []
    with Bridge(tmp_path / "b.db", api_key="k", url=sink.url, deliver=False, on_error=told.append) as bridge:
        for number in range(3):
            sink.answers = [(404, {})]
            bridge.track(f"user {number}", "Paid")
            bridge.flush()
        for thread in delivery_threads():
            thread.join(20)

        assert delivery_threads() == []
    assert [problem.what for problem in told] == ["dead"] * 3


def test_a_signal_handler_that_comes_while_delivery_begins_begins_no_other(
    tmp_path: Path, sink: FaultyServer
) -> None:
    """
    Of two threads the first would be forgotten, and never ended.
    """
    database = Database(tmp_path / "b.db")
    made: list[Delivery] = []

    def make(_: object) -> Delivery:
        if not made:
            made.append(Delivery(database, KissmetricsClient(sink.url).connect, api_key="k"))
            signal.raise_signal(signal.SIGUSR1)
        made.append(Delivery(database, KissmetricsClient(sink.url).connect, api_key="k"))
        return made[-1]

    thread = DeliveryThread(make)
    before = signal.signal(signal.SIGUSR1, lambda *_: thread.wake())
    try:
        thread.wake()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len(made) == 3
    assert [one.name for one in delivery_threads()].count("sdkbridge-delivery") == 1

    thread.end(20, then=database.close)

    assert delivery_threads() == []


def test_closing_does_not_wait_for_a_delivery_that_rests_after_a_fault(
    tmp_path: Path, sink: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Here of a clock that fails whoever delivers.
    """
    monkeypatch.setattr(background, "UNEXPECTED_S", 3600)
    failed = threading.Event()

    def clock() -> float:
        if threading.current_thread() in delivery_threads():
            failed.set()
            raise ZeroDivisionError
        return 1.7e9

    bridge = Bridge(tmp_path / "b.db", api_key="k", url=sink.url, clock=clock)
    bridge.track("A", "Paid")
    assert failed.wait(20)
    bridge.close(timeout=20)

    assert delivery_threads() == []


def test_calls_of_other_threads_meet_a_bridge_that_was_closed_and_nothing_begins_anew(
    tmp_path: Path, sink: FaultyServer
) -> None:
    """
    Whenever they come: what has a receipt is kept, all else is refused as `BridgeClosed`.
    """
    taken: list[int] = []
    refused: list[BaseException] = []
    bridge = Bridge(tmp_path / "b.db", api_key="k", url=sink.url)

    def work() -> None:
        try:
            while True:
                taken.append(len(bridge.track("A", "Paid").requests))
        except Exception as error:  # noqa: BLE001 - it is looked at below
            refused.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    while len(taken) < 50:
        pass
    bridge.close()
    for thread in threads:
        thread.join()

    assert [type(error) for error in refused] == [BridgeClosed] * 8
    assert delivery_threads() == []
    with Bridge(tmp_path / "b.db", api_key="k", url=sink.url, deliver=False) as again:
        outbox = again.status().outbox
        assert outbox.waiting + outbox.delivered == sum(taken)


def test_a_full_outbox_refuses_calls_until_there_is_room(tmp_path: Path, sink: FaultyServer) -> None:
    """
    Nothing of a refused call is kept, and the status counts them.
    """
    with Bridge(tmp_path / "b.db", api_key="k", url=sink.url, deliver=False, outbox_limit=10) as bridge:
        for number in range(10):
            bridge.track("A", f"Event {number}")
        with pytest.raises(OutboxFull, match="10 requests wait"):
            bridge.track("A", "One more", message_id="m")
        status = bridge.status()
        bridge.flush()
        while True:
            try:
                receipt = bridge.track("A", "One more", message_id="m")
            except OutboxFull:
                continue  # it counts again only now and then
            break

    assert (status.outbox.waiting, status.refused_full) == (10, 1)
    assert not receipt.repeated


@pytest.mark.parametrize("kinds", [["track"], ["identify"], ["track", "identify"]])
def test_a_batch_is_taken_whole_where_there_is_room_and_refused_whole_where_there_is_none(
    tmp_path: Path, kinds: list[str]
) -> None:
    """
    Also one that is larger than the limit, whatever is in it: it could never be taken otherwise.
    """
    batch = [
        {"type": kind, "userId": f"u{number}", "anonymousId": f"a{number}", "event": "Paid"}
        for number in range(30)
        for kind in kinds
    ]
    with Bridge(tmp_path / "b.db", api_key="k", deliver=False, outbox_limit=10) as bridge:
        receipts = bridge.accept_batch(batch)
        waiting = bridge.status().outbox.waiting
        with pytest.raises(OutboxFull):
            bridge.accept_batch(batch)
        status = bridge.status()
        assert bridge.accept_batch([]) == []

    assert waiting == sum(len(receipt.requests) for receipt in receipts) >= len(batch)
    assert (status.outbox.waiting, status.refused_full) == (waiting, len(batch))


@pytest.mark.parametrize("wrong", [{"outbox_limit": 0}, {"url": "nowhere"}])
def test_what_cannot_be_is_refused_when_the_bridge_is_made(wrong: dict[str, object], tmp_path: Path) -> None:
    """
    A limit of nothing, or a URL that is none.
    """
    with pytest.raises(ValueError, match=min(wrong)):
        Bridge(tmp_path / "b.db", api_key="k", deliver=False, **wrong)  # type: ignore[arg-type]


def test_nothing_is_sent_while_nothing_can_be_written_down(tmp_path: Path, sink: FaultyServer) -> None:
    """
    On a full disk what was sent would be sent again and again; delivery goes on once there is room.
    """
    stalled = threading.Semaphore(0)

    def tell(problem: DeliveryProblem) -> None:
        if problem.what == "stalled":
            stalled.release()

    with Bridge(tmp_path / "b.db", api_key="k", deliver=False) as bridge:
        for number in range(200):
            bridge.track(f"person {number}", "Paid")
    with closing(sqlite3.connect(tmp_path / "b.db", isolation_level=None)) as full:
        full.execute(
            "CREATE TRIGGER full BEFORE DELETE ON outbox BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
        )
        patience = DeliverySettings(concurrency=2)
        with Bridge(tmp_path / "b.db", api_key="k", url=sink.url, delivery=patience, on_error=tell) as bridge:
            for _ in range(2):
                assert stalled.acquire(timeout=20)
            at_first = len(sink.got)
            assert stalled.acquire(timeout=20)
            later = len(sink.got)
            full.execute("DROP TRIGGER full")
            report = bridge.flush(timeout=30)

    assert at_first == later < 200
    assert report.waiting == 0
    assert Counter(sink.identities()).total() <= 200 + at_first


def test_a_file_locked_by_another_holds_up_nothing_for_ever(tmp_path: Path, sink: FaultyServer) -> None:
    """
    Once the other lets go, what was sent is written down and the rest is sent, each once.
    """
    with Bridge(tmp_path / "b.db", api_key="k", deliver=False) as bridge:
        for number in range(20):
            bridge.track(f"person {number}", "Paid")
    with (
        closing(sqlite3.connect(tmp_path / "b.db", isolation_level=None)) as other,
        Bridge(tmp_path / "b.db", api_key="k", url=sink.url, deliver=False) as bridge,
    ):
        other.execute("BEGIN IMMEDIATE")
        blocked = bridge.flush(timeout=0.2)
        other.execute("COMMIT")
        after = bridge.flush(timeout=30)

    assert (blocked.waiting, after.waiting) == (20, 0)
    assert len(sink.got) == 20


def test_a_kissmetrics_that_is_down_is_asked_by_one_at_a_time(tmp_path: Path) -> None:
    """
    Two hundred people wait, few requests are made, and all arrive once it is back.
    """
    with faulty_server() as sink:
        sink.failing = {f"person {number}" for number in range(200)}
        with Bridge(tmp_path / "b.db", api_key="k", url=sink.url) as bridge:
            for number in range(200):
                bridge.track(f"person {number}", "Paid")
            bridge.flush(timeout=1)
            tried = len(sink.got)
            sink.failing = set()
            report = bridge.flush(timeout=30)

    assert report.waiting == 0
    assert tried < 100


@freeze_time("2026-03-01T12:00:00Z")
def test_frozen_time_does_not_stop_delivery(tmp_path: Path, sink: FaultyServer) -> None:
    """
    A user's tests may freeze the clock: connections, pauses and time-outs go by the real one.
    """
    settings = DeliverySettings(pace=100, concurrency=2)
    with Bridge(tmp_path / "b.db", api_key="k", url=sink.url, delivery=settings) as bridge:
        for number in range(5):
            bridge.track("A", f"Event {number}")
        deadline = threading.Event()
        while bridge.status().outbox.waiting and not deadline.wait(0.01):
            pass

    assert len(sink.got) == 5


def test_a_bridge_that_is_let_go_ends_its_thread(tmp_path: Path, sink: FaultyServer) -> None:
    """
    Nothing goes on for a bridge that nobody can reach any more.
    """
    before = set(delivery_threads())
    bridge = Bridge(tmp_path / "b.db", api_key="k", url=sink.url)
    bridge.track("A", "Paid")
    bridge.flush()
    started = set(delivery_threads()) - before
    del bridge
    gc.collect()
    for thread in started:
        thread.join(20)

    assert started
    assert not any(thread.is_alive() for thread in started)


def test_the_report_of_a_problem_shows_nobody(tmp_path: Path, sink: FaultyServer) -> None:
    """
    A problem names the request by its number; whoever may look up whom it is about can.
    """
    told: list[DeliveryProblem] = []
    sink.answers = [(404, {})]
    with Bridge(tmp_path / "b.db", api_key="secret key", url=sink.url, on_error=told.append) as bridge:
        bridge.track("ann@example.com", "Paid", {"revenue": 5})
        bridge.flush()
    shown = json.dumps([repr(problem) for problem in told])

    assert told[0].request == 1
    assert not any(secret in shown for secret in ("ann", "revenue", "secret"))
