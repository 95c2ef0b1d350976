"""
What Kissmetrics stores: events, properties and aliases under the identity that each came with, no record twice.

Who is one person is not known here. That is worked out when people are asked for, so that an alias counts the
same whenever it comes.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Literal

from identity.database import Database, Row
from sdkbridge.kissmetrics.intake import Alias, Name, Record

PAGE_ROWS = 200

MIGRATIONS = {
    "records": (
        """
        CREATE TABLE kissmetrics_records (
            number INTEGER PRIMARY KEY, -- of the request in the log
            product INTEGER NOT NULL,
            identity TEXT NOT NULL,
            event TEXT,                 -- lower case; nothing on a property set or an alias
            other TEXT,                 -- the other identity of an alias
            second INTEGER NOT NULL,
            content_sha256 BLOB NOT NULL,
            UNIQUE (product, content_sha256)
        )
        """,
        """
        CREATE INDEX kissmetrics_records_by_identity
        ON kissmetrics_records (product, identity, event, second) WHERE other IS NULL
        """,
        """
        CREATE INDEX kissmetrics_records_aliases
        ON kissmetrics_records (number, product, identity, other) WHERE other IS NOT NULL
        """,
        """
        CREATE TABLE kissmetrics_properties (
            number INTEGER NOT NULL REFERENCES kissmetrics_records,
            product INTEGER NOT NULL,
            identity TEXT NOT NULL,
            name TEXT NOT NULL, -- lower case
            second INTEGER NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (number, name)
        ) WITHOUT ROWID
        """,
        """
        CREATE INDEX kissmetrics_properties_by_identity
        ON kissmetrics_properties (product, identity, name, second, number)
        """,
        """
        CREATE TABLE kissmetrics_names (
            product INTEGER NOT NULL,
            kind TEXT NOT NULL, -- event, property
            name TEXT NOT NULL, -- lower case
            spelling TEXT NOT NULL,
            PRIMARY KEY (product, kind, name)
        ) WITHOUT ROWID
        """,
    ),
}

WHOSE = "/* whose */"
"""Where a query is narrowed to one product or identity."""

EVENT_COUNTS = """
    SELECT counts.product, identity, spelling, occurrences, latest
    FROM (
        SELECT product, identity, event, COUNT(*) AS occurrences, MAX(second) AS latest
        FROM kissmetrics_records WHERE other IS NULL /* whose */ GROUP BY product, identity, event
    ) AS counts
    LEFT JOIN kissmetrics_names AS names
    ON names.product = counts.product AND names.kind = 'event' AND names.name = counts.event
"""

PROPERTY_ENDS = """
    WITH spans AS (
        SELECT product, identity, name, MIN(second) AS earliest, MAX(second) AS latest
        FROM kissmetrics_properties WHERE TRUE /* whose */ GROUP BY product, identity, name
    ), ends AS (
        SELECT spans.*, (
            SELECT MIN(number) FROM kissmetrics_properties AS first
            WHERE first.product = spans.product AND first.identity = spans.identity
            AND first.name = spans.name AND first.second = spans.earliest
        ) AS first_number, (
            SELECT MAX(number) FROM kissmetrics_properties AS last
            WHERE last.product = spans.product AND last.identity = spans.identity
            AND last.name = spans.name AND last.second = spans.latest
        ) AS last_number
        FROM spans
    )
    SELECT ends.product, ends.identity, spelling, earliest, first_number, first.value,
        latest, last_number, last.value
    FROM ends
    JOIN kissmetrics_names AS names
    ON names.product = ends.product AND names.kind = 'property' AND names.name = ends.name
    JOIN kissmetrics_properties AS first ON first.number = first_number AND first.name = ends.name
    JOIN kissmetrics_properties AS last ON last.number = last_number AND last.name = ends.name
"""


class Records:
    """
    The records in one database, each under the number of the request that brought it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("kissmetrics_records", MIGRATIONS)

    def add(self, number: int, product: int, content: Record | Alias) -> bool:
        """
        Store a record; return False, storing nothing, if the product has the very same one already.

        The same: identity, event, second, and every property's name and value (Kissmetrics' present page on
        duplicates). Two aliases are the same if they join the same two in the same order.
        """
        event = content.event.key if isinstance(content, Record) and content.event else None
        other = content.other if isinstance(content, Alias) else None
        row = (number, product, content.identity, event, other, content.second, _digest(content))
        with self._database.transaction() as connection:
            sql = "INSERT OR IGNORE INTO kissmetrics_records VALUES (?, ?, ?, ?, ?, ?, ?)"
            if connection.execute(sql, row).rowcount == 0:
                return False
            if isinstance(content, Record):
                connection.executemany(
                    "INSERT INTO kissmetrics_properties VALUES (?, ?, ?, ?, ?, ?)",
                    [
                        (number, product, content.identity, name.key, content.second, value)
                        for name, value in content.properties
                    ],
                )
        return True

    def learn(self, product: int, kind: Literal["event", "property"], names: list[Name]) -> int | None:
        """
        Remember how names were first spelt; return how many the product has now, or None if none was new.
        """
        with self._database.transaction() as connection:
            new = connection.executemany(
                "INSERT OR IGNORE INTO kissmetrics_names VALUES (?, ?, ?, ?)",
                [(product, kind, name.key, name.spelling) for name in names],
            ).rowcount
            if new <= 0:
                return None
            sql = "SELECT COUNT(*) FROM kissmetrics_names WHERE product = ? AND kind = ?"
            return int(connection.execute(sql, [product, kind]).fetchone()[0])

    def aliases_after(self, number: int) -> Iterator[Row]:
        """
        Yield ``(number, product, identity, other)`` of every alias after that request, oldest first.
        """
        sql = """
            SELECT number, product, identity, other FROM kissmetrics_records
            WHERE other IS NOT NULL AND number > ? ORDER BY number LIMIT ?
        """
        while page := self._database.rows(sql, [number, PAGE_ROWS]):
            yield from page
            number = page[-1][0]

    def event_counts(self, product: int | None = None, identity: str | None = None) -> list[Row]:
        """
        Return ``(product, identity, event, occurrences, latest second)``; the event of property sets is None.
        """
        return self._rows(EVENT_COUNTS, product, identity)

    def property_ends(self, product: int | None = None, identity: str | None = None) -> list[Row]:
        """
        Return the first and the last value of each property of each identity.

        Rows are ``(product, identity, property, second, number, value, second, number, value)``.
        """
        return self._rows(PROPERTY_ENDS, product, identity)

    def property_values(self, product: int, identity: str, name: str) -> list[Row]:
        """
        Return ``(second, number, value)`` of every value that one identity was given for a property.
        """
        sql = """
            SELECT second, number, value FROM kissmetrics_properties
            WHERE product = ? AND identity = ? AND name = ?
        """
        return self._database.rows(sql, [product, identity, name.lower()])

    def lines(self, product: int | None, *, last: int) -> Iterator[dict[str, Any]]:
        """
        Yield the lines of Kissmetrics' export up to the request ``last``, in order of receipt.
        """
        sql = """
            SELECT number, identity, event, other, second FROM kissmetrics_records
            WHERE number > ? AND number <= ? /* whose */ ORDER BY number LIMIT ?
        """
        scope, parameters = _scope(product, None)
        sql, done = sql.replace(WHOSE, scope), 0
        while page := self._database.rows(sql, [done, last, *parameters, PAGE_ROWS]):
            first, done = page[0][0], page[-1][0]
            properties = self._properties_between(first, done)
            for number, identity, event, other, second in page:
                line = {"_p": identity, "_t": second, "_n": event, "_p2": other}
                yield {name: value for name, value in line.items() if value is not None} | properties.get(
                    number, {}
                )

    def _properties_between(self, first: int, last: int) -> dict[int, dict[str, str]]:
        sql = "SELECT number, name, value FROM kissmetrics_properties WHERE number BETWEEN ? AND ?"
        found: dict[int, dict[str, str]] = {}
        for number, name, value in self._database.rows(sql, [first, last]):
            found.setdefault(number, {})[name] = value
        return found

    def _rows(self, sql: str, product: int | None, identity: str | None) -> list[Row]:
        scope, parameters = _scope(product, identity)
        return self._database.rows(sql.replace(WHOSE, scope), parameters)


def _scope(product: int | None, identity: str | None) -> tuple[str, list[int | str]]:
    chosen: dict[str, int | str | None] = {"product": product, "identity": identity}
    given = {column: value for column, value in chosen.items() if value is not None}
    return "".join(f" AND {column} = ?" for column in given), list(given.values())


def _digest(content: Record | Alias) -> bytes:
    if isinstance(content, Alias):
        same: list[Any] = [content.identity, content.other]
    else:
        event = content.event.key if content.event else None
        properties = sorted((name.key, value) for name, value in content.properties)
        same = [content.identity, event, content.second, properties]
    return hashlib.sha256(json.dumps(same).encode()).digest()
