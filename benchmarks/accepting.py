"""
Accepting calls: ours, which are on disk when they return, beside SDKs that put them in memory, and bare sqlite3.

Counted are calls a second in the caller's thread, and that thread's processor time. All get the same calls of ten
properties each. Segment's, RudderStack's and PostHog's SDKs deliver meanwhile in threads of their own, as they
always do, to a sink that answers at once; ours leaves that to another process. So besides the rates, look at the
processor time, in which the SDKs' threads do not count.

Everybody is known before it is measured. Server-side calls carry no time, as is usual, so where a hundred people
make all calls they do the same thing several times in one second, and a bridge moves each but the first to a
second of its own; two thousand people seldom do. Messages are a second apart.
"""

import logging
import random
import sqlite3
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from time import thread_time
from typing import Any

from attrs import frozen
from messages import EVENTS, START, WORDS
from sink import sink
from timing import Measured, spread, summary, timed, title

from identity.stores.sqlite_opening import SYNCHRONOUS, limit_log
from sdkbridge import Bridge

IN_A_BATCH = 100
SEGMENT = "Segment's SDK"


@frozen
class Call:
    """
    One call: what a server-side method takes, and the same as a message.
    """

    person: str
    event: str
    properties: dict[str, Any]
    message: dict[str, Any]


Do = Callable[[Sequence[Call]], object]
"""Accepts some calls."""


@frozen
class Peer:
    """
    Who accepts calls.

    Attributes:
        name: as it is printed.
        opened: opens it in a folder, with a sink's URL, for the time of a block.
        safety: what its calls survive, if they are on disk.
        in_a_commit: how many calls share a commit.
    """

    name: str
    opened: Callable[[Path, str], Any]
    safety: str | None = None
    in_a_commit: int = 1


def calls_of(count: int, people: int, *, seed: int = 7) -> list[Call]:
    """
    Return calls of ten properties each, of so many people in any order.
    """
    dice = random.Random(seed)
    return [_call(dice, number, dice.randrange(people)) for number in range(count)]


def one_of_each(people: int, *, seed: int = 8) -> list[Call]:
    """
    Return a call of each of so many people.
    """
    dice = random.Random(seed)
    return [_call(dice, number, number) for number in range(people)]


def _call(dice: random.Random, number: int, who: int) -> Call:
    person, event = f"user-{who}@example.com", dice.choice(EVENTS)
    happened = START + timedelta(seconds=number)
    properties = {
        "plan": dice.choice(("free", "pro", "team")),
        "price": round(dice.uniform(1, 200), 2),
        "quantity": dice.randrange(1, 9),
        "first": dice.random() < 0.5,
        "title": " ".join(dice.choices(WORDS, k=4)),
        "category": dice.choice(("shoes", "hats", "scarves")),
        "currency": "EUR",
        "cart": f"cart-{dice.randrange(10**9)}",
        "url": f"https://example.com/a/{number}?utm_source=mail&n={number}",
        "version": "3.2.1",
    }
    message = {
        "type": "track",
        "messageId": str(uuid.UUID(int=dice.getrandbits(128), version=4)),
        "userId": person,
        "event": event,
        "timestamp": happened.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "properties": properties,
        "context": {"library": {"name": "analytics-python", "version": "2.4.0"}},
    }
    return Call(person, event, properties, message)


def each(accept: Callable[[Call], object]) -> Do:
    """
    Return what accepts calls one by one. Nobody keeps what comes back, so that Python does not look through it.
    """

    def do(calls: Sequence[Call]) -> None:
        for one in calls:
            accept(one)

    return do


def sdk(module: str) -> Callable[[Path, str], Any]:
    """
    Return what opens Segment's Python SDK, or another of its make, by its defaults but for a queue that takes all.
    """

    @contextmanager
    def opened(_: Path, url: str) -> Iterator[Do]:
        client = import_module(module).Client("key", host=url, max_queue_size=10**6)
        yield each(lambda one: client.track(one.person, one.event, one.properties))
        client.flush()
        client.join()

    return opened


@contextmanager
def posthog_sdk(_: Path, url: str) -> Iterator[Do]:
    """
    PostHog's, likewise.
    """
    from posthog import Posthog

    client = Posthog("key", host=url, max_queue_size=10**6)
    yield each(lambda one: client.capture(one.event, distinct_id=one.person, properties=one.properties))
    client.flush()
    client.shutdown()


def bridge_by(do: Callable[[Bridge], Do], safety: str) -> Callable[[Path, str], Any]:
    """
    Return what opens a bridge, and accepts by one of its methods.
    """

    @contextmanager
    def opened(folder: Path, _: str) -> Iterator[Do]:
        with Bridge(folder / "bridge.db", api_key="key", deliver=False, safety=safety) as bridge:
            yield do(bridge)

    return opened


def by_track(bridge: Bridge) -> Do:
    """
    Accept by the method that Segment's SDK has, too.
    """
    return each(lambda one: bridge.track(one.person, one.event, one.properties))


def by_device(bridge: Bridge) -> Do:
    """
    Accept by devices, one for each person.
    """
    return each(lambda one: bridge.device(one.person).track(one.event, one.properties))


def by_message(bridge: Bridge) -> Do:
    """
    Accept messages as SDKs write them.
    """
    return each(lambda one: bridge.accept(one.message))


def by_batch(bridge: Bridge) -> Do:
    """
    Accept a hundred messages in one commit.
    """

    def do(calls: Sequence[Call]) -> None:
        for some in _batches(calls):
            receipts = bridge.accept_batch([one.message for one in some])
            assert all(receipt.requests for receipt in receipts), receipts

    return do


def _batches(calls: Sequence[Call]) -> Iterator[Sequence[Call]]:
    for start in range(0, len(calls), IN_A_BATCH):
        yield calls[start : start + IN_A_BATCH]


def raw_by(safety: str, in_a_commit: int, queries: dict[str, str]) -> Callable[[Path, str], Any]:
    """
    Return what inserts the queries of calls by sqlite3 itself.
    """

    @contextmanager
    def opened(folder: Path, _: str) -> Iterator[Do]:
        with closing(sqlite3.connect(folder / "raw.db", isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS[safety]}")
            limit_log(connection)
            connection.execute("CREATE TABLE kept (request INTEGER PRIMARY KEY, query TEXT NOT NULL) STRICT")

            def do(calls: Sequence[Call]) -> None:
                for start in range(0, len(calls), in_a_commit):
                    connection.execute("BEGIN IMMEDIATE")
                    for one in calls[start : start + in_a_commit]:
                        query = queries[one.message["messageId"]]
                        connection.execute("INSERT INTO kept (query) VALUES (?)", (query,))
                    connection.execute("COMMIT")

            yield do

    return opened


def queries_of(calls: Sequence[Call]) -> dict[str, str]:
    """
    Return what a bridge makes of messages, by their ids.
    """
    with Bridge(":memory:", api_key="key", deliver=False) as bridge:
        for some in _batches(calls):
            bridge.accept_batch([one.message for one in some])
        found = dict(bridge._core.database.rows("SELECT call, query FROM outbox"))  # noqa: SLF001
    return {one.message["messageId"]: found[one.message["messageId"]] for one in calls}


def peers(queries: dict[str, str]) -> Iterator[Peer]:
    """
    Yield all who are compared.
    """
    yield Peer(SEGMENT, sdk("segment.analytics.client"))
    yield Peer("RudderStack's SDK", sdk("rudderstack.analytics.client"))
    yield Peer("PostHog's SDK", posthog_sdk)
    for safety in SYNCHRONOUS:
        for in_a_commit in (1, IN_A_BATCH):
            yield Peer(_raw(safety, in_a_commit), raw_by(safety, in_a_commit, queries), safety, in_a_commit)
        yield Peer(f"bridge.track, {safety}", bridge_by(by_track, safety), safety)
        yield Peer(f"device.track, {safety}", bridge_by(by_device, safety), safety)
        yield Peer(f"bridge.accept, {safety}", bridge_by(by_message, safety), safety)
        yield Peer(f"accept_batch of 100, {safety}", bridge_by(by_batch, safety), safety, IN_A_BATCH)


def _raw(safety: str, in_a_commit: int) -> str:
    return f"sqlite3, {in_a_commit} a commit, {safety}"


def measure(peer: Peer, calls: Sequence[Call], warm: Sequence[Call], *, url: str, folder: Path | None) -> Measured:
    """
    Return how fast a peer accepts calls, after some that make it ready.
    """
    # Where each call waits for the disk, fewer will do.
    some = calls[: len(calls) // 10] if (peer.safety, peer.in_a_commit) == ("power", 1) else calls
    with tempfile.TemporaryDirectory(dir=folder) as made, peer.opened(Path(made), url) as do:
        do(warm)
        return timed(lambda: do(some), len(some), clock=thread_time)


def compare_accepting(*, calls: int, rounds: int, folder: Path | None) -> None:
    """
    Print how fast each peer accepts calls of a hundred people, and of two thousand.
    """
    for name in ("segment", "rudder", "posthog"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for people in (100, 2000):
        some, warm = calls_of(calls, people), one_of_each(people)
        known = queries_of([*some, *warm])
        found: dict[Peer, list[Measured]] = {peer: [] for peer in peers(known)}
        with sink(0) as running:
            for _ in range(rounds):
                for peer, measured in found.items():
                    measured.append(measure(peer, some, warm, url=running.url, folder=folder))
        size = sum(map(len, known.values())) / len(known)
        title(f"accepting {calls:,} calls of {people:,} people, 10 properties, {size:.0f} bytes as a query")
        _print(found)


def _print(found: dict[Peer, list[Measured]]) -> None:
    by_name = {peer.name: summary(measured) for peer, measured in found.items()}
    print(f"{'':<34}{'calls/s':>10}{'':<18}{'processor':>10}  x {SEGMENT:<22}x sqlite3, as many a commit")
    print(f"{'':<62}{'':>10}{'by the clock, processor':>25}{'by the clock, processor':>27}")
    for peer, measured in found.items():
        one = by_name[peer.name]
        line = f"  {peer.name:<32}{one.rate:>10,.0f} {spread(measured):<17}{one.cpu_us:7,.1f} µs"
        for other in (SEGMENT, _raw(peer.safety, peer.in_a_commit)) if peer.safety else ():
            than = by_name[other]
            line += f"{one.rate / than.rate:>13.2f}{than.cpu_us / one.cpu_us:>12.2f}"
        print(line, flush=True)
