"""
Outbox → Kissmetrics: each lane in order, a failed request tried again later, with everything behind it.
"""

import os
import random
import secrets
import socket
from collections.abc import Callable

from attrs import frozen

from identity.clock import Clock
from sdkbridge.kissmetrics.client import Answer, Transport, Undelivered
from sdkbridge.kissmetrics.requests import IOS_RULE, Sending, wire
from sdkbridge.outbox import ALIAS_WAIT_MS, LEASE_MS, LONGEST_RETRY_MS, Outbox, QueuedRequest

NEVER = frozenset({400, 404, 410, 413, 414, 431})
"""Statuses after which the same bytes can never succeed."""

FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = LONGEST_RETRY_MS / 1000
BATCH = 100


def retry_wait_s(attempts: int, *, jitter: float, retry_after_s: float | None = None) -> float:
    """
    Return how long to wait before the next try, in seconds.

    Doubles from a quarter of a second to five minutes; half of it is chance, so that workers do not return all
    at once. What the other side asked for counts as a minimum.

    Args:
        attempts: tries that failed before this one.
        jitter: a number from 0 to 1.
        retry_after_s: what the answer's Retry-After asked for.
    """
    longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(attempts, 32))
    return max(longest * (0.5 + jitter / 2), min(retry_after_s or 0.0, LONGEST_WAIT_S))


@frozen(kw_only=True)
class Delivered:
    """
    What came of one round of delivery.
    """

    delivered: int = 0
    failed: int = 0
    dead: int = 0


class Delivery:
    """
    A worker that sends what is due, one request after another.

    Args:
        outbox: where the requests wait.
        transport: what carries them.
        api_key: the Kissmetrics key to send them with.
        clock: the time in seconds since 1970 UTC.
        sending: by which method requests are sent.
    """

    def __init__(
        self, outbox: Outbox, transport: Transport, *, api_key: str, clock: Clock, sending: Sending = IOS_RULE
    ) -> None:
        self._outbox = outbox
        self._transport = transport
        self._api_key = api_key
        self._clock = clock
        self._sending = sending
        self._worker = worker_name()

    def run_once(self, *, go_on: Callable[[], bool] = lambda: True) -> Delivered:
        """
        Claim a batch and send it, lane by lane in order.

        Args:
            go_on: asked before each request; the rest is given back when it says no.
        """
        claimed = self._claim()
        # What takes longer is given back while the lease still keeps others away.
        held_until_ms = self._now_ms() + LEASE_MS // 2
        stopped: set[str] = set()
        given_back: list[QueuedRequest] = []
        counts = {"delivered": 0, "failed": 0, "dead": 0}
        try:
            while claimed:
                request = claimed.pop(0)
                if not go_on() or self._now_ms() > held_until_ms or self._waits(request, stopped):
                    stopped.add(request.lane)
                    given_back.append(request)
                    continue
                outcome = self._send(request)
                counts[outcome] += 1
                if outcome == "failed":
                    stopped.add(request.lane)
        finally:
            if given_back or claimed:
                self._outbox.release(self._worker, [*given_back, *claimed])
        return Delivered(**counts)

    def _claim(self) -> list[QueuedRequest]:
        for holder in self._outbox.lease_holders():
            if holder != self._worker and is_gone(holder):
                self._outbox.release_all(holder)
        return self._outbox.claim(self._worker, now_ms=self._now_ms(), limit=BATCH)

    def _waits(self, request: QueuedRequest, stopped: set[str]) -> bool:
        if request.lane in stopped:
            return True
        return request.other_lane in stopped and self._now_ms() < request.accepted_ms + ALIAS_WAIT_MS

    def _send(self, request: QueuedRequest) -> str:
        try:
            answer = self._transport.send(wire(request.path, request.query, self._api_key, sending=self._sending))
        except Undelivered as problem:
            return self._retry(request, f"no answer ({problem})")
        if answer.status == 304 or 200 <= answer.status < 300:
            self._outbox.delivered(request)
            return "delivered"
        if answer.status in NEVER:
            self._outbox.bury(self._worker, request, reason=f"answered {answer.status}", now_ms=self._now_ms())
            return "dead"
        return self._retry(request, f"answered {answer.status}", answer)

    def _retry(self, request: QueuedRequest, error: str, answer: Answer | None = None) -> str:
        wait_s = retry_wait_s(
            request.attempts,
            jitter=random.random(),  # noqa: S311 - jitter, not a secret
            retry_after_s=answer.retry_after_s if answer else None,
        )
        self._outbox.failed(self._worker, request, error=error, due_ms=self._now_ms() + int(wait_s * 1000))
        return "failed"

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def close(self) -> None:
        """
        Close the connections to Kissmetrics.
        """
        self._transport.close()

    def retire(self) -> None:
        """
        Give back all that this worker still holds, for another one to take at once.
        """
        self._outbox.release_all(self._worker)
        _workers_here.discard(self._worker)

    def next_retry_s(self) -> float | None:
        """
        Return in how many seconds the next failed request is due again, or None if none is put off.
        """
        now_ms = self._now_ms()
        due_ms = self._outbox.next_retry_ms(now_ms=now_ms)
        return None if due_ms is None else (due_ms - now_ms) / 1000


_workers_here: set[str] = set()


def worker_name() -> str:
    """
    Return a name that no other worker has: host, process, and chance.
    """
    name = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(8)}"
    _workers_here.add(name)
    return name


def is_gone(worker: str) -> bool:
    """
    Tell whether a worker on this host has ended; of other hosts nothing is known until their lease runs out.
    """
    host, process, _ = worker.rsplit("/", 2)
    if host != socket.gethostname() or os.name == "nt":
        return False
    if int(process) == os.getpid():
        # An earlier process had the same number, as the first one of a container always has.
        return worker not in _workers_here
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
