"""
Why who is who: the tables of links and of the decisions on them, which only ever grow.

Only forgetting a person takes rows away.
"""

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from identity.database import Connection, Database, Migrations, Row
from identity.links import Link, LinkKind, Outcome, Verdict

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


@frozen(kw_only=True)
class StoredLink:
    """
    A link on record, with the newest verdict on it.
    """

    number: int
    verdict: Verdict


_DECIDED = """
    SELECT link.link, older, newer, kind, at_ms, call, device, decision.outcome, reason, explanation, warnings,
           decided_by, decided_ms
    FROM link JOIN decision ON decision.link = link.link
"""
"""Every decision on every link."""

_NOW = " AND decision.decision = (SELECT max(decision) FROM decision WHERE decision.link = link.link) "
_THEN = (
    " AND decision.decision = "
    "(SELECT max(decision) FROM decision WHERE decision.link = link.link AND decision.decided_ms <= ?) "
)

_BETWEEN = (
    _DECIDED
    + _NOW
    + "WHERE (older = ? AND newer = ?) OR (older = ? AND newer = ?) ORDER BY link.link DESC LIMIT 1"
)
"""Written out once: the longer a text, the longer it takes to find the statement that was made of it."""

_ENDS = "(older = ? OR newer = ?)"


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
        return None if row is None else _stored(row)

    def links_at(self, name: str, *, then_ms: int | None = None) -> list[StoredLink]:
        """
        Return the links that touch an identity, oldest first, each with its newest verdict, or the one at a time.
        """
        if then_ms is None:
            return self._links(f"WHERE {_ENDS} ORDER BY link.link", (name, name))
        return self._links(f"WHERE {_ENDS} ORDER BY link.link", (then_ms, name, name), as_of=_THEN)

    def links_of(self, person: int) -> list[StoredLink]:
        """
        Return the links that touch any identity of a person, oldest first.
        """
        return self._links(
            """
            WHERE link.link IN (
                SELECT link FROM identity JOIN link ON older = name WHERE person = ?
                UNION SELECT link FROM identity JOIN link ON newer = name WHERE person = ?
            )
            ORDER BY link.link
            """,
            (person, person),
        )

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
        return self._links(
            """
            WHERE older IN (SELECT name FROM identity WHERE person = ?) AND link.outcome = ?
            ORDER BY decision.decision
            """,
            (person, outcome.value),
        )

    def merges_untold(self) -> list[Verdict]:
        """
        Return the verdicts to merge of which no alias was told, in the order in which they were given.
        """
        stored = self._links(
            """
            WHERE link.outcome = 'merge'
              AND NOT EXISTS (SELECT 1 FROM told WHERE told.older = link.older AND told.newer = link.newer)
              AND NOT EXISTS (SELECT 1 FROM told WHERE told.older = link.newer AND told.newer = link.older)
            ORDER BY decision.decision
            """,
            (),
        )
        return [one.verdict for one in stored]

    def held_between(self, connection: Connection, near: int, far: int) -> list[StoredLink]:
        """
        Return the held links between two people; it takes time for the links of the first one only.
        """
        rows = connection.execute(
            """
            SELECT link FROM identity AS near
            JOIN link ON older = near.name AND outcome = 'hold'
            JOIN identity AS far ON far.name = newer AND far.person = ?
            WHERE near.person = ?
            UNION
            SELECT link FROM identity AS near
            JOIN link ON newer = near.name AND outcome = 'hold'
            JOIN identity AS far ON far.name = older AND far.person = ?
            WHERE near.person = ?
            ORDER BY link
            """,
            (far, near, far, near),
        ).fetchall()
        return [self.numbered(number) for (number,) in rows]

    def numbered(self, number: int) -> StoredLink:
        """
        Return a link by its number.
        """
        return self._links("WHERE link.link = ?", (number,))[0]

    def held_at(self, name: str) -> list[StoredLink]:
        """
        Return the held links that touch an identity, oldest first.
        """
        rows = self._database.rows(
            """
            SELECT link FROM link WHERE older = ? AND outcome = 'hold'
            UNION SELECT link FROM link WHERE newer = ? AND outcome = 'hold' ORDER BY link
            """,
            (name, name),
        )
        return [self.numbered(number) for (number,) in rows]

    def claimants(self, name: str, *, besides: tuple[int | None, int | None], most: int) -> set[int]:
        """
        Return people that an identity was said to belong to, and did not join.

        Args:
            name: the identity.
            besides: people that do not count.
            most: how many claims to look at, at most.
        """
        rows = self._database.rows(
            """
            SELECT person FROM (
                SELECT newer AS far FROM link WHERE older = ? AND outcome = 'refuse'
                UNION ALL SELECT newer FROM link WHERE older = ? AND outcome = 'hold'
                UNION ALL SELECT older FROM link WHERE newer = ? AND outcome = 'refuse'
                UNION ALL SELECT older FROM link WHERE newer = ? AND outcome = 'hold'
            ) AS claim JOIN identity ON name = far WHERE person NOT IN (?, ?) LIMIT ?
            """,
            (name, name, name, name, *(-1 if one is None else one for one in besides), most),
        )
        return {person for (person,) in rows}

    def links_with(self, outcome: Outcome) -> list[StoredLink]:
        """
        Return the links whose newest verdict has this outcome, oldest first.
        """
        if outcome is Outcome.HOLD:
            # There are few, and an index of them alone.
            held = "SELECT held.link FROM link AS held WHERE held.outcome = 'hold'"
            return self._links(f"WHERE link.link IN ({held}) ORDER BY link.link", ())
        return self._links("WHERE link.outcome = ? ORDER BY link.link", (outcome.value,))

    def held_then(self, then_ms: int) -> list[StoredLink]:
        """
        Return the links that were held at a time, oldest first.
        """
        return self._links("WHERE decision.outcome = 'hold' ORDER BY link.link", (then_ms,), as_of=_THEN)

    def decided(self, *, limit: int) -> list[Verdict]:
        """
        Return the newest verdicts that a person gave and that still stand, the newest first.
        """
        found = self._links("WHERE decided_by <> 'policy' ORDER BY decision.decision DESC LIMIT ?", (limit,))
        return [stored.verdict for stored in found]

    def decisions_at(self, name: str, *, then_ms: int | None = None) -> list[Verdict]:
        """
        Return every decision on a link that touches an identity, in the order in which they were made.
        """
        given: tuple[Any, ...] = (name, name)
        if then_ms is None:
            found = self._links(f"WHERE {_ENDS} ORDER BY decision.decision", given, as_of="")
        else:
            where = f"WHERE {_ENDS} AND decided_ms <= ? ORDER BY decision.decision"
            found = self._links(where, (*given, then_ms), as_of="")
        return [stored.verdict for stored in found]

    def _links(self, where: str, parameters: tuple[Any, ...], *, as_of: str = _NOW) -> list[StoredLink]:
        return [_stored(row) for row in self._database.rows(_DECIDED + as_of + where, parameters)]

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

    def counts(self) -> dict[Outcome, int]:
        """
        Return the number of links by their newest outcome.
        """
        links = dict.fromkeys(Outcome, 0)
        for outcome, count in self._database.rows("SELECT outcome, count(*) FROM link GROUP BY outcome"):
            links[Outcome(outcome)] = count
        return links


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


def _stored(row: Row) -> StoredLink:
    number, older, newer, kind, at_ms, call, device, outcome, reason, explanation, warnings, by, decided_ms = row
    link = Link(older=older, newer=newer, kind=LinkKind(kind), at_ms=at_ms, call=call, device=device)
    verdict = Verdict(
        outcome=Outcome(outcome),
        reason=reason,
        explanation=explanation,
        link=link,
        warnings=tuple(warnings.split()),
        by=by,
        decided_ms=decided_ms,
    )
    return StoredLink(number=number, verdict=verdict)
