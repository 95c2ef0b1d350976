"""
What the benchmarks of the bridge share: time and processor time of so many things done, and lines of a table.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence

from attrs import frozen


@frozen
class Measured:
    """
    How many things a second, and how many microseconds of processor time each took.
    """

    rate: float
    cpu_us: float


def timed(work: Callable[[], object], count: int, *, clock: Callable[[], float] = time.process_time) -> Measured:
    """
    Return how fast some work did so many things; the clock says whose processor time counts.
    """
    started, began_cpu = time.perf_counter(), clock()
    work()
    cpu_s = clock() - began_cpu
    return Measured(count / (time.perf_counter() - started), cpu_s / count * 1e6)


def summary(measured: Iterable[Measured]) -> Measured:
    """
    Return the median rate, and the least processor time, which other work on the machine changes least.
    """
    rounds = list(measured)
    return Measured(statistics.median(one.rate for one in rounds), min(one.cpu_us for one in rounds))


def spread(measured: Sequence[Measured]) -> str:
    """
    Return the slowest and the fastest of some rounds.
    """
    rates = [one.rate for one in measured]
    return f"({min(rates):,.0f}-{max(rates):,.0f})"


def title(text: str) -> None:
    """
    Print what the next lines are about.
    """
    print(f"\n{text}", flush=True)
