"""
What was accepted is remembered for a day, and not for ever.
"""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.database import Database
from sdkbridge.acceptance.accepted import AcceptedCalls
from sdkbridge.delivery.sweeping import REMEMBERED_MS, ROWS_IN_A_STEP, Sweep
from sdkbridge.kissmetrics.requests import Request

NOW_MS = 1_700_000_000_000
HOUR_MS = 3_600_000


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database()
    yield database
    database.close()


def accept(database: Database, number: int, *, at_ms: int) -> bool:
    accepted = AcceptedCalls(database)
    event = Request(path="/e", identity=f"person {number % 3}", name="Seen", second=number)
    with database.transaction() as connection:
        accepted.take_second(connection, event, at_ms=at_ms)
        return accepted.remember(connection, f"m{number}", at_ms=at_ms)


@given(ages_h=st.lists(st.integers(0, 72), max_size=40), now_ms=st.just(NOW_MS))
def test_a_day_is_remembered_whatever_else_is_forgotten(ages_h: list[int], now_ms: int) -> None:
    """
    Nothing younger than a day goes, and nothing older stays.
    """
    database = Database()
    sweep = Sweep(database)
    for number, age_h in enumerate(ages_h):
        accept(database, number, at_ms=now_ms - age_h * HOUR_MS)
    sweep.step(now_ms=now_ms)
    (seconds,) = database.row("SELECT count(*) FROM accepted_in_second") or (None,)
    kept = [not accept(database, number, at_ms=now_ms) for number in range(len(ages_h))]
    database.close()

    assert kept == [age_h * HOUR_MS <= REMEMBERED_MS for age_h in ages_h]
    assert seconds == sum(kept)


def test_a_large_table_is_gone_through_step_by_step_and_on_from_there_after_a_restart(database: Database) -> None:
    """
    No step looks at more than so many rows, and none begins anew.
    """
    with database.transaction():
        for number in range(3 * ROWS_IN_A_STEP):
            accept(database, number, at_ms=NOW_MS - 2 * REMEMBERED_MS)
    forgotten = [Sweep(database).step(now_ms=NOW_MS) for _ in range(4)]

    assert forgotten == [2 * ROWS_IN_A_STEP] * 3 + [0]
    assert database.rows("SELECT * FROM accepted_message") == []


def test_the_table_stays_as_large_as_what_comes_in_a_day(database: Database) -> None:
    """
    With a step for each hundred calls, a week of them leaves little more than the last day's.
    """
    sweep, accepted_in_a_day, most = Sweep(database), 400, 0
    for number in range(7 * accepted_in_a_day):
        now_ms = NOW_MS + number * (REMEMBERED_MS // accepted_in_a_day)
        accept(database, number, at_ms=now_ms)
        if number % 100 == 0:
            sweep.step(now_ms=now_ms)
            (size,) = database.row("SELECT count(*) FROM accepted_message") or (0,)
            most = max(most, size)

    assert accepted_in_a_day <= most < 3 * accepted_in_a_day
