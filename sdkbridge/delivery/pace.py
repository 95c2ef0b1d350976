"""
So many requests a second and no more.
"""


class Pace:
    """
    Deals out moments at which a request may be sent, evenly.

    Args:
        per_second: how many; None for as many as can be.
    """

    def __init__(self, per_second: float | None) -> None:
        self._apart_s = 0.0 if per_second is None else 1 / per_second
        self._next = 0.0

    def take(self, now: float) -> float:
        """
        Take the next moment, and return in how many seconds it comes.

        Args:
            now: the time of a monotonic clock, in seconds.
        """
        moment = max(now, self._next)
        self._next = moment + self._apart_s
        return moment - now
