"""
How the local Kissmetrics bears many requests: how fast it takes them, in how much memory, and how fast it answers.

    python benchmarks/kissmetrics.py                      # 10,000, 100,000 and 1,000,000 requests
    python benchmarks/kissmetrics.py --sizes 1000 10000   # a try

Each size is filled in a process of its own, into a SQLite file, so that its peak of memory is its own. Then the
questions are asked of the same file by another process each time, at the largest size all of them. The last table
is the same traffic over HTTP, GET on connections that stay open, from one client and from four; the clients run in
processes of their own, on the same machine.

The traffic is made up: a person for every twenty requests, half of them under an anonymous identity that an alias
joins to a named one, and few names. Time per request and memory should not depend on the size.
"""

import argparse
import http.client
import itertools
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

from rich.console import Console
from rich.table import Table

from identity.database import Database
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.kissmetrics.server import KissmetricsServer

FIRST_SECOND = 1_600_000_000
REQUESTS_PER_PERSON = 20
EVENTS = ("Visited", "Signed Up", "Paid", "Left")
PLANS = ("free", "pro", "team")

Result = TypeVar("Result")
Traffic = Iterator[tuple[str, dict[str, str]]]


def traffic(count: int, *, seed: int = 1) -> Traffic:
    """
    Make up requests, the same ones each time.
    """
    draw = random.Random(seed)
    people = count // REQUESTS_PER_PERSON + 1
    for place in range(count):
        person = draw.randrange(people)
        anonymous, named = f"anonymous-{person}", f"user-{person}@example.com"
        timed = {"_k": "key", "_d": "1", "_t": str(FIRST_SECOND + place)}
        if place % REQUESTS_PER_PERSON == 0:
            yield "/a", {"_k": "key", "_p": anonymous, "_n": named}
        elif place % REQUESTS_PER_PERSON < 4:
            yield "/s", {**timed, "_p": named, "Plan": draw.choice(PLANS), "Visits": str(place % 100)}
        else:
            who, event = draw.choice((anonymous, named)), draw.choice(EVENTS)
            yield "/e", {**timed, "_p": who, "_n": event, "Source": draw.choice("abcdefgh")}


def timed(work: Callable[[], object]) -> float:
    """
    Return how many seconds some work takes.
    """
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak_mb() -> float:
    """
    Return the most memory that this process ever had, in millions of bytes.
    """
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def apart(work: Callable[..., Result], *arguments: object) -> Result:
    """
    Return what some work returns in a fresh process, whose memory is nobody else's.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def fill(path: Path, count: int) -> tuple[float, float, float]:
    """
    Fill a file; return the seconds it took and the memory before and at its peak.
    """
    kissmetrics = LocalKissmetrics(Database(path))
    before = peak_mb()
    # Made up beforehand and in parts, so that what is timed is only the taking.
    taken, requests = 0.0, traffic(count)
    while part := list(itertools.islice(requests, 1000)):
        taken += timed(partial(take, kissmetrics, part))
    return taken, before, peak_mb()


def take(kissmetrics: LocalKissmetrics, requests: Iterable[tuple[str, dict[str, str]]]) -> None:
    """
    Hand requests to the core.
    """
    for path, parameters in requests:
        kissmetrics.receive(path, parameters)


def consumed(things: Iterable[object]) -> int:
    """
    Go through something and keep nothing of it.
    """
    return sum(1 for _ in things)


def questions(kissmetrics: LocalKissmetrics, count: int, folder: Path) -> dict[str, Callable[[], object]]:
    """
    Return what is asked, by how it is called in the table.
    """
    middle = count // REQUESTS_PER_PERSON // 2
    somebody = f"user-{middle}@example.com"
    return {
        "search: one identity": lambda: kissmetrics.search(somebody),
        "search: part of all": lambda: kissmetrics.search("user-"),
        "one person": lambda: kissmetrics.people(somebody),
        "one time line": lambda: list(kissmetrics.timeline(somebody)),
        "property, first and last": lambda: kissmetrics.property_of(somebody, "Plan"),
        "property at an event": lambda: kissmetrics.at_event(somebody, "Plan", "Paid"),
        "funnel of three events": lambda: kissmetrics.funnel(["Visited", "Signed Up", "Paid"]),
        "counts, last value": lambda: kissmetrics.counts_by_property("Plan"),
        "counts, at an event": lambda: kissmetrics.counts_by_property("Plan", event="Paid", value="at_event"),
        "diagnostics": kissmetrics.diagnostics,
        "export": lambda: consumed(kissmetrics.export()),
        "export in revisions": lambda: kissmetrics.export_revisions(folder / "export"),
        "log of requests": lambda: consumed(kissmetrics.requests()),
        "all people, as one list": kissmetrics.people,
    }


def ask(path: Path, count: int, folder: Path, question: str) -> tuple[float, float]:
    """
    Ask one question of a filled file; return the seconds until its answer, and the memory that it took.
    """
    kissmetrics = LocalKissmetrics(Database(path))
    before = peak_mb()
    taken = timed(questions(kissmetrics, count, folder)[question])
    return taken, peak_mb() - before


def send(address: tuple[str, int], count: int, seed: int) -> None:
    """
    Send requests one after the other on one connection.
    """
    connection = http.client.HTTPConnection(*address)
    for path, parameters in traffic(count, seed=seed):
        connection.request("GET", f"{path}?{urlencode(parameters)}")
        connection.getresponse().read()
    connection.close()


def over_http(folder: Path, clients: int, count: int) -> float:
    """
    Send requests from several clients at once; return how many were taken in a second.
    """
    kissmetrics = LocalKissmetrics(Database(folder / f"http-{clients}.db"))
    with KissmetricsServer(kissmetrics) as server, multiprocessing.get_context("spawn").Pool(clients) as pool:
        host, port = server.url.removeprefix("http://").split(":")
        address = host, int(port)
        pool.starmap(send, [(address, 10, 0)] * clients)
        shares = [(address, count // clients, seed) for seed in range(1, clients + 1)]
        return count / timed(lambda: pool.starmap(send, shares))


def main() -> None:
    """
    Measure, and print three tables.
    """
    options = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    options.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    options.add_argument("--http", type=int, default=10_000, help="requests to send over HTTP")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, console = Path(name), Console(width=120)
        console.print(filling(folder, chosen.sizes))
        console.print(asking(folder, max(chosen.sizes)))
        console.print(sending(folder, chosen.http))


def filling(folder: Path, sizes: list[int]) -> Table:
    """
    Fill a file of each size.
    """
    table = table_of("taken by the core", "requests", "per second", "peak memory, MB", "of it for the traffic, MB")
    for size in sizes:
        taken, before, peak = apart(fill, folder / f"{size}.db", size)
        table.add_row(f"{size:,}", f"{size / taken:,.0f}", f"{peak:,.0f}", f"{peak - before:,.0f}")
    return table


def asking(folder: Path, size: int) -> Table:
    """
    Ask every question of a file that was filled.
    """
    table = table_of(f"questions about {size:,} requests", "question", "seconds", "memory for it, MB")
    path = folder / f"{size}.db"
    with closing(Database(path)) as database:
        asked = list(questions(LocalKissmetrics(database), size, folder))
    for question in asked:
        taken, memory = apart(ask, path, size, folder, question)
        table.add_row(question, f"{taken:.3f}", f"{memory:,.0f}")
    return table


def sending(folder: Path, count: int) -> Table:
    """
    Send the same traffic over HTTP.
    """
    table = table_of(f"{count:,} requests over HTTP", "clients", "per second")
    for clients in (1, 4):
        table.add_row(str(clients), f"{over_http(folder, clients, count):,.0f}")
    return table


def table_of(title: str, *headings: str) -> Table:
    """
    Return an empty table, its figures to the right.
    """
    table = Table(title=title, title_justify="left")
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place or heading != "question" else "left")
    return table


if __name__ == "__main__":
    main()
