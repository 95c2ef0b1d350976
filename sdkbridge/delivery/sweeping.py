"""
Forgetting, a few rows at a time, what was accepted more than a day ago.

A hand goes round each table by its primary key and looks at some rows at each step, so that no index by time is
needed, which every call would have to write. Where the hand stands is kept, so that a restart does not begin anew.
"""

import json
from typing import Any

from attrs import frozen

from identity.database import Database
from identity.many import marks
from sdkbridge.acceptance.accepted import AcceptedCalls

REMEMBERED_MS = 24 * 60 * 60 * 1000
"""How long a call is remembered at least, in milliseconds."""

ROWS_IN_A_STEP = 500


@frozen
class Swept:
    """
    A table whose rows have a time.

    Attributes:
        table: its name; the time is in ``at_ms``.
        key: its primary key.
    """

    table: str
    key: tuple[str, ...]


SWEPT = (
    Swept("accepted_message", ("hash",)),
    Swept("accepted_in_second", ("second", "identity", "kind", "name")),
)


class Sweep:
    """
    The hands of one database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        AcceptedCalls(database)  # makes the tables

    def step(self, *, now_ms: int) -> int:
        """
        Look at the next rows of each table; return how many were forgotten.

        Raises:
            StoreError: the database cannot be read or written.
        """
        return sum(self._step(swept, before_ms=now_ms - REMEMBERED_MS) for swept in SWEPT)

    def _step(self, swept: Swept, *, before_ms: int) -> int:
        key, hands = ", ".join(swept.key), marks(len(swept.key))
        found = self._database.row("SELECT hand FROM accepted_sweep WHERE swept = ?", (swept.table,))
        hand = None if found is None else _read(found[0])
        # Read outside the transaction: a row that is there now can only be forgotten here.
        rows = self._database.rows(
            f"SELECT {key}, at_ms FROM {swept.table}"  # noqa: S608 - names of our own, and marks
            f"{f' WHERE ({key}) > ({hands})' if hand else ''} ORDER BY {key} LIMIT {ROWS_IN_A_STEP}",
            hand or (),
        )
        old = [row[:-1] for row in rows if row[-1] < before_ms]
        reached = list(rows[-1][:-1]) if len(rows) == ROWS_IN_A_STEP else None
        if not old and reached == hand:
            return 0
        self._database.write(lambda: self._forget(swept, old, reached, before_ms=before_ms))
        return len(old)

    def _forget(
        self, swept: Swept, old: list[tuple[object, ...]], hand: list[object] | None, *, before_ms: int
    ) -> None:
        its_key = " AND ".join(f"{column} = ?" for column in swept.key)
        with self._database.transaction() as connection:
            connection.executemany(
                f"DELETE FROM {swept.table} WHERE {its_key} AND at_ms < ?",  # noqa: S608 - ours
                [(*key, before_ms) for key in old],
            )
            connection.execute(
                "INSERT INTO accepted_sweep VALUES (?, ?) ON CONFLICT (swept) DO UPDATE SET hand = excluded.hand",
                (swept.table, _written(hand)),
            )


def _written(hand: list[object] | None) -> str:
    """
    Return a key as JSON, in which bytes stand in an array as hexadecimal digits.
    """
    return json.dumps(hand and [[part.hex()] if isinstance(part, bytes) else part for part in hand])


def _read(written: str) -> list[object] | None:
    hand: list[Any] | None = json.loads(written)
    return hand and [bytes.fromhex(part[0]) if isinstance(part, list) else part for part in hand]
