"""
The links of an identity graph, as an audit reads them.
"""

from collections.abc import Callable, Iterator, Mapping

from identity.database import Database
from identity.ids import IdentityKind
from identity.links import Link, LinkKind, Outcome
from identity.squished.kinds import Kind, kind_of
from identity.squished.values import Activity

PAGE = 5_000


def accepted_links(database: Database) -> Iterator[Link]:
    """
    Yield the links of a graph that joined two people, a page at a time.
    """
    after = 0
    while page := database.rows(_LINKS, (Outcome.MERGE.value, after, PAGE)):
        for _, older, newer, kind, at_ms, call, device in page:
            yield Link(older=older, newer=newer, kind=LinkKind(kind), at_ms=at_ms, call=call, device=device)
        after = page[-1][0]


_LINKS = """
    SELECT link.link, older, newer, kind, at_ms, call, device
    FROM link JOIN decision ON decision.decision = (
        SELECT max(decision) FROM decision WHERE decision.link = link.link
    )
    WHERE link.outcome = ? AND link.link > ? ORDER BY link.link LIMIT ?
"""


def recorded_in(database: Database) -> Callable[[frozenset[str]], Mapping[str, Activity]]:
    """
    Return what tells the activity of identities, by the graph's own counts.
    """

    def activity(identities: frozenset[str]) -> Mapping[str, Activity]:
        found = {}
        for name in identities:
            row = database.row("SELECT records, first_ms, last_ms FROM identity WHERE name = ?", (name,))
            if row is not None:
                records, first_ms, last_ms = row
                found[name] = Activity(records=records, first_ms=first_ms, last_ms=last_ms)
        return found

    return activity


def kind_in(database: Database, *, otherwise: Callable[[str], str] = kind_of) -> Callable[[str], str]:
    """
    Return what tells the kind of an identity: the graph knows which ones are anonymous, whatever they look like.
    """

    def told(name: str) -> str:
        kind = otherwise(name)
        row = database.row("SELECT kind FROM identity WHERE name = ?", (name,))
        if row is None or kind == Kind.PLACEHOLDER:
            return kind
        if row[0] != IdentityKind.NAMED.value:
            return Kind.ANONYMOUS
        return Kind.ACCOUNT if kind == Kind.ANONYMOUS else kind

    return told
