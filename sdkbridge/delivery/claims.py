"""
Which lanes a worker may take, and how far it may go in each.

A lane that nobody holds is ready, or blocked until a time: a failed request is due again then, or an alias looks
again at its other side. Each look-up goes through an index, so that a claim costs the same however much waits.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from identity.database import Database
from identity.many import for_keys, marks
from sdkbridge.delivery.lanes import Lane
from sdkbridge.delivery.retries import LONGEST_WAIT_S
from sdkbridge.outbox.queue import QueuedRequest

REQUESTS_IN_A_TURN = 32
"""How many requests of one lane are sent before others have their turn."""

_LEASE = "UPDATE outbox_lane SET leased_by = ?, free_ms = ?, waits_for = NULL WHERE lane IN ({keys})"

LONGEST_RETRY_MS = int(LONGEST_WAIT_S * 1000)
"""What lies further ahead was put off by a clock that was wrong."""

LOOK_AGAIN_MS = 5_000
"""When an alias looks again at its other side, should nobody have woken it."""


class Claims:
    """
    What one worker may send.

    Args:
        database: where the outbox is.
        worker: by which name the worker holds lanes.
        lease_ms: for how long, unless it renews.
        alias_wait_ms: for how long an alias waits for its other side while that is failing.
    """

    def __init__(self, database: Database, worker: str, *, lease_ms: int, alias_wait_ms: int) -> None:
        self._database = database
        self._worker = worker
        self._lease_ms = lease_ms
        self._alias_wait_ms = alias_wait_ms

    def claimable(self, *, limit: int, now_ms: int) -> list[int]:
        """
        Return lanes to claim, those blocked until now first, then those that have been ready for longest.
        """
        # A lease or a wait that ends too far ahead was written before the clock was set back.
        blocked = self._database.rows(
            """
            SELECT lane FROM outbox_lane
            WHERE free_ms > 0 AND free_ms <= ? AND (leased_by IS NULL OR leased_by <> ?)
            ORDER BY free_ms LIMIT ?
            """,
            (now_ms, self._worker, limit),
        ) or self._database.rows(
            "SELECT lane FROM outbox_lane WHERE free_ms > ? AND (leased_by IS NULL OR leased_by <> ?) LIMIT ?",
            (now_ms + LONGEST_RETRY_MS, self._worker, limit),
        )
        ready = self._database.rows(
            "SELECT lane FROM outbox_lane WHERE free_ms = 0 ORDER BY turn_ms LIMIT ?", (limit,)
        )
        # Neither kind keeps the other waiting.
        fair = len(blocked) if len(ready) + len(blocked) <= limit else max(limit // 2, limit - len(ready))
        return [lane for (lane,) in (*blocked[:fair], *ready)][:limit]

    def claim(self, *, limit: int, now_ms: int) -> tuple[list[Lane], bool]:
        """
        Lease lanes; return them with the requests that may be sent, and whether there may be more to claim.

        Call it within a transaction.
        """
        keys = self.claimable(limit=limit, now_ms=now_ms) if limit else []
        if not keys:
            return [], limit == 0
        with self._database.transaction() as connection:
            connection.execute(
                for_keys(_LEASE, len(keys)),
                (self._worker, now_ms + self._lease_ms, *keys),
            )
        waiting = self._first_requests(keys)
        lanes = [Lane(key, self._sendable(waiting.get(key, []), now_ms=now_ms)) for key in keys]
        self._drop([key for key in keys if key not in waiting])
        return [lane for lane in lanes if lane.requests], len(keys) == limit

    def _first_requests(self, keys: Sequence[int]) -> dict[int, list[QueuedRequest]]:
        found: dict[int, list[QueuedRequest]] = {}
        for row in self._database.rows(
            f"""
            WITH claimed (lane, last) AS MATERIALIZED (
                SELECT lane, coalesce(
                    (SELECT nth.request FROM outbox AS nth WHERE nth.lane = outbox_lane.lane AND nth.placed = 1
                     ORDER BY nth.request LIMIT 1 OFFSET {REQUESTS_IN_A_TURN - 1}),
                    9223372036854775807
                )
                FROM outbox_lane WHERE lane IN ({marks(len(keys))})
            )
            SELECT request, outbox.lane, other_lane, identity, path, query, accepted_ms, attempts
            FROM claimed JOIN outbox
            ON outbox.lane = claimed.lane AND outbox.placed = 1 AND outbox.request <= claimed.last
            """,  # noqa: S608 - a constant and marks
            keys,
        ):
            found.setdefault(row[1], []).append(_queued(row))
        for requests in found.values():
            requests.sort(key=attrgetter("number"))
        return found

    def _sendable(self, requests: Sequence[QueuedRequest], *, now_ms: int) -> tuple[QueuedRequest, ...]:
        """
        Return the requests of a lane up to an alias that must wait; if it is the first one, the lane waits.
        """
        for place, request in enumerate(requests):
            if request.other_lane in {None, request.lane}:
                continue
            until_ms = self._waits_until(request, now_ms=now_ms)
            if until_ms is None:
                continue
            if place == 0:
                self._block(request, until_ms=until_ms)
            return tuple(requests[:place])
        return tuple(requests)

    def _waits_until(self, alias: QueuedRequest, *, now_ms: int) -> int | None:
        """
        Return when an alias is to look again at its other side, or None if it may go.
        """
        before = self._database.row(
            "SELECT 1 FROM outbox WHERE lane = ? AND placed = 1 AND request < ? LIMIT 1",
            (alias.other_lane, alias.number),
        )
        if before is None:
            return None
        failing = self._database.row("SELECT failed_ms FROM outbox_lane WHERE lane = ?", (alias.other_lane,))
        if failing is None or failing[0] == 0:
            return now_ms + LOOK_AGAIN_MS
        # Clocks of several machines differ, and a call is accepted while a worker waits for its turn to write.
        since = [at_ms for at_ms in (alias.accepted_ms, failing[0]) if at_ms <= now_ms + LONGEST_RETRY_MS]
        until_ms = max(since, default=0) + self._alias_wait_ms
        return min(until_ms, now_ms + LONGEST_RETRY_MS) if now_ms < until_ms else None

    def _block(self, alias: QueuedRequest, *, until_ms: int) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE outbox_lane SET leased_by = NULL, free_ms = ?, waits_for = ? WHERE lane = ?",
                (until_ms, alias.other_lane, alias.lane),
            )

    def _drop(self, keys: Iterable[int]) -> None:
        """
        Take out lanes in which nothing is left.
        """
        with self._database.transaction() as connection:
            connection.executemany("DELETE FROM outbox_lane WHERE lane = ?", [(key,) for key in keys])


def _queued(row: tuple[Any, ...]) -> QueuedRequest:
    number, lane, other_lane, identity, path, query, accepted_ms, attempts = row
    return QueuedRequest(
        number=number,
        lane=lane,
        other_lane=other_lane,
        identity=identity,
        path=path,
        query=query,
        accepted_ms=accepted_ms,
        attempts=attempts,
    )
