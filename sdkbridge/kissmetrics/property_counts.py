"""
How many people there are for each value of a property.
"""

from identity.database import Database
from sdkbridge.kissmetrics.answers import PropertyChoice, PropertyCount

UNLIMITED = 2**62

# Who did how many events: of any kind, or of one.
DID_ANYTHING = """
    did AS (
        SELECT person, SUM(times) AS events FROM (
            SELECT person, MIN(COUNT(event), :limit) AS times
            FROM kissmetrics_identities AS known
            CROSS JOIN kissmetrics_records AS record ON record.identity = known.id
            WHERE known.product = :product AND latest IS NOT NULL AND counted
            GROUP BY person, event
        ) GROUP BY person
    )
"""
DID_EVENT = """
    did AS (
        SELECT person, MIN(COUNT(*), :limit) AS events
        FROM kissmetrics_identities AS known
        CROSS JOIN kissmetrics_records AS record ON record.identity = known.id
        WHERE event = :event AND counted GROUP BY person
    )
"""

# Each event and each value; places count from the latest on, so that the oldest that counts is at the limit.
HAPPENED = """
    happened AS (
        SELECT person, second, number,
            ROW_NUMBER() OVER (PARTITION BY person ORDER BY second DESC, number DESC) AS place
        FROM kissmetrics_identities AS known
        CROSS JOIN kissmetrics_records AS record ON record.identity = known.id
        WHERE event = :event AND counted
    )
"""
SAID = """
    said AS (
        SELECT person, second, number,
            ROW_NUMBER() OVER (PARTITION BY person ORDER BY second DESC, number DESC) AS place
        FROM kissmetrics_properties AS property
        CROSS JOIN kissmetrics_identities AS known ON known.id = property.identity
        WHERE counted AND name = :property
    )
"""

# SQLite takes the number from the row that has the maximum.
FIRST = "SELECT person, number, MAX(place) AS place FROM said WHERE place <= :limit GROUP BY person"
LAST = "SELECT person, number, place FROM said WHERE place = 1"

# Grouped rather than joined: SQLite would go through all values for each person.
ONE_VALUE_EACH = """
    together AS (
        SELECT person, NULL AS number, events FROM did
        UNION ALL SELECT person, number, NULL FROM ({chosen})
    ), valued AS (
        SELECT person, MAX(number) AS number, SUM(events) AS events FROM together GROUP BY person
        HAVING SUM(events) IS NOT NULL
    )
"""

# Each value begins a run, which the events up to the next value belong to.
AT_EVENT = """
    together AS (
        SELECT person, second, 0 AS is_event, number FROM said WHERE place <= :limit
        UNION ALL SELECT person, second, 1, number FROM happened WHERE place <= :limit
    ), runs AS (
        SELECT person, is_event, number, SUM(NOT is_event) OVER (
            PARTITION BY person ORDER BY second, is_event, number ROWS UNBOUNDED PRECEDING
        ) AS run
        FROM together
    ), valued AS (
        SELECT person, MAX(CASE WHEN NOT is_event THEN number END) AS number, SUM(is_event) AS events
        FROM runs GROUP BY person, run HAVING SUM(is_event) > 0
    )
"""

COUNTED = """
    SELECT value, COUNT(DISTINCT person) AS people, SUM(events) AS events
    FROM valued LEFT JOIN kissmetrics_properties AS property
    ON property.number = valued.number AND property.name = :property
    GROUP BY value ORDER BY people DESC, events DESC, value IS NULL, value
"""


def count_by_property(
    database: Database,
    *,
    product: int,
    property_: int | None,
    event: int | None,
    choice: PropertyChoice,
    history_limit: int | None,
) -> list[PropertyCount]:
    """
    Count people and events for each value, most people first.

    Args:
        database: where the records are.
        product: whose people.
        property_: the property's number; nobody has one without a number.
        event: the number of the event that counts, and that one must have done to be counted; any if None.
        choice: which of a person's values; ``at_event`` needs an event.
        history_limit: how many instances of each event, and how many values, count, the most recent ones.
    """
    if choice == "at_event":
        tables = [HAPPENED, SAID, AT_EVENT]
    else:
        did = DID_ANYTHING if event is None else DID_EVENT
        tables = [did, SAID, ONE_VALUE_EACH.format(chosen=LAST if choice == "last" else FIRST)]
    parameters = {
        "product": product,
        "property": property_,
        "event": event,
        "limit": history_limit or UNLIMITED,
    }
    with database.transaction() as connection:
        rows = connection.execute(f"WITH {','.join(tables)} {COUNTED}", parameters).fetchall()
    return [PropertyCount(value=value, people=people, events=events) for value, people, events in rows]
