"""
A circuit breaker: a Kissmetrics that is down is asked by one request at a time, not by everybody's.
"""

from collections.abc import Callable

from sdkbridge.delivery.retries import LONGEST_WAIT_S, retry_wait_s

LANES_TO_OPEN = 5
"""How many lanes in a row must fail, with no request answered in between, before Kissmetrics counts as down."""

LONGEST_PROBE_WAIT_S = 30.0
"""The longest between two probes, in seconds, unless Kissmetrics asks for more."""


class Circuit:
    """
    Closed while Kissmetrics answers, open once it does not; then single requests probe until one is answered.

    One lane that always fails never opens it, however often it is tried: it takes several. Times are those of one
    monotonic clock, in seconds.

    Args:
        chance: a number from 0 to 1 at each call, so that workers do not probe all at once.
    """

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._failed_lanes: set[int] = set()
        self._probe_at = 0.0
        self._probes = 0
        self._is_probing = False
        self.is_open = False

    def lets_through(self, now: float) -> bool:
        """
        Tell whether a request may be sent now; through an open circuit it goes as the probe, one at a time.
        """
        if not self.is_open:
            return True
        if self._is_probing or now < self._probe_at:
            return False
        self._is_probing = True
        return True

    def wait_s(self, now: float) -> float | None:
        """
        Return in how many seconds a request may be sent, or None if that is for the probe under way to say.
        """
        if not self.is_open:
            return 0.0
        return None if self._is_probing else max(0.0, self._probe_at - now)

    def answered(self) -> None:
        """
        Note that Kissmetrics took a request, or refused one for what it says.
        """
        self._failed_lanes.clear()
        self._probes = 0
        self._is_probing = self.is_open = False

    def not_sent(self) -> None:
        """
        Note that what was let through was not sent after all.
        """
        self._is_probing = False

    def failed(self, lane: int, *, now: float, retry_after_s: float | None = None) -> None:
        """
        Note that a request of a lane had no answer, or one that says nothing of the request.
        """
        self._failed_lanes.add(lane)
        late = self.is_open and not self._is_probing  # it was under way when the circuit opened
        if late or (not self.is_open and len(self._failed_lanes) < LANES_TO_OPEN):
            return
        wait_s = min(LONGEST_PROBE_WAIT_S, retry_wait_s(self._probes, jitter=self._chance()))
        self._probe_at = now + max(wait_s, min(retry_after_s or 0.0, LONGEST_WAIT_S))
        self._probes += 1
        self._is_probing = False
        self.is_open = True
        self._failed_lanes.clear()
