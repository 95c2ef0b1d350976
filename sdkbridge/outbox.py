"""
The durable queue of Kissmetrics requests: ordered by lane, claimed by lease, deleted only once delivered.

A lane holds what one device did (or, without a device, one identity), in order. Lanes do not wait for each other,
but an alias also waits for what came before it on its other side, for a bounded time.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from attrs import frozen

from identity.database import Database, Migrations
from sdkbridge.kissmetrics.requests import Path, Request, encode

MIGRATIONS: Migrations = {
    "1_outbox": (
        """
        CREATE TABLE outbox (
            request INTEGER PRIMARY KEY AUTOINCREMENT,
            lane TEXT NOT NULL,
            other_lane TEXT, -- an alias also waits for what came before it here
            identity TEXT NOT NULL, -- who it is about
            path TEXT NOT NULL,
            query TEXT NOT NULL, -- encoded, without the key; never rewritten
            call TEXT NOT NULL,
            accepted_ms INTEGER NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            due_ms INTEGER NOT NULL DEFAULT 0,
            error TEXT,
            leased_by TEXT,
            leased_until_ms INTEGER NOT NULL DEFAULT 0
        ) STRICT
        """,
        "CREATE INDEX outbox_leased ON outbox (leased_by) WHERE leased_by IS NOT NULL",
        """
        CREATE TABLE dead_letter (
            request INTEGER PRIMARY KEY,
            lane TEXT NOT NULL,
            identity TEXT NOT NULL,
            path TEXT NOT NULL,
            query TEXT NOT NULL,
            call TEXT NOT NULL,
            accepted_ms INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            reason TEXT NOT NULL,
            died_ms INTEGER NOT NULL
        ) STRICT
        """,
        "CREATE TABLE delivered (path TEXT PRIMARY KEY, requests INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    ),
}

LEASE_MS = 60_000
"""How long a worker may keep a request before another takes it over."""

LONGEST_RETRY_MS = 300_000
"""The longest that a failed request is put off; what lies further ahead was put off by a clock that was wrong."""

ALIAS_WAIT_MS = 60_000
"""How long an alias waits for its other side, counted from when it was accepted."""


@frozen(kw_only=True)
class QueuedRequest:
    """
    A request on its way.

    Attributes:
        number: its place in the queue.
        lane: whose order it keeps.
        other_lane: the lane of an alias' other side.
        path: ``/e``, ``/s`` or ``/a``.
        query: encoded, without the key.
        accepted_ms: when the call was accepted.
        attempts: how often it was tried in vain.
    """

    number: int
    lane: str
    other_lane: str | None
    path: Path
    query: str
    accepted_ms: int
    attempts: int


@frozen(kw_only=True)
class OutboxCounts:
    """
    How much is waiting, delivered, and given up.
    """

    waiting: int
    delivered: int
    dead: int


class Outbox:
    """
    The queue in one database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("sdkbridge.outbox", MIGRATIONS)

    def add(self, request: Request, *, lane: str, other_lane: str | None, call: str, at_ms: int) -> int:
        """
        Queue a request at the end of its lane; return its number.
        """
        with self._database.transaction() as connection:
            row = connection.execute(
                """
                INSERT INTO outbox (lane, other_lane, identity, path, query, call, accepted_ms)
                VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING request
                """,
                (
                    *(lane, other_lane, request.identity, request.path),
                    *(encode(request.parameters()), call, at_ms),
                ),
            ).fetchone()
            return int(row[0])

    def withdraw(self, number: int, *, now_ms: int) -> bool:
        """
        Take back a request that nobody has tried to send yet; return whether that was so.
        """
        with self._database.transaction() as connection:
            taken_back = connection.execute(
                """
                DELETE FROM outbox
                WHERE request = ? AND attempts = 0 AND (leased_by IS NULL OR leased_until_ms <= ?)
                """,
                (number, now_ms),
            )
            return taken_back.rowcount == 1

    def forget(self, identities: Collection[str]) -> int:
        """
        Erase what waits, or was given up, under some identities; return how many requests that were.
        """
        named = [(identity,) for identity in identities]
        with self._database.transaction() as connection:
            waiting = connection.executemany("DELETE FROM outbox WHERE identity = ?", named).rowcount
            dead = connection.executemany("DELETE FROM dead_letter WHERE identity = ?", named).rowcount
            return waiting + dead

    def claim(self, worker: str, *, now_ms: int, limit: int) -> list[QueuedRequest]:
        """
        Lease the next requests that may be sent, in order.

        A request may be sent when it is due, nobody else holds it, and all that came before it in its lane may
        be sent too.
        """
        # Looked at first without the write lock, so that an outbox in which all is put off holds up no caller.
        if next(self._sendable(worker, now_ms=now_ms, limit=1), None) is None:
            return []
        with self._database.transaction() as connection:
            claimed = list(self._sendable(worker, now_ms=now_ms, limit=limit))
            connection.executemany(
                "UPDATE outbox SET leased_by = ?, leased_until_ms = ? WHERE request = ?",
                [(worker, now_ms + LEASE_MS, request.number) for request in claimed],
            )
            return claimed

    def _sendable(self, worker: str, *, now_ms: int, limit: int) -> Iterator[QueuedRequest]:
        blocked: set[str] = set()
        found = 0
        for queued, free in self._in_order(worker, now_ms=now_ms):
            waits = queued.other_lane in blocked and now_ms < queued.accepted_ms + ALIAS_WAIT_MS
            if not free or queued.lane in blocked or waits:
                blocked.add(queued.lane)
                continue
            yield queued
            found += 1
            if found == limit:
                return

    def _in_order(self, worker: str, *, now_ms: int) -> Iterator[tuple[QueuedRequest, bool]]:
        """
        Yield every request in order, and whether it is due and not held by another worker.
        """
        last = 0
        while rows := self._database.rows(
            """
            SELECT request, lane, other_lane, path, query, accepted_ms, attempts,
                   due_ms NOT BETWEEN ?1 + 1 AND ?1 + ?4
                   AND (leased_by IS NULL OR leased_by = ?2 OR leased_until_ms NOT BETWEEN ?1 + 1 AND ?1 + ?5)
            FROM outbox WHERE request > ?3 ORDER BY request LIMIT 500
            """,
            (now_ms, worker, last, LONGEST_RETRY_MS, LEASE_MS),
        ):
            for row in rows:
                yield _queued(row), bool(row[-1])
            last = rows[-1][0]

    def delivered(self, request: QueuedRequest) -> None:
        """
        Take a delivered request out of the queue.
        """
        with self._database.transaction() as connection:
            if connection.execute("DELETE FROM outbox WHERE request = ?", (request.number,)).rowcount:
                connection.execute(
                    """
                    INSERT INTO delivered VALUES (?, 1)
                    ON CONFLICT (path) DO UPDATE SET requests = requests + 1
                    """,
                    (request.path,),
                )

    def failed(self, worker: str, request: QueuedRequest, *, error: str, due_ms: int) -> None:
        """
        Put a request back until it is due again; its lane waits behind it.

        A worker whose lease was taken over changes nothing, here and in what follows.
        """
        with self._database.transaction() as connection:
            connection.execute(
                """
                UPDATE outbox SET attempts = attempts + 1, due_ms = ?, error = ?, leased_by = NULL
                WHERE request = ? AND leased_by = ?
                """,
                (due_ms, error, request.number, worker),
            )

    def bury(self, worker: str, request: QueuedRequest, *, reason: str, now_ms: int) -> None:
        """
        Move a request that can never succeed to the dead letters; its lane goes on.
        """
        with self._database.transaction() as connection:
            connection.execute(
                """
                INSERT INTO dead_letter
                SELECT request, lane, identity, path, query, call, accepted_ms, attempts + 1, ?, ?
                FROM outbox WHERE request = ? AND leased_by = ?
                """,
                (reason, now_ms, request.number, worker),
            )
            connection.execute("DELETE FROM outbox WHERE request = ? AND leased_by = ?", (request.number, worker))

    def release(self, worker: str, requests: Sequence[QueuedRequest]) -> None:
        """
        Give back claimed requests that were not tried.
        """
        with self._database.transaction() as connection:
            connection.executemany(
                "UPDATE outbox SET leased_by = NULL WHERE request = ? AND leased_by = ?",
                [(request.number, worker) for request in requests],
            )

    def lease_holders(self) -> list[str]:
        """
        Return the workers that hold requests.
        """
        return [
            worker
            for (worker,) in self._database.rows(
                "SELECT DISTINCT leased_by FROM outbox WHERE leased_by IS NOT NULL"
            )
        ]

    def release_all(self, worker: str) -> None:
        """
        Give back everything that a worker holds, because it is gone.
        """
        with self._database.transaction() as connection:
            connection.execute("UPDATE outbox SET leased_by = NULL WHERE leased_by = ?", (worker,))

    def next_retry_ms(self, *, now_ms: int) -> int | None:
        """
        Return when the next failed request is due again, or None if none is put off.
        """
        row = self._database.row(
            "SELECT min(due_ms) FROM outbox WHERE due_ms BETWEEN ? AND ?", (now_ms + 1, now_ms + LONGEST_RETRY_MS)
        )
        return None if row is None else row[0]

    def last_error(self) -> str | None:
        """
        Return why the oldest waiting request could not be delivered, if it was tried.
        """
        row = self._database.row("SELECT error FROM outbox WHERE error IS NOT NULL ORDER BY request LIMIT 1")
        return None if row is None else row[0]

    def counts(self) -> OutboxCounts:
        """
        Return how much is waiting, delivered, and given up.
        """
        waiting, delivered, dead = (
            count
            for (count,) in self._database.rows(
                """
                SELECT count(*) FROM outbox
                UNION ALL SELECT coalesce(sum(requests), 0) FROM delivered
                UNION ALL SELECT count(*) FROM dead_letter
                """
            )
        )
        return OutboxCounts(waiting=waiting, delivered=delivered, dead=dead)


def _queued(row: tuple[Any, ...]) -> QueuedRequest:
    number, lane, other_lane, path, query, accepted_ms, attempts, _ = row
    return QueuedRequest(
        number=number,
        lane=lane,
        other_lane=other_lane,
        path=path,
        query=query,
        accepted_ms=accepted_ms,
        attempts=attempts,
    )
