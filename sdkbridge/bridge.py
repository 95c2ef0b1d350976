"""
The bridge that a backend embeds: Segment's calls in, Kissmetrics' requests out.
"""

import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from attrs import frozen

from identity.clock import Clock, system_clock
from identity.database import Database, Safety
from identity.forgetting import Forgotten
from identity.graph import IdentityGraph
from identity.links import LinkLike, Verdict
from identity.person import GraphCounts
from identity.plan import Plan
from identity.policy import MergePolicy
from sdkbridge.acceptance import Acceptance
from sdkbridge.aliases import Aliases
from sdkbridge.background import DeliveryThread
from sdkbridge.batches import BatchAcceptance
from sdkbridge.calls import JSONObject, device_of, parse_call
from sdkbridge.delivery.engine import Delivery
from sdkbridge.delivery.problems import DeliveryProblem
from sdkbridge.delivery.settings import AS_USUAL, DeliverySettings
from sdkbridge.device import Device
from sdkbridge.errors import BridgeClosed, InvalidCall
from sdkbridge.ids import IdGenerator, RandomIds
from sdkbridge.kissmetrics.client import DEFAULT_URL, KissmetricsClient
from sdkbridge.kissmetrics.requests import Sending
from sdkbridge.options import MappingOptions
from sdkbridge.outbox import Outbox, OutboxCounts
from sdkbridge.receipt import Receipt
from sdkbridge.refused import RefusedCalls, RefusedMessage
from sdkbridge.server_side import ServerSideCalls
from sdkbridge.writable import Writable

LONGEST_PAUSE_S = 0.05
"""How long `flush` sleeps before it looks again."""


@frozen(kw_only=True)
class FlushReport:
    """
    What came of a flush.

    Attributes:
        delivered: requests delivered while it lasted, by whomever.
        dead: requests given up while it lasted.
        waiting: requests that are left, those queued in the meantime included.
        last_error: why the lane that has been failing for longest was not delivered, if any is failing.
    """

    delivered: int
    dead: int
    waiting: int
    last_error: str | None = None


@frozen(kw_only=True)
class BridgeStatus:
    """
    How much a bridge's file holds.

    Attributes:
        graph: identities, people and links.
        outbox: requests waiting, delivered and dead.
        last_error: why the lane that has been failing for longest was not delivered, if any is failing.
        refused_full: calls that this bridge refused because too much was waiting.
    """

    graph: GraphCounts
    outbox: OutboxCounts
    last_error: str | None
    refused_full: int = 0


class Bridge(ServerSideCalls[Receipt]):
    """
    Takes Segment-spec calls, decides about identities, and delivers to Kissmetrics in order.

    When a call returns, it is committed to the file; a thread delivers it.

    Attributes:
        graph: who is who, and why.
        refused: what was refused in batches lately, and why.

    Args:
        path: where sessions, identities and the outbox are kept: a SQLite file; ``"postgresql://…"``, for many
            machines; ``":memory:"`` keeps nothing.
        api_key: the Kissmetrics key.
        url: where Kissmetrics is.
        options: how calls are mapped to requests.
        policy: what decides about aliases; guarded by default.
        clock: the time in seconds since 1970 UTC.
        ids: what makes anonymous ids and message ids.
        transport: what makes an httpx transport, in place of the usual one; see `KissmetricsClient`.
        deliver: whether to deliver as calls come; otherwise only `flush` does, or another process.
        delivery: how many requests at once, at which pace, and so on.
        on_error: told what goes wrong while delivering, in a thread of its own.
        outbox_limit: how many requests may wait for delivery; beyond, calls are refused with `OutboxFull`. None
            for as many as the disk holds.
        safety: what an accepted call survives: ``"process"``, the end of this process however sudden (the default
            on SQLite), or ``"power"``, a power cut, too (the default on PostgreSQL).
        alias_grace: how many seconds an alias waits before it is queued, and its link can be retracted.

    Raises:
        StoreError: the file cannot be used.
        ValueError: the key is empty, the URL is none, or a limit cannot be.
        TypeError: the transport is no asynchronous one of httpx.
    """

    def __init__(  # noqa: PLR0913 - all but the path are named at the call
        self,
        path: str | Path,
        *,
        api_key: str,
        url: str = DEFAULT_URL,
        options: MappingOptions | None = None,
        policy: MergePolicy | None = None,
        clock: Clock = system_clock,
        ids: IdGenerator | None = None,
        transport: Callable[[], object] | None = None,
        deliver: bool = True,
        delivery: DeliverySettings = AS_USUAL,
        on_error: Callable[[DeliveryProblem], object] | None = None,
        outbox_limit: int | None = None,
        safety: Safety | str | None = None,
        alias_grace: float = 0.0,
    ) -> None:
        if not api_key or not api_key.strip():
            raise ValueError("api_key must not be empty")
        client = KissmetricsClient(url, timeout_s=delivery.timeout_s, transport=transport)
        self._database = Database(path, safety=safety)
        self.graph = IdentityGraph(self._database, policy=policy, clock=clock, alias_grace=alias_grace)
        options = options or MappingOptions()
        self._acceptance = Acceptance(
            self._database,
            self.graph,
            options=options,
            clock=clock,
            ids=ids or RandomIds(),
            outbox_limit=outbox_limit,
        )
        self.refused = RefusedCalls(self._database, clock=clock)
        self._writable = Writable(self._database, clock=clock)
        self._batches = BatchAcceptance(self._database, self._take, refused=self.refused)
        self._outbox = Outbox(self._database)
        self._aliases = Aliases(self._database, self.graph, self._outbox, clock=clock)
        make_delivery = partial(
            Delivery,
            self._database,
            client.connect,
            api_key=api_key,
            clock=clock,
            settings=delivery,
            sending=Sending(method=options.method, get_max_query=options.get_max_query),
            release=self._aliases.release,
            on_problem=on_error,
        )
        self._thread = DeliveryThread(lambda ended: make_delivery(on_exchange=ended))
        weakref.finalize(self, self._thread.stop, 0.0, then=self._database.close).atexit = False
        self._deliver = deliver
        self._closed = False
        if deliver and (self._outbox.ends() is not None or self._aliases.waiting()):
            self._thread.wake()

    @property
    def outbox(self) -> Outbox:
        """
        The queue of requests for Kissmetrics: to look at; the bridge fills it and delivers from it.
        """
        return self._outbox

    def __repr__(self) -> str:
        return f"Bridge({self._database.path!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def device(self, device: str) -> Device:
        """
        Return a device by the name of its installation; its session begins when it is first used.

        Raises:
            InvalidCall: the name is empty, or no text.
        """
        self._open()
        named = device_of({"device": device})
        if named is None:
            raise InvalidCall("device", "is required", reason="required")
        return Device(named, self._open, self._taken)

    def accept(self, message: JSONObject) -> Receipt:
        """
        Take a call in Segment's spelling, as its SDKs write it.

        A member ``device`` instead of ids plays the call through that device's session, where
        ``{"type": "reset"}`` is a call too.

        Raises:
            InvalidCall: it was refused.
            OutboxFull: too much waits to be delivered; nothing of it is kept.
            StoreError: it could not be written; nothing of it is kept.
        """
        return self._taken(self._take(message))

    def accept_batch(
        self, messages: Sequence[JSONObject], *, refused: Sequence[RefusedMessage] = ()
    ) -> list[Receipt | InvalidCall]:
        """
        Take many calls in one commit, which costs far less than one each.

        A call that is refused costs the others nothing: its error takes the place of a receipt, and it is kept
        for a while with what was wrong (`refused`).

        Args:
            messages: as `accept` takes them.
            refused: what the caller refused itself, to be kept in the same way.

        Raises:
            StoreError: they could not be written; nothing of any of them is kept.
        """
        self._open()
        outcomes = self._batches.accept(messages, refused=refused)
        if self._deliver and any(isinstance(outcome, Receipt) and outcome.requests for outcome in outcomes):
            self._thread.wake()
        return outcomes

    def approve(self, link: LinkLike, *, by: str, why: str = "") -> Verdict:
        """
        Join what was held or refused, because a person says so; its alias is queued with the decision.

        Args:
            link: a verdict, a link, or its two identities.
            by: who decides.
            why: for what reason.

        Raises:
            InvalidDecision: there is no such link, or it cannot be approved.
        """
        verdict = self._deciding().approve(link, by=by, why=why)
        self._wake()
        return verdict

    def reject(self, link: LinkLike, *, by: str, why: str = "") -> Verdict:
        """
        Refuse what was held, because a person says so; later calls do not bring it back.

        Raises:
            InvalidDecision: there is no such link, or its identities are one person.
        """
        return self._deciding().reject(link, by=by, why=why)

    def retract(self, link: LinkLike, *, by: str, why: str = "") -> Verdict:
        """
        Undo a merge whose alias nobody has tried to send yet; the alias is withdrawn with the decision.

        Raises:
            InvalidDecision: there is no such link, it merged nothing, or its alias has left.
        """
        return self._deciding().retract(link, by=by, why=why)

    def plan(self) -> Plan:
        """
        Return the aliases that Kissmetrics lacks; none unless some were decided on elsewhere, or given up.
        """
        return self._deciding().plan()

    def send(self, plan: Plan) -> int:
        """
        Queue the aliases of a plan that are still due; return how many those are.
        """
        queued = self._deciding().send(plan)
        self._wake()
        return queued

    def forget(self, identity: str) -> Forgotten:
        """
        Erase a person: their identities and links, the sessions of their devices, and what waits to be sent.

        Calls that name them later are taken and dropped, with the warning ``forgotten``. What was delivered before
        is Kissmetrics' to delete: the answer holds the identities to hand to it.
        """
        return self._deciding().forget(identity)

    def _deciding(self) -> Aliases:
        self._open()
        return self._aliases

    def _wake(self) -> None:
        if self._deliver:
            self._thread.wake()

    def flush(self, timeout: float = 10.0) -> FlushReport:
        """
        Deliver what waits now, and return what came of it and what is left.

        What failed is not tried before its time, so a flush can take all the time that it is given.

        Args:
            timeout: how long to try at most, in seconds.
        """
        self._deciding().release()
        deadline = time.monotonic() + timeout
        before = self._outbox.counts()
        ends = self._outbox.ends()
        if ends is not None:
            self._thread.wake()
            while self._waits(ends[1]) and (left_s := deadline - time.monotonic()) > 0:
                self._thread.wait_for_round(min(left_s, LONGEST_PAUSE_S))
            if not self._deliver:
                self._thread.stop(max(0.0, deadline - time.monotonic()))
        after = self._outbox.counts()
        return FlushReport(
            delivered=after.delivered - before.delivered,
            dead=max(0, after.dead - before.dead),
            waiting=after.waiting,
            last_error=self._outbox.last_error(),
        )

    def _waits(self, up_to: int) -> bool:
        ends = self._outbox.ends()
        return ends is not None and ends[0] <= up_to

    def check(self) -> None:
        """
        Make sure that calls could be taken now, by writing to the file.

        Raises:
            StoreError: they could not.
        """
        self._open()
        self._writable.check()

    def status(self) -> BridgeStatus:
        """
        Return how much the file holds.
        """
        self._open()
        return BridgeStatus(
            graph=self.graph.counts(),
            outbox=self._outbox.counts(),
            last_error=self._outbox.last_error(),
            refused_full=self._acceptance.room.refused,
        )

    def close(self, timeout: float = 5.0) -> None:
        """
        Stop delivering and let go of the file; what is left stays in it. A second call does nothing.

        Args:
            timeout: how long to wait for the requests on their way, in seconds. What takes longer is left to the
                thread, which lets go of the file when it ends.
        """
        if self._closed:
            return
        self._closed = True
        self._thread.stop(timeout, then=self._database.close)

    def _take(self, message: JSONObject) -> Receipt:
        acceptance = self._open()
        device = device_of(message) if isinstance(message, Mapping) else None
        if device is not None:
            return self.device(device).accept(message)
        return acceptance.accept(parse_call(message))

    def _open(self) -> Acceptance:
        if self._closed:
            raise BridgeClosed("the bridge is closed")
        return self._acceptance

    def _taken(self, receipt: Receipt) -> Receipt:
        if receipt.requests or (receipt.verdicts and self.graph.alias_grace):
            self._wake()
        return receipt
