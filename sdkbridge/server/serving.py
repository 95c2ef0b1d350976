"""
The projects of a running server: each with a bridge of its own, opened when it is first needed.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from attrs import frozen

from identity.clock import Clock, system_clock
from identity.errors import StoreError
from sdkbridge.bridge import Bridge
from sdkbridge.calls import JSONObject
from sdkbridge.errors import BridgeClosed, OutboxFull
from sdkbridge.refused import RefusedMessage
from sdkbridge.server.answers import put_off
from sdkbridge.server.keys import WriteKeys
from sdkbridge.server.rates import Rate, whole_seconds
from sdkbridge.server.recent import RecentCalls
from sdkbridge.server.settings import Limits, Project, ServerSettings
from sdkbridge.server.writer import GroupWriter, Outcomes, TooManyWaiting

logger = logging.getLogger("sdkbridge.server")

COUNT_FOR_S = 1.0
"""How long a count of what waits stands, before it is counted again."""

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
        now: a clock that never goes back, in seconds.
    """

    def __init__(self, project: Project, *, limits: Limits, clock: Clock, now: Callable[[], float]) -> None:
        self.project = project
        self._limits = limits
        self._clock = clock
        self._now = now
        self._lock = threading.Lock()
        self._bridge: Bridge | None = None
        self._closed = False
        self.recent = RecentCalls(clock=clock, kept=limits.recent_calls)
        self._writer = GroupWriter(self._take, most_waiting=limits.waiting_calls)
        self._waiting = 0
        self._counted = -COUNT_FOR_S

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
                )
            return self._bridge

    async def accept_batch(
        self, messages: Sequence[JSONObject], *, refused: Sequence[RefusedMessage] = ()
    ) -> Outcomes:
        """
        Take a batch; when this returns it is committed.

        Raises:
            Refusal: there is no room, or it cannot be written; nothing of it is kept.
        """
        if self.has_too_much_waiting and self._count_is_old:
            await asyncio.to_thread(self.count_waiting)
        if self.has_too_much_waiting:
            raise put_off(503, "outbox_full", "too much waits for Kissmetrics", seconds=RETRY_S)
        try:
            return await self._writer.accept_batch(messages, refused=refused)
        except OutboxFull:
            raise put_off(503, "outbox_full", "too much waits for Kissmetrics", seconds=RETRY_S) from None
        except TooManyWaiting:
            raise put_off(503, "busy", "too much waits to be written", seconds=1) from None
        except BridgeClosed:
            raise put_off(503, "stopping", "the server is stopping", seconds=RETRY_S) from None
        except StoreError as error:
            self._tell_of(error)
            raise put_off(503, "store", "the calls cannot be written just now", seconds=RETRY_S) from None

    def _tell_of(self, error: StoreError) -> None:
        # The file's path is for the log; the client is told no more than that it may come again.
        logger.error("the store failed", extra={"project": self.project.name, "problem": str(error)})

    def _take(self, messages: Sequence[JSONObject], refused: Sequence[RefusedMessage]) -> Outcomes:
        bridge = self.bridge
        outcomes = bridge.accept_batch(messages, refused=refused)
        self.recent.add(messages, outcomes, refused)
        if self._count_is_old:
            # They are committed, whatever becomes of the count.
            with suppress(StoreError):
                self.count_waiting()
        return outcomes

    @property
    def _count_is_old(self) -> bool:
        return self._now() - self._counted >= COUNT_FOR_S

    @property
    def has_too_much_waiting(self) -> bool:
        """
        Whether more requests wait for Kissmetrics than may, when they were last counted.
        """
        return self._waiting > self._limits.outbox_requests

    def count_waiting(self) -> None:
        """
        Count what waits for Kissmetrics, no further than it matters.
        """
        self._counted = self._now()
        self._waiting = self.bridge.outbox.waiting(at_most=self._limits.outbox_requests + 1)

    def close(self, timeout_s: float) -> None:
        """
        Commit what waits to be committed, and let go of the database; what is not delivered stays in it.
        """
        self._writer.stop(timeout_s)
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
            project.name: ServedProject(project, limits=settings.limits, clock=clock, now=now)
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
