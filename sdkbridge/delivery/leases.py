"""
Keeping lanes, and taking over those of workers that are gone.
"""

from identity.database import Database
from sdkbridge.delivery.workers import is_gone


class Leases:
    """
    Who holds what.

    Args:
        database: where the outbox is.
        worker: who asks.
        lease_ms: for how long a lane is kept unless its lease is renewed.
    """

    def __init__(self, database: Database, worker: str, *, lease_ms: int) -> None:
        self._database = database
        self._worker = worker
        self._lease_ms = lease_ms

    def renew(self, now_ms: int) -> set[int]:
        """
        Keep all that the worker holds for another while; return which lanes those are.

        Raises:
            StoreError: it could not be written.
        """

        def work() -> set[int]:
            with self._database.transaction() as connection:
                connection.execute(
                    "UPDATE outbox_lane SET free_ms = ? WHERE leased_by = ?",
                    (now_ms + self._lease_ms, self._worker),
                )
            held = self._database.rows("SELECT lane FROM outbox_lane WHERE leased_by = ?", (self._worker,))
            return {lane for (lane,) in held}

        return self._database.write(work)

    def take_over(self) -> None:
        """
        Free what workers of this host held that are gone, without waiting for their leases to run out.

        Raises:
            StoreError: it could not be read or written.
        """
        holders = self._database.rows("SELECT DISTINCT leased_by FROM outbox_lane WHERE leased_by IS NOT NULL")
        for (holder,) in holders:
            if holder != self._worker and is_gone(holder):
                self.release(holder)

    def release(self, worker: str) -> None:
        """
        Give back everything that a worker holds.

        Raises:
            StoreError: it could not be written.
        """

        def work() -> None:
            with self._database.transaction() as connection:
                connection.execute(
                    "UPDATE outbox_lane SET leased_by = NULL, free_ms = 0 WHERE leased_by = ?", (worker,)
                )

        self._database.write(work)

    def next_ms(self, *, now_ms: int) -> int | None:
        """
        Return when the next blocked lane or lease is free, in milliseconds since 1970 UTC, or None.
        """
        row = self._database.row(
            "SELECT free_ms FROM outbox_lane WHERE free_ms > ? ORDER BY free_ms LIMIT 1", (now_ms,)
        )
        return None if row is None else row[0]
