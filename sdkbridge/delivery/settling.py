"""
Writing down what became of requests: delivered ones leave the queue, and lanes are given back.
"""

from collections import Counter
from collections.abc import Sequence

from identity.database import Database
from identity.told import Told
from sdkbridge.delivery.lanes import LaneEnd, Settled
from sdkbridge.kissmetrics.requests import ALIAS
from sdkbridge.outbox.dead_aliases import DeadAliases
from sdkbridge.outbox.queue import QueuedRequest

SHARDS = 64
"""Among how many rows the workers spread what they count, so that they do not wait for each other's commits."""


class Settling:
    """
    What one worker has to report.

    Args:
        database: where the outbox is.
        worker: by which name the worker holds lanes.
    """

    def __init__(self, database: Database, worker: str) -> None:
        self._database = database
        self._worker = worker
        self._told = Told(database)
        self._dead_aliases = DeadAliases(database)

    def settle(self, settled: Settled, *, now_ms: int) -> None:
        """
        Write all of it down; call it within a transaction.
        """
        self._take_out(settled.delivered)
        self._bury(settled.dead, now_ms=now_ms)
        self._give_back(settled.ended, now_ms=now_ms)

    def _take_out(self, delivered: Sequence[QueuedRequest]) -> None:
        shard = hash(self._worker) % SHARDS
        with self._database.transaction() as connection:
            for path in Counter(request.path for request in delivered):
                numbers = [(request.number,) for request in delivered if request.path == path]
                deleted = connection.executemany("DELETE FROM outbox WHERE request = ?", numbers).rowcount
                if path == ALIAS and deleted < len(numbers):
                    self._dead_aliases.arrived_after_all(connection, [number for (number,) in numbers])
                connection.execute(
                    """
                    INSERT INTO delivered (shard, path, requests) VALUES (?, ?, ?)
                    ON CONFLICT (shard, path) DO UPDATE SET requests = delivered.requests + excluded.requests
                    """,
                    (shard, path, deleted),
                )

    def _bury(self, dead: Sequence[tuple[QueuedRequest, str]], *, now_ms: int) -> None:
        with self._database.transaction() as connection:
            for request, reason in dead:
                connection.execute(
                    """
                    INSERT INTO dead_letter
                    SELECT request, lane, other_lane, identity, other_identity, path, query, call, accepted_ms,
                           attempts + 1, ?, ?
                    FROM outbox WHERE request = ?
                    """,
                    (reason, now_ms, request.number),
                )
                buried = connection.execute(
                    "DELETE FROM outbox WHERE request = ? RETURNING other_identity, identity", (request.number,)
                ).fetchone()
                # If it waits no more, another worker has settled it, who may have told Kissmetrics.
                if request.path == ALIAS and buried is not None:
                    self._told.remove_known_as(connection, request.number, *buried)

    def _give_back(self, ended: Sequence[LaneEnd], *, now_ms: int) -> None:
        """
        Let go of lanes; a worker whose lease was taken over changes nothing.
        """
        if not ended:
            return
        with self._database.transaction() as connection:
            self._put_off([end for end in ended if end.failure is not None], now_ms=now_ms)
            done = [end for end in ended if end.failure is None]
            connection.executemany(
                """
                DELETE FROM outbox_lane WHERE lane = ? AND leased_by = ?
                AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.lane = outbox_lane.lane AND placed = 1)
                """,
                [(end.key, self._worker) for end in done],
            )
            connection.executemany(
                """
                UPDATE outbox_lane SET leased_by = NULL, free_ms = 0, turn_ms = ?,
                       failed_ms = CASE WHEN ? = 1 THEN 0 ELSE failed_ms END
                WHERE lane = ? AND leased_by = ?
                """,
                [(now_ms, int(end.progressed), end.key, self._worker) for end in done],
            )
            # Aliases that wait for one of these lanes look again.
            connection.executemany(
                "UPDATE outbox_lane SET free_ms = 0, waits_for = NULL WHERE waits_for = ?",
                [(end.key,) for end in ended],
            )

    def _put_off(self, ended: Sequence[LaneEnd], *, now_ms: int) -> None:
        failures = [(end, end.failure) for end in ended if end.failure is not None]
        with self._database.transaction() as connection:
            connection.executemany(
                """
                UPDATE outbox SET attempts = attempts + 1, error = ? WHERE request = ? AND EXISTS (
                    SELECT 1 FROM outbox_lane AS held WHERE held.lane = outbox.lane AND held.leased_by = ?
                )
                """,
                [(failure.error, failure.request.number, self._worker) for _, failure in failures],
            )
            connection.executemany(
                """
                UPDATE outbox_lane SET leased_by = NULL, free_ms = ?, turn_ms = ?,
                       failed_ms = CASE WHEN ? = 1 OR failed_ms = 0 THEN ? ELSE failed_ms END
                WHERE lane = ? AND leased_by = ?
                """,
                [
                    (now_ms + failure.wait_ms, now_ms, int(end.progressed), now_ms, end.key, self._worker)
                    for end, failure in failures
                ],
            )
