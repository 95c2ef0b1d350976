"""
The server under load, beside apps of the same framework that do less of its work.

Events a second into ``/v1/batch``, a hundred a batch, and calls a second into ``/v1/track``; each is on disk
before its answer.

    python benchmarks/server.py [--batches 200] [--singles 2000] [--rounds 3] [--connections 16]

The client is this process, on one core; each app is another process, on another core, and takes as many requests,
with message ids that were not seen before. ``nothing`` reads the body and answers. ``decode-and-commit`` decodes
it, keeps each call as a row, and commits: what a worker costs at least that keeps what it answers for.
``server-without-bridge`` is the server, with its limits, keys and metrics, in front of the same rows. ``server``
does everything: mapping, identity graph, repeats and outbox. It is one worker and delivers nothing;
``synchronous`` is NORMAL for all.

Shown are the best of the rounds, its share of ``decode-and-commit``, and the CPU time of the app for each event,
which other programs on the machine disturb least. p99 is of the answers of the best round.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit

import orjson
from attrs import frozen
from messages import track_messages
from server_apps import APPS, WRITE_KEY

BATCH = 100
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
CEILING = "decode-and-commit"


@frozen
class Round:
    """
    What one app did in one round.
    """

    events_s: float
    cpu_us: float
    p99_ms: float


def requests_of(route: str, count: int, size: int, *, seed: int) -> list[bytes]:
    """
    Return requests ready to be written to a socket.
    """
    messages = track_messages(count * size, seed=seed, people=count * size // 10 + 1)
    written = []
    for _ in range(count):
        calls = [next(messages) for _ in range(size)]
        body = orjson.dumps(
            {"batch": calls, "writeKey": WRITE_KEY} if size > 1 else {**calls[0], "writeKey": WRITE_KEY}
        )
        head = f"POST {route} HTTP/1.1\r\nHost: benchmark\r\nContent-Length: {len(body)}\r\n\r\n"
        written.append(head.encode() + body)
    return written


def send_all(address: tuple[str, int], requests: Sequence[bytes], connections: int) -> list[float]:
    """
    Send requests over some connections, each the next one once it is answered; return how long each took.
    """
    waiting = iter(requests)
    lock = threading.Lock()
    seconds: list[float] = []

    def send() -> None:
        with socket.create_connection(address) as connection:
            while (request := _next(waiting, lock)) is not None:
                started = time.perf_counter()
                connection.sendall(request)
                answer = connection.recv(4096)
                while b"success" not in answer:
                    answer += connection.recv(4096)
                if not answer.startswith(b"HTTP/1.1 200"):
                    raise SystemExit(f"not taken: {answer!r}")
                seconds.append(time.perf_counter() - started)

    threads = [threading.Thread(target=send) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(seconds) != len(requests):
        raise SystemExit("some requests failed")
    return seconds


def _next(waiting: Iterator[bytes], lock: threading.Lock) -> bytes | None:
    with lock:
        return next(waiting, None)


@contextmanager
def running(app: str) -> Iterator[tuple[tuple[str, int], int]]:
    """
    Start an app on a core of its own; yield its address and its process.
    """
    with tempfile.TemporaryDirectory(prefix="sdkbridge-benchmark-") as folder:
        program = [sys.executable, str(Path(__file__).with_name("server_apps.py")), app, folder]
        process = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
        try:
            pin(process.pid, -1)
            url = urlsplit(process.stdout.readline().strip())
            yield (url.hostname, url.port), process.pid
        finally:
            process.kill()
            process.communicate()


def pin(process: int, which: int) -> None:
    """
    Keep a process on one core, where the system can.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(process, {CORES[which]})


def cpu_s(process: int) -> float:
    """
    Return how long a process has computed, in all its threads.
    """
    threads = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def measure(app: str, requests: Sequence[bytes], size: int, connections: int) -> Round:
    """
    Send all requests to one app.
    """
    with running(app) as (address, process):
        send_all(address, requests[: len(requests) // 10], connections)
        before, started = cpu_s(process), time.perf_counter()
        seconds = send_all(address, requests[len(requests) // 10 :], connections)
        took, computed = time.perf_counter() - started, cpu_s(process) - before
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
    asked = parser.parse_args()
    pin(0, 0)
    for route, count, size in (("/v1/batch", asked.batches, BATCH), ("/v1/track", asked.singles, 1)):
        rounds: dict[str, list[Round]] = {app: [] for app in APPS}
        for number in range(asked.rounds):
            requests = requests_of(route, count, size, seed=number)
            for app, done in rounds.items():
                done.append(measure(app, requests, size, asked.connections))
        show(route, size, rounds)


def show(route: str, size: int, rounds: dict[str, list[Round]]) -> None:
    """
    Print what came of one route.
    """
    best = {app: max(done, key=lambda one: one.events_s) for app, done in rounds.items()}
    cpu = {app: min(one.cpu_us for one in done) for app, done in rounds.items()}
    print(f"\n{route}, {size} a request")
    print(f"{'':<24}{'events/s':>12}{'share':>8}{'CPU µs/event':>15}{'CPU share':>11}{'p99 ms':>9}")
    for app, one in best.items():
        share, cpu_share = one.events_s / best[CEILING].events_s, cpu[CEILING] / cpu[app]
        print(f"{app:<24}{one.events_s:>12,.0f}{share:>8.2f}{cpu[app]:>15.1f}{cpu_share:>11.2f}{one.p99_ms:>9.1f}")


if __name__ == "__main__":
    main()
