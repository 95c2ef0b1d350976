"""
The durable queue of Kissmetrics requests: ordered by lane, and deleted only once delivered.

A lane holds what one device did (or, without a device, one identity), in order. Lanes do not wait for each other,
but an alias also waits for what came before it on its other side. What is here is the callers' end of the queue;
`delivery.outbox_worker` is the workers'.
"""

import hashlib
from collections.abc import Collection, Sequence
from functools import lru_cache

from attrs import frozen

from identity.database import Connection, Database
from identity.many import for_keys, in_parts, marks
from identity.told import Told
from sdkbridge.kissmetrics.requests import ALIAS, Path, Request
from sdkbridge.outbox.placing import NEXT_NUMBER, Placing, QueuedRow, open_lanes
from sdkbridge.outbox.tables import MIGRATIONS

_UNTRIED = """
    WHERE request = ? AND attempts = 0 AND NOT EXISTS (
        SELECT 1 FROM outbox_lane AS held
        WHERE held.lane = outbox.lane AND held.leased_by IS NOT NULL AND held.free_ms > ?
    )
"""
"""Which request nobody has tried to send yet, by its number and the time."""

_FORGET = (
    "DELETE FROM outbox WHERE identity IN ({keys}) OR other_identity IN ({keys})",
    "DELETE FROM dead_letter WHERE identity IN ({keys}) OR other_identity IN ({keys})",
)

MOST_IDENTITIES = 200
"""How many identities of one person are asked about."""

LOOKED_AT = 20_000
"""How many requests of the queue are looked at for those of one person."""

LANES_ASKED = 20
"""How many failing lanes are asked for their error: one may have been emptied since."""


@frozen(kw_only=True)
class QueuedRequest:
    """
    A request on its way.

    Attributes:
        number: its place in the queue.
        lane: whose order it keeps.
        other_lane: the lane of an alias' other side.
        identity: who it is about.
        path: ``/e``, ``/s`` or ``/a``.
        query: encoded, without the key.
        accepted_ms: when the call was accepted.
        attempts: how often it was tried in vain.
    """

    number: int
    lane: int
    other_lane: int | None
    identity: str
    path: Path
    query: str
    accepted_ms: int
    attempts: int


@frozen
class WaitingRequest:
    """
    A request that waits, for people to look at.

    Attributes:
        number: its place in the queue.
        path: ``/e``, ``/s`` or ``/a``.
        identity: who it is about.
        other_identity: whom an alias joins with it.
        call: the message id of the call that it came from.
        accepted_ms: when that was accepted, in milliseconds since 1970 UTC.
        attempts: how often it was tried in vain.
        error: how that failed last.
    """

    number: int
    path: Path
    identity: str
    other_identity: str | None
    call: str
    accepted_ms: int
    attempts: int
    error: str | None


@frozen(kw_only=True)
class OutboxCounts:
    """
    How much is waiting, delivered, and given up.
    """

    waiting: int
    delivered: int
    dead: int


_ADD = """
    INSERT INTO outbox (
        lane, other_lane, identity, other_identity, path, query, call, accepted_ms, request, placed
    )
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, {number}, {placed})
"""

_AT_THE_END = _ADD.format(number=NEXT_NUMBER, placed=0)
"""Where one writes at a time: by SQLite's own AUTOINCREMENT each call would write the last number down besides."""

_IN_LANES = _ADD.format(number="DEFAULT", placed=1)


def queued_row(request: Request, *, lane: str, other_lane: str | None, call: str, at_ms: int) -> QueuedRow:
    """
    Return a request as a row of the queue.
    """
    return (
        lane_key(lane),
        None if other_lane is None else lane_key(other_lane),
        request.identity,
        request.name if request.path == ALIAS else None,
        request.path,
        request.query(),
        call,
        at_ms,
    )


@lru_cache(maxsize=8192)
def lane_key(name: str) -> int:
    """
    Return the number of a lane: 63 bits and a sign of a hash of its name.

    Should two names ever have one number, they share a lane and wait for each other, which breaks no order.
    """
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)


class Outbox:
    """
    The queue in one database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._placing = Placing(database)
        self._add = _AT_THE_END if database.one_writer else _IN_LANES
        Told(database)  # makes the table that a migration here corrects
        database.migrate("sdkbridge.outbox", MIGRATIONS)

    def add(self, request: Request, *, lane: str, other_lane: str | None, call: str, at_ms: int) -> int:
        """
        Queue a request at the end of its lane; return its number.
        """
        row = queued_row(request, lane=lane, other_lane=other_lane, call=call, at_ms=at_ms)
        with self._database.transaction() as connection:
            number = connection.execute(f"{self._add} RETURNING request", row).fetchone()[0]
            if not self._database.one_writer:
                open_lanes(connection, [row])
            return int(number)

    def add_all(self, connection: Connection, rows: Sequence[QueuedRow]) -> None:
        """
        Queue several requests, each at the end of its lane.
        """
        if len(rows) == 1:
            connection.execute(self._add, rows[0])
        else:
            connection.executemany(self._add, rows)
        if not self._database.one_writer:
            open_lanes(connection, rows)

    def untried(self, number: int, *, now_ms: int) -> bool:
        """
        Tell whether a request waits that nobody has tried to send yet, so that `withdraw` could take it back.
        """
        return self._database.row(f"SELECT 1 FROM outbox {_UNTRIED}", (number, now_ms)) is not None  # noqa: S608 - ours

    def withdraw(self, number: int, *, now_ms: int) -> bool:
        """
        Take back a request that nobody has tried to send yet; return whether that was so.

        What a worker has claimed counts as tried: it may be on the wire.
        """
        with self._database.transaction() as connection:
            self._placing.keep_numbers(connection)
            taken_back = connection.execute(f"DELETE FROM outbox {_UNTRIED}", (number, now_ms))  # noqa: S608 - ours
            return taken_back.rowcount == 1

    def forget(self, identities: Collection[str]) -> int:
        """
        Erase what waits, or was given up, under some identities or joins one of them; return how many requests.

        Reads the whole queue once for each five hundred identities. What is on the wire cannot be taken back.
        """
        erased = 0
        with self._database.transaction() as connection:
            self._placing.keep_numbers(connection)
            for some in in_parts(identities):
                for sql in _FORGET:
                    erased += connection.execute(for_keys(sql, len(some)), (*some, *some)).rowcount
        return erased

    def oldest_ms(self) -> int | None:
        """
        Return when the oldest waiting request was accepted, or None if none waits.
        """
        row = self._database.row("SELECT accepted_ms FROM outbox ORDER BY request LIMIT 1")
        return None if row is None else row[0]

    def being_retried(self) -> int:
        """
        Return how many waiting requests were tried in vain at least once.
        """
        row = self._database.row("SELECT count(*) FROM outbox WHERE attempts > 0")
        return 0 if row is None else row[0]

    def counts(self) -> OutboxCounts:
        """
        Return how much is waiting, delivered, and given up; counting takes longer the more there is.
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
        return OutboxCounts(waiting=waiting, delivered=int(delivered), dead=dead)

    def of(self, identities: Collection[str], *, limit: int) -> list[WaitingRequest]:
        """
        Return the oldest requests that wait under some identities, or join one of them, in order.

        Looks at the oldest of the queue only, so that it takes no longer however much waits.
        """
        named = list(identities)[:MOST_IDENTITIES]
        these = marks(len(named))
        rows = self._database.rows(
            f"""
            SELECT request, path, identity, other_identity, call, accepted_ms, attempts, error
            FROM (SELECT * FROM outbox ORDER BY request LIMIT {LOOKED_AT}) AS oldest
            WHERE identity IN ({these}) OR other_identity IN ({these}) ORDER BY request LIMIT ?
            """,  # noqa: S608 - a constant and marks
            (*named, *named, limit),
        )
        return [WaitingRequest(*row) for row in rows]

    def ends(self) -> tuple[int, int] | None:
        """
        Return the numbers of the oldest and the newest waiting request, or None if nothing waits.
        """
        oldest = self._database.row("SELECT request FROM outbox ORDER BY request LIMIT 1")
        newest = self._database.row("SELECT request FROM outbox ORDER BY request DESC LIMIT 1")
        return None if oldest is None or newest is None else (oldest[0], newest[0])

    def waiting(self, *, at_most: int) -> int:
        """
        Count what waits, no further than a number.
        """
        row = self._database.row("SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT ?) AS counted", (at_most,))
        return 0 if row is None else int(row[0])

    def last_error(self) -> str | None:
        """
        Return why the lane that has been failing for longest could not be delivered, if any is failing.
        """
        row = self._database.row(
            f"""
            SELECT error FROM (
                SELECT failed_ms, (
                    SELECT error FROM outbox WHERE outbox.lane = failing.lane AND placed = 1
                    ORDER BY request LIMIT 1
                ) AS error
                FROM (
                    SELECT lane, failed_ms FROM outbox_lane WHERE failed_ms > 0
                    ORDER BY failed_ms LIMIT {LANES_ASKED}
                ) AS failing
            ) AS first WHERE error IS NOT NULL ORDER BY failed_ms LIMIT 1
            """  # noqa: S608 - ours
        )
        return None if row is None else row[0]
