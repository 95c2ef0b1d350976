"""
The server for a long time: whether its memory stays flat, and its files small, while it takes calls and delivers.
"""

import socket
import time
from itertools import islice
from urllib.request import urlopen

from attrs import frozen
from measuring import held
from messages import track_messages
from server_load import Target, request_of, running_server, send_one
from sink import sink

BATCH = 100
PEOPLE = 2_000
SAMPLES = 20
WARM_UP = 0.1
"""Which part of the time passes before the first sample: until then caches fill."""


@frozen
class Sample:
    """
    What was seen at one moment.
    """

    after_s: float
    calls: int
    memory: int
    files: int
    waiting: int


def soak(seconds: float, *, workers: int, rate: int) -> None:
    """
    Send so many calls a second, of the same people, and print what memory and files held meanwhile.

    The file keeps each message id for a day, to know a repeat by it, and so grows by that: bytes for each call
    are shown.
    """
    with sink(0.0) as kissmetrics, running_server(workers=workers, deliver_to=kissmetrics.url) as target:
        samples = _samples(target, seconds, rate)
    first, middle, last = samples[0], samples[len(samples) // 2], samples[-1]
    print(f"\n{rate} calls/s for {seconds:.0f} s, {workers} worker(s), delivered to a sink")
    print(f"{'after s':>10}{'calls':>12}{'memory MB':>12}{'files MB':>12}{'waiting':>10}")
    for one in (first, middle, last):
        print(f"{one.after_s:>10.0f}{one.calls:>12,}{_mb(one.memory):>12}{_mb(one.files):>12}{one.waiting:>10,}")
    calls = last.calls - first.calls
    print(f"memory from first to last: {(last.memory - first.memory) / first.memory:+.1%}")
    print(f"at most: memory {_mb(max(one.memory for one in samples))} MB")
    print(f"files: {(last.files - first.files) / calls:,.0f} bytes more for each call")


def _samples(target: Target, seconds: float, rate: int) -> list[Sample]:
    messages = track_messages(int(seconds * rate * 2), people=PEOPLE)
    samples: list[Sample] = []
    calls, started = 0, time.monotonic()
    with socket.create_connection((target.host, target.port)) as connection:
        while (passed := time.monotonic() - started) < seconds:
            send_one(connection, request_of("/v1/batch", list(islice(messages, BATCH))))
            calls += BATCH
            if passed >= seconds * (WARM_UP + (1 - WARM_UP) * len(samples) / SAMPLES):
                samples.append(_sample(target, passed, calls))
            time.sleep(max(0.0, calls / rate - (time.monotonic() - started)))
    return [*samples, _sample(target, seconds, calls)]


def _sample(target: Target, passed: float, calls: int) -> Sample:
    with urlopen(f"http://{target.host}:{target.port}/metrics") as answer:
        metrics = answer.read().decode()
    waiting = next(line for line in metrics.splitlines() if line.startswith("sdkbridge_outbox_waiting{"))
    files = sum(path.stat().st_size for path in target.folder.iterdir())
    return Sample(passed, calls, held(target.process), files, int(float(waiting.split()[-1])))


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f}"
