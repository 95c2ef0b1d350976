"""
The server under load, beside apps of the same framework that do less of its work.

Events a second into ``/v1/batch``, a hundred a batch, and calls a second into ``/v1/track``; each is on disk
before its answer.

    python benchmarks/server.py [--batches 200] [--singles 2000] [--rounds 3] [--connections 16]
        [--workers 1 2] [--database postgresql://…]
    python benchmarks/server.py --soak 600 [--soak-rate 500] [--workers 1]

The client is this process, on one core; each app is another process, on another core, and takes as many requests,
with message ids that were not seen before. ``nothing`` reads the body and answers. ``decode-and-commit`` decodes
it, keeps each call as a row, and commits, one request after the other: what a worker costs at least that keeps
what it answers for. ``server-without-bridge`` is the server, with its limits, keys and metrics, in front of the
same rows; requests that wait share a commit. ``server`` is ``sdkbridge serve`` and does everything: mapping,
identity graph, repeats and outbox; it delivers nothing. With all of them, what was answered survives a power cut
(``synchronous`` is FULL).

Several workers share a port, a file, and all cores but the client's; where there are only two, the client's, too.
``--database`` is where ``server`` keeps its calls in place of a file; it must be empty, and is not emptied
between rounds.

Shown are the best of the rounds, its share of ``decode-and-commit`` with as many workers, and the CPU time of the
app for each event, which other programs on the machine disturb least. p99 is of the answers of the best round,
with all connections busy all the time.

``--soak`` lets the server take calls of the same people at a steady rate and deliver them to a sink, and shows its
memory and the size of its files after a tenth of the time, half-way, and at the end.
"""

import argparse
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from statistics import quantiles

from attrs import frozen
from server_apps import APPS
from server_load import CORES, Target, pin, requests_of, running_app, running_server, send_all
from server_soak import soak

BATCH = 100
CEILING = "decode-and-commit"
SERVER = "server"
SEVERAL = (CEILING, SERVER)
"""What is also measured with several workers."""

Case = tuple[str, int]
"""An app, and how many workers."""


@frozen
class Round:
    """
    What one app did in one round.
    """

    events_s: float
    cpu_us: float
    p99_ms: float


def started(case: Case, database: str) -> AbstractContextManager[Target]:
    """
    Start what is measured.
    """
    app, workers = case
    return (
        running_server(workers=workers, database=database) if app == SERVER else running_app(app, workers=workers)
    )


def measure(case: Case, database: str, requests: Sequence[bytes], size: int, connections: int) -> Round:
    """
    Send all requests to one app.
    """
    with started(case, database) as target:
        send_all(target, requests[: len(requests) // 10], connections)
        before, began = target.cpu_s(), time.perf_counter()
        seconds = send_all(target, requests[len(requests) // 10 :], connections)
        took, computed = time.perf_counter() - began, target.cpu_s() - before
    events = len(seconds) * size
    return Round(events / took, computed * 1e6 / events, quantiles(seconds, n=100)[98] * 1000)


def main() -> None:
    """
    Measure, and print a table for each route.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--batches", type=int, default=200)
    parser.add_argument("--singles", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--database", default="bridge.db")
    parser.add_argument("--soak", type=float, metavar="SECONDS")
    parser.add_argument("--soak-rate", type=int, default=500)
    asked = parser.parse_args()
    if asked.soak is not None:
        soak(asked.soak, workers=asked.workers[0], rate=asked.soak_rate)
        return
    pin(0, {CORES[0]})
    cases = [
        (app, workers) for workers in asked.workers for app in (*APPS, SERVER) if workers == 1 or app in SEVERAL
    ]
    for route, count, size in (("/v1/batch", asked.batches, BATCH), ("/v1/track", asked.singles, 1)):
        rounds: dict[Case, list[Round]] = {case: [] for case in cases}
        for number in range(asked.rounds):
            for place, (case, done) in enumerate(rounds.items()):
                requests = requests_of(route, count, size, seed=number * len(cases) + place)
                done.append(measure(case, asked.database, requests, size, asked.connections))
        show(route, size, rounds)


def show(route: str, size: int, rounds: dict[Case, list[Round]]) -> None:
    """
    Print what came of one route.
    """
    best = {case: max(done, key=lambda one: one.events_s) for case, done in rounds.items()}
    cpu = {case: min(one.cpu_us for one in done) for case, done in rounds.items()}
    print(f"\n{route}, {size} a request")
    print(f"{'':<24}{'workers':>8}{'events/s':>12}{'share':>8}{'CPU µs/event':>15}{'CPU share':>11}{'p99 ms':>9}")
    for (app, workers), one in best.items():
        ceiling = (CEILING, workers)
        share, cpu_share = one.events_s / best[ceiling].events_s, cpu[ceiling] / cpu[app, workers]
        figures = (
            f"{one.events_s:>12,.0f}{share:>8.2f}{cpu[app, workers]:>15.1f}{cpu_share:>11.2f}{one.p99_ms:>9.1f}"
        )
        print(f"{app:<24}{workers:>8}{figures}")


if __name__ == "__main__":
    main()
