"""
The bridge that a backend embeds: Segment's calls in, Kissmetrics' requests out.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from attrs import frozen

from identity.clock import Clock, system_clock
from identity.database import Database
from identity.graph import IdentityGraph
from identity.person import GraphCounts
from identity.policy import MergePolicy
from sdkbridge.acceptance import Acceptance
from sdkbridge.background import DeliveryThread
from sdkbridge.calls import JSONObject, device_of, parse_call
from sdkbridge.delivery import Delivery
from sdkbridge.device import Device
from sdkbridge.errors import BridgeClosed, InvalidCall
from sdkbridge.ids import IdGenerator, RandomIds
from sdkbridge.kissmetrics.client import DEFAULT_URL, KissmetricsClient, Transport
from sdkbridge.kissmetrics.requests import Sending
from sdkbridge.options import MappingOptions
from sdkbridge.outbox import Outbox, OutboxCounts
from sdkbridge.receipt import Receipt
from sdkbridge.server_side import ServerSideCalls

LONGEST_PAUSE_S = 0.05
"""How long `flush` sleeps before it looks again."""


@frozen(kw_only=True)
class BridgeStatus:
    """
    How much a bridge's file holds.

    Attributes:
        graph: identities, people and links.
        outbox: requests waiting, delivered and dead.
        last_error: why the oldest waiting request was not delivered, if it was tried.
    """

    graph: GraphCounts
    outbox: OutboxCounts
    last_error: str | None


class Bridge(ServerSideCalls[Receipt]):
    """
    Takes Segment-spec calls, decides about identities, and delivers to Kissmetrics in order.

    When a call returns, it is committed to the file; a thread delivers it.

    Args:
        path: the SQLite file that keeps sessions, identities and the outbox; ``":memory:"`` keeps nothing.
        api_key: the Kissmetrics key.
        url: where Kissmetrics is.
        options: how calls are mapped to requests.
        policy: what decides about aliases; guarded by default.
        clock: the time in seconds since 1970 UTC.
        ids: what makes anonymous ids and message ids.
        transport: what carries requests; HTTP by default.
        deliver: whether to deliver as calls come; otherwise only `flush` does.

    Raises:
        StoreError: the file cannot be used.
        ValueError: the key is empty, or the URL is none.
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
        transport: Transport | None = None,
        deliver: bool = True,
    ) -> None:
        if not api_key or not api_key.strip():
            raise ValueError("api_key must not be empty")
        self._transport = transport or KissmetricsClient(url)
        self._database = Database(path)
        self.graph = IdentityGraph(self._database, policy=policy, clock=clock)
        options = options or MappingOptions()
        self._acceptance = Acceptance(
            self._database,
            self.graph,
            options=options,
            clock=clock,
            ids=ids or RandomIds(),
        )
        self._outbox = Outbox(self._database)
        sending = Sending(method=options.method, get_max_query=options.get_max_query)
        self._delivery = Delivery(self._outbox, self._transport, api_key=api_key, clock=clock, sending=sending)
        self._thread = DeliveryThread(self._delivery)
        self._deliver = deliver
        self._closed = False
        if deliver and self._outbox.counts().waiting:
            self._thread.wake()

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
            StoreError: it could not be written; nothing of it is kept.
        """
        acceptance = self._open()
        device = device_of(message) if isinstance(message, Mapping) else None
        if device is not None:
            return self.device(device).accept(message)
        return self._taken(acceptance.accept(parse_call(message)))

    def flush(self, timeout: float = 10.0) -> OutboxCounts:
        """
        Deliver what waits, and return what is left.

        Args:
            timeout: how long to try at most, in seconds.
        """
        self._open()
        deadline = time.monotonic() + timeout
        if self._deliver:
            self._thread.wake()
        while (counts := self._outbox.counts()).waiting and (left := deadline - time.monotonic()) > 0:
            if self._deliver:
                self._thread.wait_for_round(min(left, LONGEST_PAUSE_S))
            elif not self._delivery.run_once().delivered:
                time.sleep(min(left, LONGEST_PAUSE_S))
        return counts

    def status(self) -> BridgeStatus:
        """
        Return how much the file holds.
        """
        self._open()
        return BridgeStatus(
            graph=self.graph.counts(), outbox=self._outbox.counts(), last_error=self._outbox.last_error()
        )

    def close(self, timeout: float = 5.0) -> None:
        """
        Stop delivering and let go of the file; what is left stays in it. A second call does nothing.

        Args:
            timeout: how long to wait for the request on its way, in seconds.
        """
        if self._closed:
            return
        self._closed = True
        self._thread.stop(timeout)
        self._delivery.retire()
        self._delivery.close()
        self._database.close()

    def _open(self) -> Acceptance:
        if self._closed:
            raise BridgeClosed("the bridge is closed")
        return self._acceptance

    def _taken(self, receipt: Receipt) -> Receipt:
        if self._deliver and receipt.requests:
            self._thread.wake()
        return receipt
