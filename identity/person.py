"""
What the graph answers: one person, or how much it holds.
"""

from typing import Any

from attrs import frozen

from identity.known import KnownIdentity
from identity.links import Outcome, Verdict, Verdicts
from identity.tables import Table, counted, moment, plain_values

IDENTITY_HEADINGS = ("identity", "kind", "sort", "records", "first seen, UTC", "last seen, UTC")


@frozen(kw_only=True, repr=False)
class Person:
    """
    The identities that accepted links join, first seen first.

    Attributes:
        name: the identity that stands for the person: the first named one of the sort that comes first, else the
            first one.
        identities: all of them.
        verdicts: the newest verdict on each link that touches one of them, oldest link first.
    """

    name: str
    identities: tuple[KnownIdentity, ...]
    verdicts: tuple[Verdict, ...]

    def __repr__(self) -> str:
        identities = counted(len(self.identities), "identity", "identities")
        return f"Person({self.name!r}, {identities}, {counted(len(self.verdicts), 'link')})"

    @property
    def names(self) -> frozenset[str]:
        """
        The texts of all identities; its name alone if it was never seen.
        """
        return frozenset(known.name for known in self.identities) or frozenset({self.name})

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as plain values, for JSON.
        """
        return plain_values(self)

    def _repr_html_(self) -> str:
        table = Table(IDENTITY_HEADINGS, [identity_row(known) for known in self.identities], caption=self.name)
        return table.html(empty="was never seen.") + (
            Verdicts(self.verdicts)._repr_html_() if self.verdicts else ""
        )


def identity_row(known: KnownIdentity) -> tuple[str, ...]:
    """
    Return an identity as the cells of one row, under `IDENTITY_HEADINGS`.
    """
    return (
        *(known.name, known.kind.value, known.sort.replace("_", " "), f"{known.records:,}"),
        *(moment(known.first_ms), moment(known.last_ms)),
    )


@frozen(kw_only=True)
class GraphCounts:
    """
    How much the graph holds.

    Attributes:
        identities: identities ever seen.
        people: persons that they make up.
        links: number of links by their newest verdict.
    """

    identities: int
    people: int
    links: dict[Outcome, int]

    def _repr_html_(self) -> str:
        rows = [("identities", f"{self.identities:,}"), ("people", f"{self.people:,}")]
        rows += [(f"links: {outcome}", f"{count:,}") for outcome, count in self.links.items()]
        return Table(("", "count"), rows).html()
