"""
How much a project has, counted in the background: counting takes longer the more there is.
"""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from attrs import frozen

from identity.errors import StoreError
from identity.person import GraphCounts
from sdkbridge.errors import BridgeClosed
from sdkbridge.outbox.queue import OutboxCounts
from sdkbridge.server.pages.reading import Reading

Result = TypeVar("Result")

PATIENCE_S = 0.08
"""How long a page waits for a count; a count that takes longer is shown as soon as it is there."""

COUNT_AGAIN = 20
"""
A count is good for so many times as long as it took, or as the one before took if that was shorter: what opened
the database first, or was held up by a busy machine, is soon done anew.
"""

GOOD_FOR_S = 0.5
"""How long any count is good for."""


@frozen(kw_only=True)
class Counted:
    """
    What was counted.

    Attributes:
        graph: identities, people and links.
        outbox: requests waiting, delivered and dead.
        last_error: why the lane that has been failing for longest was not delivered, if any is failing.
        oldest_ms: when the oldest waiting request was accepted.
        retried: how many requests were tried in vain.
        held: how many links are held, by reason.
    """

    graph: GraphCounts
    outbox: OutboxCounts
    last_error: str | None
    oldest_ms: int | None
    retried: int
    held: dict[str, int]


class Counts(Generic[Result]):
    """
    What is counted of one project.

    Args:
        count: counts.
        now: the time of a monotonic clock, in seconds.
    """

    def __init__(self, count: Callable[[], Result], *, now: Callable[[], float] = time.monotonic) -> None:
        self._count = count
        self._now = now
        self._lock = threading.Lock()
        self._counted: Result | None = None
        self._until = 0.0
        self._took_s = 0.0
        self._counting: threading.Thread | None = None

    def latest(self) -> Result | None:
        """
        Return what was counted last; None while the first count takes longer than anybody would wait.
        """
        with self._lock:
            if self._counting is None and self._now() >= self._until:
                self._counting = threading.Thread(target=self._run, name="sdkbridge-counts", daemon=True)
                self._counting.start()
            counting = self._counting
        if counting is not None:
            counting.join(PATIENCE_S)
        return self._counted

    def _run(self) -> None:
        started = self._now()
        try:
            self._counted = self._count()
        except (StoreError, BridgeClosed):
            self._counted = None
        finally:
            took_s = self._now() - started
            with self._lock:
                self._until = self._now() + max(GOOD_FOR_S, COUNT_AGAIN * min(took_s, self._took_s))
                self._took_s = took_s
                self._counting = None


def count_of(reading: Reading) -> Counted:
    """
    Count what a project has.
    """
    graph, outbox = reading.graph, reading.outbox
    return Counted(
        graph=graph.counts(),
        outbox=outbox.counts(),
        last_error=outbox.last_error(),
        oldest_ms=outbox.oldest_ms(),
        retried=outbox.being_retried(),
        held=graph.held_reasons(),
    )
