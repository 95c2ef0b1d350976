"""
How often one write key may come: a bucket that fills by so much a second, and holds two seconds' worth.
"""

import math
from collections.abc import Callable

BURST_S = 2.0


class Rate:
    """
    One bucket.

    Args:
        per_s: how much flows in each second.
        now: a clock that never goes back, in seconds.
    """

    def __init__(self, per_s: float, *, now: Callable[[], float]) -> None:
        self._per_s = per_s
        self._size = max(per_s * BURST_S, 1.0)
        self._now = now
        self._left = self._size
        self._filled = now()

    def wait_s(self) -> float:
        """
        Take one out and return 0; or, if there is none, how long until there is.
        """
        now = self._now()
        self._left = min(self._size, self._left + (now - self._filled) * self._per_s)
        self._filled = now
        if self._left < 1.0:
            return (1.0 - self._left) / self._per_s
        self._left -= 1.0
        return 0.0


def whole_seconds(wait_s: float) -> int:
    """
    Return the ``Retry-After`` for a wait: whole seconds, one at least.
    """
    return max(1, math.ceil(wait_s))
