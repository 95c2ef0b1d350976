"""
Where strategies disagree about who is one person, worst first, and the calls that caused it.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from attrs import define, field, frozen

from identity.simulate.causes import Cause, Causes
from identity.simulate.numbered import Identities, NumberSets, Partition

SHOWN_IDENTITIES = 40
SHOWN_CAUSES = 12


@frozen(kw_only=True)
class Difference:
    """
    Identities that one strategy takes for one person, and another does not.

    Attributes:
        identities: how many they are.
        events: how many events were recorded under them.
        true_people: how many true people used them, where that is known.
        people: how many people each strategy counts.
        names_in_one: how many names the largest of these people has under each strategy.
        groups: the identities of each of these people under each strategy, the first ones of each difference.
        causes: calls that joined them under some strategies only, the most telling first.
        more_causes: how many more there are.
    """

    identities: int
    events: int
    true_people: int | None
    people: Mapping[str, int]
    names_in_one: Mapping[str, int]
    groups: Mapping[str, tuple[tuple[str, ...], ...]]
    causes: tuple[Cause, ...]
    more_causes: int


@frozen
class Known:
    """
    What is known of each identity, by its number.

    Attributes:
        is_named: whether it was given as a name.
        events: how many events were recorded under it.
        persons: returns the true people who used some of them, by their numbers; None where no truth is known.
    """

    is_named: bytearray
    events: array[int]
    persons: Callable[[Container[int]], Mapping[int, set[int]]] | None


def differences(
    worlds: Mapping[str, Partition], identities: Identities, known: Known, causes: Causes, *, most: int
) -> tuple[int, tuple[Difference, ...]]:
    """
    Return how many differences there are, and the worst.

    The worst are those where one strategy makes one person of most names that another keeps apart; then those
    with most people between the two; then with most events.
    """
    joined = _joined_by_any([world.sets for world in worlds.values()])
    blocks = _blocks(worlds, joined, known)
    shown = sorted(blocks, key=lambda root: (*blocks[root].rank, -root), reverse=True)[:most]
    members = _members(joined, shown, len(identities))
    persons = _persons(known, members)
    caused_by = _causes(causes, joined, set(shown))
    found = []
    for root in shown:
        block = blocks[root]
        places = _worst_first(causes, caused_by[root], block, [*worlds])
        found.append(
            Difference(
                identities=len(members[root]),
                events=block.events,
                true_people=persons.get(root),
                people={strategy: block.people[strategy] for strategy in worlds},
                names_in_one={strategy: block.most_names[strategy] for strategy in worlds},
                groups=_groups(worlds, members[root][:SHOWN_IDENTITIES], identities.names),
                causes=tuple(causes.cause(place, identities.names) for place in places[:SHOWN_CAUSES]),
                more_causes=max(len(places) - SHOWN_CAUSES, 0),
            )
        )
    return len(blocks), tuple(found)


def _members(joined: NumberSets, shown: Iterable[int], count: int) -> dict[int, list[int]]:
    members: dict[int, list[int]] = {root: [] for root in shown}
    for number in range(count):
        root = joined.find(number)
        if root in members:
            members[root].append(number)
    return members


def _persons(known: Known, members: Mapping[int, list[int]]) -> dict[int, int]:
    """
    Count the true people in each difference, where they are known.
    """
    if known.persons is None:
        return {}
    of = known.persons({number for numbers in members.values() for number in numbers})
    return {
        root: len({person for number in numbers for person in of.get(number, ())})
        for root, numbers in members.items()
    }


@define
class _Block:
    events: int = 0
    people: Counter[str] = field(factory=Counter)
    most_names: Counter[str] = field(factory=Counter)

    @property
    def rank(self) -> tuple[int, int, int]:
        names, people = [*self.most_names.values()], [*self.people.values()]
        return max(names) - min(names), max(people) - min(people), self.events

    @property
    def is_one(self) -> bool:
        return max(self.people.values()) == 1


def _joined_by_any(worlds: Iterable[NumberSets]) -> NumberSets:
    joined = NumberSets()
    for sets in worlds:
        for number in sets.joined():
            joined.join(sets.find(number), number)
    return joined


def _blocks(worlds: Mapping[str, Partition], joined: NumberSets, known: Known) -> dict[int, _Block]:
    """
    Return what strategies disagree about: identities that some strategy joins, counted by each.
    """
    blocks: dict[int, _Block] = {}
    for strategy, world in worlds.items():
        names: Counter[int] = Counter()
        people: set[int] = set()
        for number in joined.joined():
            if world.is_known[number]:
                root = world.sets.find(number)
                people.add(root)
                names[root] += known.is_named[number]
        for root in people:
            block = blocks.setdefault(joined.find(root), _Block())
            block.people[strategy] += 1
            block.most_names[strategy] = max(block.most_names[strategy], names[root])
    blocks = {root: block for root, block in blocks.items() if not block.is_one}
    for number, events in enumerate(known.events):
        root = joined.find(number)
        if events and root in blocks:
            blocks[root].events += events
    return blocks


def _causes(causes: Causes, joined: NumberSets, shown: set[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {root: [] for root in shown}
    for place, older, _ in causes.pairs():
        root = joined.find(older)
        if root in found and not causes.is_of_all(place):
            found[root].append(place)
    return found


def _worst_first(causes: Causes, places: list[int], block: _Block, strategies: list[str]) -> list[int]:
    """
    Sort calls: first those that joined people under the strategy that joined most, and under few others.
    """
    most = strategies.index(min(block.people, key=block.people.__getitem__))

    def rank(place: int) -> tuple[bool, int, int]:
        return not causes.is_joined_by(place, most), causes.joined_by_how_many(place), place

    return sorted(places, key=rank)


def _groups(
    worlds: Mapping[str, Partition], members: list[int], names: Sequence[str]
) -> dict[str, tuple[tuple[str, ...], ...]]:
    """
    Return who is one person with whom under each strategy, the largest person first.
    """
    return {strategy: _people(world, members, names) for strategy, world in worlds.items()}


def _people(world: Partition, members: list[int], names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    groups: dict[int, list[str]] = {}
    for number in members:
        if world.is_known[number]:
            groups.setdefault(world.sets.find(number), []).append(names[number])
    return tuple(tuple(group) for group in sorted(groups.values(), key=len, reverse=True))
