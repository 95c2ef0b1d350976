"""
Outboxes with something in them.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from identity.database import Database
from sdkbridge import Bridge
from sdkbridge.kissmetrics.requests import Request, encode
from sdkbridge.outbox.queue import Outbox

PROPERTIES = tuple((f"property {n}", f"value {n} of some length") for n in range(8))


def request(number: int, *, people: int) -> Request:
    """
    Return one event of one of so many people, about 300 bytes when it is encoded.
    """
    return Request(
        path="/e",
        identity=f"person-{number % people}@example.com",
        name="Product Viewed",
        second=1_700_000_000 + number,
        properties=PROPERTIES,
    )


def fill(database: Database, requests: int, *, people: int) -> None:
    """
    Queue so many requests.
    """
    outbox = Outbox(database)
    for start in range(0, requests, 10_000):
        with database.transaction():
            for number in range(start, min(start + 10_000, requests)):
                one = request(number, people=people)
                outbox.add(one, lane=one.identity, other_lane=None, call="m", at_ms=1_700_000_000_000)


IN_A_STEP = 100_000


def fill_many(database: Database, requests: int, *, lanes: int) -> None:
    """
    Queue so many requests by SQL, without calls, so that it takes seconds; lane keys lie all over the place.

    Request i is in lane i modulo their number, so that each lane has as many as the others.
    """
    Outbox(database)
    template = request(0, people=1)
    for start in range(0, requests, IN_A_STEP):
        with database.transaction() as connection:
            connection.execute(
                f"""
                INSERT INTO outbox (lane, identity, path, query, call, accepted_ms)
                {_numbers()} SELECT {_scattered("i", lanes)}, ?, ?, ?, 'm', 1700000000000 FROM n
                """,
                (*_bounds(start, requests), template.identity, template.path, encode(template.parameters())),
            )
    with database.transaction() as connection:
        connection.execute("DELETE FROM outbox_placed")
        connection.execute("INSERT INTO outbox_placed SELECT 1, max(request), max(request) FROM outbox")
    for start in range(0, lanes, IN_A_STEP):
        with database.transaction() as connection:
            connection.execute(
                f"""
                INSERT INTO outbox_lane (lane, free_ms, turn_ms)
                {_numbers()} SELECT {_scattered("i", lanes)}, 0, 1700000000000 + i / 1000 FROM n
                """,
                _bounds(start, lanes),
            )


def _numbers() -> str:
    """
    Return the start of a statement: numbers from one parameter up to, and without, another.
    """
    return """
        WITH RECURSIVE n (i) AS (
            SELECT CAST(? AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < CAST(? AS BIGINT)
        )
    """


def _bounds(start: int, end: int) -> tuple[int, int]:
    return start, min(start + IN_A_STEP, end)


def _scattered(number: str, lanes: int) -> str:
    return f"({number} % {lanes}) * 2654435761 % 1000000007"


WHO_IS_WHO = ("session", "person", "identity", "link", "decision", "told")
NUMBERED = frozenset({"person", "identity", "link", "decision"})
"""Columns whose integers name rows; a copy of a row moves them on, so that copies stay among themselves."""

APART = 10


def device_name(number: int) -> str:
    """
    Return the name of a device that `fill_devices` makes.
    """
    return f"device-{number}."


def user_name(number: int) -> str:
    """
    Return as whom it was identified.
    """
    return f"user-{number}.@example.com"


def fill_devices(path: Path, devices: int) -> None:
    """
    Make a file that knows so many devices, each identified as somebody: one by calls, the others as copies by SQL.
    """
    with Bridge(path, api_key="key", deliver=False) as bridge:
        first = bridge.device(device_name(0))
        first.track("Opened")
        anonymous = first.anonymous_id
        first.identify(user_name(0), {"plan": "pro"})
        bridge._core.database.write(lambda: bridge.outbox.forget([anonymous, user_name(0)]))  # noqa: SLF001
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -1000000")
        for table in WHO_IS_WHO:
            connection.execute(f"CREATE TEMP TABLE first_{table} AS SELECT * FROM {table}")
            copied = _copied(connection, table, anonymous)
            for start in range(1, devices, IN_A_STEP):
                connection.execute(copied, {"start": start, "end": min(start + IN_A_STEP, devices)})


def _copied(connection: sqlite3.Connection, table: str, anonymous: str) -> str:
    columns = {name: kind for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({table})")}
    values = [_value(name, kind, anonymous) for name, kind in columns.items()]
    return f"""
        INSERT INTO {table} ({", ".join(columns)})
        WITH RECURSIVE n (i) AS (SELECT :start UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :end)
        SELECT {", ".join(values)} FROM n, first_{table}
    """


def _value(name: str, kind: str, anonymous: str) -> str:
    if name in NUMBERED and kind == "INTEGER":
        return f"{name} + i * {APART}"
    if kind == "TEXT":
        numbered = f"replace(replace({name}, 'device-0.', 'device-' || i || '.'), 'user-0.', 'user-' || i || '.')"
        return f"replace({numbered}, '{anonymous}', '{anonymous[:-12]}' || printf('%012d', i))"
    return name
