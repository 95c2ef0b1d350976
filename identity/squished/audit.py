"""
Find the people that should not be one, and the links to blame.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter

from attrs import evolve

from identity.links import Link
from identity.squished.component import Component
from identity.squished.kinds import kind_of as told_by_looks
from identity.squished.person import squished_person
from identity.squished.spill import Spill
from identity.squished.survey import Survey, survey
from identity.squished.values import Activity, Audit, Severity, SquishedPerson

HUB_OF = 10
CROWD_OF = 100
"""The limit on a person's identities that Segment Unify has, too."""

ActivitySource = Callable[[frozenset[str]], Mapping[str, Activity]]
"""Tells what was recorded under some identities; those of which it knows nothing may be missing."""


def _nothing_known(_: frozenset[str]) -> Mapping[str, Activity]:
    return {}


def audit(
    links: Iterable[Link],
    *,
    activity: ActivitySource = _nothing_known,
    kind_of: Callable[[str], str] = told_by_looks,
    hub_of: int = HUB_OF,
    crowd_of: int = CROWD_OF,
) -> Audit:
    """
    Find the people that links make of identities that contradict each other, and the fewest links to drop.

    The links are read once and spilled to a temporary file, so they may be more than memory holds; only the people
    that something is wrong with are kept.

    Args:
        links: all aliases that were accepted, in any order.
        activity: what was recorded under the identities of the people that are looked at; asked once. Without it
            a change of e-mail address to somebody else's is only noticed if it leads to two accounts.
        kind_of: tells the kind of an identity; by default from its looks.
        hub_of: how many account ids, or e-mail addresses, are linked directly with an identity that is nobody's.
        crowd_of: how many identities a person has who is odd although nothing contradicts.

    Raises:
        ValueError: hub_of or crowd_of is less than 2.
    """
    if min(hub_of, crowd_of) < 2:
        raise ValueError("hub_of and crowd_of must be 2 or more")
    with Spill() as spill:
        count = spill.take(links)
        found = survey(spill.names(), spill.pairs, count=count, kind_of=kind_of, hub_of=hub_of, crowd_of=crowd_of)
        spill.mark(found.marks())
        known = activity(frozenset(name for _, _, name in spill.marked_names()))
        people = [
            person
            for component in _components(spill, found, kind_of, known)
            if (person := squished_person(component, crowd_of=crowd_of)) is not None
        ]
    return Audit(
        identities=found.identities,
        people=found.people,
        links=found.links,
        squished=tuple(sorted(people, key=_worst_first)),
    )


def _components(
    spill: Spill, found: Survey, kind_of: Callable[[str], str], known: Mapping[str, Activity]
) -> Iterator[Component]:
    """
    Yield the people to look at, one after another.
    """
    by_person = itemgetter(0)
    both = zip(groupby(spill.marked_names(), by_person), groupby(spill.marked_links(), by_person), strict=True)
    for (_, identities), (_, links) in both:
        numbers: dict[int, int] = {}
        names: list[str] = []
        aside = set()
        for _, identity, name in identities:
            if found.aside[identity]:
                aside.add(len(names))
            numbers[identity] = len(names)
            names.append(name)
        yield Component(
            names=names,
            kinds=[kind_of(name) for name in names],
            aside=frozenset(aside),
            links=[evolve(link, older=numbers[link.older], newer=numbers[link.newer]) for _, link in links],
            activity=known,
        )


_SEVERITIES = list(Severity)


def _worst_first(person: SquishedPerson) -> tuple[int, int, int, str]:
    return _SEVERITIES.index(person.severity), -person.people, -person.records, person.name
