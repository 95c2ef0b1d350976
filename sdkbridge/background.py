"""
Delivery beside the caller's own work, in one thread.
"""

import logging
import threading

from sdkbridge.delivery import Delivery

_logger = logging.getLogger("sdkbridge")

LONGEST_SLEEP_S = 5.0
"""How long the thread sleeps at most: another process may have queued something, or left it behind."""


class DeliveryThread:
    """
    A thread that sends what is due, and sleeps until more is.

    It starts with the first `wake`; what it has not sent when it stops stays in the outbox.
    """

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._round_ended = threading.Condition()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """
        Look at the outbox now.
        """
        with self._lock:
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._run, name="sdkbridge-delivery", daemon=True)
                self._thread.start()
        self._awake.set()

    def wait_for_round(self, timeout_s: float) -> None:
        """
        Sleep until another batch was tried, or the time is up.
        """
        with self._round_ended:
            self._round_ended.wait(timeout_s)

    def stop(self, timeout_s: float) -> None:
        """
        End the thread after the request that it is sending.
        """
        self._stopping.set()
        self._awake.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            self._deliver()
        finally:
            # The bridge may have stopped waiting for a slow request, whose connection is still open.
            self._delivery.close()

    def _deliver(self) -> None:
        while not self._stopping.is_set():
            self._awake.clear()
            try:
                sent = self._delivery.run_once(go_on=lambda: not self._stopping.is_set())
                sleep_s = 0.0 if sent.delivered or sent.dead else self._until_next_retry_s()
            except Exception:
                if self._stopping.is_set():
                    return  # the file was closed under a request that took too long; it is still in the outbox
                # A full disk or a locked file may pass; a dead thread would not come back.
                _logger.exception("delivery failed and will be tried again")
                sleep_s = LONGEST_SLEEP_S
            with self._round_ended:
                self._round_ended.notify_all()
            self._awake.wait(sleep_s)

    def _until_next_retry_s(self) -> float:
        retry_s = self._delivery.next_retry_s()
        return LONGEST_SLEEP_S if retry_s is None else min(retry_s, LONGEST_SLEEP_S)
