"""
Who is who now: the tables of identities and of people.

They follow from the decisions in `identity.ledger`. A person's row carries its counts and the identity that stands
for it, so that no merge has to count: the smaller side is rewritten, the larger one keeps its number. What is read
of single identities is in `identity.known`, how records are counted in `identity.counting`.
"""

from collections.abc import Iterable

from attrs import evolve

from identity.database import Connection, Database, Migrations, Row
from identity.ids import KINDS, IdentityKind
from identity.proposal import Side, as_one

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

_SIDE = """
    SELECT name, kind, sort, records, identity.person, known_as, rank, identities, named, sorts, joined
    FROM identity JOIN person ON person.person = identity.person
"""

_TWO_SIDES = _SIDE + "WHERE name IN (?, ?)"


class People:
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

    def kept_side(self, name: str) -> Side:
        """
        Return an identity that was seen before, with its person's counts.
        """
        side = self.side(name)
        assert side is not None  # noqa: S101 - whoever asks has met its row
        return side

    def sides(self, connection: Connection, one: str, other: str) -> dict[str, Side]:
        """
        Return those of two identities that were seen before, by name.
        """
        rows = connection.execute(_TWO_SIDES, (one, other)).fetchall()
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

    def give_name(self, connection: Connection, side: Side, named: Side, *, at_ms: int) -> None:
        """
        Count an identity as a named one from now on.

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


def _weight(side: Side) -> tuple[bool, int, int]:
    """
    Return what decides which person keeps its number: the larger, between equals the one that was there first.
    """
    return side.person is not None, side.identities, -(side.person or 0)


def _side(row: Row) -> Side:
    name, kind, sort, records, person, known_as, rank, identities, named, sorts, joined = row
    return Side(
        name=name,
        kind=KINDS[kind],
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
