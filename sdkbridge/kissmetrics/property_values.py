"""
One person's property over time: what it was first, last, and when something happened.
"""

from collections.abc import Sequence

from identity.database import Database
from sdkbridge.kissmetrics.answers import Occurrence, PropertyAnswer, PropertyValue

WHOSE = "identity IN (SELECT id FROM kissmetrics_identities WHERE person = ?)"

# A limit of -1 is none.
MOST_RECENT_VALUES = f"""
    SELECT second, number, value FROM kissmetrics_properties WHERE counted AND name = ? AND {WHOSE}
    ORDER BY second DESC, number DESC LIMIT ?
"""  # noqa: S608 - put together from constants
MOST_RECENT_EVENTS = f"""
    SELECT second, number FROM kissmetrics_records WHERE counted AND event = ? AND {WHOSE}
    ORDER BY second DESC, number DESC LIMIT ?
"""  # noqa: S608 - put together from constants

OLDEST_FIRST = "ORDER BY second, number"
LATEST_FIRST = "ORDER BY second DESC, number DESC"


class PropertyValues:
    """
    The values that one person's property had.

    Args:
        database: where they are kept.
        person: the person's number.
        name: the property's number.
        history_limit: how many of them count, the most recent ones.
    """

    def __init__(self, database: Database, person: int, name: int, *, history_limit: int | None) -> None:
        self._database = database
        self._person = person
        self._name = name
        self._limit = -1 if history_limit is None else history_limit

    def history(self) -> list[PropertyValue]:
        """
        Return all of them, oldest first.
        """
        return self._values(OLDEST_FIRST)

    def ends(self) -> PropertyAnswer | None:
        """
        Return the first and the last one, or None if there is none.
        """
        with self._database.transaction():
            first, last = self._values(f"{OLDEST_FIRST} LIMIT 1"), self._values(f"{LATEST_FIRST} LIMIT 1")
        return PropertyAnswer(first=first[0], last=last[0]) if first else None

    def at_event(self, event: int, occurrence: Occurrence) -> PropertyValue | None:
        """
        Return the latest one up to an event's second, or None if there is none or it never happened.
        """
        order = LATEST_FIRST if occurrence == "last" else OLDEST_FIRST
        with self._database.transaction():
            sql = f"SELECT second FROM ({MOST_RECENT_EVENTS}) {order} LIMIT 1"  # noqa: S608 - as above
            happened = self._database.row(sql, [event, self._person, self._limit])
            if happened is None:
                return None
            values = self._values(f"WHERE second <= ? {LATEST_FIRST} LIMIT 1", happened)
        return values[0] if values else None

    def _values(self, which: str, parameters: Sequence[int] = ()) -> list[PropertyValue]:
        sql = f"SELECT second, value FROM ({MOST_RECENT_VALUES}) {which}"  # noqa: S608 - as above
        rows = self._database.rows(sql, [self._name, self._person, self._limit, *parameters])
        return [PropertyValue(second=second, value=value) for second, value in rows]
