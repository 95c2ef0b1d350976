"""
Finding people by a part of any identity.

The very name is looked up; any other part is looked for in one pass over the names, which ends as soon as there is
enough. On SQLite the names are an index by themselves, so the pass reads that and nothing else.
"""

from attrs import frozen

from identity.database import Database, Row
from identity.ids import IdentityKind, fold
from identity.many import rows_among

LONGEST_TEXT = 255


@frozen(kw_only=True)
class FoundPerson:
    """
    Somebody whom a search found.

    Attributes:
        identity: the one that was found.
        kind: of that identity.
        known_as: the identity that stands for the person.
        identities: how many identities the person has.
        records: how many calls were recorded under the one that was found.
        last_ms: when that was last seen, in milliseconds since 1970 UTC.
    """

    identity: str
    kind: IdentityKind
    known_as: str
    identities: int
    records: int
    last_ms: int


_FOUND = """
    SELECT name, kind, known_as, identities, records, last_ms
    FROM identity JOIN person ON person.person = identity.person WHERE name IN ({keys})
"""

# Both sets the case of ASCII letters aside: SQLite's LIKE by itself, and what PostgreSQL is told for it.
_PART = "SELECT name FROM identity WHERE name LIKE ? ESCAPE '!' LIMIT ?"


def search(database: Database, text: str, *, limit: int) -> list[FoundPerson]:
    """
    Return people with an identity that contains a text, case set aside: the very text first, then beginnings.

    A person is found once, by the identity that fits best.

    Args:
        database: with the tables of a graph.
        text: any part of an identity; spaces around it do not count.
        limit: how many people at most.
    """
    wanted = text.strip()[:LONGEST_TEXT]
    if not wanted:
        return []
    names = _names(database, wanted, limit=limit)
    by_name = {row[0]: _person(row) for row in rows_among(database.rows, _FOUND, names)}
    found: dict[str, FoundPerson] = {}
    for name in names:
        if name in by_name:
            found.setdefault(by_name[name].known_as, by_name[name])
    return list(found.values())[:limit]


def _names(database: Database, wanted: str, *, limit: int) -> list[str]:
    # More than are wanted, since some are the same person's.
    most = 4 * limit
    spelt = wanted.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    parts = [name for (name,) in database.rows(_PART, (f"%{spelt}%", most))]
    parts.sort(key=lambda name: (not name.lower().startswith(wanted.lower()), name))
    return list(dict.fromkeys([wanted, fold(wanted), *parts]))


def _person(row: Row) -> FoundPerson:
    name, kind, known_as, identities, records, last_ms = row
    return FoundPerson(
        identity=name,
        kind=IdentityKind(kind),
        known_as=known_as,
        identities=identities,
        records=records,
        last_ms=last_ms,
    )
