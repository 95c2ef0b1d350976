"""
The bridge for programs on asyncio: the same calls, which are awaited.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, Unpack

from identity.forgetting import Forgotten
from identity.graph import IdentityGraph
from identity.links import LinkLike, Verdict
from identity.plan import Plan
from sdkbridge.async_device import AsyncDevice
from sdkbridge.awaiting import committed, in_a_thread
from sdkbridge.bridge import Bridge
from sdkbridge.calls import JSONObject
from sdkbridge.core import core_of
from sdkbridge.device import device_name
from sdkbridge.errors import InvalidCall
from sdkbridge.flushing import seconds_of
from sdkbridge.outbox.dead_letters import DeadLetters
from sdkbridge.outbox.queue import Outbox
from sdkbridge.receipt import Receipt
from sdkbridge.refused import RefusedCalls, RefusedMessage
from sdkbridge.server_side import ServerSideCalls
from sdkbridge.settings.bridge import Arguments
from sdkbridge.status import BridgeStatus, FlushReport

LET_GO_S = 1.0
"""How long `close` waits, beyond its time, for the last commits."""

Result = TypeVar("Result")


class AsyncBridge(ServerSideCalls[Awaitable[Receipt]]):
    """
    A `Bridge` whose calls are awaited; names, arguments and promises are the same.

    Nothing that is awaited holds up the event loop, and a call that was awaited is committed. Calls that wait at
    the same moment share a commit. A task that is cancelled while it waits cannot tell whether its call was
    committed: it is kept whole or not at all, and may be repeated under the same message id.

    What is not awaited works at once: making one opens the database, and ``graph``, ``refused`` and ``outbox``, as
    those of a `Bridge`, read it. It belongs to no event loop, and can be made before one runs and before a fork.

    Args:
        database: as for `Bridge`.
        arguments: as for `Bridge`.

    Raises:
        InvalidSetting: a value cannot be, or there is no database or no key.
        StoreError: the file cannot be used.
        TypeError: an argument does not exist, ``on_error`` cannot be called, or the transport is no asynchronous
            one of httpx.
    """

    def __init__(self, database: str | Path | None = None, **arguments: Unpack[Arguments]) -> None:
        self._core = core_of(database, arguments)

    @property
    def graph(self) -> IdentityGraph:
        """
        Who is who, and why; its methods are not awaited.
        """
        return self._core.graph

    @property
    def refused(self) -> RefusedCalls:
        """
        What was refused in batches lately, and why; its methods are not awaited.
        """
        return self._core.refused

    @property
    def outbox(self) -> Outbox:
        """
        The queue of requests for Kissmetrics, to look at; its methods are not awaited.
        """
        return self._core.outbox

    @property
    def dead_letters(self) -> DeadLetters:
        """
        The requests that were given up; its methods are not awaited.
        """
        return self._core.dead_letters

    def __repr__(self) -> str:
        return f"AsyncBridge({self._core.database.path!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def device(self, device: str) -> AsyncDevice:
        """
        Return a device by the name of its installation; its session begins when it is first used.

        Raises:
            InvalidCall: the name is empty, or no text.
        """
        return AsyncDevice(device_name(device), self._core.opened())

    async def accept(self, message: JSONObject) -> Receipt:
        """
        Take a call in Segment's spelling, as `Bridge.accept` does.

        Raises:
            InvalidCall: it was refused.
            OutboxFull: too much waits to be delivered; nothing of it is kept.
            StoreError: it could not be written; nothing of it is kept.
        """
        return await committed(self._core, partial(self._core.take, message))

    async def accept_batch(
        self, messages: Sequence[JSONObject], *, refused: Sequence[RefusedMessage] = ()
    ) -> list[Receipt | InvalidCall]:
        """
        Take many calls in one commit, as `Bridge.accept_batch` does.

        Raises:
            StoreError: they could not be written; nothing of any of them is kept.
        """
        return await asyncio.wrap_future(self._core.submit_batch(messages, refused))

    async def approve(self, link: LinkLike, *, by: str, why: str = "") -> Verdict:
        """
        Join what was held or refused, because a person says so; its alias is queued with the decision.
        """
        return await self._decided(partial(self._core.aliases.approve, link, by=by, why=why))

    async def reject(self, link: LinkLike, *, by: str, why: str = "") -> Verdict:
        """
        Refuse what was held, because a person says so; later calls do not bring it back.
        """
        return await self._decided(partial(self._core.aliases.reject, link, by=by, why=why))

    async def approve_all(self, links: Sequence[LinkLike], *, by: str, why: str = "") -> list[Verdict]:
        """
        Approve those of some links that are held still, in one commit; return their verdicts.
        """
        return await self._decided(partial(self._core.aliases.approve_all, links, by=by, why=why))

    async def reject_all(self, links: Sequence[LinkLike], *, by: str, why: str = "") -> list[Verdict]:
        """
        Reject those of some links that are held still, in one commit; return their verdicts.
        """
        return await self._decided(partial(self._core.aliases.reject_all, links, by=by, why=why))

    async def retract(self, link: LinkLike, *, by: str, why: str = "") -> Verdict:
        """
        Undo a merge whose alias nobody has tried to send yet; the alias is withdrawn with the decision.
        """
        return await self._decided(partial(self._core.aliases.retract, link, by=by, why=why))

    async def can_retract(self, link: LinkLike) -> bool:
        """
        Tell whether nobody has tried to send the alias of a merge yet, so that `retract` could undo it now.
        """
        return await in_a_thread(partial(self._core.aliases.can_retract, link))

    async def plan(self) -> Plan:
        """
        Return the aliases that Kissmetrics lacks; none unless some were decided on elsewhere, or given up.
        """
        return await in_a_thread(self._core.aliases.plan)

    async def send(self, plan: Plan) -> int:
        """
        Queue the aliases of a plan that are still due; return how many those are.
        """
        return await self._decided(partial(self._core.aliases.send, plan))

    async def forget(self, identity: str) -> Forgotten:
        """
        Erase a person, as `Bridge.forget` does.
        """
        return await in_a_thread(partial(self._core.aliases.forget, identity))

    async def _decided(self, decide: Callable[[], Result]) -> Result:
        def and_deliver() -> Result:
            decision = decide()
            self._core.wake()
            return decision

        return await in_a_thread(and_deliver)

    async def flush(self, timeout: float = 10.0) -> FlushReport:
        """
        Deliver what waits now, and return what came of it and what is left.

        Args:
            timeout: how long to try at most, in seconds.

        Raises:
            BridgeClosed: the bridge was closed, be it meanwhile.
            StoreError: the outbox cannot be read in that time.
        """
        return await in_a_thread(partial(self._core.flush, timeout))

    async def check(self) -> None:
        """
        Make sure that calls could be taken now, by writing to the file.

        Raises:
            StoreError: they could not.
        """
        await in_a_thread(self._core.check)

    async def status(self) -> BridgeStatus:
        """
        Return how much the file holds.
        """
        return await in_a_thread(self._core.status)

    async def close(self, timeout: float = 5.0) -> None:
        """
        Commit what was handed in, stop delivering and let go of the file. A second call does nothing.

        Args:
            timeout: how long to wait for the requests on their way, in seconds. What takes longer is left to a
                thread, which lets go of the file when it ends.
        """
        seconds = seconds_of(timeout)
        closing = asyncio.ensure_future(in_a_thread(partial(self._core.close, seconds)))
        # Nobody who cancels the caller shall leave the file half closed, and no lock shall hold up the caller.
        done, _ = await asyncio.wait({closing}, timeout=seconds + LET_GO_S)
        for closed in done:
            closed.result()


def awaited(bridge: Bridge) -> AsyncBridge:
    """
    Return a bridge whose calls are awaited and which is another one's twin: closing either closes both.
    """
    twin = AsyncBridge.__new__(AsyncBridge)
    twin._core = bridge._core  # noqa: SLF001 - twins share it
    return twin
