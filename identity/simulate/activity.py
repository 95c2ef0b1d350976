"""
What is recorded under each identity, whoever is one person with whom: the same for every strategy.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence

from identity.simulate.funnel import FunnelStep, StepTimes, people_at_each_step
from identity.simulate.retention import ActiveWeeks, Retention, retention

UNKNOWN = -1
"""The person of a call of which no truth is known."""


class Activity:
    """
    Counts, times of a funnel's steps and active weeks, by the number of the identity.

    Args:
        steps: the events of the funnel.
    """

    def __init__(self, steps: Sequence[str]) -> None:
        self.step_times = StepTimes(steps)
        self.weeks = ActiveWeeks()
        self.events = 0
        # The first person of each identity in flat arrays; only a shared identity has more.
        self._first = array("i")
        self._count = array("i")
        self._shared: dict[tuple[int, int], int] = {}

    def note(self, identity: int, person: int, event: str | None, at_ms: int | None) -> None:
        """
        Count what was recorded.

        Args:
            identity: under which it was.
            person: the number of who truly did it, or `UNKNOWN`.
            event: its name; None if only properties were set.
            at_ms: when, in milliseconds since 1970 UTC.
        """
        is_event = event is not None
        first = self._first
        if identity >= len(first):
            more = max(identity + 1, len(first) + len(first) // 8) - len(first)
            first.extend([_NOBODY] * more)
            self._count.extend([0] * more)
        if first[identity] == _NOBODY:
            first[identity] = person
        if first[identity] == person:
            self._count[identity] += is_event
        else:
            key = (identity, person)
            self._shared[key] = self._shared.get(key, 0) + is_event
        if event is None:
            return
        self.events += 1
        if at_ms is not None:
            self.step_times.note(identity, event, at_ms)
            self.weeks.note(identity, at_ms)

    def uses(self) -> Iterator[tuple[int, int, int]]:
        """
        Yield identity, person and number of events for each identity that a person used.
        """
        for identity, (person, events) in enumerate(zip(self._first, self._count, strict=True)):
            if person != _NOBODY:
                yield identity, person, events
        for (identity, person), events in self._shared.items():
            yield identity, person, events


_NOBODY = -2


def uses_of(activities: Sequence[Activity]) -> Iterator[tuple[int, int, int]]:
    """
    Yield each identity and person once, with the events of all activities; the first should be the largest.
    """
    extra: dict[tuple[int, int], int] = {}
    for activity in activities[1:]:
        for identity, person, events in activity.uses():
            extra[identity, person] = extra.get((identity, person), 0) + events
    for identity, person, events in activities[0].uses():
        yield identity, person, events + (extra.pop((identity, person), 0) if extra else 0)
    for (identity, person), events in extra.items():
        yield identity, person, events


def funnel_of(
    activities: Sequence[Activity], person_of: Callable[[int], int], *, within_s: int | None
) -> tuple[FunnelStep, ...]:
    """
    Return the funnel of the people that identities make up.
    """
    people: dict[int, dict[str, list[int]]] = {}
    for activity in activities:
        for identity, event, seconds in activity.step_times.done():
            people.setdefault(person_of(identity), {}).setdefault(event, []).extend(seconds)
    return people_at_each_step(people.values(), activities[0].step_times.steps, within_s=within_s)


def retention_of(activities: Sequence[Activity], person_of: Callable[[int], int]) -> Retention:
    """
    Return the retention of the people that identities make up.
    """
    first = min((activity.weeks.first for activity in activities if activity.weeks.first is not None), default=0)
    people: dict[int, int] = {}
    for activity in activities:
        for identity, since, mask in activity.weeks.active():
            person = person_of(identity)
            people[person] = people.get(person, 0) | mask << since - first
    return retention(people.values(), first)
