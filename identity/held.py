"""
Held links as whoever decides sees them: both people side by side, and what joining them would do.
"""

from collections.abc import Mapping

from attrs import evolve, frozen

from identity.answers import Answers
from identity.database import Database
from identity.known import KnownIdentities, KnownIdentity
from identity.links import Verdict
from identity.many import rows_among

MOST_SHOWN = 8
"""Identities of a person that are listed; all are counted."""


@frozen(kw_only=True)
class HeldSide:
    """
    One of the two people that a held link would join.

    Attributes:
        identity: the end of the link.
        known_as: the identity that stands for the person.
        identities: how many identities the person has.
        named: how many of them are named.
        records: how many calls were recorded under them.
        first_ms: when the person was first seen, in milliseconds since 1970 UTC; None if never.
        last_ms: when the person was last seen.
        some: the first of the identities.
    """

    identity: str
    known_as: str
    identities: int = 1
    named: int = 0
    records: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    some: tuple[KnownIdentity, ...] = ()


@frozen(kw_only=True)
class HeldLink:
    """
    A link that waits for a decision.

    Attributes:
        verdict: why it is held.
        older: the person of its older identity.
        newer: the person of its newer one.
    """

    verdict: Verdict
    older: HeldSide
    newer: HeldSide

    @property
    def identities(self) -> int:
        """
        How many identities would be one person.
        """
        return self.older.identities + self.newer.identities

    @property
    def records(self) -> int:
        """
        How many records would be one person's.
        """
        return self.older.records + self.newer.records

    @property
    def weight(self) -> tuple[bool, int, int]:
        """
        How much harm a mistake would do: two people with names most, then by what the lesser one would bring in.
        """
        lesser = min(self.older.records, self.newer.records)
        return bool(self.older.named and self.newer.named), lesser, self.records


_ENDS = """
    SELECT name, person.person, known_as, identities, named
    FROM identity JOIN person ON person.person = identity.person WHERE name IN ({keys})
"""

_SUMS = """
    SELECT person, sum(records), min(first_ms), max(last_ms)
    FROM identity WHERE person IN ({keys}) GROUP BY person
"""


class HeldLinks:
    """
    The held links of one database.
    """

    def __init__(self, database: Database, known: KnownIdentities, answers: Answers) -> None:
        self._database = database
        self._known = known
        self._answers = answers

    def worst(self, *, limit: int, reason: str | None = None) -> list[HeldLink]:
        """
        Return the held links where a mistake would do most harm, the worst first.

        It looks at all held links, but at no other link.

        Args:
            limit: how many at most.
            reason: only those held for it.
        """
        verdicts = self._answers.held(reason=reason)
        sides = self._sides({end for verdict in verdicts for end in verdict.link.ends})
        links = [self._link(verdict, sides) for verdict in verdicts]
        links.sort(key=lambda link: link.weight, reverse=True)
        return [self._told(link) for link in links[:limit]]

    def _link(self, verdict: Verdict, sides: Mapping[str, HeldSide]) -> HeldLink:
        older, newer = (sides.get(end) or HeldSide(identity=end, known_as=end) for end in verdict.link.ends)
        return HeldLink(verdict=verdict, older=older, newer=newer)

    def _told(self, link: HeldLink) -> HeldLink:
        older, newer = (self._with_identities(side) for side in (link.older, link.newer))
        return HeldLink(verdict=link.verdict, older=older, newer=newer)

    def _with_identities(self, side: HeldSide) -> HeldSide:
        return evolve(side, some=tuple(self._known.together_with(side.identity, limit=MOST_SHOWN)))

    def _sides(self, names: set[str]) -> dict[str, HeldSide]:
        ends = rows_among(self._database.rows, _ENDS, names)
        sums = {row[0]: row[1:] for row in rows_among(self._database.rows, _SUMS, {row[1] for row in ends})}
        return {
            name: HeldSide(
                identity=name,
                known_as=known_as,
                identities=identities,
                named=named,
                records=int(sums[person][0]),
                first_ms=sums[person][1],
                last_ms=sums[person][2],
            )
            for name, person, known_as, identities, named in ends
            if person in sums
        }
