"""
The projects of a running server: each with a bridge of its own, opened when it is first needed.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from attrs import frozen

from identity.clock import Clock, system_clock
from identity.errors import StoreError
from sdkbridge.async_bridge import awaited
from sdkbridge.awaiting import in_a_thread
from sdkbridge.bridge import Bridge
from sdkbridge.calls import JSONObject
from sdkbridge.errors import BridgeClosed, InvalidCall, OutboxFull
from sdkbridge.outbox.room import OutboxRoom
from sdkbridge.receipt import Receipt
from sdkbridge.refused import RefusedMessage
from sdkbridge.server.answers import put_off
from sdkbridge.server.keys import WriteKeys
from sdkbridge.server.rates import Rate, whole_seconds
from sdkbridge.server.recent import RecentCalls
from sdkbridge.server.settings import Limits, Project, ServerSettings

logger = logging.getLogger("sdkbridge.server")

Outcomes = list[Receipt | InvalidCall]

RETRY_S = 5
"""When clients are asked to come again, after the store or the outbox had no room."""


class ServedProject:
    """
    One project as it is served.

    Attributes:
        recent: the calls that came last.

    Args:
        project: what it was told.
        limits: how much may wait.
        clock: the time in seconds since 1970 UTC.
    """

    def __init__(self, project: Project, *, limits: Limits, clock: Clock) -> None:
        self.project = project
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._bridge: Bridge | None = None
        self._closed = False
        self.recent = RecentCalls(clock=clock, kept=limits.recent_calls)
        self._calls_waiting = 0

    def __repr__(self) -> str:
        return f"ServedProject({self.project.name!r})"

    @property
    def bridge(self) -> Bridge:
        """
        The project's bridge; the first time, it is opened.

        Raises:
            StoreError: its database cannot be opened; the next time it is tried again.
            BridgeClosed: the server has stopped.
        """
        with self._lock:
            if self._closed:
                raise BridgeClosed("the server has stopped")
            if self._bridge is None:
                project = self.project
                self._bridge = Bridge(
                    project.database,
                    api_key=project.api_key,
                    url=project.url,
                    options=project.options,
                    clock=self._clock,
                    deliver=project.deliver,
                    safety=project.safety,
                    alias_grace=project.alias_grace,
                    outbox_limit=self._limits.outbox_requests,
                )
            return self._bridge

    async def accept_batch(
        self, messages: Sequence[JSONObject], *, refused: Sequence[RefusedMessage] = ()
    ) -> Outcomes:
        """
        Take a batch; when this returns it is committed, together with whatever else waited for that.

        Raises:
            Refusal: there is no room, or it cannot be written; nothing of it is kept.
        """
        calls = len(messages) + len(refused)
        if self._calls_waiting and self._calls_waiting + calls > self._limits.waiting_calls:
            raise put_off(503, "busy", "too much waits to be written", seconds=1)
        self._calls_waiting += calls
        try:
            outcomes = await self._committed(messages, refused)
        except OutboxFull:
            raise put_off(503, "outbox_full", "too much waits for Kissmetrics", seconds=RETRY_S) from None
        except BridgeClosed:
            raise put_off(503, "stopping", "the server is stopping", seconds=RETRY_S) from None
        except StoreError as error:
            self._tell_of(error)
            raise put_off(503, "store", "the calls cannot be written just now", seconds=RETRY_S) from None
        finally:
            self._calls_waiting -= calls
        self.recent.add(messages, outcomes, refused)
        return outcomes

    async def _committed(self, messages: Sequence[JSONObject], refused: Sequence[RefusedMessage]) -> Outcomes:
        if self._bridge is None:
            # Opening reads the disk, or connects.
            await in_a_thread(lambda: self.bridge)
        return await awaited(self.bridge).accept_batch(messages, refused=refused)

    def _tell_of(self, error: StoreError) -> None:
        # The file's path is for the log; the client is told no more than that it may come again.
        logger.error("the store failed", extra={"project": self.project.name, "problem": str(error)})

    @property
    def has_too_much_waiting(self) -> bool:
        """
        Whether as many requests wait for Kissmetrics as may.

        Raises:
            StoreError: they cannot be counted.
            BridgeClosed: the server has stopped.
        """
        return OutboxRoom(self.bridge.outbox, self._limits.outbox_requests).is_full()

    def close(self, timeout_s: float) -> None:
        """
        Commit what waits to be committed, and let go of the database; what is not delivered stays in it.
        """
        with self._lock:
            self._closed = True
            if self._bridge is not None:
                self._bridge.close(timeout_s)


@frozen(eq=False)
class Entrance:
    """
    What one write key opens.

    Attributes:
        served: the project.
        rate: how often the key may come; None for as often as it likes.
    """

    served: ServedProject
    rate: Rate | None

    def enter(self) -> ServedProject:
        """
        Return the project, if the key does not come too often.

        Raises:
            Refusal: it does.
        """
        wait_s = self.rate.wait_s() if self.rate is not None else 0.0
        if not wait_s:
            return self.served
        refusal = put_off(429, "rate_limited", "this write key comes too often", seconds=whole_seconds(wait_s))
        refusal.headers["X-RateLimit-Reset"] = str(int(time.time() + whole_seconds(wait_s)))
        raise refusal


class Server:
    """
    All that a running server holds.

    Args:
        settings: what it was told.
        clock: the time in seconds since 1970 UTC.
        now: a clock that never goes back, in seconds.
    """

    def __init__(
        self, settings: ServerSettings, *, clock: Clock = system_clock, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.settings = settings
        self.projects = {
            project.name: ServedProject(project, limits=settings.limits, clock=clock)
            for project in settings.projects
        }
        per_s = settings.limits.requests_per_s
        self.keys = WriteKeys(
            [
                (key, Entrance(self.projects[project.name], None if per_s is None else Rate(per_s, now=now)))
                for project in settings.projects
                for key in project.write_keys
            ],
            unauthorized_status=settings.unauthorized_status,
        )

    def open(self) -> None:
        """
        Open every project's database now, so that one that cannot be used is known at once.

        Raises:
            StoreError: one cannot be opened.
        """
        for served in self.projects.values():
            served.bridge.status()

    def close(self, timeout_s: float = 10.0) -> None:
        """
        Stop: what was taken is on disk, what is not delivered stays there.
        """
        for served in self.projects.values():
            served.close(timeout_s)
