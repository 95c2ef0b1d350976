"""
Whole people: their identities, events and properties, read a few hundred people at a time.

Who is who is settled first, in one look at the identities, and the records are then read up to the request that
was the last one at that moment. So the list is that of one moment, although others write while it is read.
"""

import json
from collections.abc import Iterator, Sequence

from attrs import Factory, define, frozen

from identity.database import Database
from sdkbridge.kissmetrics.answers import EventCount, Person, PropertyHistory
from sdkbridge.kissmetrics.rules import Rules

PAGE_PEOPLE = 500
UNLIMITED = 2**62

IDENTITIES = "SELECT id, person, identity, earliest, latest FROM kissmetrics_identities "
LAST_NUMBER = "SELECT COALESCE(MAX(number), 0) FROM kissmetrics_records"

CHOSEN = """
    WITH chosen AS (
        SELECT json_extract(value, '$[0]') AS identity, json_extract(value, '$[1]') AS person FROM json_each(?)
    )
"""

EVENT_COUNTS = f"""
    {CHOSEN}
    SELECT chosen.person, names.spelling, MIN(COUNT(*), ?)
    FROM chosen
    CROSS JOIN kissmetrics_records AS record ON record.identity = chosen.identity
    CROSS JOIN kissmetrics_names AS names ON names.id = record.event
    WHERE counted AND number <= ?
    GROUP BY chosen.person, record.event ORDER BY names.spelling
"""  # noqa: S608 - put together from constants

EVENTS = """
    SELECT names.spelling, COUNT(*), SUM(MIN(times, ?))
    FROM (
        SELECT person, event, COUNT(*) AS times
        FROM kissmetrics_records AS record
        JOIN kissmetrics_identities AS one ON one.id = record.identity
        WHERE record.product = ? AND event IS NOT NULL AND counted GROUP BY person, event
    ) JOIN kissmetrics_names AS names ON names.id = event
    GROUP BY event
"""

# The position counts from the latest value on, so that the oldest one that still counts is at the limit.
PROPERTY_ENDS = f"""
    {CHOSEN},
    placed AS (
        SELECT chosen.person, property.name, value,
            ROW_NUMBER() OVER (
                PARTITION BY chosen.person, property.name ORDER BY property.second DESC, property.number DESC
            ) AS position,
            COUNT(*) OVER (PARTITION BY chosen.person, property.name) AS total
        FROM chosen
        CROSS JOIN kissmetrics_records AS record ON record.identity = chosen.identity
        CROSS JOIN kissmetrics_properties AS property ON property.number = record.number
        WHERE property.counted AND record.number <= ?
    )
    SELECT person, names.spelling, MAX(CASE WHEN position = 1 THEN value END),
        MAX(CASE WHEN position = MIN(total, ?) THEN value END)
    FROM placed JOIN kissmetrics_names AS names ON names.id = placed.name
    WHERE position = 1 OR position = MIN(total, ?)
    GROUP BY person, placed.name ORDER BY names.spelling
"""  # noqa: S608 - put together from constants


@frozen
class _Known:
    id: int
    identity: str
    earliest: int | None
    latest: int | None


@define
class _Gathered:
    """
    What was found of one person so far.
    """

    known: list[_Known] = Factory(list)
    event_counts: dict[str, int] = Factory(dict)
    properties: dict[str, PropertyHistory] = Factory(dict)

    def visible(self) -> list[_Known]:
        return [one for one in self.known if one.latest is not None]

    def person(self, rules: Rules) -> Person:
        visible = self.visible()
        return Person(
            identities=tuple(sorted(one.identity for one in self.known)),
            visible_identities=tuple(sorted(one.identity for one in visible)),
            label=min(visible, key=lambda one: (_rank(one, rules), one.identity)).identity,
            event_counts=self.event_counts,
            properties=self.properties,
        )


def _rank(one: _Known, rules: Rules) -> int:
    if rules.label == "latest":
        return -(one.latest or 0)
    return (one.earliest or 0) if rules.label == "earliest" else 0


class Listing:
    """
    The people of one database.
    """

    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self._rules = rules

    def all_of(self, product: int) -> list[Person]:
        """
        Return everybody in a product who has an event or property, by their identities.
        """
        last, known = self._moment("WHERE product = ?", product)
        people = [one for one in known.values() if one.visible()]
        people.sort(key=lambda one: sorted(known.identity for known in one.known))
        return list(self._read(people, last))

    def events(self, product: int) -> list[EventCount]:
        """
        Return how many people in a product did each event, and how often.
        """
        limit = self._rules.history_limit or UNLIMITED
        return [EventCount(*row) for row in self._database.rows(EVENTS, [limit, product])]

    def some(self, persons: Sequence[int]) -> list[Person]:
        """
        Return people by their numbers, in that order, without those who have neither event nor property.
        """
        last, known = self._moment("WHERE person IN (SELECT value FROM json_each(?))", json.dumps(persons))
        return list(self._read([known[one] for one in persons if one in known and known[one].visible()], last))

    def _moment(self, scope: str, parameter: int | str) -> tuple[int, dict[int, _Gathered]]:
        """
        Return the last record's number and who is one person with whom, as of one moment.
        """
        people: dict[int, _Gathered] = {}
        with self._database.transaction():
            last = self._database.rows(LAST_NUMBER)[0][0]
            rows = self._database.rows(IDENTITIES + scope, [parameter])
        for id_, person, identity, earliest, latest in rows:
            people.setdefault(person, _Gathered()).known.append(_Known(id_, identity, earliest, latest))
        return last, people

    def _read(self, people: Sequence[_Gathered], last: int) -> Iterator[Person]:
        for start in range(0, len(people), PAGE_PEOPLE):
            page = people[start : start + PAGE_PEOPLE]
            self._fill(page, last)
            yield from (one.person(self._rules) for one in page)

    def _fill(self, page: Sequence[_Gathered], last: int) -> None:
        chosen = json.dumps([(known.id, place) for place, one in enumerate(page) for known in one.known])
        limit = self._rules.history_limit or UNLIMITED
        for place, event, times in self._database.rows(EVENT_COUNTS, [chosen, limit, last]):
            page[place].event_counts[event] = times
        for place, name, latest, oldest in self._database.rows(PROPERTY_ENDS, [chosen, last, limit, limit]):
            page[place].properties[name] = PropertyHistory(first=oldest, last=latest)
