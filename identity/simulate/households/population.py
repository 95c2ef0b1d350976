"""
A population of made-up people: the calls that they make, in the order of their arrival, and the truth.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from itertools import groupby

from attrs import define, field

from identity.simulate.calls import JSONObject
from identity.simulate.households.dice import Dice
from identity.simulate.households.people import (
    DAY_MS,
    HOUR_MS,
    Device,
    Household,
    Person,
    device,
    household,
)
from identity.simulate.households.post import Post
from identity.simulate.households.rates import Rates
from identity.simulate.households.visit import Visit
from identity.simulate.truth import Truth

START = date(2026, 1, 5)
DAYS = 30

JOINS_UNTIL = 0.6
"""Which part of the time passes until the last household comes."""

BAD_RELEASE = (0.4, 0.6)
"""Between which parts of the time the release is out that identifies nobody as ``null``."""

KIOSKS_FROM = 2**39
"""Numbers of kiosks, where households have theirs, so that the draws of the two have nothing in common."""


@define
class _Kiosk:
    number: int
    device: Device


@define(kw_only=True)
class Population:
    """
    People whose truth is known; iterate over it for their calls, as often as you like.

    Attributes:
        people: how many they are.
        seed: whole number; the same one gives the same calls, on each machine and each version of Python.
        days: for how long they make calls.
        start: the first day, UTC.
        rates: how often they do what they do.
        truth: who truly made each call, as far as they were made; complete after the last one.
    """

    people: int
    seed: int
    days: int = DAYS
    start: date = START
    rates: Rates = field(factory=Rates)
    truth: Truth = field(factory=Truth, init=False)

    def __iter__(self) -> Iterator[JSONObject]:
        """
        Yield their calls, in Segment's spelling and in the order of their arrival, from the first on.
        """
        self.truth.clear()
        return _Days(self).calls()


def population(
    people: int,
    *,
    seed: int,
    days: int = DAYS,
    start: date = START,
    rates: Rates | Mapping[str, float] | None = None,
) -> Population:
    """
    Return made-up people whose truth is known.

    Args:
        people: how many.
        seed: whole number; the same one gives the same calls.
        days: for how long they make calls.
        start: the first day, UTC.
        rates: how often they do what they do, or those rates that are not the usual ones, by name.

    Raises:
        ValueError: there are no people or days, or a rate is unknown or out of its range.
    """
    if people < 1 or days < 1:
        raise ValueError("a population needs at least one person and one day")
    if not 0 <= seed < 2**32:
        raise ValueError("the seed must be from 0 up to 2**32")
    given = rates if isinstance(rates, Rates) else Rates.of(rates or {})
    return Population(people=people, seed=seed, days=days, start=start, rates=given)


class _Days:
    """
    One run through the days of a population.
    """

    def __init__(self, made_up: Population) -> None:
        self._made_up = made_up
        self._rates = made_up.rates
        self._post = Post(made_up.truth)
        start = datetime(made_up.start.year, made_up.start.month, made_up.start.day, tzinfo=UTC)
        self._first_day = int(start.timestamp()) * 1000 // DAY_MS
        self._people: list[Person] = []
        self._kiosks: list[_Kiosk] = []
        self._households = 0
        # Who uses the app on which day.
        self._due: dict[int, list[tuple[int, int]]] = {}
        self._home: dict[int, Household] = {}

    def calls(self) -> Iterator[JSONObject]:
        for day in range(self._made_up.days):
            self._let_join(day)
            for kiosk in self._kiosks:
                self._at_kiosk(kiosk, day)
            due = sorted(set(self._due.pop(day, ())))
            for number, places in groupby(due, key=lambda visit: visit[0]):
                self._at_home(self._home[number], [place for _, place in places], day)
            yield from self._post.delivered(self._first_day + day)
        yield from self._post.late()

    def _dice(self, number: int, day: int) -> Dice:
        return Dice(self._made_up.seed, number, day + 1)

    def _let_join(self, day: int) -> None:
        """
        Let households come, as many each day.
        """
        until = max(1, round(self._made_up.days * JOINS_UNTIL))
        wanted = self._made_up.people * min(day + 1, until) // until
        while len(self._people) < wanted:
            number = self._households
            dice = self._dice(number, -1)
            home = household(number, dice, self._rates, most=self._made_up.people - len(self._people))
            self._households += 1
            self._home[number] = home
            for place, person in enumerate(home.people):
                self._people.append(person)
                self._post.truth.number(person.name)
                if person.account is not None:
                    self._post.truth.owns(person.name, person.account)
                self._due.setdefault(day, []).append((number, place))
        while len(self._kiosks) < len(self._people) * self._rates.kiosks / 1000:
            number = KIOSKS_FROM + len(self._kiosks)
            name = f"kiosk{len(self._kiosks) + 1}"
            self._kiosks.append(_Kiosk(number, device(name, self._dice(number, -1), self._rates)))

    def _at_kiosk(self, kiosk: _Kiosk, day: int) -> None:
        dice = self._dice(kiosk.number, day)
        times = sorted(self._hour(dice, day, 9, 20) for _ in range(dice.count(self._rates.kiosk_visits)))
        for at_ms in times:
            person = dice.pick(self._people)
            if person.is_server_only or (person.account is not None and not person.has_signed_up):
                continue
            visit = Visit(person, kiosk.device, at_ms, dice, self._rates, self._post)
            visit.take_place(bad_release=False, logs_out=1 - self._rates.kiosk_left_signed_in)

    def _at_home(self, home: Household, places: list[int], day: int) -> None:
        dice = self._dice(home.number, day)
        visits = sorted((self._hour(dice, day, 7, 22), place) for place in places)
        for at_ms, place in visits:
            person = home.people[place]
            if person.is_server_only:
                self._on_server(person, at_ms)
            else:
                self._on_device(home, person, at_ms, dice, day)
            self._later(home, place, dice, day)

    def _hour(self, dice: Dice, day: int, first: int, last: int) -> int:
        return (self._first_day + day) * DAY_MS + round(dice.between(first * HOUR_MS, last * HOUR_MS))

    def _on_server(self, person: Person, at_ms: int) -> None:
        assert person.account is not None  # noqa: S101 - the server knows people by their accounts
        self._post.send(
            person, None, at_ms, "track", userId=person.account, event="Invoice Paid", properties={"revenue": 19}
        )

    def _on_device(self, home: Household, person: Person, at_ms: int, dice: Dice, day: int) -> None:
        rates = self._rates
        if person.browser is not None and person.browser.is_fresh:
            self._browses(person, person.browser, at_ms, dice)
            return
        where = dice.pick(person.phones)
        if home.tablet is not None and dice.chance(rates.tablet_visits):
            where = home.tablet
        elif not where.is_fresh and dice.chance(rates.reinstalls):
            where.reset()
            where.is_fresh = True
        from_part, to_part = BAD_RELEASE
        bad = from_part <= day / self._made_up.days < to_part
        visit = Visit(person, where, at_ms, dice, rates, self._post)
        visit.take_place(bad_release=bad, logs_out=rates.logs_out)
        if person.has_signed_up:
            self._after(person, visit.at_ms, dice)

    def _browses(self, person: Person, browser: Device, at_ms: int, dice: Dice) -> None:
        browser.is_fresh = False
        for page in range(1 + dice.count(2.0)):
            self._post.send(person, browser, at_ms + page * 20_000, "page", name="Home", properties={})

    def _after(self, person: Person, at_ms: int, dice: Dice) -> None:
        """
        Do what a server does for somebody with an account, at the end of the day.
        """
        if dice.chance(self._rates.server_events):
            self._on_server(person, at_ms + HOUR_MS // 4)
        if person.is_email and dice.chance(self._rates.email_changes):
            before = person.account
            person.change_address()
            assert person.account is not None  # noqa: S101 - it was just changed
            self._post.truth.owns(person.name, person.account)
            if dice.chance(self._rates.changes_told):
                late = at_ms + HOUR_MS // 2
                self._post.send(person, None, late, "alias", previousId=before, userId=person.account)

    def _later(self, home: Household, place: int, dice: Dice, day: int) -> None:
        """
        Say on which day somebody uses the app next.
        """
        mean = 7 / max(home.people[place].visits_a_week, 1e-9)
        gap = 1 + dice.count(max(mean - 1, 0.0)) if mean < self._made_up.days * 10 else self._made_up.days
        if day + gap < self._made_up.days:
            self._due.setdefault(day + gap, []).append((home.number, place))
