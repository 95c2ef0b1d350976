"""
How many people did some events one after the other.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter

from identity.database import Database, Row

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
            for step in range(_steps_done(happened, steps, within_s)):
                people[step] += 1
    return people


def _steps_done(happened: Iterable[Row], steps: Sequence[int], within_s: int | None) -> int:
    """
    Return how many steps one person did, given what they did in order of time.

    What matters of the past is only the latest start from which each step was reached.
    """
    starts: list[int | None] = [None] * len(steps)
    for second, at_once in groupby(happened, key=itemgetter(1)):
        events = [event for _, _, event in at_once]
        # From the last step back, so that what happens in this second is not taken for the past.
        for done in range(len(steps) - 1, -1, -1):
            start = starts[done - 1] if done else second
            if start is not None and (within_s is None or second - start <= within_s):
                _go_on(starts, steps, done, start, [*events])
    return next((step for step, start in enumerate(starts) if start is None), len(steps))


def _go_on(starts: list[int | None], steps: Sequence[int], done: int, start: int, events: list[int]) -> None:
    """
    Take as many further steps as the events of one second allow: among them any order may be the true one.
    """
    for step in range(done, len(steps)):
        if steps[step] not in events:
            return
        events.remove(steps[step])
        # Never earlier than what is there: whoever came this far from a start had come less far from a later one.
        starts[step] = start
