"""
One person's time line: what was recorded under any of their identities, in the order in which it happened.

The order is settled first, at eight bytes a record, and the records are then read a page at a time.
"""

import json
from array import array
from collections.abc import Iterator, Mapping

from attrs import frozen

from identity.database import Database, Row
from sdkbridge.kissmetrics.answers import Happening

PAGE_RECORDS = 500

IN_ORDER = """
    SELECT number FROM kissmetrics_records
    WHERE identity IN (SELECT id FROM kissmetrics_identities WHERE person = ?) ORDER BY second, number
"""

RECORDS = """
    SELECT number, second, one.identity, other.identity, event.id, event.spelling, counted
    FROM json_each(?) AS wanted
    CROSS JOIN kissmetrics_records AS record ON number = wanted.value
    CROSS JOIN kissmetrics_identities AS one ON one.id = record.identity
    LEFT JOIN kissmetrics_identities AS other ON other.id = record.other
    LEFT JOIN kissmetrics_names AS event ON event.id = record.event
    ORDER BY second, number
"""

PROPERTIES = """
    SELECT number, names.id, spelling, property.value
    FROM json_each(?) AS wanted
    CROSS JOIN kissmetrics_properties AS property ON number = wanted.value
    CROSS JOIN kissmetrics_names AS names ON names.id = property.name
    WHERE counted ORDER BY spelling
"""

# The oldest one that still counts, of each name of which there are too many.
OLDEST = """
    SELECT name, second, number FROM (
        SELECT {name} AS name, second, number,
            ROW_NUMBER() OVER (PARTITION BY {name} ORDER BY second DESC, number DESC) AS place
        FROM {table}
        WHERE counted AND {name} IS NOT NULL
        AND identity IN (SELECT id FROM kissmetrics_identities WHERE person = ?)
    ) WHERE place = ?
"""

Moment = tuple[int, int]
"""Second, number of the record."""


def timeline(database: Database, person: int, *, history_limit: int | None) -> Iterator[Happening]:
    """
    Yield what one person did, by time and then by order of receipt, as of now.
    """
    with database.transaction() as connection:
        order = array("q", (number for (number,) in connection.execute(IN_ORDER, [person])))
        limits = _Limits.of(database, person, history_limit)
    for start in range(0, len(order), PAGE_RECORDS):
        wanted = json.dumps(order[start : start + PAGE_RECORDS].tolist())
        properties: dict[int, list[tuple[int, str, str]]] = {}
        for number, *said in database.rows(PROPERTIES, [wanted]):
            properties.setdefault(number, []).append((said[0], said[1], said[2]))
        for row in database.rows(RECORDS, [wanted]):
            yield from _happening(row, properties.get(row[0], []), limits)


@frozen
class _Limits:
    """
    From which moment on each event and each property counts; others count always.
    """

    events: Mapping[int, Moment]
    properties: Mapping[int, Moment]

    @classmethod
    def of(cls, database: Database, person: int, history_limit: int | None) -> "_Limits":
        if history_limit is None:
            return cls({}, {})
        found = []
        for table, name in (("kissmetrics_records", "event"), ("kissmetrics_properties", "name")):
            rows = database.rows(OLDEST.format(table=table, name=name), [person, history_limit])
            found.append({name: (second, number) for name, second, number in rows})
        return cls(*found)


def _happening(row: Row, said: list[tuple[int, str, str]], limits: _Limits) -> Iterator[Happening]:
    """
    Yield what a record came to; nothing if all of it repeats or is too long ago.
    """
    number, second, identity, other, event, spelling, counted = row
    moment = second, number
    properties = {text: value for name, text, value in said if moment >= limits.properties.get(name, moment)}
    if other is not None:
        if counted:
            yield Happening(second=second, kind="alias", name=other, identity=identity, properties={})
    elif event is not None and counted and moment >= limits.events.get(event, moment):
        yield Happening(second=second, kind="event", name=spelling, identity=identity, properties=properties)
    elif properties:
        yield Happening(second=second, kind="properties", name=None, identity=identity, properties=properties)
