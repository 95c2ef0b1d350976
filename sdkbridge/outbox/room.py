"""
A limit to what may wait in the outbox.
"""

import math
import time

from sdkbridge.errors import OutboxFull
from sdkbridge.outbox.queue import Outbox

COUNT_AGAIN_S = 0.1


class OutboxRoom:
    """
    Refuses calls while too much waits.

    What waits is not counted at each call: a count that leaves room is good for half of that room. Several
    processes on one outbox may therefore exceed the limit by what they accept in the meantime. A batch may exceed
    it by what it brings: it is refused only if there is no room before its first call. Were it refused for its
    size, one that is larger than the limit could never be taken.

    Args:
        outbox: what is limited.
        limit: how many requests may wait; None for as many as the disk holds.

    Attributes:
        refused: how many calls were refused.
    """

    def __init__(self, outbox: Outbox, limit: int | None) -> None:
        if limit is not None and limit < 1:
            raise ValueError("outbox_limit must be at least 1")
        self._outbox = outbox
        self._limit = limit
        self._left = 0
        self._full_until = -math.inf
        self.refused = 0

    def check(self, *, calls: int = 1) -> None:
        """
        Make sure that there is room.

        Args:
            calls: how many calls are refused if there is none.

        Raises:
            OutboxFull: there is none.
        """
        if self._limit is None or self._left > 0:
            return
        now = time.monotonic()
        if now >= self._full_until:
            self._left = self._counted(self._limit)
            self._full_until = now + COUNT_AGAIN_S if self._left == 0 else -math.inf
        if self._left == 0:
            self.refused += calls
            raise OutboxFull(self._limit)

    def is_full(self) -> bool:
        """
        Count what waits now, and tell whether that leaves no room.
        """
        return self._limit is not None and self._counted(self._limit) == 0

    def take(self, requests: int) -> None:
        """
        Note that so many requests were queued.
        """
        if self._limit is not None:
            self._left = max(0, self._left - requests)

    def _counted(self, limit: int) -> int:
        ends = self._outbox.ends()
        most = 0 if ends is None else ends[1] - ends[0] + 1
        waiting = most if most < limit else self._outbox.waiting(at_most=limit)
        return math.ceil((limit - waiting) / 2)
