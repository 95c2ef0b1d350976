"""
What waits in the outbox, for people to look at.
"""

from typing import TypedDict

from identity.database import Database
from sdkbridge.outbox.placing import Placing
from sdkbridge.outbox.queue import Outbox


class BlockedLane(TypedDict):
    """
    A lane that is put off.

    Attributes:
        until_ms: until when, in milliseconds since 1970 UTC.
        waiting: how many requests wait in it, or are yet to be put there.
        path: of the first one: ``/e``, ``/s`` or ``/a``.
        identity: of the first one: who it is about.
        attempts: how often that was tried.
        error: how that failed last; None for an alias that waits for its other side.
    """

    until_ms: int
    waiting: int
    path: str
    identity: str
    attempts: int
    error: str | None


class Waiting:
    """
    The queue of one database, read only.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._outbox = Outbox(database)

    def total(self) -> int:
        """
        Count what waits.
        """
        return self._outbox.counts().waiting

    def put_off(self) -> int:
        """
        Count the lanes that are put off.
        """
        ((count,),) = self._database.rows(
            "SELECT count(*) FROM outbox_lane WHERE free_ms > 0 AND leased_by IS NULL"
        )
        return int(count)

    def blocked(self, *, limit: int) -> list[BlockedLane]:
        """
        Return the lanes that are put off, those first that are for longest.
        """
        lanes = self._database.rows(
            "SELECT lane, free_ms FROM outbox_lane WHERE free_ms > 0 AND leased_by IS NULL"
            " ORDER BY free_ms DESC LIMIT ?",
            (limit,),
        )
        behind = Placing(self._database).unplaced([lane for lane, _ in lanes])
        found = [self._lane(lane, until_ms, behind.get(lane, 0)) for lane, until_ms in lanes]
        return [lane for lane in found if lane is not None]

    def _lane(self, lane: int, until_ms: int, behind: int) -> BlockedLane | None:
        first = self._database.row(
            "SELECT path, identity, attempts, error FROM outbox WHERE lane = ? AND placed = 1"
            " ORDER BY request LIMIT 1",
            (lane,),
        )
        count = self._database.row("SELECT count(*) FROM outbox WHERE lane = ? AND placed = 1", (lane,))
        if first is None or count is None:
            return None
        path, identity, attempts, error = first
        return BlockedLane(
            until_ms=until_ms,
            waiting=count[0] + behind,
            path=path,
            identity=identity,
            attempts=attempts,
            error=error,
        )
