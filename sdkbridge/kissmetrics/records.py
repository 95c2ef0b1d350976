"""
What Kissmetrics stores: events, properties and aliases under the identity that each came with.

Who is one person plays no part here: it is looked up when people are asked for, so that an alias counts the same
whenever it comes.
"""

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from identity.database import Database
from sdkbridge.kissmetrics.identities import Identities
from sdkbridge.kissmetrics.intake import Alias, Record, Remark
from sdkbridge.kissmetrics.names import Names
from sdkbridge.kissmetrics.rules import Rules
from sdkbridge.kissmetrics.seen import Seen

PAGE_ROWS = 200

MIGRATIONS = {
    "records": (
        """
        CREATE TABLE kissmetrics_records (
            number INTEGER PRIMARY KEY, -- of the request in the log
            product INTEGER NOT NULL,
            identity INTEGER NOT NULL REFERENCES kissmetrics_identities,
            event INTEGER REFERENCES kissmetrics_names, -- nothing on a property set or an alias
            other INTEGER REFERENCES kissmetrics_identities, -- the other identity of an alias
            second INTEGER NOT NULL,
            counted INTEGER NOT NULL -- 0 if it repeats one before and is only exported
        )
        """,
        """
        CREATE INDEX kissmetrics_records_by_identity
        ON kissmetrics_records (identity, event, second, counted)
        """,
        """
        CREATE TABLE kissmetrics_properties (
            number INTEGER NOT NULL REFERENCES kissmetrics_records,
            name INTEGER NOT NULL REFERENCES kissmetrics_names,
            identity INTEGER NOT NULL,
            second INTEGER NOT NULL,
            value TEXT NOT NULL,
            counted INTEGER NOT NULL,
            PRIMARY KEY (number, name)
        ) WITHOUT ROWID
        """,
        """
        CREATE INDEX kissmetrics_properties_by_name
        ON kissmetrics_properties (name, identity, second, number) WHERE counted
        """,
    ),
}

LINES = """
    SELECT number, one.identity, event.name, other.identity, second
    FROM kissmetrics_records AS record
    JOIN kissmetrics_identities AS one ON one.id = record.identity
    LEFT JOIN kissmetrics_names AS event ON event.id = record.event
    LEFT JOIN kissmetrics_identities AS other ON other.id = record.other
    WHERE number > ? AND number <= ? AND record.product = COALESCE(?, record.product)
    ORDER BY number LIMIT ?
"""

PROPERTIES = """
    SELECT number, names.name, value FROM kissmetrics_properties AS property
    JOIN kissmetrics_names AS names ON names.id = property.name
    WHERE number BETWEEN ? AND ? ORDER BY number, names.name
"""


@frozen(kw_only=True)
class Kept:
    """
    What became of a record.

    Attributes:
        counts: whether anything of it counts; otherwise it only repeats.
        notes: names of which there are too many now, and what of it repeats.
    """

    counts: bool
    notes: tuple[Remark, ...] = ()


REPEATED = Kept(counts=False)


class Records:
    """
    The records in one database, each under the number of the request that brought it.

    The current rule drops a record whose identity, event, second and properties are all those of one before. The
    legacy rule keeps it, and lets an event count once for its identity, name and second, and a property too. Under
    both, an alias repeats another that joins the same two in the same order, at whatever time.
    """

    def __init__(self, database: Database, identities: Identities, rules: Rules) -> None:
        self._database = database
        self._identities = identities
        self._names = Names(database)
        self._seen = Seen(database)
        self._rules = rules
        database.migrate("kissmetrics_records", MIGRATIONS)

    def add(self, number: int, product: int, content: Record | Alias) -> Kept:
        """
        Store what a request brought, unless it is a repeat that is not stored.
        """
        with self._database.transaction():
            if isinstance(content, Alias):
                return self._add_alias(number, product, content)
            if self._comes_again_too_soon(product, content):
                return REPEATED
            return self._add_record(number, product, content)

    def _add_alias(self, number: int, product: int, alias: Alias) -> Kept:
        counts = self._seen.is_new("alias", product, alias.identity, alias.other)
        if not (counts or self._keeps_repeats()):
            return REPEATED
        one, other = (self._identities.remember(product, each) for each in (alias.identity, alias.other))
        self._identities.join(one, other)
        self._insert(number, product, one.id, None, other.id, alias.second, counts)
        return Kept(counts=counts)

    def _keeps_repeats(self) -> bool:
        return self._rules.duplicate_rule == "legacy"

    def _comes_again_too_soon(self, product: int, record: Record) -> bool:
        pause_s = self._rules.ignore_repeats_s
        if pause_s is None or record.dated:
            return False
        return not self._seen.is_new_for(pause_s, record.second, "undated", product, *_content(record))

    def _add_record(self, number: int, product: int, record: Record) -> Kept:
        counted = self._counted(product, record)
        if counted is None:
            return REPEATED
        identity = self._identities.remember(product, record.identity, second=record.second).id
        notes: list[Remark] = []
        event = self._event(product, record, notes)
        properties = self._properties(product, record, notes)
        itself = counted.event if record.event else counted.anything
        self._insert(number, product, identity, event, None, record.second, itself)
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT INTO kissmetrics_properties VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (number, name, identity, record.second, value, counts)
                    for name, (_, value), counts in zip(properties, record.properties, counted.values, strict=True)
                ],
            )
        return Kept(counts=counted.anything, notes=(*notes, *counted.notes(record)))

    def _counted(self, product: int, record: Record) -> "_Counted | None":
        """
        Return what of a record counts, or None if it is not even stored.
        """
        if not self._keeps_repeats():
            new = self._seen.is_new("record", product, record.second, *_content(record))
            return _Counted(record.event is not None, (True,) * len(record.properties)) if new else None
        where = product, record.identity, record.second
        return _Counted(
            record.event is not None and self._seen.is_new("event", *where, record.event.key),
            tuple(self._seen.is_new("property", *where, name.key) for name, _ in record.properties),
        )

    def _event(self, product: int, record: Record, notes: list[Remark]) -> int | None:
        if record.event is None:
            return None
        event, place = self._names.learn(product, "event", record.event)
        if place is not None and place > self._rules.most_names:
            notes.append(Remark("too_many_event_names", "_n"))
        return event

    def _properties(self, product: int, record: Record, notes: list[Remark]) -> list[int]:
        learnt = [self._names.learn(product, "property", name) for name, _ in record.properties]
        if any(place is not None and place > self._rules.most_names for _, place in learnt):
            notes.append(Remark("too_many_property_names"))
        return [number for number, _ in learnt]

    def _insert(self, *row: int | None) -> None:
        with self._database.transaction() as connection:
            connection.execute("INSERT INTO kissmetrics_records VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def count(self, product: int | None = None) -> int:
        """
        Return how many lines an export has.
        """
        sql = "SELECT COUNT(*) FROM kissmetrics_records WHERE product = COALESCE(?, product)"
        return int(self._database.rows(sql, [product])[0][0])

    def lines(self, product: int | None, *, last: int) -> Iterator[dict[str, Any]]:
        """
        Yield the lines of Kissmetrics' export up to the request ``last``, in order of receipt.
        """
        done = 0
        while page := self._database.rows(LINES, [done, last, product, PAGE_ROWS]):
            first, done = page[0][0], page[-1][0]
            properties = self._properties_between(first, done)
            for number, identity, event, other, second in page:
                line = {"_p": identity, "_t": second, "_n": event, "_p2": other}
                said = {name: value for name, value in line.items() if value is not None}
                yield said | properties.get(number, {})

    def _properties_between(self, first: int, last: int) -> dict[int, dict[str, str]]:
        found: dict[int, dict[str, str]] = {}
        for number, name, value in self._database.rows(PROPERTIES, [first, last]):
            found.setdefault(number, {})[name] = value
        return found


@frozen
class _Counted:
    """
    Whether a record's event counts, and which of its values do.
    """

    event: bool
    values: tuple[bool, ...]

    @property
    def anything(self) -> bool:
        return self.event or any(self.values)

    def notes(self, record: Record) -> Iterator[Remark]:
        """
        Say what repeats of a record that is not a repeat as a whole.
        """
        if self.anything and record.event and not self.event:
            yield Remark("not_counted", "_n")
        if self.anything:
            for (name, _), counts in zip(record.properties, self.values, strict=True):
                if not counts:
                    yield Remark("not_counted", name.spelling)


def _content(record: Record) -> tuple[object, ...]:
    event = record.event.key if record.event else None
    return record.identity, event, sorted((name.key, value) for name, value in record.properties)
