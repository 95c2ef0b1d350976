"""
A first look at all people: which of them are worth a closer one, in a few bytes for each identity.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator

from attrs import define

from identity.squished.kinds import Kind, rivalry

MOST_RIVALRIES = 250
"""Forms of account ids that are told apart; more can only be noise, and count as one."""


class Sets:
    """
    Union-find over numbers from 0: four bytes each.
    """

    def __init__(self, count: int) -> None:
        self._parent = array("I", range(count))

    def find(self, item: int) -> int:
        """
        Return the number that stands for an item's set.
        """
        parent = self._parent
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    def join(self, one: int, other: int) -> None:
        """
        Make one set of two.
        """
        one, other = self.find(one), self.find(other)
        # By number instead of by size: with halved paths that is nearly as good, and costs no memory.
        if one < other:
            self._parent[other] = one
        elif other < one:
            self._parent[one] = other


@define
class Survey:
    """
    All people at a glance.

    Attributes:
        identities: how many identities there are.
        people: how many people the links make of them.
        links: how many pairs of identities are linked.
        aside: one byte an identity, not zero where it stands for nobody: a placeholder or a hub.
        person: the set of each identity.
        suspicious: the persons to look at, by the numbers that stand for their sets.
    """

    identities: int
    people: int
    links: int
    aside: bytearray
    person: Sets
    suspicious: set[int]

    def marks(self) -> Iterator[tuple[int, int]]:
        """
        Yield identity and person of each identity to look at.
        """
        for identity in range(self.identities):
            person = self.person.find(identity)
            if person in self.suspicious:
                yield identity, person


def survey(
    names: Iterable[str],
    pairs: Callable[[], Iterable[tuple[int, int]]],
    *,
    count: int,
    kind_of: Callable[[str], str],
    hub_of: int,
    crowd_of: int,
) -> Survey:
    """
    Look at all people once.

    Args:
        names: every identity, in the order of the numbers.
        pairs: yields the two ends of each link, whenever it is called.
        count: how many identities there are.
        kind_of: tells the kind of an identity.
        hub_of: how many account ids, or e-mail addresses, are linked directly with an identity that is nobody's.
        crowd_of: how many identities a person without contradictions has that is worth a look all the same.
    """
    rivalries, placeholders = _rivalries(names, count, kind_of)
    aside, links = _set_aside(pairs(), rivalries, placeholders, hub_of)
    people, parts = Sets(count), Sets(count)
    for one, other in pairs():
        people.join(one, other)
        if not (aside[one] or aside[other]):
            parts.join(one, other)
    found = _with_rivals(parts, rivalries, aside)
    suspicious = {people.find(identity) for identity in found}
    suspicious |= {people.find(identity) for identity in range(count) if aside[identity]}
    persons, crowds = _crowds(people, count, crowd_of)
    return Survey(count, persons, links, aside, people, suspicious | crowds)


def _rivalries(names: Iterable[str], count: int, kind_of: Callable[[str], str]) -> tuple[bytearray, bytearray]:
    """
    Return for each identity the number of its rivalry (0: it has none), and whether it is a placeholder.
    """
    rivalries, placeholders = bytearray(count), bytearray(count)
    numbers: dict[str, int] = {}
    for place, name in enumerate(names):
        kind = kind_of(name)
        placeholders[place] = kind == Kind.PLACEHOLDER
        about = rivalry(name, kind)
        if about is not None:
            # 1 is kept for e-mail addresses, 2 for all others.
            number = 1 if kind == Kind.EMAIL else numbers.setdefault(about, min(len(numbers) + 2, MOST_RIVALRIES))
            rivalries[place] = number
    return rivalries, placeholders


def _set_aside(
    pairs: Iterable[tuple[int, int]], rivalries: bytearray, placeholders: bytearray, hub_of: int
) -> tuple[bytearray, int]:
    accounts, emails = array("I", bytes(4 * len(rivalries))), array("I", bytes(4 * len(rivalries)))
    links = 0
    for one, other in pairs:
        links += 1
        for hub, leaf in ((one, other), (other, one)):
            if rivalries[leaf] == 1:
                emails[hub] += 1
            elif rivalries[leaf]:
                accounts[hub] += 1
    aside = placeholders
    for identity in range(len(rivalries)):
        if accounts[identity] >= hub_of or emails[identity] >= hub_of:
            aside[identity] = 1
    return aside, links


def _with_rivals(parts: Sets, rivalries: bytearray, aside: bytearray) -> set[int]:
    """
    Return an identity of each part that holds two of one rivalry.
    """
    seen: dict[int, bytearray] = {}
    found = set()
    for identity, number in enumerate(rivalries):
        if number and not aside[identity]:
            holders = seen.setdefault(number, bytearray())
            if not holders:
                holders.extend(bytes(len(rivalries)))
            part = parts.find(identity)
            if holders[part]:
                found.add(part)
            holders[part] = 1
    return found


def _crowds(people: Sets, count: int, crowd_of: int) -> tuple[int, set[int]]:
    sizes = array("I", bytes(4 * count))
    for identity in range(count):
        sizes[people.find(identity)] += 1
    return sum(map(bool, sizes)), {identity for identity in range(count) if sizes[identity] >= crowd_of}
