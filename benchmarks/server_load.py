"""
What `server.py` puts under load, and how: processes on cores of their own, requests made ready beforehand.
"""

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
from urllib.parse import urlsplit

import orjson
import psutil
from attrs import frozen
from messages import track_messages
from server_apps import WRITE_KEY

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]

READY = "Application startup complete"


@frozen
class Target:
    """
    A server that runs.

    Attributes:
        host: where it listens.
        port: where it listens.
        process: its process, or the one that started its workers.
        folder: where it keeps its files.
    """

    host: str
    port: int
    process: int
    folder: Path

    def processes(self) -> list[int]:
        """
        Return its processes.
        """
        process = psutil.Process(self.process)
        return [one.pid for one in (process, *process.children(recursive=True))]

    def cpu_s(self) -> float:
        """
        Return how long it has computed, in all threads of all its processes.
        """
        threads = [path for one in self.processes() for path in Path(f"/proc/{one}/task").glob("*/schedstat")]
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


@contextmanager
def running_app(app: str, *, workers: int) -> Iterator[Target]:
    """
    Run an app that does less than the server.
    """
    with tempfile.TemporaryDirectory(prefix="sdkbridge-benchmark-") as folder:
        program = [sys.executable, str(Path(__file__).with_name("server_apps.py")), app, folder, str(workers)]
        with _running(program, Path(folder), workers=workers) as target:
            yield target


@contextmanager
def running_server(
    *, workers: int, database: str = "bridge.db", deliver_to: str | None = None
) -> Iterator[Target]:
    """
    Run ``sdkbridge serve``.

    Args:
        workers: how many processes.
        database: a file in the server's folder, or ``postgresql://…``.
        deliver_to: a Kissmetrics; None delivers nothing.
    """
    with tempfile.TemporaryDirectory(prefix="sdkbridge-benchmark-") as folder:
        config = Path(folder) / "server.toml"
        config.write_text(
            f'[projects.benchmark]\nwrite_keys = ["{WRITE_KEY}"]\napi_key = "benchmark-api-key"\n'
            f'database = "{database}"\nurl = "{deliver_to or "http://127.0.0.1:9"}"\n'
            f"deliver = {str(deliver_to is not None).lower()}\n"
        )
        program = [sys.executable, "-m", "sdkbridge", "serve", "--port", "0", "--config", str(config)]
        program += ["--workers", str(workers)]
        with _running(program, Path(folder), workers=workers) as target:
            yield target


@contextmanager
def _running(program: Sequence[str], folder: Path, *, workers: int) -> Iterator[Target]:
    """
    Run a program until the block ends; yield once each worker has logged that it is ready.
    """
    cores = {CORES[-1]} if workers == 1 else set(CORES[1:] if len(CORES) > workers else CORES)
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        pin(process.pid, cores)
        url = urlsplit(process.stdout.readline().strip())
        for _ in range(workers):
            while READY not in (line := process.stderr.readline()):
                if not line:
                    raise SystemExit("it did not start")
        threading.Thread(target=process.stderr.read, daemon=True).start()
        target = Target(url.hostname, url.port, process.pid, folder)
        try:
            yield target
        finally:
            for one in reversed(target.processes()):
                psutil.Process(one).kill()


def pin(process: int, cores: set[int]) -> None:
    """
    Keep a process, and those that it starts, on some cores, where the system can.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(process, cores)


def requests_of(route: str, count: int, size: int, *, seed: int) -> list[bytes]:
    """
    Return requests ready to be written to a socket.
    """
    messages = track_messages(count * size, seed=seed, people=count * size // 10 + 1)
    return [request_of(route, [next(messages) for _ in range(size)]) for _ in range(count)]


def request_of(route: str, calls: Sequence[dict[str, object]]) -> bytes:
    """
    Return a request with some calls.
    """
    body = orjson.dumps(
        {"batch": calls, "writeKey": WRITE_KEY} if len(calls) > 1 else {**calls[0], "writeKey": WRITE_KEY}
    )
    return f"POST {route} HTTP/1.1\r\nHost: benchmark\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def send_all(target: Target, requests: Sequence[bytes], connections: int) -> list[float]:
    """
    Send requests over some connections, each the next one once it is answered; return how long each took.
    """
    waiting = iter(requests)
    lock = threading.Lock()
    seconds: list[float] = []

    def send() -> None:
        with socket.create_connection((target.host, target.port)) as connection:
            while (request := _next(waiting, lock)) is not None:
                started = time.perf_counter()
                send_one(connection, request)
                seconds.append(time.perf_counter() - started)

    threads = [threading.Thread(target=send) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(seconds) != len(requests):
        raise SystemExit("some requests failed")
    return seconds


def send_one(connection: socket.socket, request: bytes) -> None:
    """
    Send a request, and wait until it is answered with 200.
    """
    connection.sendall(request)
    answer = connection.recv(4096)
    while b"success" not in answer:
        answer += connection.recv(4096)
    if not answer.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"not taken: {answer!r}")


def _next(waiting: Iterator[bytes], lock: threading.Lock) -> bytes | None:
    with lock:
        return next(waiting, None)
