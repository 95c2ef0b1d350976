"""
What a call and a claim cost as more and more waits, and as more and more devices are known.

What waits, and who is known, is put into a file by SQL beforehand, as calls would take hours: requests in lanes,
and devices that were identified, each a session, two identities of one person and their link. Times are the
median of some hundred operations by the clock, each a transaction of its own.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filling import device_name, fill_devices, fill_many, request, user_name
from timing import title

from identity.database import Database
from sdkbridge import Bridge
from sdkbridge.delivery import DeliverySettings
from sdkbridge.delivery.lanes import LaneEnd, Settled
from sdkbridge.delivery.outbox_worker import OutboxWorker
from sdkbridge.outbox.placing import Placing
from sdkbridge.outbox.queue import Outbox

TIMES = 300
LANES_AT_ONCE = 64
WAITING = (4, 5, 6, 7)
DEVICES = (10**5, 3 * 10**5, 10**6)
REQUESTS_IN_A_LANE = 20
NOW_MS = 1_700_000_100_000
PROPERTIES = dict(request(0, people=1).properties)


def median_us(work: Callable[[int], object], *, times: int = TIMES) -> float:
    """
    Return how many microseconds some work takes, told which time it is.
    """
    taken = []
    for number in range(times):
        started = time.perf_counter()
        work(number)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1e6


def exchanges(database: Database) -> tuple[float, ...]:
    """
    Return what the work on a queue takes, in microseconds.

    That is to put a thousand requests in their lanes, to claim some lanes, to settle a request of each, and to
    look after the rest.
    """
    worker = OutboxWorker(database, DeliverySettings())
    placings, claims, settlements, tending = [], [], [], []
    started = time.perf_counter()
    while database.write(Placing(database).place):
        placings.append(time.perf_counter() - started)
        started = time.perf_counter()
    for number in range(40):
        now_ms = NOW_MS + number
        started = time.perf_counter()
        lanes = worker.exchange(Settled(), limit=LANES_AT_ONCE, now_ms=now_ms).lanes
        claimed = time.perf_counter()
        assert len(lanes) == LANES_AT_ONCE
        settled = Settled(
            delivered=[lane.requests[0] for lane in lanes],
            ended=[LaneEnd(lane.key, progressed=True) for lane in lanes],
        )
        worker.exchange(settled, limit=0, now_ms=now_ms)
        done = time.perf_counter()
        worker.tend(now_ms, 100)
        claims.append(claimed - started)
        settlements.append(done - claimed)
        tending.append(time.perf_counter() - done)
    return tuple(statistics.median(taken) * 1e6 for taken in (placings, claims, settlements, tending))


def calls(bridge: Bridge, who: Callable[[int], int]) -> Iterator[float]:
    """
    Yield the microseconds of a call of a person, of one by a device, and of a device's first and its identify.
    """
    yield median_us(lambda n: bridge.track(user_name(who(n)), f"Seen {n}", PROPERTIES))
    yield median_us(lambda n: bridge.device(device_name(who(n))).track(f"Met {n}", PROPERTIES))
    yield median_us(lambda n: bridge.device(f"new {n}").track("Opened", PROPERTIES))
    yield median_us(lambda n: bridge.device(f"new {n}").identify(f"new-{n}@example.com", PROPERTIES))


CALLS = ("track", "by device", "new device", "identify", "of a batch")
COLUMNS = (*CALLS, "place 1000", "claim 64", "settle 64", "tend")
WIDTH = 12


@contextmanager
def filled(folder: Path | None, fill: Callable[[Path], object]) -> Iterator[Path]:
    """
    Yield the path of a file that was filled.
    """
    with tempfile.TemporaryDirectory(dir=folder) as made:
        path = Path(made) / "bridge.db"
        fill(path)
        yield path


def line(path: Path, who: Callable[[int], int], *, claim: bool) -> str:
    """
    Return what everything costs in a file.
    """
    with Bridge(path, api_key="key", deliver=False) as bridge:
        for number in range(100):
            bridge.track(user_name(who(1000 + number)), f"Warm {number}", PROPERTIES)
        figures = list(calls(bridge, who))
        figures.append(median_us(lambda n: bridge.accept_batch(batch(n, who)), times=20) / 100)
    if claim:
        database = Database(path)
        figures += exchanges(database)
        database.close()
    return "".join(f"{figure:{WIDTH},.0f}" for figure in figures)


def batch(number: int, who: Callable[[int], int]) -> list[dict[str, object]]:
    """
    Return a hundred messages.
    """
    return [
        {
            "type": "track",
            "messageId": f"{number}-{place}",
            "userId": user_name(who(number * 100 + place)),
            "event": "Batched",
            "properties": PROPERTIES,
        }
        for place in range(100)
    ]


def show_growing(*, most: int, folder: Path | None) -> None:
    """
    Print the cost with ever more waiting, and with ever more devices; microseconds.
    """
    title(f"growing: microseconds, with so many requests waiting, {REQUESTS_IN_A_LANE} in each lane")
    print(f"{'waiting':>12}{''.join(f'{column:>{WIDTH}}' for column in COLUMNS)}", flush=True)
    for power in WAITING[: most - 3]:
        count = 10**power
        with filled(folder, lambda path: waiting(path, count)) as path:  # noqa: B023
            print(f"{count:>12,}{line(path, lambda n: n, claim=True)}", flush=True)
    title("growing: microseconds, with so many devices known, and nothing waiting")
    print(f"{'devices':>12}{''.join(f'{column:>{WIDTH}}' for column in CALLS)}", flush=True)
    for count in DEVICES:
        with filled(folder, lambda path: fill_devices(path, count)) as path:  # noqa: B023
            figures = line(path, lambda n: n * 7919 % count, claim=False)  # noqa: B023
            print(f"{count:>12,}{figures}", flush=True)


def waiting(path: Path, count: int) -> None:
    """
    Fill a file with so many requests.
    """
    database = Database(path)
    with database.transaction() as connection:
        connection.execute("PRAGMA cache_size = -1000000")
    with without_indexes(database, "outbox"):
        fill_many(database, count, lanes=count // REQUESTS_IN_A_LANE)
    database.close()


@contextmanager
def without_indexes(database: Database, table: str) -> Iterator[None]:
    """
    Take a table's indexes away for a block, and make them anew behind it, which is faster than to keep them up.
    """
    Outbox(database)
    indexes = database.rows(
        "SELECT name, sql FROM sqlite_master WHERE tbl_name = ? AND sql LIKE 'CREATE INDEX%'", (table,)
    )
    with database.transaction() as connection:
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
    yield
    with database.transaction() as connection:
        for _, statement in indexes:
            connection.execute(statement)
