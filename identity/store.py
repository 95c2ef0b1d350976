"""
The graph's tables.

``identity`` and ``person`` say who is who now; ``link`` and ``decision`` say why, and only ever grow. A
person's row carries its counts, so that no merge has to count: the smaller side is rewritten, the larger one
keeps its number.
"""

import sqlite3
from typing import Any

from attrs import frozen

from identity.database import Database, Migrations
from identity.ids import IdentityKind
from identity.links import Link, LinkKind, Outcome, Verdict
from identity.policy import Side

MIGRATIONS: Migrations = {
    "1_graph": (
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
        """
        CREATE TABLE link (
            link INTEGER PRIMARY KEY,
            older TEXT NOT NULL,
            newer TEXT NOT NULL,
            kind TEXT NOT NULL,
            at_ms INTEGER NOT NULL,
            call TEXT,
            device TEXT,
            outcome TEXT NOT NULL -- what the newest decision says
        ) STRICT
        """,
        "CREATE INDEX link_older ON link (older, newer)",
        "CREATE INDEX link_newer ON link (newer)",
        """
        CREATE TABLE decision (
            decision INTEGER PRIMARY KEY,
            link INTEGER NOT NULL REFERENCES link,
            outcome TEXT NOT NULL,
            reason TEXT NOT NULL,
            explanation TEXT NOT NULL,
            decided_by TEXT NOT NULL,
            at_ms INTEGER NOT NULL
        ) STRICT
        """,
        "CREATE INDEX decision_of_link ON decision (link, decision)",
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


@frozen(kw_only=True)
class StoredLink:
    """
    A link on record, with the newest verdict on it.
    """

    number: int
    verdict: Verdict


_LINK = """
    SELECT link.link, older, newer, kind, link.at_ms, call, device, decision.outcome, reason, explanation
    FROM link JOIN decision ON decision.decision = (
        SELECT max(decision) FROM decision WHERE decision.link = link.link
    )
"""


class GraphStore:
    """
    The graph's rows in one database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("identity", MIGRATIONS)

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
            cursor = connection.execute(
                "INSERT INTO person (owner, identities, named) VALUES (?, 1, ?)",
                (name if named else None, named),
            )
            person = _inserted(cursor)
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
                SET records = records + ?, last_ms = max(last_ms, ?), first_ms = min(first_ms, ?)
                WHERE name = ?
                """,
                (records, at_ms, at_ms, name),
            )
            return cursor.rowcount == 1

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

    def link_between(self, older: str, newer: str) -> StoredLink | None:
        """
        Return the newest link between two identities, whichever way round.
        """
        found = self._links(
            """
            WHERE (older = ?1 AND newer = ?2) OR (older = ?2 AND newer = ?1)
            ORDER BY link.link DESC LIMIT 1
            """,
            (older, newer),
        )
        return found[0] if found else None

    def links_at(self, name: str) -> list[StoredLink]:
        """
        Return the links that touch an identity, oldest first.
        """
        return self._links("WHERE older = ?1 OR newer = ?1 ORDER BY link.link", (name,))

    def links_of(self, person: int) -> list[StoredLink]:
        """
        Return the links that touch any identity of a person, oldest first.
        """
        return self._links(
            """
            WHERE older IN (SELECT name FROM identity WHERE person = ?1)
               OR newer IN (SELECT name FROM identity WHERE person = ?1)
            ORDER BY link.link
            """,
            (person,),
        )

    def links_with(self, outcome: Outcome) -> list[StoredLink]:
        """
        Return the links whose newest verdict has this outcome, oldest first.
        """
        return self._links("WHERE link.outcome = ? ORDER BY link.link", (outcome.value,))

    def _links(self, where: str, parameters: tuple[Any, ...]) -> list[StoredLink]:
        return [_stored_link(row) for row in self._database.rows(_LINK + where, parameters)]

    def add_link(self, verdict: Verdict, *, decided_by: str) -> int:
        """
        Keep a link with its first verdict; return its number.
        """
        link, outcome = verdict.link, verdict.outcome.value
        with self._database.transaction() as connection:
            cursor = connection.execute(
                """
                INSERT INTO link (older, newer, kind, at_ms, call, device, outcome)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
                (link.older, link.newer, link.kind.value, link.at_ms, link.call, link.device, outcome),
            )
            number = _inserted(cursor)
            self.add_decision(number, verdict, decided_by=decided_by, at_ms=link.at_ms)
            return number

    def add_decision(self, link: int, verdict: Verdict, *, decided_by: str, at_ms: int) -> None:
        """
        Keep one more verdict on a link; the earlier ones stay.
        """
        with self._database.transaction() as connection:
            connection.execute(
                """
                INSERT INTO decision (link, outcome, reason, explanation, decided_by, at_ms)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
                (link, verdict.outcome.value, verdict.reason, verdict.explanation, decided_by, at_ms),
            )
            connection.execute("UPDATE link SET outcome = ? WHERE link = ?", (verdict.outcome.value, link))

    def counts(self) -> tuple[int, int, dict[Outcome, int]]:
        """
        Return the number of identities, of people, and of links by outcome.
        """
        identities, people = self._database.rows(
            "SELECT count(*) FROM identity UNION ALL SELECT count(*) FROM person"
        )
        links = dict.fromkeys(Outcome, 0)
        for outcome, count in self._database.rows("SELECT outcome, count(*) FROM link GROUP BY outcome"):
            links[Outcome(outcome)] = count
        return identities[0], people[0], links


def _inserted(cursor: sqlite3.Cursor) -> int:
    assert cursor.lastrowid is not None  # noqa: S101 - an INSERT into a rowid table always has one
    return cursor.lastrowid


def _stored_link(row: tuple[Any, ...]) -> StoredLink:
    number, older, newer, kind, at_ms, call, device, outcome, reason, explanation = row
    link = Link(older=older, newer=newer, kind=LinkKind(kind), at_ms=at_ms, call=call, device=device)
    verdict = Verdict(outcome=Outcome(outcome), reason=reason, explanation=explanation, link=link)
    return StoredLink(number=number, verdict=verdict)
