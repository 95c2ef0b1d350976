"""
Delivering what waits now, for a bounded time.
"""

import math
import threading
import time

from identity.database import Database
from identity.errors import StoreError
from sdkbridge.aliases import Aliases
from sdkbridge.background import DeliveryThread
from sdkbridge.delivery.daemon import DaemonExecutor
from sdkbridge.outbox.queue import Outbox
from sdkbridge.status import FlushReport

LONGEST_PAUSE_S = 0.05
"""How long a flush sleeps before it looks again."""

TO_REPORT_S = 1.0
"""How much longer than its time a flush may take to count what came of it."""


def seconds_of(timeout: object) -> float:
    """
    Return how long something may take, in seconds.

    Raises:
        TypeError: it is no number.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or math.isnan(timeout):
        raise TypeError(f"timeout must be a number of seconds, not {timeout!r}")
    # Locks take no more; the rest is left for what is added to it.
    return min(max(0.0, timeout), threading.TIMEOUT_MAX - 2 * TO_REPORT_S)


class Flushing:
    """
    Has a thread deliver, and waits for that.

    Args:
        database: where the outbox is.
        outbox: what waits.
        aliases: what is to be queued first, where its grace is over.
        thread: what delivers.
        stop_after: whether the thread is only there for this.
    """

    def __init__(
        self, database: Database, outbox: Outbox, aliases: Aliases, thread: DeliveryThread, *, stop_after: bool
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._aliases = aliases
        self._thread = thread
        self._stop_after = stop_after

    def flush(self, timeout_s: float) -> FlushReport:
        """
        Deliver what waits now, for so many seconds at most.

        Raises:
            StoreError: the outbox cannot be read in that time.
        """
        # A file is read without waiting for anybody. A server may be away for longer than there is time.
        if self._database.one_writer:
            return self._flush(timeout_s)
        executor = DaemonExecutor("sdkbridge-flush")
        try:
            return executor.submit(self._flush, timeout_s).result(timeout_s + TO_REPORT_S)
        except TimeoutError:
            raise StoreError(self._database.path, f"did not answer in the {timeout_s:g} s of a flush") from None
        finally:
            executor.shutdown()

    def _flush(self, timeout_s: float) -> FlushReport:
        deadline = time.monotonic() + timeout_s
        before = self._outbox.counts()
        last, due = self._last(), self._aliases.are_due()
        if (due or last is not None) and not self._holds_the_file():
            self._thread.wake()
            while (left_s := deadline - time.monotonic()) > 0:
                if due and not (due := self._aliases.are_due()):
                    last = self._last()
                if not due and not self._waits(last):
                    break
                # By another flush, whose time was over.
                if self._thread.has_stopped:
                    self._thread.wake()
                self._thread.wait_for_round(min(left_s, LONGEST_PAUSE_S))
            if self._stop_after:
                self._thread.stop(max(0.0, deadline - time.monotonic()))
        after = self._outbox.counts()
        return FlushReport(
            delivered=after.delivered - before.delivered,
            dead=max(0, after.dead - before.dead),
            waiting=after.waiting,
            last_error=self._outbox.last_error(),
        )

    def _holds_the_file(self) -> bool:
        """
        Tell whether this is a signal handler's in the middle of a write, for which whoever delivers would wait.
        """
        return self._database.one_writer and self._database.interruptions.may_come()

    def _last(self) -> int | None:
        ends = self._outbox.ends()
        return None if ends is None else ends[1]

    def _waits(self, up_to: int | None) -> bool:
        ends = self._outbox.ends()
        return up_to is not None and ends is not None and ends[0] <= up_to
