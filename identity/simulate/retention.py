"""
How many people came back: by the week in which they were first active.
"""

from collections.abc import Iterable

from attrs import frozen

WEEK_MS = 7 * 24 * 3600 * 1000
MONDAY_MS = 4 * 24 * 3600 * 1000
"""1970-01-05, the first Monday of the count."""

WEEKS_BEFORE = 8
MOST_WEEKS = 520


@frozen
class Cohort:
    """
    The people who were first active in one week.

    Attributes:
        week_ms: when the week begins, in milliseconds since 1970 UTC.
        people: how many they are.
        active: how many of them were active in that week, and in each one after it.
    """

    week_ms: int
    people: int
    active: tuple[int, ...]


@frozen
class Retention:
    """
    Cohorts, first week first.
    """

    cohorts: tuple[Cohort, ...] = ()

    def returned(self, week: int) -> float | None:
        """
        Return the share of people who were active so many weeks after their first; None if nobody could be.
        """
        able = [cohort for cohort in self.cohorts if len(cohort.active) > week]
        people = sum(cohort.people for cohort in able)
        return sum(cohort.active[week] for cohort in able) / people if people else None


class ActiveWeeks:
    """
    In which weeks each identity was active: a bit a week.

    Weeks are counted from eight before the first call that is noted, for ten years; others are left out.
    """

    def __init__(self) -> None:
        self._masks: list[int] = []
        self.first: int | None = None

    def note(self, identity: int, at_ms: int) -> None:
        """
        Remember that an identity was active.
        """
        week = (at_ms - MONDAY_MS) // WEEK_MS
        if self.first is None:
            self.first = week - WEEKS_BEFORE
        bit = week - self.first
        if not 0 <= bit < MOST_WEEKS:
            return
        if identity >= len(self._masks):
            self._masks.extend([0] * (identity + 1 - len(self._masks)))
        self._masks[identity] |= 1 << bit

    def active(self) -> Iterable[tuple[int, int, int]]:
        """
        Yield identity, the number of the first week since 1970 and the weeks after it as bits.
        """
        for identity, mask in enumerate(self._masks):
            if mask and self.first is not None:
                yield identity, self.first, mask


def retention(people: Iterable[int], first: int) -> Retention:
    """
    Return who came back.

    Args:
        people: for each person, the weeks in which they were active, as bits.
        first: the week of the lowest bit, counted from 1970.
    """
    weeks: dict[int, list[int]] = {}
    last = -1
    for mask in people:
        if mask:
            cohort = (mask & -mask).bit_length() - 1
            weeks.setdefault(cohort, []).append(mask >> cohort)
            last = max(last, mask.bit_length() - 1)
    return Retention(
        tuple(
            Cohort(
                week_ms=(first + cohort) * WEEK_MS + MONDAY_MS,
                people=len(masks),
                active=tuple(sum(mask >> week & 1 for mask in masks) for week in range(last - cohort + 1)),
            )
            for cohort, masks in sorted(weeks.items())
        )
    )
