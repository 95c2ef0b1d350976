"""
How much was recorded under which identity, and from when to when: counted each time somebody is seen.
"""

from collections.abc import Collection, Sequence
from operator import attrgetter

from identity.database import Connection
from identity.ids import KINDS, IdentityKind
from identity.many import rows_among
from identity.sightings import Sighting

_COUNT = """
    UPDATE identity
    SET records = records + ?,
        last_ms = CASE WHEN last_ms < ? THEN ? ELSE last_ms END,
        first_ms = CASE WHEN first_ms > ? THEN ? ELSE first_ms END
    WHERE name = ?
"""

_COUNT_AS_IT_IS = f"{_COUNT} AND (kind = '{IdentityKind.NAMED.value}' OR ? = 1)"
"""A named identity stays what it is by any record, and any identity by a record that does not name it."""

_COUNT_TELLING_KIND = f"{_COUNT} RETURNING kind"


def count_as_it_is(connection: Connection, sighting: Sighting) -> bool:
    """
    Count records under an identity if it stays what it is by them; return whether it does.

    Nearly always it does, and to be told of which kind it was costs SQLite more than to count.
    """
    return connection.execute(_COUNT_AS_IT_IS, _counted_as_it_is(sighting)).rowcount == 1


def count_one_as_it_is(connection: Connection, name: str, kind: IdentityKind, *, at_ms: int) -> bool:
    """
    Count one record under an identity if it stays what it is by that; return whether it does.
    """
    counted = _as_it_is(name, kind, 1, at_ms, at_ms)
    return connection.execute(_COUNT_AS_IT_IS, counted).rowcount == 1


def count(connection: Connection, sighting: Sighting) -> IdentityKind | None:
    """
    Count records under an identity; return its kind, or None if it was never seen.
    """
    row = connection.execute(_COUNT_TELLING_KIND, _counted(sighting)).fetchone()
    return None if row is None else KINDS[row[0]]


def count_all_as_they_are(connection: Connection, sightings: Collection[Sighting]) -> bool:
    """
    Count records under those of several identities that stay what they are; return whether all of them do.
    """
    # In an order that all writers share, so that none waits for another that waits for it.
    in_order = sorted(sightings, key=attrgetter("name"))
    rows = [_counted_as_it_is(sighting) for sighting in in_order]
    return connection.executemany(_COUNT_AS_IT_IS, rows).rowcount == len(rows)


def kinds_of(connection: Connection, names: Sequence[str]) -> dict[str, IdentityKind]:
    """
    Return the kinds of those identities that were seen before, by name.
    """
    rows = rows_among(connection.execute, "SELECT name, kind FROM identity WHERE name IN ({keys})", names)
    return {name: KINDS[kind] for name, kind in rows}


def _counted(sighting: Sighting) -> tuple[object, ...]:
    """
    Return the parameters of `_COUNT`.
    """
    last, first = sighting.last_ms, sighting.first_ms
    return sighting.records, last, last, first, first, sighting.name


def _counted_as_it_is(sighting: Sighting) -> tuple[object, ...]:
    """
    Return the parameters of `_COUNT_AS_IT_IS`.
    """
    return _as_it_is(sighting.name, sighting.kind, sighting.records, sighting.first_ms, sighting.last_ms)


def _as_it_is(name: str, kind: IdentityKind, records: int, first: int, last: int) -> tuple[object, ...]:
    return records, last, last, first, first, name, int(kind is not IdentityKind.NAMED)
