"""
The rounds that a worker makes between its outbox and its connections.

The database is used in a thread of its own, because it may keep its caller waiting, and by one transaction at a
time: each writes down what was done since the last one, and claims more.
"""

import asyncio
import logging
import math
from collections.abc import Callable
from typing import TypeVar

from identity.clock import Clock
from identity.errors import StoreError
from sdkbridge.delivery.daemon import DaemonExecutor
from sdkbridge.delivery.lanes import Settled
from sdkbridge.delivery.outbox_worker import Exchanged, OutboxWorker
from sdkbridge.delivery.problems import DeliveryProblem, Problems
from sdkbridge.delivery.sending import Senders
from sdkbridge.delivery.settings import DeliverySettings
from sdkbridge.delivery.workers import retire

_logger = logging.getLogger("sdkbridge")

Result = TypeVar("Result")

WRITE_AFTER_S = 0.02
"""How long what was delivered may stay unwritten; sending it again would only repeat the same bytes."""

WRITE_AT_ONCE = 500
"""How much may be unwritten, whatever the time."""

LANES_PER_CONNECTION = 4
"""How many lanes to hold for each connection, so that none is idle while the next ones are being claimed."""

LANES_AT_ONCE = 128
"""How many to claim at a time, or one for each connection: nothing is sent while the very first are being read."""

TEND_EVERY_S = 1.0
"""How often to look for what workers that are gone left behind, and for what can be forgotten."""

FIRST_STALL_S = 0.1
LONGEST_STALL_S = 5.0


class Rounds:
    """
    One worker at work; used within one event loop, but for `wake` and `stop`.

    Args:
        worker: its end of the outbox.
        senders: its connections.
        changed: set whenever the senders have something to report.
        clock: the time in seconds since 1970 UTC.
        settings: how often to look, and for how long a lease lasts.
        problems: whom to tell if the outbox cannot be used.
        on_exchange: called after each round.
    """

    def __init__(
        self,
        worker: OutboxWorker,
        senders: Senders,
        changed: asyncio.Event,
        *,
        clock: Clock,
        settings: DeliverySettings,
        problems: Problems,
        on_exchange: Callable[[], None],
    ) -> None:
        self._worker = worker
        self._senders = senders
        self._changed = changed
        self._clock = clock
        self._settings = settings
        self._problems = problems
        self._on_exchange = on_exchange
        self._loop = asyncio.get_running_loop()
        self._database_thread = DaemonExecutor("sdkbridge-outbox")
        self._is_asleep = False
        self._grace_s: float | None = None
        self._wakes = 0  # how often somebody said that there is more
        self._drained = False  # whether all that may be claimed is claimed
        self._wrote_at = -math.inf
        self._look_at = -math.inf
        self._renew_at = -math.inf
        self._tend_at = -math.inf
        self._delivered = 0  # since it last tended to what others left
        self._stalls = 0

    def wake(self) -> None:
        """
        Look at the outbox now; from any thread.
        """
        self._wakes += 1
        self._drained = False
        if self._is_asleep:
            self._rouse()

    def stop(self, grace_s: float) -> None:
        """
        Let what is under way end, for so long and no longer, and give back the rest; from any thread.
        """
        self._grace_s = grace_s if self._grace_s is None else min(grace_s, self._grace_s)
        self._rouse()

    def _rouse(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._changed.set)
        except RuntimeError:
            return  # the loop has ended

    async def run(self, *, until_idle: bool) -> None:
        """
        Make rounds until told to stop, or until nothing is due.
        """
        try:
            while self._grace_s is None and not (until_idle and self.is_idle):
                if not await self._slept():
                    await self._round(patient=not until_idle)
        finally:
            await self._wind_up()

    @property
    def is_idle(self) -> bool:
        """
        Whether nothing is under way or unwritten, and nothing can be sent for now.
        """
        senders = self._senders
        if self._stalls:
            return not senders.busy
        if senders.busy or senders.settled:
            return False
        return senders.circuit.is_open or (self._drained and not senders.ready)

    async def _slept(self) -> bool:
        """
        Sleep until the next round, or until something changes; return whether there was time for that.
        """
        # Asleep before it looks, so that nobody's call goes unheard in between.
        self._is_asleep = True
        slept = await self._sleep(self._due_in_s)
        self._is_asleep = False
        return slept

    async def _sleep(self, seconds: Callable[[], float]) -> bool:
        """
        Sleep so many seconds, or until something changes; return whether there was any time to sleep.
        """
        self._changed.clear()
        wait_s = seconds()
        if wait_s > 0:
            alarm = self._loop.call_later(wait_s, self._changed.set)
            await self._changed.wait()
            alarm.cancel()
        return wait_s > 0

    def _due_in_s(self) -> float:
        now, senders = self._loop.time(), self._senders
        due = min(self._look_at, self._renew_at)
        if senders.settled:
            at_once = len(senders.settled) >= WRITE_AT_ONCE or not senders.busy
            due = now if at_once else min(due, self._wrote_at + WRITE_AFTER_S)
        if self._stalls:
            due = self._look_at
        elif not self._drained and self._room(now) and senders.ready <= self._settings.concurrency // 2:
            due = now
        elif senders.circuit.is_open and senders.ready and (wait_s := senders.circuit.wait_s(now)) is not None:
            due = min(due, now + wait_s)
        return due - now

    def _room(self, now: float) -> int:
        """
        Return how many lanes to claim: through an open circuit no more than the one that probes.
        """
        circuit = self._senders.circuit
        if circuit.is_open:
            return int(not self._senders.held and circuit.wait_s(now) == 0)
        room = self._settings.concurrency * LANES_PER_CONNECTION - self._senders.held
        return min(room, max(LANES_AT_ONCE, self._settings.concurrency))

    async def _round(self, *, patient: bool) -> None:
        try:
            await self._renew()
            await self._tend()
            await self._exchange()
        except StoreError as error:
            if not patient:
                raise
            self._stall(error)
        self._on_exchange()

    async def _renew(self) -> None:
        now = self._loop.time()
        if now < self._renew_at:
            return
        if self._senders.held:
            self._senders.keep_only(await self._in_database(self._worker.leases.renew, self._now_ms()))
        self._renew_at = now + self._settings.lease_s / 3
        self._senders.fresh_until = now + self._settings.lease_s - self._settings.timeout_s

    async def _tend(self) -> None:
        now = self._loop.time()
        if now >= self._look_at:
            self._drained = False
        if now >= self._tend_at:
            await self._in_database(self._worker.tend, self._now_ms(), self._delivered)
            self._delivered, self._tend_at = 0, now + TEND_EVERY_S

    async def _exchange(self) -> None:
        wakes, limit = self._wakes, self._room(self._loop.time())
        settled = self._senders.take_settled()
        try:
            exchanged = await self._in_database(self._exchanged, settled, limit)
        except BaseException:
            settled.add(self._senders.take_settled())
            self._senders.settled = settled
            raise
        now = self._wrote_at = self._loop.time()
        self._stalls = 0
        self._delivered += len(settled.delivered)
        if limit or settled.ended:
            self._drained = limit > 0 and not exchanged.more and wakes == self._wakes
        until_next_s = math.inf if exchanged.next_ms is None else exchanged.next_ms / 1000 - self._clock()
        self._look_at = now + min(self._settings.poll_s, max(until_next_s, 0.001))
        self._senders.take(exchanged.lanes)
        self._senders.go_on()

    def _exchanged(self, settled: Settled, limit: int) -> Exchanged:
        return self._worker.exchange(settled, limit=limit, now_ms=self._now_ms())

    def _stall(self, error: StoreError) -> None:
        """
        Send nothing while what was sent cannot be written down: it would be sent again and again.
        """
        self._senders.halt()
        if not self._stalls:
            _logger.warning("nothing is delivered until the outbox can be used again: %s", error)
        self._problems.tell(DeliveryProblem(what="stalled", reason=str(error)))
        self._stalls += 1
        wait_s = min(LONGEST_STALL_S, FIRST_STALL_S * 2.0 ** min(self._stalls, 16))
        self._look_at = self._loop.time() + wait_s

    async def _wind_up(self) -> None:
        began = self._loop.time()
        self._senders.give_back()
        try:
            # Asked for anew each time: whoever says stop again may be in a greater hurry.
            while self._senders.busy and await self._sleep(
                lambda: began + (self._grace_s or 0.0) - self._loop.time()
            ):
                pass
            await self._senders.close()
            await self._in_database(self._exchanged, self._senders.take_settled(), 0)
            await self._in_database(self._worker.leases.release, self._worker.name)
        except StoreError as error:
            _logger.warning("what was delivered last may be delivered again: %s", error)
        finally:
            retire(self._worker.name)
            self._database_thread.shutdown()
            self._problems.close()
            self._on_exchange()

    async def _in_database(self, work: Callable[..., Result], *args: object) -> Result:
        return await self._loop.run_in_executor(self._database_thread, work, *args)

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
