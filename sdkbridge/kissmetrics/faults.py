"""
What is to go wrong, on purpose: for tests of whatever sends to Kissmetrics.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import asdict, define, field, fields, frozen

from sdkbridge.kissmetrics.intake import PATHS

KINDS = ("latency", "reset", "lost_answer", "hang", "garbage", "drip")
TIMED = {"latency": 1.0, "drip": 1.0, "hang": None}
"""The faults that take time, and how many seconds if nobody says; None is until somebody ends it."""

LONGEST_S = 3600.0
GLANCE_S = 0.05


class InvalidFault(ValueError):
    """
    A fault that cannot be made.

    Attributes:
        field: which argument is wrong.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field = field


@frozen
class Fault:
    """
    One way to fail, and which requests it meets.

    Attributes:
        what: ``latency`` answers later; ``reset`` resets the connection and takes nothing; ``lost_answer`` takes
            the request and resets the connection; ``hang`` never answers and takes nothing; ``garbage`` answers
            what is no HTTP and takes nothing; ``drip`` takes the request and answers byte by byte; a number is
            the status to answer, and takes the request if senders count that as delivered (2xx and 304).
        times: how many requests it meets; without it, all that come.
        share: which part of the requests it meets, by chance, from 0 to 1.
        seed: makes the same choice each time.
        path: ``/e``, ``/s`` or ``/a``, if it meets only these.
        seconds: how long an answer takes; a hang lasts until the client leaves unless it is limited.
        retry_after_s: the ``Retry-After`` of a status, in whole seconds.

    Raises:
        InvalidFault: something of this cannot be.
    """

    what: str | int
    times: int | None = field(default=None, kw_only=True)
    share: float = field(default=1.0, kw_only=True)
    seed: int | None = field(default=None, kw_only=True)
    path: str | None = field(default=None, kw_only=True)
    seconds: float | None = field(default=None, kw_only=True)
    retry_after_s: int | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        for name, problem in _problems(self):
            raise InvalidFault(name, problem)

    @property
    def lasts_s(self) -> float | None:
        """
        How long it takes, in seconds; None is until the client leaves.
        """
        return TIMED.get(str(self.what)) if self.seconds is None else self.seconds

    @property
    def takes_request(self) -> bool:
        """
        Whether the request counts although something goes wrong.
        """
        if isinstance(self.what, int):
            return self.what == 304 or 200 <= self.what < 300
        return self.what in {"latency", "lost_answer", "drip"}


def fault_from(said: object) -> Fault:
    """
    Read a fault from JSON: an object with the arguments of `Fault` by their names.

    Raises:
        InvalidFault: it is none.
    """
    if not isinstance(said, Mapping):
        raise InvalidFault("a fault", "must be a JSON object")
    known = {one.name for one in fields(Fault)}
    if "what" not in said:
        raise InvalidFault("what", "is required")
    if not known >= set(said):
        raise InvalidFault("a fault", f"has only {', '.join(sorted(known))}")
    return Fault(**said)


@frozen
class Strike:
    """
    A fault that meets a request.
    """

    fault: Fault
    _over: threading.Event

    def wait(self, seconds: float | None, *, unless: Callable[[], bool] = lambda: False) -> None:
        """
        Let time pass until the fault is healed, and no longer than so many seconds, if a number is given.

        Args:
            seconds: how long at most.
            unless: asked every now and then; ends the wait when it says yes.
        """
        until = None if seconds is None else time.monotonic() + seconds
        while not unless():
            left = GLANCE_S if until is None else min(GLANCE_S, until - time.monotonic())
            if left <= 0 or self._over.wait(left):
                return


class Faults:
    """
    What is to go wrong at present; any thread may ask, add or heal.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._present: list[_PresentFault] = []
        self._over = threading.Event()

    def add(self, fault: Fault) -> None:
        """
        Let a fault meet the requests that come from now on; earlier faults go before it.
        """
        with self._lock:
            self._present.append(_PresentFault(fault, random.Random(fault.seed)))  # noqa: S311 - no secret

    def heal(self) -> None:
        """
        Forget all faults, and end those that are going on: what hangs is hung up, what is slow hurries.
        """
        with self._lock:
            self._present.clear()
            self._over.set()
            self._over = threading.Event()

    def strike(self, path: str) -> Strike | None:
        """
        Decide what goes wrong with a request that has just come, if anything.
        """
        with self._lock:
            met = next((one for one in self._present if one.meets(path)), None)
            return Strike(met.fault, self._over) if met else None

    def report(self) -> list[dict[str, Any]]:
        """
        Return the faults that were asked for since the last healing, each with how many requests it ``met``.
        """
        with self._lock:
            return [asdict(one.fault) | {"met": one.met} for one in self._present]


@define
class _PresentFault:
    fault: Fault
    dice: random.Random
    met: int = field(default=0, init=False)

    def meets(self, path: str) -> bool:
        if self.fault.path not in {None, path} or self.met == self.fault.times:
            return False
        if self.dice.random() >= self.fault.share:
            return False
        self.met += 1
        return True


def _problems(fault: Fault) -> Iterator[tuple[str, str]]:
    status = _is_whole(fault.what)
    if not (status and 200 <= int(fault.what) <= 599) and fault.what not in KINDS:
        yield "what", f"must be a status from 200 to 599 or one of {', '.join(KINDS)}"
    if fault.times is not None and not (_is_whole(fault.times) and fault.times > 0):
        yield "times", "must be a whole number above 0"
    if not (_is_number(fault.share) and 0 < fault.share <= 1):
        yield "share", "must be a number above 0 and up to 1"
    if fault.seed is not None and not _is_whole(fault.seed):
        yield "seed", "must be a whole number"
    if fault.path is not None and fault.path not in sorted(PATHS):
        yield "path", f"must be one of {', '.join(sorted(PATHS))}"
    if fault.seconds is not None and fault.what not in TIMED:
        yield "seconds", f"goes only with {', '.join(TIMED)}"
    if fault.seconds is not None and not (_is_number(fault.seconds) and 0 <= fault.seconds <= LONGEST_S):
        yield "seconds", f"must be a number from 0 to {LONGEST_S:.0f}"
    if fault.retry_after_s is not None and not status:
        yield "retry_after_s", "goes only with a status"
    if fault.retry_after_s is not None and not (_is_whole(fault.retry_after_s) and fault.retry_after_s >= 0):
        yield "retry_after_s", "must be a whole number of seconds"


def _is_whole(value: object) -> bool:
    # To Python True is a number, to whoever wrote it in JSON it is none.
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, float) or _is_whole(value)
