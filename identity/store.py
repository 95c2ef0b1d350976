"""
Who is who now: the tables of identities and of people.

They follow from the decisions in `identity.ledger`. A person's row carries its counts, so that no merge has to
count: the smaller side is rewritten, the larger one keeps its number.
"""

from attrs import frozen

from identity.database import Database, Migrations
from identity.ids import IdentityKind
from identity.policy import Side

MIGRATIONS: Migrations = {
    "1_people": (
        """
        CREATE TABLE person (
            person INTEGER PRIMARY KEY,
            owner TEXT,
            identities INTEGER NOT NULL,
            named INTEGER NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE identity (
            identity INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL,
            person INTEGER NOT NULL,
            records INTEGER NOT NULL,
            first_ms INTEGER NOT NULL,
            last_ms INTEGER NOT NULL
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
        kind: anonymous or named.
        records: how many calls were recorded under it.
        first_ms: when it was first seen, in milliseconds since 1970 UTC.
        last_ms: when it was last seen.
    """

    name: str
    kind: IdentityKind
    records: int
    first_ms: int
    last_ms: int


class PeopleStore:
    """
    The identities and people in one database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("identity.people", MIGRATIONS)

    def side(self, name: str) -> Side | None:
        """
        Return an identity with its person's counts, or None when it was never seen.
        """
        row = self._database.row(
            """
            SELECT kind, person, owner, identities, named, records
            FROM identity JOIN person USING (person) WHERE name = ?
            """,
            (name,),
        )
        if row is None:
            return None
        kind, person, owner, identities, named, records = row
        return Side(
            name=name,
            kind=IdentityKind(kind),
            person=person,
            owner=owner,
            identities=identities,
            named=named,
            records=records,
        )

    def add_identity(self, name: str, kind: IdentityKind, *, at_ms: int, records: int) -> int:
        """
        Keep an identity that was never seen, as a person of its own; return the person's number.
        """
        named = int(kind is IdentityKind.NAMED)
        with self._database.transaction() as connection:
            row = connection.execute(
                "INSERT INTO person (owner, identities, named) VALUES (?, 1, ?) RETURNING person",
                (name if named else None, named),
            ).fetchone()
            person = int(row[0])
            connection.execute(
                """
                INSERT INTO identity (name, kind, person, records, first_ms, last_ms)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
                (name, kind.value, person, records, at_ms, at_ms),
            )
            return person

    def touch_identity(self, name: str, *, at_ms: int, records: int) -> bool:
        """
        Count records under an identity; return whether it was known.
        """
        with self._database.transaction() as connection:
            cursor = connection.execute(
                """
                UPDATE identity
                SET records = records + :records,
                    last_ms = CASE WHEN last_ms < :at_ms THEN :at_ms ELSE last_ms END,
                    first_ms = CASE WHEN first_ms > :at_ms THEN :at_ms ELSE first_ms END
                WHERE name = :name
                """,
                {"records": records, "at_ms": at_ms, "name": name},
            )
            return cursor.rowcount == 1

    def give_name(self, name: str) -> None:
        """
        Count an identity as a named one from now on.
        """
        with self._database.transaction() as connection:
            connection.execute("UPDATE identity SET kind = ? WHERE name = ?", (IdentityKind.NAMED.value, name))
            connection.execute(
                """
                UPDATE person SET named = named + 1, owner = coalesce(owner, :name)
                WHERE person = (SELECT person FROM identity WHERE name = :name)
                """,
                {"name": name},
            )

    def merge(self, one: int, other: int) -> int:
        """
        Make one person of two and return its number.
        """
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT person, owner, identities, named FROM person WHERE person IN (?, ?)", (one, other)
            ).fetchall()
            # The larger side keeps its number; between equals, the one that was there first.
            (large, large_owner, *large_counts), (small, small_owner, *small_counts) = sorted(
                rows, key=lambda row: (-row[2], row[0])
            )
            identities, named = (a + b for a, b in zip(large_counts, small_counts, strict=True))
            owner = self._elder(large_owner, small_owner)
            connection.execute("UPDATE identity SET person = ? WHERE person = ?", (large, small))
            connection.execute("DELETE FROM person WHERE person = ?", (small,))
            connection.execute(
                "UPDATE person SET owner = ?, identities = ?, named = ? WHERE person = ?",
                (owner, identities, named, large),
            )
            return int(large)

    def _elder(self, one: str | None, other: str | None) -> str | None:
        if one is None or other is None:
            return one or other
        row = self._database.row(
            "SELECT name FROM identity WHERE name IN (?, ?) ORDER BY identity LIMIT 1", (one, other)
        )
        return None if row is None else str(row[0])

    def identities(self, person: int) -> list[KnownIdentity]:
        """
        Return all identities of a person, first seen first.
        """
        rows = self._database.rows(
            """
            SELECT name, kind, records, first_ms, last_ms FROM identity
            WHERE person = ? ORDER BY first_ms, identity
            """,
            (person,),
        )
        return [
            KnownIdentity(name=name, kind=IdentityKind(kind), records=records, first_ms=first_ms, last_ms=last_ms)
            for name, kind, records, first_ms, last_ms in rows
        ]

    def counts(self) -> tuple[int, int]:
        """
        Return the number of identities and of people.
        """
        # An identity that was made up for a device and never used is nobody yet.
        row = self._database.row(
            """
            SELECT count(*), count(DISTINCT person) FROM identity JOIN person USING (person)
            WHERE records > 0 OR identities > 1 OR kind != ?
            """,
            (IdentityKind.GENERATED.value,),
        )
        return (0, 0) if row is None else (row[0], row[1])
