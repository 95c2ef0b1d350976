"""
A Kissmetrics export of made-up people, with planted faults and the truth about them.

Honest people have an account number, an e-mail address or both, and some a user name or a telephone number; one
to four devices, each with an anonymous identity of its own; and their oddities: addresses that change and change
back, late events under an old address, two addresses on one account, aliases that are repeated at each launch, a
server that joins two addresses weeks after the new one was in use, families that share a tablet and log out in
between.

Faults are of six kinds, each a documented way to squish people:

- ``shared_tablet``: nobody logs out, and a mapper aliases on each identify;
- ``placeholder``: an app without an account id sends ``null``, or the like;
- ``kiosk``: a device in a shop that everybody signs in on;
- ``wrong_change``: an e-mail address is changed to another customer's;
- ``constant``: a program on a server aliases everybody to its own name;
- ``reinstall``: an app keeps its anonymous identity when it is installed anew under somebody else's account.
"""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

from attrs import Factory, define, frozen

DAY = 86_400
START = 1_350_000_000
YEAR = 365 * DAY

Pair = frozenset[str]
KINDS = ("shared_tablet", "placeholder", "kiosk", "wrong_change", "constant", "reinstall")
PLACEHOLDERS = ("null", "undefined", "None", "anonymous", "guest", "0000-0000", "NULL", "n/a", "unknown")
CONSTANTS = (
    "mobile-backend",
    "checkout_service",
    "api",
    "webhooks",
    "billing",
    "worker",
    "crm-sync",
    "batch",
    "x",
)


@frozen
class Fault:
    """
    Links that should not be there.
    """

    kind: str
    links: frozenset[Pair]


@define
class Person:
    """
    Somebody honest.
    """

    account: str | None
    emails: list[str]
    devices: list[str] = Factory(list)
    began: int = 0
    ended: int = 0

    @property
    def name(self) -> str:
        return self.account or self.emails[-1]


@define
class Export:
    """
    Lines, and the truth about them.
    """

    random: random.Random
    lines: list[str] = Factory(list)
    faults: list[Fault] = Factory(list)

    def event(self, identity: str, second: int, name: str = "visited site") -> None:
        self.lines.append(json.dumps({"_p": identity, "_t": second, "_n": name}))

    def alias(self, one: str, other: str, second: int) -> Pair:
        ends = [one, other]
        self.random.shuffle(ends)
        self.lines.append(json.dumps({"_p": ends[0], "_t": second, "_p2": ends[1]}))
        return frozenset(ends)

    def device(self) -> str:
        bits = f"{self.random.getrandbits(128):032x}"
        return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-a{bits[17:20]}-{bits[20:]}".upper()


def squished_export(*, people: int, faults: int, seed: int = 1, number_from: int = 0) -> Export:
    """
    Make an export. Its people have numbers of their own, from ``number_from`` on.
    """
    export = Export(random.Random(seed))
    crowd = [_honest(export, number_from + number) for number in range(people)]
    for first in range(0, people - 4, 40):
        _family(export, crowd[first : first + export.random.randint(2, 4)])
    for number, person in enumerate(crowd, start=number_from):
        if person.emails and export.random.random() < 0.12:
            _changes_address(export, person, number)
        export.event(person.name, person.ended, "bought")
    remaining = iter(export.random.sample(crowd, people))
    for number in range(faults):
        kind = KINDS[number % len(KINDS)]
        links = FAULTS[kind](export, remaining, number // len(KINDS))
        export.faults.append(Fault(kind, frozenset(links)))
    return export


def write_revisions(export: Export, folder: Path, *, per_file: int = 50_000, first_file: int = 1) -> None:
    """
    Write an export as Kissmetrics lays it out.
    """
    (folder / "revisions").mkdir(parents=True, exist_ok=True)
    for number, first in enumerate(range(0, len(export.lines), per_file), start=first_file):
        text = "\n".join(export.lines[first : first + per_file]) + "\n"
        (folder / "revisions" / f"{number}.json").write_text(text)


def _honest(export: Export, number: int) -> Person:
    chance = export.random.random
    account = str(100_000 + number) if chance() < 0.6 else None
    person = Person(account, [f"person{number}@mail.example"] if account is None or chance() < 0.7 else [])
    person.began = START + export.random.randrange(YEAR)
    person.ended = person.began + 120 * DAY + export.random.randrange(YEAR)
    if account is not None and person.emails:
        export.alias(account, person.emails[0], person.began + 60)
    for _ in range(export.random.choice((1, 1, 1, 2, 2, 3, 4))):
        _installs(export, person, person.began + export.random.randrange(20 * DAY))
    if chance() < 0.05:
        export.alias(
            f"user_name_{number}" if chance() < 0.5 else f"+49 171 {1_000_000 + number}",
            person.name,
            person.began + 9,
        )
    return person


def _installs(export: Export, person: Person, second: int) -> None:
    device = export.device()
    person.devices.append(device)
    export.event(device, second)
    names = (
        [person.name]
        if export.random.random() < 0.9
        else [name for name in (person.account, *person.emails) if name]
    )
    for name in names:
        for launch in range(export.random.choice((1, 1, 1, 3))):
            export.alias(device, name, second + 90 + launch * DAY)
        export.event(name, second + 100, "signed in")


def _changes_address(export: Export, person: Person, number: int) -> None:
    at = person.began + 60 * DAY
    for change in range(export.random.choice((1, 1, 1, 2, 3))):
        old, new = person.emails[-1], f"person{number}.{change}@new.example"
        at += change * 60 * DAY + export.random.randrange(5 * DAY)
        export.event(old, at - 2 * DAY)
        style = export.random.random()
        if style < 0.2:
            # The new address was in use on a device of its own for weeks before the server heard of the change.
            fresh = export.device()
            export.alias(fresh, new, at + 60)
            export.event(new, at + 120)
            export.alias(old, new, at + 20 * DAY)
        elif style < 0.4 and person.account is not None:
            export.alias(person.account, new, at)
        else:
            export.alias(old, new, at)
        person.emails.append(new)
        export.event(new, at + 300)
        export.event(new, at + 40 * DAY)
        if export.random.random() < 0.2:
            # Sent late by a device that was offline.
            export.event(old, at + 3 * DAY)
        if export.random.random() < 0.1:
            export.alias(new, old, at + 4 * DAY)
        if export.random.random() < 0.3:
            # The app never logged out, and its mapper aliases on each identify.
            export.alias(person.devices[0], new, at + 600)
    person.ended = max(person.ended, at + 50 * DAY)


def _family(export: Export, members: list[Person]) -> None:
    """
    Let a family use one tablet, whose anonymous identity is new after each log-out.
    """
    for turn in range(2):
        for member in members:
            _installs(export, member, member.began + (20 + turn * 5) * DAY)


def _shared_tablet(export: Export, people: Iterator[Person], _: int) -> set[Pair]:
    owner = next(people)
    # An app knows everybody by a number, or everybody by an address.
    alike = (one for one in people if (one.account is None) == (owner.account is None))
    others = [next(alike) for _ in range(export.random.randint(1, 3))]
    at = max(one.ended for one in (owner, *others)) + DAY
    return {export.alias(owner.devices[0], other.name, at + turn) for turn, other in enumerate(others)}


def _placeholder(export: Export, people: Iterator[Person], turn: int) -> set[Pair]:
    placeholder = PLACEHOLDERS[turn % len(PLACEHOLDERS)]
    victims = [next(people) for _ in range(export.random.randint(2, 20))]
    return {export.alias(placeholder, one.name, one.began + DAY) for one in victims}


def _kiosk(export: Export, people: Iterator[Person], _: int) -> set[Pair]:
    kiosk = export.device()
    export.event(kiosk, START)
    return {
        export.alias(kiosk, (one := next(people)).name, one.ended) for _ in range(export.random.randint(24, 60))
    }


def _wrong_change(export: Export, people: Iterator[Person], turn: int) -> set[Pair]:
    with_address = (one for one in people if one.emails and (turn % 2 or one.account is None))
    one, other = next(with_address), next(with_address)
    at = max(one.began, other.began) + 100 * DAY
    for person in (one, other):
        export.event(person.emails[-1], at - 60 * DAY)
        export.event(person.emails[-1], at + 10 * DAY)
    return {export.alias(one.emails[-1], other.emails[-1], at)}


def _constant(export: Export, people: Iterator[Person], turn: int) -> set[Pair]:
    name = CONSTANTS[turn % len(CONSTANTS)]
    return {
        export.alias(name, (one := next(people)).name, one.began + 2 * DAY)
        for _ in range(export.random.randint(24, 80))
    }


def _reinstall(export: Export, people: Iterator[Person], _: int) -> set[Pair]:
    former = next(people)
    later = next(one for one in people if (one.account is None) == (former.account is None))
    at = max(former.ended, later.ended) + 10 * DAY
    link = export.alias(former.devices[-1], later.name, at)
    export.event(later.name, at + 60)
    return {link}


FAULTS: dict[str, Callable[[Export, Iterator[Person], int], set[Pair]]] = {
    "shared_tablet": _shared_tablet,
    "placeholder": _placeholder,
    "kiosk": _kiosk,
    "wrong_change": _wrong_change,
    "constant": _constant,
    "reinstall": _reinstall,
}
