"""
How many people did some events one after the other.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter

from attrs import frozen

MOST_REMEMBERED = 1000
"""How many instances of an event count, the most recent ones (Kissmetrics' pages of 2016)."""

USUAL_STEPS = ("Application Installed", "Signed Up", "Order Completed")
"""Names of Segment's specification: its lifecycle events, its B2B events and its ecommerce events."""


@frozen
class FunnelStep:
    """
    How many people came as far as one event.
    """

    event: str
    people: int


class StepTimes:
    """
    When each step of a funnel was done under each identity, in whole seconds.

    Args:
        steps: the names of the events, in their order.
    """

    def __init__(self, steps: Sequence[str]) -> None:
        self.steps = tuple(steps)
        self._of_event = {event: step for step, event in enumerate(dict.fromkeys(steps))}
        self._events = tuple(self._of_event)
        self._seconds: dict[int, array[int]] = {}

    def note(self, identity: int, event: str, at_ms: int) -> None:
        """
        Remember when an event was done, if it is one of the steps.
        """
        step = self._of_event.get(event)
        if step is None or not 0 <= at_ms < _AFTER_ALL_SECONDS:
            return
        key = identity * len(self._events) + step
        seconds = self._seconds.get(key)
        if seconds is None:
            seconds = self._seconds[key] = array("I")
        seconds.append(at_ms // 1000)
        if len(seconds) >= 2 * MOST_REMEMBERED:
            self._seconds[key] = array("I", sorted(seconds)[-MOST_REMEMBERED:])

    def done(self) -> Iterable[tuple[int, str, array[int]]]:
        """
        Yield identity, event and seconds.
        """
        for key, seconds in self._seconds.items():
            identity, step = divmod(key, len(self._events))
            yield identity, self._events[step], seconds


_AFTER_ALL_SECONDS = 2**32 * 1000


def people_at_each_step(
    people: Iterable[dict[str, list[int]]], steps: Sequence[str], *, within_s: int | None = None
) -> tuple[FunnelStep, ...]:
    """
    Count the people who came as far as each step.

    Args:
        people: for each person, the seconds at which they did each event.
        steps: the names of the events, in their order.
        within_s: how long the way from the first to the last may take, in seconds.
    """
    counts = [0] * len(steps)
    for did in people:
        # Whoever never did the first step came nowhere, and needs no sorting.
        if not steps or steps[0] not in did:
            continue
        for step in range(steps_done(_in_order(did), steps, within_s)):
            counts[step] += 1
    return tuple(FunnelStep(event, count) for event, count in zip(steps, counts, strict=True))


def _in_order(did: dict[str, list[int]]) -> list[tuple[int, str]]:
    return sorted(
        (second, event) for event, seconds in did.items() for second in sorted(seconds)[-MOST_REMEMBERED:]
    )


def steps_done(
    happened: Iterable[tuple[int, object]], steps: Sequence[object], within_s: int | None = None
) -> int:
    """
    Return how many steps one person did.

    What matters of the past is only the latest start from which each step was reached.

    Args:
        happened: second and event of what they did, in order of time.
        steps: the events, in their order.
        within_s: how long the way from the first to the last may take, in seconds.
    """
    starts: list[int | None] = [None] * len(steps)
    for second, at_once in groupby(happened, key=itemgetter(0)):
        events = [event for _, event in at_once]
        # From the last step back, so that what happens in this second is not taken for the past.
        for done in range(len(steps) - 1, -1, -1):
            start = starts[done - 1] if done else second
            if start is not None and (within_s is None or second - start <= within_s):
                _go_on(starts, steps, done, start, [*events])
    return next((step for step, start in enumerate(starts) if start is None), len(steps))


def _go_on(starts: list[int | None], steps: Sequence[object], done: int, start: int, events: list[object]) -> None:
    """
    Take as many further steps as the events of one second allow: among them any order may be the true one.
    """
    for step in range(done, len(steps)):
        if steps[step] not in events:
            return
        events.remove(steps[step])
        # Never earlier than what is there: whoever came this far from a start had come less far from a later one.
        starts[step] = start
