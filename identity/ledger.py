"""
Why who is who: the tables of links and of the decisions on them, which only ever grow.

Only forgetting a person takes rows away.
"""

from collections.abc import Iterator

from identity.database import Connection, Database, Migrations
from identity.links import Outcome, Verdict
from identity.stored_links import DECIDED, NEWEST, StoredLink, stored, stored_links

MIGRATIONS: Migrations = {
    "1_ledger": (
        """
        CREATE TABLE link (
            link INTEGER PRIMARY KEY,
            older TEXT NOT NULL,
            newer TEXT NOT NULL,
            outcome TEXT NOT NULL -- what the newest decision says
        ) STRICT
        """,
        "CREATE INDEX link_older ON link (older, newer)",
        "CREATE INDEX link_newer ON link (newer)",
        # A merge touches none of these, and whoever asks for a hub's open links does not read all of the others.
        "CREATE INDEX link_held_older ON link (older) WHERE outcome = 'hold'",
        "CREATE INDEX link_held_newer ON link (newer) WHERE outcome = 'hold'",
        "CREATE INDEX link_refused_older ON link (older) WHERE outcome = 'refuse'",
        "CREATE INDEX link_refused_newer ON link (newer) WHERE outcome = 'refuse'",
        """
        CREATE TABLE decision (
            decision INTEGER PRIMARY KEY,
            link INTEGER NOT NULL REFERENCES link,
            outcome TEXT NOT NULL,
            reason TEXT NOT NULL,
            explanation TEXT NOT NULL,
            warnings TEXT NOT NULL, -- codes, with spaces between
            decided_by TEXT NOT NULL,
            decided_ms INTEGER NOT NULL,
            at_ms INTEGER NOT NULL, -- of the evidence that brought the decision; so are the next three
            kind TEXT NOT NULL,
            call TEXT,
            device TEXT
        ) STRICT
        """,
        "CREATE INDEX decision_of_link ON decision (link, decision)",
    ),
    "2_what_people_decided": (
        "CREATE INDEX IF NOT EXISTS decision_of_people ON decision (decision) WHERE decided_by <> 'policy'",
    ),
}


_BETWEEN = (
    DECIDED
    + NEWEST
    + "WHERE (older = ? AND newer = ?) OR (older = ? AND newer = ?) ORDER BY link.link DESC LIMIT 1"
)
"""Written out once: the longer a text, the longer it takes to find the statement that was made of it."""

_CLAIMS = """
    SELECT person FROM (
        SELECT newer AS far FROM link WHERE older = ? AND outcome = 'refuse'
        UNION ALL SELECT newer FROM link WHERE older = ? AND outcome = 'hold'
        UNION ALL SELECT older FROM link WHERE newer = ? AND outcome = 'refuse'
        UNION ALL SELECT older FROM link WHERE newer = ? AND outcome = 'hold'
    ) AS claim JOIN identity ON name = far WHERE person NOT IN (?, ?) LIMIT ?
"""


class Ledger:
    """
    The links in one database, each with every decision on it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("identity.ledger", MIGRATIONS)

    def link_between(self, older: str, newer: str) -> StoredLink | None:
        """
        Return the newest link between two identities, whichever way round.
        """
        row = self._database.row(_BETWEEN, (older, newer, newer, older))
        return None if row is None else stored(row)

    def merges_of(self, person: int) -> list[StoredLink]:
        """
        Return the links that made a person, in the order in which they did.
        """
        return self._within(person, Outcome.MERGE)

    def known_of(self, person: int) -> list[StoredLink]:
        """
        Return the links that came when both ends were the person's already.
        """
        return self._within(person, Outcome.KNOWN)

    def _within(self, person: int, outcome: Outcome) -> list[StoredLink]:
        # Both ends are one person's, so looking from one end finds all.
        return stored_links(
            self._database,
            """
            WHERE older IN (SELECT name FROM identity WHERE person = ?) AND link.outcome = ?
            ORDER BY decision.decision
            """,
            (person, outcome.value),
        )

    def held_between(self, near: int, far: int) -> list[StoredLink]:
        """
        Return the held links between two people; it takes time for the links of the first one only.
        """
        return stored_links(
            self._database,
            """
            WHERE link.link IN (
                SELECT held.link FROM identity AS near
                JOIN link AS held ON held.older = near.name AND held.outcome = 'hold'
                JOIN identity AS far ON far.name = held.newer AND far.person = ?
                WHERE near.person = ?
                UNION
                SELECT held.link FROM identity AS near
                JOIN link AS held ON held.newer = near.name AND held.outcome = 'hold'
                JOIN identity AS far ON far.name = held.older AND far.person = ?
                WHERE near.person = ?
            )
            ORDER BY link.link
            """,
            (far, near, far, near),
        )

    def held_at(self, name: str) -> list[StoredLink]:
        """
        Return the held links that touch an identity, oldest first.
        """
        return stored_links(
            self._database,
            """
            WHERE link.link IN (
                SELECT held.link FROM link AS held WHERE held.older = ? AND held.outcome = 'hold'
                UNION SELECT held.link FROM link AS held WHERE held.newer = ? AND held.outcome = 'hold'
            )
            ORDER BY link.link
            """,
            (name, name),
        )

    def claimants(self, name: str, *, besides: tuple[int | None, int | None], most: int) -> set[int]:
        """
        Return people that an identity was said to belong to, and did not join.

        Args:
            name: the identity.
            besides: people that do not count.
            most: how many are enough.
        """
        others = [-1 if one is None else one for one in besides]
        limit = most
        while True:
            rows = self._database.rows(_CLAIMS, (name, name, name, name, *others, limit))
            people = {person for (person,) in rows}
            if len(people) >= most or len(rows) < limit:
                return people
            # Some have several claims, each by another name. A hub may have so many that not all are read at once.
            limit *= 8

    def explanations(self) -> Iterator[tuple[int, str]]:
        """
        Yield number and explanation of every decision.
        """
        last = 0
        while rows := self._database.rows(
            "SELECT decision, explanation FROM decision WHERE decision > ? ORDER BY decision LIMIT 10000",
            (last,),
        ):
            yield from ((number, explanation) for number, explanation in rows)
            last = rows[-1][0]

    def reword(self, connection: Connection, decision: int, explanation: str) -> None:
        """
        Replace an explanation that tells of somebody who is forgotten.
        """
        connection.execute("UPDATE decision SET explanation = ? WHERE decision = ?", (explanation, decision))

    def add_link(self, connection: Connection, verdict: Verdict) -> None:
        """
        Keep a link with its first verdict.
        """
        link = verdict.link
        row = connection.execute(
            "INSERT INTO link (older, newer, outcome) VALUES (?, ?, ?) RETURNING link",
            (link.older, link.newer, verdict.outcome.value),
        ).fetchone()
        _add_decision(connection, row[0], verdict)

    def add_decision(self, connection: Connection, number: int, verdict: Verdict) -> None:
        """
        Keep one more verdict on a link, with the evidence that brought it; the earlier ones stay.
        """
        _add_decision(connection, number, verdict)
        connection.execute("UPDATE link SET outcome = ? WHERE link = ?", (verdict.outcome.value, number))

    def forget(self, connection: Connection, name: str) -> None:
        """
        Erase every link that touches an identity, with all decisions on it.
        """
        numbers = connection.execute("SELECT link FROM link WHERE older = ? OR newer = ?", (name, name)).fetchall()
        connection.executemany("DELETE FROM decision WHERE link = ?", numbers)
        connection.executemany("DELETE FROM link WHERE link = ?", numbers)


def _add_decision(connection: Connection, number: int, verdict: Verdict) -> None:
    link = verdict.link
    connection.execute(
        """
        INSERT INTO decision
            (link, outcome, reason, explanation, warnings, decided_by, decided_ms, at_ms, kind, call, device)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            *(number, verdict.outcome.value, verdict.reason, verdict.explanation, " ".join(verdict.warnings)),
            *(verdict.by, verdict.decided_ms, link.at_ms, link.kind.value, link.call, link.device),
        ),
    )
