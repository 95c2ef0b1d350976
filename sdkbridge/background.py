"""
Delivery beside the caller's own work, in a thread.
"""

import asyncio
import atexit
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable

from sdkbridge.delivery.daemon import DeliveryLoop
from sdkbridge.delivery.engine import Delivery

_logger = logging.getLogger("sdkbridge")

EXIT_S = 1.0
"""How long the end of a process may wait for what is under way, for all threads together."""

GLANCE_S = 0.05
UNEXPECTED_S = 5.0


class DeliveryThread:
    """
    A thread that sends what is due, and sleeps until more is.

    It starts with the first `wake`, also after a `stop` and in a process that was forked off, but not after `end`.
    What it has not sent when it stops stays in the outbox.

    Args:
        make: makes the delivery that the thread is to do, given what to call after each of its rounds.
    """

    def __init__(self, make: Callable[[Callable[[], None]], Delivery]) -> None:
        self._make = make
        self._has_ended = False
        self._begin_anew()
        _all_threads.add(self)

    def _begin_anew(self) -> None:
        # Re-entrant: a signal handler may use the bridge while its own thread is in here.
        self._lock = threading.RLock()
        self._round_ended = threading.Condition()
        self._delivery: Delivery | None = None
        # More than the one above only where a signal handler began another in the middle of its beginning.
        self._under_way: list[tuple[Delivery, threading.Thread]] = []
        self._ending: list[threading.Thread] = []

    def wake(self) -> None:
        """
        Look at the outbox now.
        """
        delivery = self._delivery
        if delivery is None:
            self._start()
        else:
            delivery.wake()

    def _start(self) -> None:
        with self._lock:
            if self._delivery is not None or self._has_ended:
                return
            delivery = self._make(self._end_round)
            # A signal handler may have come before this one.
            if self._delivery is not None or self._has_ended:
                return
            thread = threading.Thread(target=self._run, args=(delivery,), name="sdkbridge-delivery", daemon=True)
            self._under_way.append((delivery, thread))
            self._delivery = delivery
            thread.start()

    def wait_for_round(self, timeout_s: float) -> None:
        """
        Sleep until another round has ended, or the time is up.
        """
        with self._round_ended:
            self._round_ended.wait(timeout_s)

    def _end_round(self) -> None:
        with self._round_ended:
            self._round_ended.notify_all()

    @property
    def has_stopped(self) -> bool:
        """
        Whether there is no thread until it is woken.
        """
        return self._delivery is None

    @property
    def is_idle(self) -> bool:
        """
        Whether the thread does nothing, or could not if it wanted to.
        """
        return self._delivery is None or self._delivery.is_idle

    def end(self, timeout_s: float, *, then: Callable[[], None]) -> None:
        """
        Stop for good.

        Args:
            timeout_s: how long to wait for what is under way, in seconds.
            then: to be called once the thread has ended, be it later than that.
        """
        with self._lock:
            self._has_ended = True
        _call_after(self.stop(timeout_s), then)

    def stop(self, timeout_s: float) -> list[threading.Thread]:
        """
        End the thread once what is under way is done, and wait for that so many seconds and no longer.

        Returns:
            The threads that have not ended yet.
        """
        with self._lock:
            under_way, self._under_way = self._under_way, []
            self._delivery = None
            ending = [old for old in self._ending if old.is_alive()] + [thread for _, thread in under_way]
            self._ending = ending
        for delivery, _ in under_way:
            # Something is left of the time to write down what was sent.
            delivery.stop(timeout_s * 0.8)
        # A thread may be resting after a failure.
        self._end_round()
        deadline = time.monotonic() + timeout_s
        for old in ending:
            # One that a signal handler has kept from starting ends as soon as it does.
            if old is not threading.current_thread() and old.ident is not None:
                old.join(max(0.0, deadline - time.monotonic()))
        return [old for old in ending if old.is_alive()]

    def _run(self, delivery: Delivery) -> None:
        # A signal handler may have ended it all before it began.
        while self._delivery is delivery and not self._has_ended:
            try:
                with asyncio.Runner(loop_factory=DeliveryLoop) as runner:
                    runner.run(delivery.run())
            except Exception:
                # A dead thread would not come back, and what is wrong may pass.
                _logger.exception("delivery failed and will be tried again")
            else:
                return
            with self._round_ended:
                if self._round_ended.wait_for(lambda: self._delivery is not delivery, UNEXPECTED_S):
                    return

    def forked(self) -> None:
        """
        Begin anew in a child process, which has none of its parent's threads.
        """
        # The parent's loop is shared with it down to the kernel: nothing of it may be closed, or collected, here.
        _inherited.append((self._delivery, self._under_way, self._ending, self._lock, self._round_ended))
        self._begin_anew()


def _call_after(threads: list[threading.Thread], then: Callable[[], None]) -> None:
    """
    Call something once threads have ended, without waiting for it.
    """

    def wait() -> None:
        for thread in threads:
            thread.join()
        then()

    if threads:
        threading.Thread(target=wait, name="sdkbridge-closing", daemon=True).start()
    else:
        then()


_all_threads: "weakref.WeakSet[DeliveryThread]" = weakref.WeakSet()
_inherited: list[object] = []


def _forked() -> None:
    for thread in list(_all_threads):
        thread.forked()


def _stop_all() -> None:
    """
    Deliver what can be delivered in the time that there is, and leave the rest in the outbox.
    """
    deadline = time.monotonic() + EXIT_S
    for thread in list(_all_threads):
        while not thread.is_idle and time.monotonic() < deadline - EXIT_S / 3:
            thread.wait_for_round(GLANCE_S)
        thread.stop(max(0.0, deadline - time.monotonic()))


atexit.register(_stop_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
