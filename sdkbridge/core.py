"""
What both bridges are: everything but whether the caller waits for a commit, or awaits it.
"""

import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Self, TypeVar

from identity.clock import Clock, system_clock
from identity.database import Database
from identity.errors import StoreError
from identity.graph import IdentityGraph
from sdkbridge.acceptance.batches import BatchAcceptance
from sdkbridge.acceptance.messages import Acceptance
from sdkbridge.acceptance.proposals import RefusedAlias
from sdkbridge.acceptance.unit_of_work import UnitOfWork
from sdkbridge.aliases import Aliases
from sdkbridge.background import DeliveryThread
from sdkbridge.calls import JSONObject, device_of, is_reset, message_id_of
from sdkbridge.delivery.engine import Delivery
from sdkbridge.delivery.problems import DeliveryProblem
from sdkbridge.errors import BridgeClosed, InvalidCall
from sdkbridge.flushing import Flushing, seconds_of
from sdkbridge.ids import IdGenerator, RandomIds
from sdkbridge.kissmetrics.client import KissmetricsClient
from sdkbridge.kissmetrics.requests import Sending
from sdkbridge.outbox.dead_letters import DeadLetters
from sdkbridge.outbox.queue import Outbox
from sdkbridge.receipt import Receipt
from sdkbridge.refused import RefusedCalls, RefusedMessage
from sdkbridge.sessions.session import Once
from sdkbridge.settings.bridge import Arguments, BridgeSettings, bridge_settings
from sdkbridge.status import BridgeStatus, FlushReport
from sdkbridge.writable import Writable

Outcome = TypeVar("Outcome")


class BridgeCore:
    """
    Takes calls, keeps them, and delivers what comes of them.

    Args:
        settings: what it is made of.
        clock: the time in seconds since 1970 UTC.
        ids: what makes anonymous ids and message ids.
        transport: what makes an httpx transport, in place of the usual one.
        on_error: told what goes wrong while delivering.
    """

    def __init__(
        self,
        settings: BridgeSettings,
        *,
        clock: Clock | None = None,
        ids: IdGenerator | None = None,
        transport: Callable[[], object] | None = None,
        on_error: Callable[[DeliveryProblem], object] | None = None,
    ) -> None:
        clock = clock or system_clock
        client = KissmetricsClient(settings.url, timeout_s=settings.delivery.timeout_s, transport=transport)
        self.database = Database(settings.database, safety=settings.safety)
        self.graph = IdentityGraph(
            self.database, policy=settings.policy, clock=clock, alias_grace=settings.alias_grace
        )
        self.acceptance = Acceptance(
            self.database,
            self.graph,
            options=settings.options,
            clock=clock,
            ids=ids or RandomIds(),
            outbox_limit=settings.outbox_limit,
        )
        self.refused = RefusedCalls(self.database, clock=clock)
        self.outbox = Outbox(self.database)
        self.dead_letters = DeadLetters(self.database)
        self._writable = Writable(self.database, clock=clock)
        self._batches = BatchAcceptance(self.database, self.acceptance.taking, self.take, refused=self.refused)
        self._aliases = Aliases(self.database, self.graph, self.outbox, clock=clock)
        make_delivery = partial(
            Delivery,
            self.database,
            client.connect,
            api_key=settings.api_key,
            clock=clock,
            settings=settings.delivery,
            sending=Sending(method=settings.options.method, get_max_query=settings.options.get_max_query),
            release=self._aliases.release,
            on_problem=on_error,
        )
        self._thread = DeliveryThread(lambda ended: make_delivery(on_exchange=ended))
        weakref.finalize(self, self._thread.end, 0.0, then=self.database.close).atexit = False
        self._deliver = settings.deliver
        self._closed = False
        self._flushing = Flushing(
            self.database, self.outbox, self._aliases, self._thread, stop_after=not self._deliver
        )
        if self._deliver:
            client.make_ready()
        if self._deliver and (self.outbox.ends() is not None or self._aliases.waiting()):
            self.wake()

    def opened(self) -> Self:
        """
        Return the core unless it was closed.

        Raises:
            BridgeClosed: it was.
        """
        if self._closed:
            raise BridgeClosed("the bridge is closed")
        return self

    @property
    def aliases(self) -> Aliases:
        """
        What is done about aliases by hand.
        """
        return self.opened()._aliases  # noqa: SLF001 - its own

    def take(self, message: JSONObject, unit: UnitOfWork | None = None) -> Receipt:
        """
        Take a call in Segment's spelling, through a device's session if it names one.

        Args:
            message: the call.
            unit: where what it leaves behind is gathered with what others do; by itself if there is none.
        """
        device = device_of(message) if type(message) is dict or isinstance(message, Mapping) else None
        if device is not None:
            return self.take_on(device, message, unit)
        return self.acceptance.accept(message, unit=unit)

    def take_on(self, device: str, message: JSONObject, unit: UnitOfWork | None = None) -> Receipt:
        """
        Take a call through a device's session.
        """
        if is_reset(message):
            return self.acceptance.devices.reset(device, message_id=message_id_of(message), unit=unit)
        return self.acceptance.devices.accept(device, message, once=_once(message.get("once")), unit=unit)

    def take_batch(
        self, messages: Sequence[JSONObject], *, refused: Sequence[RefusedMessage] = ()
    ) -> list[Receipt | InvalidCall]:
        """
        Take many calls in one commit, each for itself.
        """
        return self._batches.accept(messages, refused=refused)

    def commit(self, work: Callable[[], Outcome]) -> Outcome:
        """
        Do what takes calls, and have it delivered; when this returns it is committed.
        """
        outcome = self._unless_closed(work)
        self._deliver_what_came_of(outcome)
        return outcome

    def submit(self, work: Callable[[], Outcome]) -> "Future[Outcome | RefusedAlias]":
        """
        Have another thread do what takes a call, in one commit with all that waits for it.

        The future is done once that is committed. A refused alias is an outcome, since its verdict is kept.
        """

        def keeping_verdicts() -> Outcome | RefusedAlias:
            try:
                return work()
            except RefusedAlias as error:
                return error

        future = self._unless_closed(lambda: self.database.submit(keeping_verdicts))
        # Not left to whoever waits for it: they may have been cancelled.
        future.add_done_callback(self._deliver_once_committed)
        return future

    def submit_batch(
        self, messages: Sequence[JSONObject], refused: Sequence[RefusedMessage]
    ) -> "Future[list[Receipt | InvalidCall]]":
        """
        Have another thread take many calls, as one batch with all batches that wait for it.
        """
        future = self._unless_closed(
            lambda: self.database.submit_to(self._take_batches, (messages, refused), size=len(messages))
        )
        future.add_done_callback(self._deliver_once_committed)
        return future

    def _unless_closed(self, work: Callable[[], Outcome]) -> Outcome:
        """
        Do something with the database.

        Raises:
            BridgeClosed: the bridge was closed, be it meanwhile; nothing was written.
        """
        self.opened()
        try:
            return work()
        except StoreError as error:
            if not self._closed:
                raise
            raise BridgeClosed("the bridge was closed meanwhile") from error

    def _take_batches(
        self, batches: Sequence[tuple[Sequence[JSONObject], Sequence[RefusedMessage]]]
    ) -> list[list[Receipt | InvalidCall]]:
        messages = [message for batch, _ in batches for message in batch]
        outcomes = iter(self.take_batch(messages, refused=[one for _, refused in batches for one in refused]))
        return [list(islice(outcomes, len(batch))) for batch, _ in batches]

    def _deliver_once_committed(self, future: "Future[Outcome]") -> None:
        if future.exception() is None:
            self._deliver_what_came_of(future.result())

    def _deliver_what_came_of(self, outcome: object) -> None:
        if not self._deliver:
            return
        for receipt in outcome if isinstance(outcome, list) else (outcome,):
            if isinstance(receipt, Receipt) and (
                receipt.requests or (receipt.verdicts and self.graph.alias_grace)
            ):
                self.wake()
                return

    def wake(self) -> None:
        """
        Deliver what waits now, unless that is left to others.
        """
        if self._deliver and not self._closed:
            self._thread.wake()

    def flush(self, timeout: float) -> FlushReport:
        """
        Deliver what waits now, for so many seconds at most.
        """
        seconds = seconds_of(timeout)
        return self._unless_closed(lambda: self._flushing.flush(seconds))

    def check(self) -> None:
        """
        Make sure that calls could be taken now, by writing to the file.
        """
        self.opened()._writable.check()  # noqa: SLF001 - its own

    def status(self) -> BridgeStatus:
        """
        Return how much the file holds.
        """
        self.opened()
        return BridgeStatus(
            graph=self.graph.counts(),
            outbox=self.outbox.counts(),
            last_error=self.outbox.last_error(),
            refused_full=self.acceptance.taking.room.refused,
        )

    def close(self, timeout: float) -> None:
        """
        Stop delivering and let go of the file; a second call does nothing.
        """
        if self._closed:
            return
        seconds = seconds_of(timeout)
        self._closed = True
        self._thread.end(seconds, then=self.database.close)


def _once(value: object) -> Once | None:
    try:
        return None if value is None else Once(str(value))
    except ValueError:
        raise InvalidCall("once", f"must be one of {', '.join(Once)}") from None


def core_of(database: str | Path | None, arguments: Arguments) -> BridgeCore:
    """
    Make the core of a bridge from what its maker says, and its settings.
    """
    return BridgeCore(
        bridge_settings(database, arguments),
        clock=arguments.get("clock"),
        ids=arguments.get("ids"),
        transport=arguments.get("transport"),
        on_error=arguments.get("on_error"),
    )
