"""
Telling the caller what goes wrong while delivering, without letting the caller's answer do harm.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Literal

from attrs import frozen

from sdkbridge.delivery.daemon import DaemonExecutor

_logger = logging.getLogger("sdkbridge")

LONGEST_BACKLOG = 1000
"""How many problems may wait to be told; while there are more, the newest go untold."""


@frozen(kw_only=True)
class DeliveryProblem:
    """
    Something that went wrong while delivering.

    Attributes:
        what: ``failed`` for a request that will be tried again, ``dead`` for one that never will be, ``stalled``
            if the outbox cannot be read or written, so that nothing is sent until it can.
        reason: one sentence; never a key, an identity or a property.
        request: the number of the request in the outbox, if it is about one.
        attempts: how often that was tried.
    """

    what: Literal["failed", "dead", "stalled"]
    reason: str
    request: int | None = None
    attempts: int = 0


class Problems:
    """
    Tells problems to a callback, in a thread of its own, so that it may take its time, fail, or use the bridge.

    Args:
        callback: whom to tell, if anybody.
    """

    def __init__(self, callback: Callable[[DeliveryProblem], object] | None = None) -> None:
        self._callback = callback
        self._executor: Executor | None = None
        self._untold = 0
        self._fails = False

    def tell(self, problem: DeliveryProblem) -> None:
        """
        Tell a problem soon.
        """
        if self._callback is None or self._untold >= LONGEST_BACKLOG:
            return
        if self._executor is None:
            self._executor = DaemonExecutor("sdkbridge-on-error")
        self._untold += 1
        self._executor.submit(self._tell, self._callback, problem)

    def close(self) -> None:
        """
        End the thread once it has told what there is to tell; the next problem begins another.
        """
        if self._executor is not None:
            self._executor.shutdown()
            self._executor = None

    def _tell(self, callback: Callable[[DeliveryProblem], object], problem: DeliveryProblem) -> None:
        try:
            callback(problem)
        except BaseException:
            # Once for each time that it begins to: a Kissmetrics that is down would fill the log.
            if not self._fails:
                _logger.exception("on_error failed; that is not said again until it works")
            self._fails = True
        else:
            self._fails = False
        finally:
            self._untold -= 1
