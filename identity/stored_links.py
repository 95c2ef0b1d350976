"""
Links as the ledger's tables hold them, each with one of the verdicts that were given on it.
"""

from typing import Any

from attrs import frozen

from identity.database import Database, Row
from identity.links import Link, LinkKind, Outcome, Verdict


@frozen(kw_only=True)
class StoredLink:
    """
    A link on record, with a verdict on it: the newest, unless an earlier one was asked for.
    """

    number: int
    verdict: Verdict


DECIDED = """
    SELECT link.link, older, newer, kind, at_ms, call, device, decision.outcome, reason, explanation, warnings,
           decided_by, decided_ms
    FROM link JOIN decision ON decision.link = link.link
"""
"""Every verdict on every link: the beginning of a query."""

NEWEST = " AND decision.decision = (SELECT max(decision) FROM decision WHERE decision.link = link.link) "
"""Of each link only the newest verdict."""

NEWEST_THEN = (
    " AND decision.decision = "
    "(SELECT max(decision) FROM decision WHERE decision.link = link.link AND decision.decided_ms <= ?) "
)
"""Of each link only the verdict that was the newest at a time, which is the first parameter."""

EVERY = ""
"""Of each link all verdicts."""


def stored_links(
    database: Database, which: str, parameters: tuple[Any, ...], *, verdicts: str = NEWEST
) -> list[StoredLink]:
    """
    Return some links, each with its newest verdict unless others are asked for.

    Args:
        database: with the tables of a ledger.
        which: the query from its ``WHERE`` on.
        parameters: of the query.
        verdicts: `NEWEST`, `NEWEST_THEN` or `EVERY`.
    """
    return [stored(row) for row in database.rows(DECIDED + verdicts + which, parameters)]


def stored(row: Row) -> StoredLink:
    """
    Return the link of a row as `DECIDED` selects it.
    """
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
