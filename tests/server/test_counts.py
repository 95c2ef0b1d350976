"""
Counting in the background, once for all who look.
"""

import threading

import pytest

from sdkbridge.server.pages.counts import COUNT_AGAIN, GOOD_FOR_S, Counts


class Clock:
    """
    Seconds that pass when they are told to.
    """

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Counting:
    """
    Counts how often it was asked to count, which takes as long as it is told.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.takes_s = 0.001
        self.times = 0

    def __call__(self) -> int:
        self._clock.now_s += self.takes_s
        self.times += 1
        return self.times


@pytest.fixture
def clock() -> Clock:
    return Clock()


def settled(counts: Counts[int]) -> int:
    """
    Look, and wait for the count that this may have begun.
    """
    counts.latest()
    for thread in threading.enumerate():
        if thread.name == "sdkbridge-counts":
            thread.join()
    found = counts.latest()
    assert found is not None
    return found


def test_a_count_that_takes_long_is_good_for_long(clock: Clock) -> None:
    """
    Somebody who looks at the page all the time keeps the database busy for a twentieth of it.
    """
    counting = Counting(clock)
    counting.takes_s = 3
    counts = Counts(counting, now=clock)
    settled(counts)
    clock.now_s += GOOD_FOR_S
    assert settled(counts) == 2

    clock.now_s += COUNT_AGAIN * 3 - 0.1
    assert settled(counts) == 2
    clock.now_s += 0.2
    assert settled(counts) == 3


@pytest.mark.parametrize("slow", [1, 2, 3])
def test_one_count_that_was_held_up_is_done_anew_soon(clock: Clock, slow: int) -> None:
    """
    The first opens the database; any may meet a busy machine.
    """
    counting = Counting(clock)
    counts = Counts(counting, now=clock)
    for number in range(1, slow + 1):
        counting.takes_s = 3 if number == slow else 0.001
        assert settled(counts) == number
        clock.now_s += GOOD_FOR_S
    counting.takes_s = 0.001
    assert settled(counts) == slow + 1
