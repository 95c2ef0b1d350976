"""
The bridge that a backend embeds: Segment's calls in, Kissmetrics' requests out.
"""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

from identity.forgetting import Forgotten
from identity.graph import IdentityGraph
from identity.links import LinkLike, Verdict
from identity.plan import Plan
from sdkbridge.calls import JSONObject
from sdkbridge.core import core_of
from sdkbridge.device import Device, device_name
from sdkbridge.errors import InvalidCall
from sdkbridge.outbox.dead_letters import DeadLetters
from sdkbridge.outbox.queue import Outbox
from sdkbridge.receipt import Receipt
from sdkbridge.refused import RefusedCalls, RefusedMessage
from sdkbridge.server_side import ServerSideCalls
from sdkbridge.settings.bridge import Arguments
from sdkbridge.status import BridgeStatus, FlushReport


class Bridge(ServerSideCalls[Receipt]):
    """
    Takes Segment-spec calls, decides about identities, and delivers to Kissmetrics in order.

    When a call returns, it is committed to the file; a thread delivers it. What is not said here comes from the
    environment, a file, or defaults: see docs/settings.md.

    Args:
        database: where sessions, identities and the outbox are kept: a SQLite file; ``"postgresql://…"``, for many
            machines; ``":memory:"`` keeps nothing.
        arguments: by their names.

            - ``api_key``, ``url``: the Kissmetrics key, and where Kissmetrics is.
            - ``profile``, ``options``: how calls are mapped to requests: a profile's name, and the options that
              differ from it, or all as `MappingOptions`.
            - ``policy``: what decides about aliases: a `MergePolicy`, or the name of one; guarded by default.
            - ``alias_grace``: how many seconds an alias waits before it is queued, and its link can be retracted.
            - ``safety``: what an accepted call survives: ``"process"``, the end of this process however sudden
              (the default on SQLite), or ``"power"``, a power cut, too (the default on PostgreSQL).
            - ``outbox_limit``: how many requests may wait; beyond, calls are refused with `OutboxFull`.
            - ``deliver``: whether to deliver as calls come; otherwise only `flush` does, or another process.
            - ``concurrency``, ``pace``, ``timeout``, ``alias_wait``: how to deliver; or all that and more as
              ``delivery``, which are `DeliverySettings`.
            - ``on_error``: told what goes wrong while delivering, in a thread of its own.
            - ``clock``: the time in seconds since 1970 UTC. ``ids``: what makes anonymous ids and message ids.
            - ``transport``: what makes an httpx transport, in place of the usual one; see `KissmetricsClient`.

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
        Who is who, and why.
        """
        return self._core.graph

    @property
    def refused(self) -> RefusedCalls:
        """
        What was refused in batches lately, and why.
        """
        return self._core.refused

    @property
    def outbox(self) -> Outbox:
        """
        The queue of requests for Kissmetrics: to look at; the bridge fills it and delivers from it.
        """
        return self._core.outbox

    @property
    def dead_letters(self) -> DeadLetters:
        """
        The requests that were given up.
        """
        return self._core.dead_letters

    def __repr__(self) -> str:
        return f"Bridge({self._core.database.path!r})"

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
        return Device(device_name(device), self._core.opened())

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
        return self._core.commit(lambda: self._core.take(message))

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
        return self._core.commit(lambda: self._core.take_batch(messages, refused=refused))

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
        verdict = self._core.aliases.approve(link, by=by, why=why)
        self._core.wake()
        return verdict

    def reject(self, link: LinkLike, *, by: str, why: str = "") -> Verdict:
        """
        Refuse what was held, because a person says so; later calls do not bring it back.

        Raises:
            InvalidDecision: there is no such link, or its identities are one person.
        """
        return self._core.aliases.reject(link, by=by, why=why)

    def approve_all(self, links: Sequence[LinkLike], *, by: str, why: str = "") -> list[Verdict]:
        """
        Approve those of some links that are held still, in one commit; return their verdicts.

        Raises:
            StoreError: they could not be written; none was approved.
        """
        verdicts = self._core.aliases.approve_all(links, by=by, why=why)
        self._core.wake()
        return verdicts

    def reject_all(self, links: Sequence[LinkLike], *, by: str, why: str = "") -> list[Verdict]:
        """
        Reject those of some links that are held still, in one commit; return their verdicts.

        Raises:
            StoreError: they could not be written; none was rejected.
        """
        return self._core.aliases.reject_all(links, by=by, why=why)

    def retract(self, link: LinkLike, *, by: str, why: str = "") -> Verdict:
        """
        Undo a merge whose alias nobody has tried to send yet; the alias is withdrawn with the decision.

        Raises:
            InvalidDecision: there is no such link, it merged nothing, or its alias has left.
        """
        return self._core.aliases.retract(link, by=by, why=why)

    def can_retract(self, link: LinkLike) -> bool:
        """
        Tell whether nobody has tried to send the alias of a merge yet, so that `retract` could undo it now.
        """
        return self._core.aliases.can_retract(link)

    def plan(self) -> Plan:
        """
        Return the aliases that Kissmetrics lacks; none unless some were decided on elsewhere, or given up.
        """
        return self._core.aliases.plan()

    def send(self, plan: Plan) -> int:
        """
        Queue the aliases of a plan that are still due; return how many those are.
        """
        queued = self._core.aliases.send(plan)
        self._core.wake()
        return queued

    def forget(self, identity: str) -> Forgotten:
        """
        Erase a person: their identities and links, the sessions of their devices, and what waits to be sent.

        So are refused calls that name them.
        Calls that name them later are taken and dropped, with the warning ``forgotten``. What was delivered before
        is Kissmetrics' to delete: the answer holds the identities to hand to it.
        """
        return self._core.aliases.forget(identity)

    def flush(self, timeout: float = 10.0) -> FlushReport:
        """
        Deliver what waits now, and return what came of it and what is left.

        What failed is not tried before its time, so a flush can take all the time that it is given.

        Args:
            timeout: how long to try at most, in seconds.

        Raises:
            BridgeClosed: the bridge was closed, be it meanwhile.
            StoreError: the outbox cannot be read in that time.
        """
        return self._core.flush(timeout)

    def check(self) -> None:
        """
        Make sure that calls could be taken now, by writing to the file.

        Raises:
            StoreError: they could not.
        """
        self._core.check()

    def status(self) -> BridgeStatus:
        """
        Return how much the file holds.
        """
        return self._core.status()

    def close(self, timeout: float = 5.0) -> None:
        """
        Stop delivering and let go of the file; what is left stays in it. A second call does nothing.

        Args:
            timeout: how long to wait for the requests on their way, in seconds. What takes longer is left to the
                thread, which lets go of the file when it ends.
        """
        self._core.close(timeout)
