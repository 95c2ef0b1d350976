"""
The fewest aliases that take Kissmetrics from what it was told to what the graph knows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from identity.disjoint_set import DisjointSet
from identity.links import Verdict
from identity.tables import Table, counted, plain_values

SOME = 10
"""How many identities of a person a plan lists at most."""

CANNOT_BE_UNDONE = "An alias can never be undone: whatever these identities did is one person's history for good."


@frozen(kw_only=True)
class PlannedSide:
    """
    One of the two people that an alias would join at Kissmetrics.

    Attributes:
        identities: how many they are known by there once the aliases before this one were sent.
        records: how many calls were recorded under those.
        some: up to ten of them.
    """

    identities: int
    records: int
    some: tuple[str, ...]


@frozen(kw_only=True)
class PlannedAlias:
    """
    One alias to send, and what it would do.

    Attributes:
        verdict: why: the verdict that joined the two.
        older: the person that the link's older identity is there.
        newer: the person that its newer identity is there.
    """

    verdict: Verdict
    older: PlannedSide
    newer: PlannedSide

    @property
    def ends(self) -> tuple[str, str]:
        """
        The two identities of the alias, the older one first.
        """
        return self.verdict.link.ends

    def __str__(self) -> str:
        older, newer = self.ends
        return f"alias {older} - {newer}: joins {_described(self.older)} with {_described(self.newer)}"


def _described(side: PlannedSide) -> str:
    identities = counted(side.identities, "identity", "identities")
    return f"{identities} ({counted(side.records, 'record')})"


@frozen(kw_only=True)
class Plan:
    """
    The aliases to send, in an order that is safe to cut off anywhere.

    Attributes:
        aliases: no fewer would do, and each joins identities of one person only.
        waiting: verdicts to merge whose alias is in its grace; they are not planned yet.
        apart: pairs that Kissmetrics was told are one and the graph takes for two people; no alias mends it.
    """

    aliases: tuple[PlannedAlias, ...]
    waiting: int = 0
    apart: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.aliases)

    def __bool__(self) -> bool:
        return bool(self.aliases)

    def __str__(self) -> str:
        lines = [self.summary, *(f"  {number}. {alias}" for number, alias in enumerate(self.aliases, 1))]
        lines += [f"  told already, and wrong to the graph: {one} - {other}" for one, other in self.apart]
        return "\n".join([*lines, *([CANNOT_BE_UNDONE] if self.aliases else [])])

    @property
    def summary(self) -> str:
        """
        How much there is to send, in one sentence.
        """
        to_send = (
            f"{counted(len(self.aliases), 'alias', 'aliases')} to send" if self.aliases else "Nothing to send"
        )
        return f"{to_send}; {self.waiting:,} in their grace." if self.waiting else f"{to_send}."

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as plain values, for JSON.
        """
        return {**plain_values(self), "cannot_be_undone": CANNOT_BE_UNDONE}

    def _repr_html_(self) -> str:
        rows = [plan_row(number, alias) for number, alias in enumerate(self.aliases, 1)]
        shown = Table(PLAN_HEADINGS, rows, caption=self.summary).html()
        return shown + (f"<p>{CANNOT_BE_UNDONE}</p>" if self.aliases else "")


PLAN_HEADINGS = ("", "older", "newer", "identities", "records", "why")


def plan_row(number: int, alias: PlannedAlias) -> tuple[str, ...]:
    """
    Return a planned alias as the cells of one row, under `PLAN_HEADINGS`.
    """
    older, newer = alias.older, alias.newer
    return (
        str(number),
        *alias.ends,
        f"{older.identities:,} + {newer.identities:,}",
        f"{older.records:,} + {newer.records:,}",
        alias.verdict.explanation,
    )


def planned(
    merges: Sequence[Verdict],
    told: Iterable[tuple[str, str]],
    records: Callable[[Iterable[str]], Mapping[str, int]],
) -> tuple[PlannedAlias, ...]:
    """
    Return the fewest aliases that join what merges join, beyond what was told.

    The merges of a person are a tree. Those that lead from one person at Kissmetrics to another are kept, the rest
    is known there already.

    Args:
        merges: verdicts to merge of which nobody was told, in their order.
        told: the two identities of every alias that was.
        records: tells how many calls were recorded under identities.
    """
    people = DisjointSet()
    if merges:
        for one, other in told:
            people.join(one, other)
    sides = _sides(people, [end for verdict in merges for end in verdict.link.ends], records)
    aliases = []
    for verdict in merges:
        roots = [people.find(end) for end in verdict.link.ends]
        if roots[0] == roots[1]:
            continue
        older, newer = (sides.pop(root) for root in roots)
        people.join(*roots)
        sides[people.find(roots[0])] = _together(older, newer)
        aliases.append(PlannedAlias(verdict=verdict, older=older, newer=newer))
    return tuple(aliases)


def _sides(
    people: DisjointSet, ends: Sequence[str], records: Callable[[Iterable[str]], Mapping[str, int]]
) -> dict[str, PlannedSide]:
    """
    Return the people at Kissmetrics that some identities are, by their representative.
    """
    members: dict[str, set[str]] = {people.find(end): set() for end in ends}
    for name in (*people, *ends):
        root = people.find(name)
        if root in members:
            members[root].add(name)
    counts = records(name for names in members.values() for name in names)
    return {
        root: PlannedSide(
            identities=len(names),
            records=sum(counts.get(name, 0) for name in names),
            some=tuple(sorted(names)[:SOME]),
        )
        for root, names in members.items()
    }


def _together(one: PlannedSide, other: PlannedSide) -> PlannedSide:
    return PlannedSide(
        identities=one.identities + other.identities,
        records=one.records + other.records,
        some=tuple(sorted((*one.some, *other.some))[:SOME]),
    )
