"""
A flush delivers what waits, and takes no longer than it is told to.
"""

import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from secrets import token_hex

import pytest
from faulty_server import FaultyServer, faulty_server
from postgres_server import shared_server

from identity.errors import StoreError
from sdkbridge import Bridge, BridgeClosed, FlushReport


@pytest.fixture
def sink() -> Iterator[FaultyServer]:
    with faulty_server() as server:
        yield server


def test_a_file_locked_by_another_holds_up_no_flush_that_has_aliases_to_queue(
    tmp_path: Path, sink: FaultyServer
) -> None:
    """
    Their grace is over. They are queued and delivered by a flush once the other has let go.
    """
    now = 1.7e9
    with (
        Bridge(
            tmp_path / "b.db",
            api_key="k",
            url=sink.url,
            deliver=False,
            alias_grace=1,
            clock=lambda: now,
        ) as bridge,
        closing(sqlite3.connect(tmp_path / "b.db", isolation_level=None)) as other,
    ):
        phone = bridge.device("phone")
        phone.track("Opened")
        phone.identify("ann")
        now += 2
        other.execute("BEGIN IMMEDIATE")
        blocked = bridge.flush(timeout=0.2)
        other.execute("COMMIT")
        after = bridge.flush(timeout=30)

    assert (blocked.delivered, blocked.waiting) == (0, 2)
    assert after.waiting == 0
    assert sorted(path for _, path, _ in sink.got) == ["/a", "/e", "/s"]


def test_a_server_that_is_away_holds_up_neither_a_flush_nor_a_close() -> None:
    """
    It can be asked for longer than a flush has time; what was taken is there when it is back.
    """
    with shared_server(token_hex(8)) as server, server.empty_schema() as url:
        bridge = Bridge(url, api_key="k", deliver=False)
        bridge.track("ann", "Paid")
        server.control("stop", "-m", "fast")
        try:
            with pytest.raises(StoreError, match=r"did not answer in the 0\.2 s of a flush"):
                bridge.flush(timeout=0.2)
            bridge.close(timeout=0.2)
        finally:
            server.start_again()
        with Bridge(url, api_key="k", deliver=False) as again:
            assert again.status().outbox.waiting == 1


def test_a_flush_of_a_bridge_that_is_closed_meanwhile_says_so(tmp_path: Path, sink: FaultyServer) -> None:
    """
    What could not be delivered by then waits in the file.
    """
    sink.failing = {"ann"}
    bridge = Bridge(tmp_path / "b.db", api_key="k", url=sink.url, deliver=False)
    bridge.track("ann", "Paid")
    closing_soon = threading.Timer(0.3, bridge.close)
    closing_soon.start()
    with pytest.raises(BridgeClosed):
        bridge.flush(timeout=60)
    closing_soon.join()

    with Bridge(tmp_path / "b.db", api_key="k", deliver=False) as again:
        assert again.status().outbox.waiting == 1


@pytest.mark.parametrize("timeout", [None, "1", True, float("nan")])
def test_a_time_that_is_none_is_refused(timeout: object) -> None:
    """
    As what it is, and before anything is done.
    """
    with Bridge(":memory:", api_key="k", deliver=False) as bridge:
        for ask in (bridge.flush, bridge.close):
            with pytest.raises(TypeError, match="timeout must be a number of seconds"):
                ask(timeout=timeout)  # type: ignore[arg-type]
        bridge.track("ann", "Paid")


def test_a_flush_is_not_ended_by_another_one_whose_time_is_over(tmp_path: Path, sink: FaultyServer) -> None:
    """
    Of a bridge that only flushes deliver: the one that ends stops what delivers for both.
    """
    with Bridge(tmp_path / "b.db", api_key="k", url=sink.url, deliver=False, pace=40) as bridge:
        for number in range(40):
            bridge.track(f"person {number}", "Paid")
        short = threading.Timer(0.1, bridge.flush, kwargs={"timeout": 0.2})
        short.start()
        report = bridge.flush(timeout=60)
        short.join()

    assert report.waiting == 0
    assert len(sink.got) == 40


def test_a_flush_in_the_middle_of_a_call_does_not_wait_for_what_that_call_holds(
    tmp_path: Path, sink: FaultyServer
) -> None:
    """
    A signal handler's: whoever delivers must write, and cannot before the call has ended.
    """
    reports: list[FlushReport] = []

    class Interrupting(dict[str, object]):
        def get(self, name: str, default: object = None) -> object:
            if name == "event" and not reports:
                signal.raise_signal(signal.SIGUSR1)
            return super().get(name, default)

    with Bridge(tmp_path / "b.db", api_key="k", url=sink.url, deliver=False) as bridge:
        bridge.track("ann", "Paid")
        before = signal.signal(signal.SIGUSR1, lambda *_: reports.append(bridge.flush(timeout=3600)))
        try:
            bridge.accept_batch([Interrupting(type="track", userId="bob", event="Paid")])
        finally:
            signal.signal(signal.SIGUSR1, before)
        after = bridge.flush(timeout=60)

    assert [report.delivered for report in reports] == [0]
    assert after.waiting == 0


@pytest.mark.parametrize("timeout", [1e12, float("inf")])
def test_a_time_without_end_is_the_longest_that_there_is(
    timeout: float, tmp_path: Path, sink: FaultyServer
) -> None:
    """
    Longer than a lock can wait.
    """
    bridge = Bridge(tmp_path / "b.db", api_key="k", url=sink.url, deliver=False)
    bridge.track("ann", "Paid")

    assert bridge.flush(timeout=timeout).waiting == 0
    bridge.close(timeout=timeout)
    assert [path.name for path in tmp_path.iterdir()] == ["b.db"]
