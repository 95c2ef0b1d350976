"""
From the end of the queue into the lanes.

Where one writes at a time, a call only adds its requests to the end of the queue, numbered in the order of the
commits, and whoever works on the queue next puts them in their lanes: many at once, and not in the caller's time.
On PostgreSQL, where a higher number can be committed first, a call puts its own requests in their lanes.

No request leaves the queue before it was in its lane. So each number that was ever given is below `outbox_placed`
or waits still, and none is given twice.
"""

from collections.abc import Sequence

from identity.database import Connection, Database
from identity.many import rows_among
from sdkbridge.kissmetrics.requests import Path

AT_ONCE = 1000
"""How many requests are put in their lanes at once, so that a long queue holds up neither callers nor workers."""

PLACED_UP_TO = "coalesce((SELECT up_to FROM outbox_placed), 0)"

_UNPLACED = f"request > {PLACED_UP_TO}"

QueuedRow = tuple[int, int | None, str, str | None, Path, str, str, int]
"""A row of the queue as it is added: its lane first, and last when its call was accepted."""

_OPEN_LANE = "INSERT INTO outbox_lane (lane, free_ms, turn_ms) VALUES (?, 0, ?) ON CONFLICT (lane) DO NOTHING"


def open_lanes(connection: Connection, rows: Sequence[QueuedRow]) -> None:
    """
    Open the lanes of requests that were placed as they were queued.
    """
    opened = {row[0]: row[-1] for row in reversed(rows)}
    # Looked for first: only because the lane was read does PostgreSQL notice a worker that takes it out empty at
    # this very moment; a conflict that does nothing counts for nothing.
    found = rows_among(connection, "SELECT lane FROM outbox_lane WHERE lane IN ({keys})", [*opened])
    missing = opened.keys() - {lane for (lane,) in found}
    if missing:
        # In an order that all writers share, so that none waits for another that waits for it.
        connection.executemany(_OPEN_LANE, [(lane, opened[lane]) for lane in sorted(missing)])


class Placing:
    """
    Puts what waits in its lanes; the tables are those that `Outbox` makes.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_due(self) -> bool:
        """
        Tell whether a request waits that is not in its lane.
        """
        if not self._database.one_writer:
            return False
        return self._database.row(f"SELECT 1 FROM outbox WHERE {_UNPLACED} LIMIT 1") is not None  # noqa: S608

    def place(self, *, at_most: int = AT_ONCE) -> bool:
        """
        Put the oldest requests that are not there in their lanes; return whether there may be more.

        Call it within a transaction.
        """
        if not self._database.one_writer:
            return False
        with self._database.transaction() as connection:
            count, last = connection.execute(
                f"""
                SELECT count(*), max(request) FROM (
                    SELECT request FROM outbox WHERE {_UNPLACED} ORDER BY request LIMIT ?
                )
                """,  # noqa: S608 - a constant
                (at_most,),
            ).fetchone()
            if not count:
                return False
            connection.execute(
                f"""
                INSERT INTO outbox_lane (lane, free_ms, turn_ms)
                SELECT lane, 0, min(accepted_ms) FROM outbox WHERE {_UNPLACED} AND request <= ? GROUP BY lane
                ON CONFLICT (lane) DO NOTHING
                """,  # noqa: S608
                (last,),
            )
            connection.execute(f"UPDATE outbox SET placed = 1 WHERE {_UNPLACED} AND request <= ?", (last,))  # noqa: S608
            self._note(connection, last)
            return bool(count == at_most)

    def place_all(self) -> None:
        """
        Put all that waits in its lanes, before any of it leaves the queue otherwise than by delivery.

        Call it within a transaction.
        """
        while self.place():
            pass

    def last_number(self) -> int:
        """
        Return the last number that was ever given, and note it for a store that looks there, with all in lanes.

        Call it within a transaction.
        """
        with self._database.transaction() as connection:
            if self._database.one_writer:
                self.place_all()
                (last,) = connection.execute(f"SELECT {PLACED_UP_TO}").fetchone()
            else:
                _, last = self._database.last_numbers()["outbox"]
                self._note(connection, last)
            return int(last)

    def _note(self, connection: Connection, last: int) -> None:
        connection.execute(
            """
            INSERT INTO outbox_placed (only_row, up_to) VALUES (1, ?)
            ON CONFLICT (only_row) DO UPDATE SET up_to = excluded.up_to
            """,
            (last,),
        )
