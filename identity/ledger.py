"""
Why who is who: the tables of links and of the decisions on them, which only ever grow.
"""

from typing import Any

from attrs import frozen

from identity.database import Database, Migrations, Parameters
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
        """
        CREATE TABLE decision (
            decision INTEGER PRIMARY KEY,
            link INTEGER NOT NULL REFERENCES link,
            outcome TEXT NOT NULL,
            reason TEXT NOT NULL,
            explanation TEXT NOT NULL,
            warnings TEXT NOT NULL, -- codes, with spaces between
            decided_by TEXT NOT NULL,
            at_ms INTEGER NOT NULL,
            kind TEXT NOT NULL, -- of the evidence that brought the decision, its call and its device
            call TEXT,
            device TEXT
        ) STRICT
        """,
        "CREATE INDEX decision_of_link ON decision (link, decision)",
    ),
}


@frozen(kw_only=True)
class StoredLink:
    """
    A link on record, with the newest verdict on it.
    """

    number: int
    verdict: Verdict


_LINK = """
    SELECT link.link, older, newer, kind, at_ms, call, device, decision.outcome, reason, explanation, warnings
    FROM link JOIN decision ON decision.decision = (
        SELECT max(decision) FROM decision WHERE decision.link = link.link
    )
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
        found = self._links(
            """
            WHERE (older = :older AND newer = :newer) OR (older = :newer AND newer = :older)
            ORDER BY link.link DESC LIMIT 1
            """,
            {"older": older, "newer": newer},
        )
        return found[0] if found else None

    def links_at(self, name: str) -> list[StoredLink]:
        """
        Return the links that touch an identity, oldest first.
        """
        return self._links("WHERE older = :name OR newer = :name ORDER BY link.link", {"name": name})

    def links_of(self, person: int) -> list[StoredLink]:
        """
        Return the links that touch any identity of a person, oldest first.
        """
        return self._links(
            """
            WHERE older IN (SELECT name FROM identity WHERE person = :person)
               OR newer IN (SELECT name FROM identity WHERE person = :person)
            ORDER BY link.link
            """,
            {"person": person},
        )

    def links_with(self, outcome: Outcome) -> list[StoredLink]:
        """
        Return the links whose newest verdict has this outcome, oldest first.
        """
        return self._links("WHERE link.outcome = ? ORDER BY link.link", (outcome.value,))

    def _links(self, where: str, parameters: Parameters) -> list[StoredLink]:
        return [_stored_link(row) for row in self._database.rows(_LINK + where, parameters)]

    def add_link(self, verdict: Verdict, *, decided_by: str) -> None:
        """
        Keep a link with its first verdict.
        """
        link = verdict.link
        with self._database.transaction() as connection:
            row = connection.execute(
                "INSERT INTO link (older, newer, outcome) VALUES (?, ?, ?) RETURNING link",
                (link.older, link.newer, verdict.outcome.value),
            ).fetchone()
            self.add_decision(int(row[0]), verdict, decided_by=decided_by)

    def add_decision(self, number: int, verdict: Verdict, *, decided_by: str) -> None:
        """
        Keep one more verdict on a link, with the evidence that brought it; the earlier ones stay.
        """
        link, outcome = verdict.link, verdict.outcome.value
        with self._database.transaction() as connection:
            connection.execute(
                """
                INSERT INTO decision
                    (link, outcome, reason, explanation, warnings, decided_by, at_ms, kind, call, device)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                (
                    *(number, outcome, verdict.reason, verdict.explanation, " ".join(verdict.warnings)),
                    *(decided_by, link.at_ms, link.kind.value, link.call, link.device),
                ),
            )
            connection.execute("UPDATE link SET outcome = ? WHERE link = ?", (outcome, number))

    def counts(self) -> dict[Outcome, int]:
        """
        Return the number of links by their newest outcome.
        """
        links = dict.fromkeys(Outcome, 0)
        for outcome, count in self._database.rows("SELECT outcome, count(*) FROM link GROUP BY outcome"):
            links[Outcome(outcome)] = count
        return links


def _stored_link(row: tuple[Any, ...]) -> StoredLink:
    number, older, newer, kind, at_ms, call, device, outcome, reason, explanation, warnings = row
    link = Link(older=older, newer=newer, kind=LinkKind(kind), at_ms=at_ms, call=call, device=device)
    verdict = Verdict(
        outcome=Outcome(outcome),
        reason=reason,
        explanation=explanation,
        link=link,
        warnings=tuple(warnings.split()),
    )
    return StoredLink(number=number, verdict=verdict)
