"""
Who is who now: the tables of identities and of people.

They follow from the decisions in `identity.ledger`. A person's row carries its counts and the identity that stands
for it, so that no merge has to count: the smaller side is rewritten, the larger one keeps its number.
"""

from collections.abc import Collection, Iterable, Sequence
from operator import attrgetter

from attrs import evolve, frozen

from identity.database import Connection, Database, Migrations, Row
from identity.ids import IdentityKind
from identity.many import rows_among
from identity.proposal import Side, as_one
from identity.sightings import Sighting

MIGRATIONS: Migrations = {
    "1_people": (
        """
        CREATE TABLE person (
            person INTEGER PRIMARY KEY,
            known_as TEXT NOT NULL, -- the identity that stands for the person
            rank INTEGER NOT NULL, -- its place in the priority of sorts
            identities INTEGER NOT NULL,
            named INTEGER NOT NULL,
            sorts TEXT NOT NULL, -- of the named ones, with spaces between
            joined TEXT NOT NULL -- when the latest named ones joined, newest first, with spaces between
        ) STRICT
        """,
        """
        CREATE TABLE identity (
            identity INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL,
            sort TEXT NOT NULL, -- of name; anonymous if it is none
            person INTEGER NOT NULL,
            records INTEGER NOT NULL,
            first_ms INTEGER NOT NULL,
            last_ms INTEGER NOT NULL,
            named_ms INTEGER -- when it was first said to be a name
        ) STRICT
        """,
        "CREATE INDEX identity_of_person ON identity (person)",
    ),
}


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


_SIDE = """
    SELECT name, kind, sort, records, identity.person, known_as, rank, identities, named, sorts, joined
    FROM identity JOIN person ON person.person = identity.person
"""

_TWO_SIDES = _SIDE + "WHERE name IN (?, ?)"

_KNOWN = "SELECT name, kind, records, first_ms, last_ms, sort, named_ms FROM identity "

_TOUCH = """
    UPDATE identity
    SET records = records + ?,
        last_ms = CASE WHEN last_ms < ? THEN ? ELSE last_ms END,
        first_ms = CASE WHEN first_ms > ? THEN ? ELSE first_ms END
    WHERE name = ?
"""

_TOUCH_AS_IT_IS = f"{_TOUCH} AND (kind = '{IdentityKind.NAMED.value}' OR ? = 1)"
"""A named identity stays what it is by any record, and any identity by a record that does not name it."""

_TOUCH_TOLD = f"{_TOUCH} RETURNING kind"

_KINDS = {kind.value: kind for kind in IdentityKind}


class PeopleStore:
    """
    The identities and people in one database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("identity.people", MIGRATIONS)

    def known_as(self, name: str) -> str | None:
        """
        Return the identity that stands for the person of another, or None when it was never seen.
        """
        row = self._database.row(
            "SELECT known_as FROM identity JOIN person ON person.person = identity.person WHERE name = ?", (name,)
        )
        return None if row is None else row[0]

    def side(self, name: str) -> Side | None:
        """
        Return an identity with its person's counts, or None when it was never seen.
        """
        row = self._database.row(_SIDE + "WHERE name = ?", (name,))
        return None if row is None else _side(row)

    def sides(self, connection: Connection, *names: str) -> dict[str, Side]:
        """
        Return those of two identities that were seen before, by name.
        """
        rows = connection.execute(_TWO_SIDES, names).fetchall()
        return {row[0]: _side(row) for row in rows}

    def add(self, connection: Connection, side: Side, *, seen_ms: tuple[int, int], records: int = 0) -> int:
        """
        Keep an identity that was never seen, as a person of its own; return the person's number.

        Args:
            connection: the transaction.
            side: the identity.
            seen_ms: when it was first and last seen, in milliseconds since 1970 UTC.
            records: how many calls were recorded under it.
        """
        person = self._add_person(connection, side)
        self._add_identity(connection, side, person, seen_ms=seen_ms, records=records)
        return person

    def _add_person(self, connection: Connection, side: Side) -> int:
        row = connection.execute(
            """
            INSERT INTO person (known_as, rank, identities, named, sorts, joined) VALUES (?, ?, ?, ?, ?, ?)
            RETURNING person
            """,
            (side.known_as, side.rank, side.identities, side.named, side.sorts, side.joined),
        ).fetchone()
        return int(row[0])

    def _add_identity(
        self, connection: Connection, side: Side, person: int, *, seen_ms: tuple[int, int], records: int = 0
    ) -> None:
        connection.execute(
            """
            INSERT INTO identity (name, kind, sort, person, records, first_ms, last_ms, named_ms)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            (
                *(side.name, side.kind.value, side.sort, person, records),
                *(*seen_ms, seen_ms[0] if side.kind is IdentityKind.NAMED else None),
            ),
        )

    def touch_as_it_is(self, connection: Connection, sighting: Sighting) -> bool:
        """
        Count records under an identity if it stays what it is by them; return whether it does.

        Nearly always it does, and to be told of which kind it was costs SQLite more than to count.
        """
        return connection.execute(_TOUCH_AS_IT_IS, _touched_as_it_is(sighting)).rowcount == 1

    def touch_once(self, connection: Connection, name: str, kind: IdentityKind, *, at_ms: int) -> bool:
        """
        Count one record under an identity if it stays what it is by that; return whether it does.
        """
        touched = _as_it_is(name, kind, 1, at_ms, at_ms)
        return connection.execute(_TOUCH_AS_IT_IS, touched).rowcount == 1

    def touch(self, connection: Connection, sighting: Sighting) -> IdentityKind | None:
        """
        Count records under an identity; return its kind, or None if it was never seen.
        """
        row = connection.execute(_TOUCH_TOLD, _touched(sighting)).fetchone()
        return None if row is None else _KINDS[row[0]]

    def touch_all_as_they_are(self, connection: Connection, sightings: Collection[Sighting]) -> bool:
        """
        Count records under those of several identities that stay what they are; return whether all of them do.
        """
        # In an order that all writers share, so that none waits for another that waits for it.
        in_order = sorted(sightings, key=attrgetter("name"))
        rows = [_touched_as_it_is(sighting) for sighting in in_order]
        return connection.executemany(_TOUCH_AS_IT_IS, rows).rowcount == len(rows)

    def kinds(self, connection: Connection, names: Sequence[str]) -> dict[str, IdentityKind]:
        """
        Return the kinds of those identities that were seen before, by name.
        """
        rows = rows_among(connection, "SELECT name, kind FROM identity WHERE name IN ({keys})", names)
        return {name: _KINDS[kind] for name, kind in rows}

    def give_name(self, connection: Connection, side: Side, named: Side, *, at_ms: int) -> Side:
        """
        Count an identity as a named one from now on; return it.

        Args:
            connection: the transaction.
            side: the identity as it is, anonymous.
            named: the same identity as a stranger with a name.
            at_ms: when it was said to be one.
        """
        elder = self._elder(connection, side, evolve(named, person=side.person))
        together = as_one(side, named, at_ms=at_ms, elder=elder)
        connection.execute(
            "UPDATE identity SET kind = ?, sort = ?, named_ms = ? WHERE name = ?",
            (IdentityKind.NAMED.value, named.sort, at_ms, side.name),
        )
        assert side.person is not None  # noqa: S101 - it was read from its row
        self._update_person(connection, side.person, together, identities=side.identities)
        found = self.side(side.name)
        assert found is not None  # noqa: S101 - as above
        return found

    def join(self, connection: Connection, older: Side, newer: Side, *, at_ms: int) -> int:
        """
        Make one person of two, of whom one or both may never have been seen; return its number.
        """
        together = as_one(older, newer, at_ms=at_ms, elder=self._elder(connection, older, newer))
        large, small = (older, newer) if _weight(older) >= _weight(newer) else (newer, older)
        if large.person is None:
            person = self._add_person(connection, together)
            self._add_identity(connection, older, person, seen_ms=(at_ms, at_ms))
            self._add_identity(connection, newer, person, seen_ms=(at_ms, at_ms))
            return person
        if small.person is None:
            self._add_identity(connection, small, large.person, seen_ms=(at_ms, at_ms))
        else:
            connection.execute("UPDATE identity SET person = ? WHERE person = ?", (large.person, small.person))
            connection.execute("DELETE FROM person WHERE person = ?", (small.person,))
        self._update_person(connection, large.person, together, identities=together.identities)
        return large.person

    def _update_person(self, connection: Connection, person: int, side: Side, *, identities: int) -> None:
        connection.execute(
            """
            UPDATE person SET known_as = ?, rank = ?, identities = ?, named = ?, sorts = ?, joined = ?
            WHERE person = ?
            """,
            (side.known_as, side.rank, identities, side.named, side.sorts, side.joined, person),
        )

    def _elder(self, connection: Connection, one: Side, other: Side) -> str | None:
        """
        Return which of two identities that stand for people was kept first, if they rank the same.
        """
        if one.rank != other.rank or one.known_as == other.known_as:
            return None
        if one.person is None or other.person is None:
            return other.known_as if one.person is None and other.person is not None else one.known_as
        row = connection.execute(
            "SELECT name FROM identity WHERE name IN (?, ?) ORDER BY identity LIMIT 1",
            (one.known_as, other.known_as),
        ).fetchone()
        return None if row is None else row[0]

    def identities(self, person: int, *, limit: int | None = None) -> list[KnownIdentity]:
        """
        Return the identities of a person, first seen first: all of them, or the first ones.
        """
        sql = _KNOWN + "WHERE person = ? ORDER BY first_ms, identity"
        if limit is None:
            rows = self._database.rows(sql, (person,))
        else:
            rows = self._database.rows(f"{sql} LIMIT ?", (person, limit))
        return [_known(row) for row in rows]

    def in_order_kept(self, names: Iterable[str]) -> list[KnownIdentity]:
        """
        Return some identities in the order in which they were first kept.
        """
        found = []
        for name in names:
            found += self._database.rows(
                _KNOWN.replace("SELECT", "SELECT identity,") + "WHERE name = ?",
                (name,),
            )
        return [_known(row[1:]) for row in sorted(found)]

    def records(self, names: Iterable[str]) -> dict[str, int]:
        """
        Return how many calls were recorded under some identities.
        """
        return {known.name: known.records for known in self.in_order_kept(names)}

    def replace(self, connection: Connection, person: int, parts: Iterable[tuple[Side, Iterable[str]]]) -> None:
        """
        Make several people of one.

        Args:
            connection: the transaction.
            person: the person's number, which the first part keeps.
            parts: of each new person its counts, and its identities.
        """
        (first, _), *others = parts
        self._update_person(connection, person, first, identities=first.identities)
        for part, names in others:
            number = self._add_person(connection, part)
            connection.executemany(
                "UPDATE identity SET person = ? WHERE name = ?", [(number, name) for name in names]
            )

    def set_sort(self, connection: Connection, name: str, sort: str) -> None:
        """
        Keep what sort of name an identity is; its person's row is the caller's to renew.
        """
        connection.execute("UPDATE identity SET sort = ? WHERE name = ?", (sort, name))

    def forget(self, connection: Connection, person: int) -> None:
        """
        Erase a person and all of their identities.
        """
        connection.execute("DELETE FROM identity WHERE person = ?", (person,))
        connection.execute("DELETE FROM person WHERE person = ?", (person,))

    def counts(self) -> tuple[int, int]:
        """
        Return the number of identities and of people.
        """
        # An identity that was made up for a device and never used is nobody yet.
        row = self._database.row(
            """
            SELECT count(*), count(DISTINCT person.person)
            FROM identity JOIN person ON person.person = identity.person
            WHERE records > 0 OR identities > 1 OR kind != ?
            """,
            (IdentityKind.GENERATED.value,),
        )
        return (0, 0) if row is None else (row[0], row[1])


def _touched(sighting: Sighting) -> tuple[object, ...]:
    """
    Return the parameters of `_TOUCH`.
    """
    last, first = sighting.last_ms, sighting.first_ms
    return sighting.records, last, last, first, first, sighting.name


def _touched_as_it_is(sighting: Sighting) -> tuple[object, ...]:
    """
    Return the parameters of `_TOUCH_AS_IT_IS`.
    """
    return _as_it_is(sighting.name, sighting.kind, sighting.records, sighting.first_ms, sighting.last_ms)


def _as_it_is(name: str, kind: IdentityKind, records: int, first: int, last: int) -> tuple[object, ...]:
    return records, last, last, first, first, name, int(kind is not IdentityKind.NAMED)


def _weight(side: Side) -> tuple[bool, int, int]:
    """
    Return what decides which person keeps its number: the larger, between equals the one that was there first.
    """
    return side.person is not None, side.identities, -(side.person or 0)


def _side(row: Row) -> Side:
    name, kind, sort, records, person, known_as, rank, identities, named, sorts, joined = row
    return Side(
        name=name,
        kind=_KINDS[kind],
        sort=sort,
        records=records,
        person=person,
        known_as=known_as,
        rank=rank,
        identities=identities,
        named=named,
        sorts=sorts,
        joined=joined,
    )


def _known(row: Row) -> KnownIdentity:
    name, kind, records, first_ms, last_ms, sort, named_ms = row
    return KnownIdentity(
        name=name,
        kind=_KINDS[kind],
        records=records,
        first_ms=first_ms,
        last_ms=last_ms,
        sort=sort,
        named_ms=named_ms,
    )
