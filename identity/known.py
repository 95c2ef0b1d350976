"""
What is known of identities: when each was seen, of which kind it is, and how much was recorded under it.
"""

from collections.abc import Iterable

from attrs import frozen

from identity.database import Database, Row
from identity.ids import KINDS, IdentityKind
from identity.many import rows_among


@frozen(kw_only=True)
class KnownIdentity:
    """
    One identity of a person, and how much is known under it.

    Attributes:
        name: the identity.
        kind: generated, anonymous or named.
        records: how many calls were recorded under it.
        first_ms: when it was first seen, in milliseconds since 1970 UTC.
        last_ms: when it was last seen.
        sort: what sort of name it is, such as ``email``; ``anonymous`` if it is none.
        named_ms: when it was first said to be a name, if it was.
    """

    name: str
    kind: IdentityKind
    records: int
    first_ms: int
    last_ms: int
    sort: str = "anonymous"
    named_ms: int | None = None


_KNOWN = "SELECT name, kind, records, first_ms, last_ms, sort, named_ms FROM identity "

_NUMBERED = _KNOWN.replace("SELECT", "SELECT identity,") + "WHERE name IN ({keys})"


class KnownIdentities:
    """
    The identities in one database, to be read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def together_with(self, name: str, *, limit: int | None = None) -> list[KnownIdentity]:
        """
        Return the identities of the person that one belongs to, first seen first: all of them, or the first ones.
        """
        where = "WHERE person = (SELECT person FROM identity WHERE name = ?) ORDER BY first_ms, identity"
        if limit is None:
            rows = self._database.rows(_KNOWN + where, (name,))
        else:
            rows = self._database.rows(f"{_KNOWN}{where} LIMIT ?", (name, limit))
        return [_known(row) for row in rows]

    def of_person(self, person: int) -> list[KnownIdentity]:
        """
        Return the identities of a person in the order in which they were first kept.
        """
        rows = self._database.rows(_KNOWN + "WHERE person = ? ORDER BY identity", (person,))
        return [_known(row) for row in rows]

    def in_order_kept(self, names: Iterable[str]) -> list[KnownIdentity]:
        """
        Return some identities in the order in which they were first kept.
        """
        found = rows_among(self._database.rows, _NUMBERED, names)
        return [_known(row[1:]) for row in sorted(found)]

    def records(self, names: Iterable[str]) -> dict[str, int]:
        """
        Return how many calls were recorded under some identities.
        """
        return {known.name: known.records for known in self.in_order_kept(names)}


def _known(row: Row) -> KnownIdentity:
    name, kind, records, first_ms, last_ms, sort, named_ms = row
    return KnownIdentity(
        name=name,
        kind=KINDS[kind],
        records=records,
        first_ms=first_ms,
        last_ms=last_ms,
        sort=sort,
        named_ms=named_ms,
    )
