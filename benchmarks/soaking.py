"""
For long: calls come at a steady rate and are delivered, while memory, files and what waits are looked at.

What is remembered of each call for a day is remembered here for a minute, so that ten minutes show what ten days
do: the file must stop growing once the first is over. One in a hundred calls comes twice, and one person in fifty
is new, which is what is left to grow.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from accepting import calls_of
from attrs import frozen
from sink import sink
from timing import title

from sdkbridge import Bridge
from sdkbridge.delivery import sweeping

REMEMBERED_S = 60
SAMPLES = 20
PEOPLE = 2000
MAY_GROW = 1.1
"""By how much memory and files may be larger in the last quarter than in the second."""


@frozen
class Sample:
    """
    How it stood at one moment.
    """

    second: float
    calls: int
    memory: int
    file: int
    waiting: int

    def __str__(self) -> str:
        return (
            f"{self.second:>8,.0f} s{self.calls:>12,}{self.memory / 2**20:>12,.1f} MB"
            f"{self.file / 2**20:>12,.1f} MB{self.waiting:>10,}"
        )


def sizes(path: Path) -> int:
    """
    Return how large a file is with its write-ahead log.
    """
    return sum(one.stat().st_size for one in path.parent.glob(f"{path.name}*"))


def run(bridge: Bridge, path: Path, *, seconds: float, rate: int) -> Iterator[Sample]:
    """
    Accept calls at a steady rate, and yield how it stands from time to time.
    """
    process = psutil.Process(os.getpid())
    calls = calls_of(PEOPLE * 5, PEOPLE)
    began, accepted, sampled = time.monotonic(), 0, 0
    while (second := time.monotonic() - began) < seconds:
        while accepted < second * rate:
            one = calls[accepted % len(calls)]
            person = f"new-{accepted}@example.com" if accepted % 50 == 0 else one.person
            for _ in range(2 if accepted % 100 == 0 else 1):
                bridge.track(person, one.event, one.properties, message_id=f"call {accepted}")
            accepted += 1
        if second >= sampled * seconds / SAMPLES:
            sampled += 1
            waiting = bridge.outbox.counts().waiting
            yield Sample(second, accepted, process.memory_info().rss, sizes(path), waiting)
        time.sleep(0.005)


def soak(*, seconds: float, rate: int, folder: Path | None) -> None:
    """
    Print how it stands from time to time, and whether anything grew.
    """
    sweeping.REMEMBERED_MS = REMEMBERED_S * 1000  # type: ignore[misc]
    title(f"soak: {rate} calls a second for {seconds:,.0f} s, delivered to a sink that answers after 50 ms")
    print(f"{'':>10}{'calls':>12}{'memory':>15}{'file and log':>15}{'waiting':>10}")
    samples = []
    with tempfile.TemporaryDirectory(dir=folder) as made, sink(0.05) as running:
        path = Path(made) / "bridge.db"
        with Bridge(path, api_key="key", url=running.url, concurrency=64) as bridge:
            for sample in run(bridge, path, seconds=seconds, rate=rate):
                samples.append(sample)
                print(sample, flush=True)
            report = bridge.flush(timeout=30)
            counts, calls = bridge.outbox.counts(), samples[-1].calls
        print(
            f"  left {report.waiting}, given up {counts.dead}, delivered {counts.delivered:,};"
            f" {calls:,} calls when last looked at"
        )
        print(
            f"  the sink answered {running.answered():,}; once closed, the file has {sizes(path) / 2**20:.1f} MB"
        )
    quarter = len(samples) // 4
    for name in ("memory", "file"):
        early, late = (
            max(getattr(one, name) for one in part)
            for part in (samples[quarter : 2 * quarter], samples[-quarter:])
        )
        verdict = "flat" if late <= early * MAY_GROW else "GREW"
        print(
            f"  {name}: {early / 2**20:.1f} MB in the second quarter, {late / 2**20:.1f} MB in the last: {verdict}"
        )
