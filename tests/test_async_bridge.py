"""
What the bridge promises to programs on asyncio: the same as to others, without holding up their loop.
"""

import asyncio
import inspect
import os
import sqlite3
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from sdkbridge import AsyncBridge, AsyncDevice, Bridge, BridgeClosed, Device, InvalidCall, Outcome, Receipt
from sdkbridge.pytest_plugin import RunningKissmetrics


def public(kind: type) -> dict[str, list[inspect.Parameter] | None]:
    """
    The public names of a class, with the parameters of those that are called.
    """
    found: dict[str, list[inspect.Parameter] | None] = {}
    for name, member in inspect.getmembers(kind):
        if name == "__init__" or not name.startswith("_"):
            parameters = inspect.signature(member).parameters.values() if callable(member) else None
            found[name] = None if parameters is None else list(parameters)
    return found


@pytest.mark.parametrize(("waiting", "awaited"), [(Bridge, AsyncBridge), (Device, AsyncDevice)])
def test_both_twins_have_the_same_names_and_parameters(waiting: type, awaited: type) -> None:
    """
    Whoever knows one knows the other.
    """
    assert public(waiting) == public(awaited)


def test_what_is_awaited_is_committed_and_delivered(store_url: str, kissmetrics: RunningKissmetrics) -> None:
    """
    On each kind of store, from a device's first event to the person at Kissmetrics.
    """

    async def work() -> None:
        async with AsyncBridge(store_url, api_key="k", url=kissmetrics.url) as bridge:
            phone = bridge.device("A1")
            await phone.track("Opened")
            assert await phone.is_anonymous
            receipt = await phone.identify("ann", {"plan": "pro"})
            assert [str(verdict.outcome) for verdict in receipt.verdicts] == ["merge"]
            assert (await phone.identity, await phone.traits) == ("ann", {"plan": "pro"})
            await bridge.track("ann", "Paid", {"revenue": 5})
            batch = await bridge.accept_batch([{"type": "track", "userId": "ann", "event": "Left"}, {"type": "?"}])
            assert isinstance(batch[1], InvalidCall)
            report = await bridge.flush(timeout=20)
            assert (report.waiting, report.dead) == (0, 0)
            assert (await bridge.status()).outbox.waiting == 0
            await bridge.check()

    asyncio.run(work())
    (person,) = kissmetrics.people

    assert dict(person.event_counts) == {"Opened": 1, "Paid": 1, "Left": 1}


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """
    Keep a file locked, as another program would.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def commits(path: Path) -> int:
    """
    How many commits a write-ahead log holds: the frames that say how large the database is after them.
    """
    log = path.with_name(f"{path.name}-wal").read_bytes()
    (page_size,) = struct.unpack_from(">I", log, 8)
    frames = range(32, len(log), 24 + page_size)
    return sum(struct.unpack_from(">I", log, frame + 4)[0] > 0 for frame in frames)


def test_a_locked_file_holds_up_no_loop_and_waiting_tasks_share_a_commit(tmp_path: Path) -> None:
    """
    However many tasks wait, they need two commits: that of the first, and that of those who came meanwhile.
    """
    path = tmp_path / "b.db"

    async def work() -> int:
        async with AsyncBridge(path, api_key="k", deliver=False) as bridge:
            await bridge.track("ann", "First")
            before = commits(path)
            with locked(path):
                tasks = [asyncio.create_task(bridge.track(f"user {n}", "Paid")) for n in range(200)]
                for _ in range(100):
                    await asyncio.sleep(0)
                assert not any(task.done() for task in tasks)
            receipts = await asyncio.gather(*tasks)
            assert len({receipt.message_id for receipt in receipts}) == 200
            assert bridge.outbox.counts().waiting == 201
            return commits(path) - before

    assert 1 <= asyncio.run(work()) <= 2


def test_a_cancelled_task_leaves_a_whole_call_or_none(tmp_path: Path) -> None:
    """
    What was handed in before the cancellation is kept, and recognised when it is repeated; the bridge goes on.
    """

    async def work() -> tuple[bool, int]:
        async with AsyncBridge(tmp_path / "b.db", api_key="k", deliver=False) as bridge:
            await bridge.track("ann", "First")
            with locked(tmp_path / "b.db"):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(bridge.track("ann", "Paid", message_id="m1"), timeout=0.01)
                closing_too_soon = asyncio.create_task(bridge.status())
                await asyncio.sleep(0)
                closing_too_soon.cancel()
            again = await bridge.track("ann", "Paid", message_id="m1")
            return again.repeated, bridge.outbox.counts().waiting

    assert asyncio.run(work()) == (True, 2)


def test_a_refused_call_costs_others_nothing_and_its_verdict_is_kept(tmp_path: Path) -> None:
    """
    Also when they share a commit.
    """

    async def work() -> list[object]:
        async with AsyncBridge(tmp_path / "b.db", api_key="k", deliver=False) as bridge:
            calls = (bridge.track("ann", "Paid"), bridge.track(), bridge.alias("null", "bob"))
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
            kinds = [isinstance(outcome, InvalidCall) for outcome in outcomes]
            return [*kinds, bridge.outbox.counts().waiting, bridge.graph.counts().links[Outcome.REFUSE]]

    assert asyncio.run(work()) == [False, True, True, 1, 1]


def test_closing_twice_does_nothing_and_a_closed_bridge_says_so(tmp_path: Path) -> None:
    """
    What was handed in before is committed by then.
    """

    async def work() -> None:
        bridge = AsyncBridge(tmp_path / "b.db", api_key="k", deliver=False)
        handed_in = asyncio.create_task(bridge.track("ann", "Paid"))
        await asyncio.sleep(0)
        await bridge.close()
        await bridge.close()
        assert (await handed_in).requests
        with pytest.raises(BridgeClosed):
            await bridge.track("ann", "Paid")
        with pytest.raises(BridgeClosed):
            await bridge.flush()

    asyncio.run(work())


def test_what_is_committed_while_closing_begins_no_delivery(
    tmp_path: Path, kissmetrics: RunningKissmetrics
) -> None:
    """
    Three hundred calls wait for their commit when the bridge is closed; all are kept.
    """

    async def work() -> list[Receipt]:
        bridge = AsyncBridge(tmp_path / "b.db", api_key="k", url=kissmetrics.url)
        calls = [asyncio.create_task(bridge.track(f"user {number}", "Paid")) for number in range(300)]
        await asyncio.sleep(0)
        await bridge.close()
        return await asyncio.gather(*calls)

    receipts = asyncio.run(work())

    assert sum(len(receipt.requests) for receipt in receipts) == 300
    assert {"sdkbridge-delivery", "sdkbridge-outbox"}.isdisjoint(thread.name for thread in threading.enumerate())


def test_one_bridge_serves_loops_in_several_threads(tmp_path: Path) -> None:
    """
    It belongs to no loop.
    """
    bridge = AsyncBridge(tmp_path / "b.db", api_key="k", deliver=False)

    async def some(name: str) -> None:
        await asyncio.gather(*(bridge.track(f"{name} {n}", "Paid") for n in range(20)))

    async def all_of_them() -> None:
        await asyncio.gather(*(asyncio.to_thread(asyncio.run, some(str(n))) for n in range(4)))

    asyncio.run(all_of_them())

    assert bridge.outbox.counts().waiting == 80
    asyncio.run(bridge.close())


FORK = """
import asyncio, os, sys
from sdkbridge import AsyncBridge
bridge = AsyncBridge(sys.argv[1], api_key="k", url=sys.argv[2])
async def pay(who):
    await asyncio.gather(*(bridge.track(who, f"Paid {n}") for n in range(5)))
    await bridge.flush(timeout=30)
asyncio.run(pay("before"))
children = []
for child in range(2):
    pid = os.fork()
    if pid == 0:
        asyncio.run(pay(f"child {child}"))
        asyncio.run(bridge.close())
        os._exit(0)
    children.append(pid)
asyncio.run(pay("parent"))
codes = [os.waitpid(pid, 0)[1] for pid in children]
print([asyncio.run(bridge.flush(timeout=30)).waiting, *codes])
asyncio.run(bridge.close())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_one_made_before_a_fork_works_on_both_sides(tmp_path: Path, kissmetrics: RunningKissmetrics) -> None:
    """
    As under a server that loads the application before it forks its workers.
    """
    command = [sys.executable, "-c", FORK, str(tmp_path / "b.db"), kissmetrics.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    assert (done.stdout, done.stderr) == ("[0, 0, 0]\n", "")
    counts = {person.identities[0]: sum(person.event_counts.values()) for person in kissmetrics.people}
    assert counts == {"before": 5, "child 0": 5, "child 1": 5, "parent": 5}
