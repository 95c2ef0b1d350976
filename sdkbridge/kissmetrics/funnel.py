"""
How many people did some events one after the other.
"""

import json
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from identity.database import Database
from identity.simulate.funnel import steps_done

HAPPENED = """
    SELECT known.person, second, event FROM kissmetrics_identities AS known
    CROSS JOIN kissmetrics_records AS record ON record.identity = known.id
    WHERE counted AND event IN (SELECT value FROM json_each(:steps))
    ORDER BY known.person, second
"""

RECENTLY_HAPPENED = """
    SELECT person, second, event FROM (
        SELECT known.person, second, event, ROW_NUMBER() OVER (
            PARTITION BY known.person, event ORDER BY second DESC, number DESC
        ) AS place
        FROM kissmetrics_identities AS known
        CROSS JOIN kissmetrics_records AS record ON record.identity = known.id
        WHERE counted AND event IN (SELECT value FROM json_each(:steps))
    ) WHERE place <= :history_limit ORDER BY person, second
"""


def people_at_each_step(
    database: Database, steps: Sequence[int], *, within_s: int | None, history_limit: int | None
) -> list[int]:
    """
    Count the people who came as far as each step.

    Args:
        database: where the records are.
        steps: the numbers of the events, of one product, in their order.
        within_s: how long the way from the first to the last may take, in seconds.
        history_limit: how many of a person's instances of each event count, the most recent ones.
    """
    sql = HAPPENED if history_limit is None else RECENTLY_HAPPENED
    parameters = {"steps": json.dumps(steps), "history_limit": history_limit}
    people = [0] * len(steps)
    with database.transaction() as connection:
        # Row by row: all of them at once may not fit in memory.
        for _, happened in groupby(connection.execute(sql, parameters), key=itemgetter(0)):
            for step in range(steps_done((row[1:] for row in happened), steps, within_s)):
                people[step] += 1
    return people
