"""
People and their devices, and how they come to be.
"""

from collections.abc import Iterator

from attrs import Factory, define

from identity.simulate.households.dice import Dice
from identity.simulate.households.rates import Rates

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

LARGEST_HOUSEHOLD = 6
LONGEST_SKEW_MS = 6 * HOUR_MS


@define
class Device:
    """
    One installation of an app, or a browser, with its session.

    Attributes:
        name: what its anonymous ids begin with.
        skew_ms: how much its clock is ahead.
        has_bad_release: whether it gets the release that identifies nobody as ``null``.
        sessions: how many sessions it has begun.
        user_id: who is signed in, by name.
        is_fresh: whether the app was only just installed.
        free_ms: when it was last used.
        delivered_ms: when its last calls arrive.
    """

    name: str
    skew_ms: int = 0
    has_bad_release: bool = False
    sessions: int = 1
    user_id: str | None = None
    is_fresh: bool = True
    free_ms: int = 0
    delivered_ms: int = 0

    @property
    def anonymous_id(self) -> str:
        """
        The anonymous identity of its session.
        """
        return f"{self.name}.{self.sessions}"

    def reset(self) -> None:
        """
        Forget who uses it.
        """
        self.sessions += 1
        self.user_id = None


@define
class Person:
    """
    Somebody.

    Attributes:
        name: their name in the truth.
        account: the name by which they sign in; None for somebody who never says who they are.
        is_email: whether that is an e-mail address.
        addresses: how many addresses they have had.
        has_signed_up: whether they ever signed in.
        is_server_only: whether they only ever occur in calls of the server.
        visits_a_week: how often they use the app.
        phones: their own devices.
        browser: where they were before they had the app, until that is known.
    """

    name: str
    account: str | None
    is_email: bool = False
    addresses: int = 1
    has_signed_up: bool = False
    is_server_only: bool = False
    visits_a_week: float = 1.0
    phones: list[Device] = Factory(list)
    browser: Device | None = None

    def change_address(self) -> None:
        """
        Take another e-mail address for a name.
        """
        self.addresses += 1
        self.account = f"{self.name}@mail-{self.addresses}.example"


@define
class Household:
    """
    People who live together, and the tablet that they share.
    """

    number: int
    people: list[Person]
    tablet: Device | None = None


def household(number: int, dice: Dice, rates: Rates, *, most: int) -> Household:
    """
    Make a household of at most so many people.
    """
    size = min(1 + dice.count(rates.others_at_home), LARGEST_HOUSEHOLD, most)
    people = [_person(f"h{number}-p{place}", dice, rates) for place in range(1, size + 1)]
    shared = size > 1 and dice.chance(rates.shared_tablets)
    tablet = device(f"h{number}-tablet", dice, rates) if shared else None
    return Household(number, people, tablet)


def device(name: str, dice: Dice, rates: Rates) -> Device:
    """
    Make a device.
    """
    skew = round(dice.between(-LONGEST_SKEW_MS, LONGEST_SKEW_MS)) if dice.chance(rates.clock_skew) else 0
    return Device(name, skew_ms=skew, has_bad_release=dice.chance(rates.placeholder_release))


def _person(name: str, dice: Dice, rates: Rates) -> Person:
    server_only = dice.chance(rates.server_only)
    has_account = dice.chance(rates.signs_up) or server_only
    is_email = has_account and dice.chance(rates.email_ids)
    named = f"{name}@mail.example" if is_email else f"account-{name}"
    person = Person(
        name,
        account=named if has_account else None,
        is_email=is_email,
        is_server_only=server_only,
        # Most people use an app less than the average, and some much more.
        visits_a_week=rates.visits_a_week * dice.pick((0.25, 0.5, 0.5, 1.0, 2.75)),
    )
    if not server_only:
        person.phones = [*_phones(name, dice, rates)]
        person.browser = device(f"{name}-browser", dice, rates) if dice.chance(rates.browser_first) else None
    return person


def _phones(name: str, dice: Dice, rates: Rates) -> Iterator[Device]:
    for place in range(1, 2 + dice.count(rates.more_phones)):
        yield device(f"{name}-phone{place}", dice, rates)
