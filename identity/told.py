"""
What Kissmetrics was told: the aliases that left, or are on their way.
"""

from attrs import frozen

from identity.database import Connection, Database, Migrations
from identity.links import Verdict
from identity.stored_links import stored_links

MIGRATIONS: Migrations = {
    "1_told": (
        """
        CREATE TABLE told (
            older TEXT NOT NULL,
            newer TEXT NOT NULL,
            at_ms INTEGER NOT NULL,
            reference INTEGER, -- by what the teller knows it, such as the number of a queued request
            PRIMARY KEY (older, newer)
        ) STRICT, WITHOUT ROWID
        """,
    ),
}


@frozen
class Telling:
    """
    An alias that was told.

    Attributes:
        older: one of its identities.
        newer: the other.
        at_ms: when, in milliseconds since 1970 UTC.
        reference: a number by which the teller knows it, if it has one.
    """

    older: str
    newer: str
    at_ms: int
    reference: int | None


class Told:
    """
    The aliases told, in one database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("identity.told", MIGRATIONS)

    def add(
        self, connection: Connection, older: str, newer: str, *, at_ms: int, reference: int | None = None
    ) -> None:
        """
        Keep that an alias was told; a second time changes nothing but the reference.
        """
        connection.execute(
            """
            INSERT INTO told (older, newer, at_ms, reference) VALUES (?, ?, ?, ?)
            ON CONFLICT (older, newer) DO UPDATE SET reference = excluded.reference
            """,
            (older, newer, at_ms, reference),
        )

    def remove(self, connection: Connection, older: str, newer: str) -> None:
        """
        Forget that an alias was told, whichever way round.
        """
        for pair in ((older, newer), (newer, older)):
            connection.execute("DELETE FROM told WHERE older = ? AND newer = ?", pair)

    def remove_known_as(self, connection: Connection, reference: int, older: str, newer: str) -> None:
        """
        Forget that an alias was told, whichever way round, unless it is known by another reference.
        """
        for pair in ((older, newer), (newer, older)):
            connection.execute(
                "DELETE FROM told WHERE older = ? AND newer = ? AND reference = ?", (*pair, reference)
            )

    def between(self, one: str, other: str) -> Telling | None:
        """
        Return the alias that was told of two identities, whichever way round.
        """
        row = self._database.row(
            """
            SELECT older, newer, at_ms, reference FROM told
            WHERE (older = ? AND newer = ?) OR (older = ? AND newer = ?)
            """,
            (one, other, other, one),
        )
        return None if row is None else Telling(*row)

    def pairs(self) -> list[tuple[str, str]]:
        """
        Return the two identities of every alias told.
        """
        return [(older, newer) for older, newer in self._database.rows("SELECT older, newer FROM told")]

    def apart(self) -> list[tuple[str, str]]:
        """
        Return the told aliases whose identities are not one person to the graph.
        """
        return [
            (older, newer)
            for older, newer in self._database.rows(
                """
                SELECT older, newer FROM told
                LEFT JOIN identity AS one ON one.name = older LEFT JOIN identity AS other ON other.name = newer
                WHERE one.person IS NULL OR other.person IS NULL OR one.person != other.person
                ORDER BY older, newer
                """
            )
        ]

    def merges_untold(self) -> list[Verdict]:
        """
        Return the verdicts to merge of which no alias was told, in the order in which they were given.
        """
        stored = stored_links(
            self._database,
            """
            WHERE link.outcome = 'merge'
              AND NOT EXISTS (SELECT 1 FROM told WHERE told.older = link.older AND told.newer = link.newer)
              AND NOT EXISTS (SELECT 1 FROM told WHERE told.older = link.newer AND told.newer = link.older)
            ORDER BY decision.decision
            """,
            (),
        )
        return [one.verdict for one in stored]

    def forget(self, connection: Connection, name: str) -> None:
        """
        Erase every alias that names an identity.
        """
        connection.execute("DELETE FROM told WHERE older = ? OR newer = ?", (name, name))
