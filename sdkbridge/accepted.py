"""
What was accepted before.

Message ids, so that a repeated call is one call; and the second of each event, so that two calls never count
once.
"""

from identity.database import Database, Migrations
from sdkbridge.kissmetrics.requests import RECORD, Request
from sdkbridge.mapping.names import compared_name

MIGRATIONS: Migrations = {
    "1_accepted": (
        """
        CREATE TABLE accepted_call (
            message_id TEXT PRIMARY KEY,
            at_ms INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE accepted_second (
            identity TEXT NOT NULL,
            name TEXT NOT NULL, -- the event as Kissmetrics compares it; empty for properties
            second INTEGER NOT NULL, -- as sent
            asked INTEGER NOT NULL, -- as the caller said
            PRIMARY KEY (identity, name, second)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX accepted_second_asked ON accepted_second (identity, asked)",
    ),
}

FURTHEST_MOVE_S = 60
"""How many seconds an event may be moved to be told from another."""


class AcceptedCalls:
    """
    The memory of accepted calls in one database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("sdkbridge.accepted", MIGRATIONS)

    def is_repeat(self, message_id: str) -> bool:
        """
        Tell whether a call with this message id was accepted before.
        """
        return self._database.row("SELECT 1 FROM accepted_call WHERE message_id = ?", (message_id,)) is not None

    def remember(self, message_id: str, *, at_ms: int) -> None:
        """
        Keep the message id of a call that is being accepted.
        """
        with self._database.transaction() as connection:
            connection.execute("INSERT INTO accepted_call VALUES (?, ?)", (message_id, at_ms))

    def take_second(self, request: Request) -> tuple[int, bool]:
        """
        Claim a second for a request that carries one; return it, and whether it is the request's alone.

        Kissmetrics drops an event that repeats another of the same identity, name and second (its page on
        detecting duplicates). A second event is moved to the next free second, by at most a minute and never
        past what the identity did next; where there is none it stays where it was.
        """
        assert request.second is not None  # noqa: S101 - aliases carry no time and are not asked about
        second, alone = request.second, True
        name = compared_name(request.name or "") if request.path == RECORD else ""
        if name:
            second, alone = self._free_second(request.identity, name, request.second)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO accepted_second VALUES (?, ?, ?, ?)",
                (request.identity, name, second, request.second),
            )
        return second, alone

    def _free_second(self, identity: str, name: str, asked: int) -> tuple[int, bool]:
        furthest = asked + FURTHEST_MOVE_S
        rows = self._database.rows(
            "SELECT second FROM accepted_second WHERE identity = ? AND name = ? AND second BETWEEN ? AND ?",
            (identity, name, asked, furthest),
        )
        taken = {second for (second,) in rows}
        if asked not in taken:
            return asked, True
        row = self._database.row(
            "SELECT min(asked) FROM accepted_second WHERE identity = ? AND asked > ?", (identity, asked)
        )
        if row is not None and row[0] is not None:
            furthest = min(furthest, row[0])
        free = next((second for second in range(asked, furthest + 1) if second not in taken), None)
        return (asked, False) if free is None else (free, True)
