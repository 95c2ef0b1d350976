"""
The workers' end of the outbox.

A worker takes a whole lane, with the first requests in it, and keeps it until it has written down what became of
them.
"""

from collections.abc import Callable

from attrs import Factory, frozen

from identity.database import Database
from sdkbridge.delivery.claims import Claims
from sdkbridge.delivery.lanes import Lane, Settled
from sdkbridge.delivery.leases import Leases
from sdkbridge.delivery.settings import DeliverySettings
from sdkbridge.delivery.settling import Settling
from sdkbridge.delivery.sweeping import ROWS_IN_A_STEP, Sweep
from sdkbridge.delivery.workers import worker_name
from sdkbridge.outbox.placing import Placing

ROWS_FOR_EACH = 4
"""How many remembered rows to look at for each request that is delivered: more than one comes in for it."""

ROWS_IN_ANY_CASE = 10
"""How many to look at each time, even if nothing is delivered."""


@frozen
class Exchanged:
    """
    What an exchange with the outbox brought.

    Attributes:
        lanes: what was claimed.
        more: whether there may be more to claim at once.
        next_ms: when else something is due, in milliseconds since 1970 UTC, or None.
    """

    lanes: list[Lane] = Factory(list)
    more: bool = False
    next_ms: int | None = None


class OutboxWorker:
    """
    One worker's end of one outbox; its tables are those that `Outbox` makes.

    Args:
        database: where the outbox is.
        settings: how many at once, at which pace, and so on.
        release: asked at each exchange to queue what has become due by then.
    """

    def __init__(
        self, database: Database, settings: DeliverySettings, *, release: Callable[[], object] = lambda: None
    ) -> None:
        self._database = database
        self._release = release
        self.name = worker_name()
        lease_ms = int(settings.lease_s * 1000)
        self._claims = Claims(
            database, self.name, lease_ms=lease_ms, alias_wait_ms=int(settings.alias_wait_s * 1000)
        )
        self._placing = Placing(database)
        self._settling = Settling(database, self.name)
        self.leases = Leases(database, self.name, lease_ms=lease_ms)
        self._sweep = Sweep(database)
        self._rows_to_sweep = 0

    def tend(self, now_ms: int, delivered: int) -> None:
        """
        Free what workers left behind, and forget some of what was accepted long ago.

        Args:
            now_ms: the time, in milliseconds since 1970 UTC.
            delivered: how much was delivered since the last time: the more comes in, the more is to be forgotten.

        Raises:
            StoreError: it could not be read or written.
        """
        self.leases.take_over()
        self._rows_to_sweep += ROWS_FOR_EACH * delivered + ROWS_IN_ANY_CASE
        while self._rows_to_sweep >= ROWS_IN_A_STEP:
            self._sweep.step(now_ms=now_ms)
            self._rows_to_sweep -= ROWS_IN_A_STEP

    def exchange(self, settled: Settled, *, limit: int, now_ms: int) -> Exchanged:
        """
        Write down what became of requests, and claim lanes, in one transaction.

        Args:
            settled: what became of them.
            limit: how many lanes to claim at most.
            now_ms: the time, in milliseconds since 1970 UTC.

        Raises:
            StoreError: it could not be written; nothing of it happened.
        """
        self._release()
        # Looked at first without the write lock, so that an outbox in which all is put off holds up no caller.
        lanes: list[Lane] = []
        more = not limit
        if settled or (limit and (self._placing.is_due() or self._claims.claimable(limit=1, now_ms=now_ms))):
            lanes, more = self._database.write(lambda: self._settle_and_claim(settled, limit=limit, now_ms=now_ms))
        return Exchanged(lanes, more, None if more else self.leases.next_ms(now_ms=now_ms))

    def _settle_and_claim(self, settled: Settled, *, limit: int, now_ms: int) -> tuple[list[Lane], bool]:
        self._settling.settle(settled, now_ms=now_ms)
        left = limit > 0 and self._placing.place()
        lanes, more = self._claims.claim(limit=limit, now_ms=now_ms)
        return lanes, more or left
