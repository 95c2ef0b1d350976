"""
Several worker processes on one database, some of them killed: nothing lost, nothing out of order, at a real sink.
"""

import random
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from faulty_server import FaultyServer, faulty_server

from identity.database import Database
from sdkbridge import Bridge
from sdkbridge.kissmetrics.requests import Request
from sdkbridge.outbox.queue import Outbox

PATIENCE_S = 100


@pytest.fixture
def sink() -> Iterator[FaultyServer]:
    with faulty_server() as server:
        yield server


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "bridge.db"
    Bridge(path, api_key="k", deliver=False).close()
    return str(path)


@pytest.fixture
def store(store_url: str) -> str:
    """
    The address of a bridge's database, of each kind in turn.
    """
    Bridge(store_url, api_key="k", deliver=False).close()
    return store_url


def start(file: str, url: str, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sdkbridge", "deliver", file, "--url", url, *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def add(file: str, lanes: int, each: int) -> None:
    """
    Queue events whose second is their place in their lane.
    """
    database = Database(file)
    outbox = Outbox(database)
    with database.transaction():
        for place in range(each):
            for lane in range(lanes):
                request = Request(path="/e", identity=f"p{lane}", name="Seen", second=place)
                outbox.add(request, lane=f"lane {lane}", other_lane=None, call="m", at_ms=0)
    database.close()


def counts(file: str) -> tuple[int, int]:
    database = Database(file, read_only=True)
    counted = Outbox(database).counts()
    database.close()
    return counted.waiting, counted.delivered


def arrivals(sink: FaultyServer) -> dict[str, list[int]]:
    """
    What arrived of each lane for the first time, in order.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for query in list(sink.raw):
        parameters = parse_qs(query)
        place = int(parameters["_t"][0])
        if place not in places[parameters["_p"][0]]:
            places[parameters["_p"][0]].append(place)
    return places


def wait_for(condition, *, patience_s: float = PATIENCE_S) -> None:
    """
    Look again and again until something is so.
    """
    over = threading.Event()
    timer = threading.Timer(patience_s, over.set)
    timer.start()
    try:
        while not condition():
            assert not over.wait(0.01), "it never was"
    finally:
        timer.cancel()


@contextmanager
def killed_at_the_end(processes: list[subprocess.Popen[str]]) -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_four_workers_share_the_work_while_some_are_killed(store: str, sink: FaultyServer) -> None:
    """
    Killed in the middle, again and again: others take over, all arrives, and each lane in its order.
    """
    chance = random.Random(3)
    add(store, lanes=40, each=30)
    options = ("--concurrency", "4", "--timeout", "10")
    workers = [start(store, sink.url, *options) for _ in range(4)]
    with killed_at_the_end(workers):
        for killed in range(1, 5):
            wait_for(lambda enough=killed * 200: len(sink.got) > enough)
            victim = chance.choice([worker for worker in workers if worker.poll() is None])
            victim.kill()
            workers.append(start(store, sink.url, *options))
        wait_for(lambda: counts(store)[0] == 0)

    assert arrivals(sink) == {f"p{lane}": list(range(30)) for lane in range(40)}
    assert counts(store) == (0, 1200)


THREADS, CALLS = 8, 12
HAMMER = f"""
import sys
from concurrent.futures import ThreadPoolExecutor
from sdkbridge import Bridge

address, process = sys.argv[1:]
bridge = Bridge(address, api_key="k", deliver=False)


def hammer(thread):
    phone = bridge.device(f"{{process}}-{{thread}}")
    for place in range({CALLS}):
        if place == {CALLS // 2}:
            phone.identify(f"{{process}}-{{thread}}@example.com")
        phone.track(f"Event {{place}}")


with ThreadPoolExecutor({THREADS}) as threads:
    list(threads.map(hammer, range({THREADS})))
bridge.close()
"""


def test_two_processes_and_eight_threads_each_hammer_what_four_workers_deliver(
    store: str, sink: FaultyServer
) -> None:
    """
    Each thread a phone that is identified halfway: every call arrives in its phone's order, and one alias each.
    """
    chance = random.Random(5)
    hammers = [subprocess.Popen([sys.executable, "-c", HAMMER, store, str(number)]) for number in range(2)]
    workers: list[subprocess.Popen[str]] = []
    options = ("--concurrency", "4", "--timeout", "10")
    enough = 2 * THREADS * (CALLS + 2)  # an identify is an alias and a property
    try:
        workers += [start(store, sink.url, *options) for _ in range(4)]
        for killed in range(1, 4):
            wait_for(lambda share=killed / 4: len(sink.got) > enough * share)
            victim = chance.choice([worker for worker in workers if worker.poll() is None])
            victim.kill()
            workers.append(start(store, sink.url, *options))
        assert [hammer.wait(timeout=PATIENCE_S) for hammer in hammers] == [0, 0]
        wait_for(lambda: counts(store) == (0, enough))
    finally:
        for process in (*hammers, *workers):
            process.kill()
            process.communicate()

    whole = [f"Event {place}" for place in range(CALLS)]
    whole[CALLS // 2 : CALLS // 2] = ["/a", "/s"]
    assert by_phone(sink) == {
        f"{process}-{thread}@example.com": whole for process in range(2) for thread in range(THREADS)
    }
    assert len(set(sink.raw)) == enough, "what comes again is the same bytes"


def by_phone(sink: FaultyServer) -> dict[str, list[str]]:
    """
    What arrived of each phone for the first time, in order, by the name that its anonymous identity became.
    """
    arrived = [
        (path, {name: values[0] for name, values in parse_qs(query).items()})
        for (_, path, _), query in zip(sink.got, sink.raw, strict=True)
    ]
    names = {one["_n"]: one["_p"] for path, one in arrived if path == "/a"}
    phones: dict[str, dict[str, None]] = defaultdict(dict)
    for path, one in arrived:
        phones[names.get(one["_p"], one["_p"])].setdefault(one["_n"] if path == "/e" else path)
    return {phone: list(events) for phone, events in phones.items()}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_worker_and_gives_back_the_rest(number: int, file: str, sink: FaultyServer) -> None:
    """
    What is under way ends, what is left can be claimed at once, and the exit code is 0.
    """
    sink.drip_s = 0.001
    add(file, lanes=8, each=100)
    worker = start(file, sink.url, "--concurrency", "2")
    with killed_at_the_end([worker]):
        wait_for(lambda: len(sink.got) > 10)
        worker.send_signal(number)
        out, err = worker.communicate(timeout=PATIENCE_S)
    database = Database(file)
    leases = database.rows("SELECT leased_by FROM outbox_lane WHERE leased_by IS NOT NULL")
    database.close()
    waiting, delivered = counts(file)

    assert (worker.returncode, err, leases) == (0, "", [])
    assert out.startswith(f"{delivered:,} delivered")
    assert delivered == len(sink.got)
    assert waiting == 800 - delivered > 0


def test_a_second_signal_does_not_wait(file: str, sink: FaultyServer) -> None:
    """
    Whoever asks twice is in a hurry: a request that hangs is given up, and stays in the outbox.
    """
    sink.drip_s = 1.0
    add(file, lanes=1, each=1)
    worker = start(file, sink.url, "--grace", "600")
    with killed_at_the_end([worker]):
        wait_for(lambda: bool(sink.got))
        worker.send_signal(signal.SIGTERM)
        worker.send_signal(signal.SIGINT)
        worker.communicate(timeout=PATIENCE_S)

    assert worker.returncode == 0


def test_once_delivers_what_is_due_and_ends(file: str, sink: FaultyServer) -> None:
    """
    For a scheduler that runs it every minute.
    """
    add(file, lanes=3, each=3)
    worker = start(file, sink.url, "--once", "--json", "--pace", "1000")
    out, err = worker.communicate(timeout=PATIENCE_S)

    assert (worker.returncode, err) == (0, "")
    assert out == '{"delivered": 9, "dead": 0, "waiting": 0}\n'


def test_a_worker_delivers_what_others_queue(file: str, sink: FaultyServer) -> None:
    """
    It finds what a bridge in another process accepts while it runs.
    """
    worker = start(file, sink.url)
    with killed_at_the_end([worker]), Bridge(file, api_key="k", deliver=False) as bridge:
        for number in range(5):
            bridge.track("A", f"Event {number}")
            wait_for(lambda number=number: len(sink.got) == number + 1)

    assert sink.identities() == ["A"] * 5


def test_a_key_is_needed_away_from_this_machine(file: str) -> None:
    """
    As for replay.
    """
    worker = start(file, "https://kissmetrics.invalid", "--once")
    _, err = worker.communicate(timeout=PATIENCE_S)

    assert worker.returncode == 2
    assert "--api-key" in err
