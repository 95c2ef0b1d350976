"""
From the end of the queue into the lanes.

Where one writes at a time, a call only adds its requests to the end of the queue, numbered in the order of the
commits, and whoever works on the queue next puts them in their lanes: many at once, and not in the caller's time.
On PostgreSQL, where a higher number can be committed first, a call puts its own requests in their lanes.

Numbers go on from the last one that was given. That is the newest request's, or kept in `outbox_placed`: whatever
may take the newest request out of the queue notes its number there first. So none is given twice.
"""

from collections.abc import Sequence

from identity.database import Connection, Database
from identity.many import marks, rows_among
from sdkbridge.kissmetrics.requests import Path

AT_ONCE = 1000
"""How many requests are put in their lanes at once, so that a long queue holds up neither callers nor workers."""

UNPLACED = "placed = 0 AND request > coalesce((SELECT up_to FROM outbox_placed), 0)"
"""Which requests are at the end of the queue, and in no lane yet."""

_NEWEST = "coalesce((SELECT max(request) FROM outbox), 0)"

NEXT_NUMBER = f"max(coalesce((SELECT given FROM outbox_placed), 0), {_NEWEST}) + 1"  # noqa: S608 - a constant
"""The number of the next request, where one writes at a time."""

_NOTE = """
    INSERT INTO outbox_placed (only_row, up_to, given) VALUES (1, ?, ?)
    ON CONFLICT (only_row) DO UPDATE SET
        up_to = CASE WHEN excluded.up_to > outbox_placed.up_to THEN excluded.up_to ELSE outbox_placed.up_to END,
        given = CASE WHEN excluded.given > outbox_placed.given THEN excluded.given ELSE outbox_placed.given END
"""

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
    found = rows_among(connection.execute, "SELECT lane FROM outbox_lane WHERE lane IN ({keys})", [*opened])
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
        return self._database.row(f"SELECT 1 FROM outbox WHERE {UNPLACED} LIMIT 1") is not None  # noqa: S608 - ours

    def unplaced(self, lanes: Sequence[int]) -> dict[int, int]:
        """
        Return how many requests are yet to be put in some lanes, by their keys; reads all that are.
        """
        if not self._database.one_writer or not lanes:
            return {}
        of_these = f"{UNPLACED} AND lane IN ({marks(len(lanes))})"
        sql = f"SELECT lane, count(*) FROM outbox WHERE {of_these} GROUP BY lane"  # noqa: S608 - constants and marks
        return dict(self._database.rows(sql, lanes))

    def place(self) -> bool:
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
                    SELECT request FROM outbox WHERE {UNPLACED} ORDER BY request LIMIT {AT_ONCE}
                ) AS oldest
                """  # noqa: S608 - constants
            ).fetchone()
            if not count:
                return False
            connection.execute(
                f"""
                INSERT INTO outbox_lane (lane, free_ms, turn_ms)
                SELECT lane, 0, min(accepted_ms) FROM outbox WHERE {UNPLACED} AND request <= ? GROUP BY lane
                ON CONFLICT (lane) DO NOTHING
                """,  # noqa: S608 - ours
                (last,),
            )
            connection.execute(f"UPDATE outbox SET placed = 1 WHERE {UNPLACED} AND request <= ?", (last,))  # noqa: S608 - ours
            connection.execute(_NOTE, (last, last))
            return bool(count == AT_ONCE)

    def keep_numbers(self, connection: Connection) -> None:
        """
        Note the newest request's number, before it may be taken out of the queue.
        """
        if self._database.one_writer:
            connection.execute(_NOTE, (0, connection.execute(f"SELECT {_NEWEST}").fetchone()[0]))

    def last_number(self) -> int:
        """
        Return the last number that was ever given, and note it for a store that looks there, with all in lanes.

        Call it within a transaction.
        """
        with self._database.transaction() as connection:
            while self.place():
                pass
            self.keep_numbers(connection)
            if self._database.one_writer:
                (last,) = connection.execute("SELECT coalesce(max(given), 0) FROM outbox_placed").fetchone()
            else:
                _, last = self._database.last_numbers()["outbox"]
                connection.execute(_NOTE, (last, last))
            return int(last)
