"""
What the ledger answers to those who ask, and by which nothing is decided.
"""

from typing import Any

from identity.database import Database
from identity.links import Outcome, Verdict
from identity.stored_links import EVERY, NEWEST, NEWEST_THEN, StoredLink, stored_links

_AT = "WHERE (older = ? OR newer = ?) "

# There are few, and an index of them alone.
_HELD = "WHERE link.link IN (SELECT held.link FROM link AS held WHERE held.outcome = 'hold') "

_HELD_REASONS = """
    SELECT reason, count(*) FROM link JOIN decision ON decision.link = link.link
    WHERE link.outcome = 'hold'
      AND decision.decision = (SELECT max(decision) FROM decision WHERE decision.link = link.link)
    GROUP BY reason ORDER BY count(*) DESC, min(link.link)
"""


class Answers:
    """
    The links in one database and what was decided on them, to be read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def links_at(self, name: str, *, then_ms: int | None = None) -> list[StoredLink]:
        """
        Return the links that touch an identity, oldest first, each with its newest verdict, or the one at a time.
        """
        which = _AT + "ORDER BY link.link"
        if then_ms is None:
            return stored_links(self._database, which, (name, name))
        return stored_links(self._database, which, (then_ms, name, name), verdicts=NEWEST_THEN)

    def links_of(self, person: int) -> list[StoredLink]:
        """
        Return the links that touch any identity of a person, oldest first.
        """
        return stored_links(
            self._database,
            """
            WHERE link.link IN (
                SELECT link FROM identity JOIN link ON older = name WHERE person = ?
                UNION SELECT link FROM identity JOIN link ON newer = name WHERE person = ?
            )
            ORDER BY link.link
            """,
            (person, person),
        )

    def decisions_at(self, name: str, *, then_ms: int | None = None) -> list[Verdict]:
        """
        Return every decision on a link that touches an identity, in the order in which they were made.
        """
        until, given = ("", (name, name)) if then_ms is None else ("AND decided_ms <= ? ", (name, name, then_ms))
        return self._verdicts(f"{_AT}{until}ORDER BY decision.decision", given, verdicts=EVERY)

    def held(self, *, reason: str | None = None) -> list[Verdict]:
        """
        Return the verdicts that hold a link, the oldest link first: all of them, or those for one reason.
        """
        only, given = ("", ()) if reason is None else ("AND reason = ? ", (reason,))
        return self._verdicts(f"{_HELD}{only}ORDER BY link.link", given)

    def held_reasons(self) -> dict[str, int]:
        """
        Return how many links are held for which reason: most first, between equals that of the oldest link.
        """
        return dict(self._database.rows(_HELD_REASONS))

    def held_then(self, then_ms: int) -> list[Verdict]:
        """
        Return the verdicts that held a link at a time, the oldest link first.
        """
        which = "WHERE decision.outcome = 'hold' ORDER BY link.link"
        return self._verdicts(which, (then_ms,), verdicts=NEWEST_THEN)

    def decided(self, *, limit: int) -> list[Verdict]:
        """
        Return the newest verdicts that a person gave and that still stand, the newest first.
        """
        return self._verdicts("WHERE decided_by <> 'policy' ORDER BY decision.decision DESC LIMIT ?", (limit,))

    def _verdicts(self, which: str, given: tuple[Any, ...], *, verdicts: str = NEWEST) -> list[Verdict]:
        return [stored.verdict for stored in stored_links(self._database, which, given, verdicts=verdicts)]

    def counts(self) -> dict[Outcome, int]:
        """
        Return the number of links by their newest outcome.
        """
        links = dict.fromkeys(Outcome, 0)
        for outcome, count in self._database.rows("SELECT outcome, count(*) FROM link GROUP BY outcome"):
            links[Outcome(outcome)] = count
        return links
