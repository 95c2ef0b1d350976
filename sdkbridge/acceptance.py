"""
Taking one call: session, identity graph, mapping and outbox, in one transaction.

Everything that a call changes commits together or not at all; when `accept` returns, it is committed.
"""

from collections.abc import Callable, Iterable

from attrs import evolve, frozen

from identity.clock import Clock
from identity.database import Database
from identity.graph import IdentityGraph
from identity.ids import IdentityKind
from identity.links import Outcome, Verdict
from sdkbridge import session as sessions
from sdkbridge.accepted import AcceptedCalls
from sdkbridge.admission import Admitted, admit
from sdkbridge.calls import Alias, AnyCall, Identify, JSONObject, Track
from sdkbridge.errors import InvalidCall
from sdkbridge.ids import IdGenerator
from sdkbridge.kissmetrics.requests import ALIAS, Request
from sdkbridge.mapping import map_call, wanted
from sdkbridge.options import MappingOptions
from sdkbridge.outbox import Outbox
from sdkbridge.proposals import Proposed, RefusedAlias, proposed_by
from sdkbridge.receipt import CallWarning, Receipt
from sdkbridge.session import DeviceSession
from sdkbridge.sessions import SessionStore
from sdkbridge.values import flatten


@frozen(kw_only=True)
class Stamped:
    """
    A call under the identities that it goes by, and the link that it proposes.

    Attributes:
        call: the call, its identities filled in.
        lane: whose order its requests keep.
        proposed: the link, if it proposes one.
        warnings: what the sender should look at.
    """

    call: AnyCall
    lane: str
    proposed: Proposed | None = None
    warnings: tuple[CallWarning, ...] = ()


class Acceptance:
    """
    The core of every bridge: what happens to a call, apart from how it came and how its requests leave.

    Args:
        database: where everything is kept.
        graph: what decides about links; it joins the same database's transactions.
        options: how calls are mapped.
        clock: the time in seconds since 1970 UTC.
        ids: what makes new ids.
    """

    def __init__(
        self,
        database: Database,
        graph: IdentityGraph,
        *,
        options: MappingOptions,
        clock: Clock,
        ids: IdGenerator,
    ) -> None:
        self._database = database
        self._graph = graph
        self._options = options
        self._clock = clock
        self._ids = ids
        self._sessions = SessionStore(database)
        self._accepted = AcceptedCalls(database)
        self._outbox = Outbox(database)

    def accept(self, call: AnyCall) -> Receipt:
        """
        Take a call that carries its own identities, as a server or Segment's SDKs send it.

        Raises:
            InvalidCall: it was refused; nothing of it is kept but the verdict on a refused alias.
            StoreError: it could not be written; nothing of it is kept.
        """
        return self._once(call.message_id, lambda message_id: self._message(call, message_id))

    def accept_on(self, device: str, call: AnyCall, *, once: sessions.Once | None = None) -> Receipt:
        """
        Take a call made on a device, under the identity of its session.

        Args:
            device: the installation.
            call: the call; identities in it count only where they name somebody new.
            once: how often the event of a track is recorded at most.

        Raises:
            InvalidCall: it was refused.
            StoreError: it could not be written.
        """
        return self._once(call.message_id, lambda message_id: self._on_device(device, call, message_id, once))

    def reset(self, device: str, *, message_id: str | None = None) -> Receipt:
        """
        Forget who uses a device: a new anonymous identity; what is queued stays queued.
        """

        def forget(message_id: str) -> Receipt:
            before = self.session(device)
            self._sessions.save(sessions.reset(before, self._ids.anonymous_id(device)))
            return Receipt(message_id=message_id)

        return self._once(message_id, forget)

    def session(self, device: str) -> DeviceSession:
        """
        Return a device's session; the first time, it begins.
        """
        if not device.strip():
            raise InvalidCall("device", "must not be empty", reason="required")
        with self._database.transaction():
            found = self._sessions.load(device)
            if found is None:
                found = sessions.begin(device, self._ids.anonymous_id(device))
                self._sessions.save(found)
            return found

    def set_distinct(self, device: str, properties: JSONObject, *, message_id: str | None = None) -> Receipt:
        """
        Set those properties of the person whose text differs from the one last set in this way.
        """
        leaves = flatten(properties, self._options)
        texts = {leaf.name: leaf.text for leaf in leaves if leaf.text is not None}

        def send_changed(message_id: str) -> Receipt:
            after, changed = sessions.set_distinct(self.session(device), texts)
            if not changed:
                return Receipt(message_id=message_id)
            self._sessions.save(after)
            traits = {name: text for name, text in texts.items() if name in changed}
            return self._on_device(device, Identify(traits=traits), message_id, None)

        return self._once(message_id, send_changed)

    def _once(self, message_id: str | None, take: Callable[[str], Receipt]) -> Receipt:
        """
        Take a call within one transaction, unless its message id was seen before.
        """
        known = message_id or self._ids.message_id()
        refused: InvalidCall | None = None
        receipt = Receipt(message_id=known)
        with self._database.transaction():
            if message_id is not None and self._accepted.is_repeat(message_id):
                return Receipt(message_id=known, repeated=True)
            try:
                receipt = take(known)
            except RefusedAlias as error:
                # The one refusal that leaves something behind: its verdict, which the transaction must keep.
                refused = error
            else:
                self._accepted.remember(known, at_ms=self._now_ms())
        if refused is not None:
            raise refused
        return receipt

    def _message(self, call: AnyCall, message_id: str) -> Receipt:
        if not wanted(call):
            return _switched_off(message_id)
        admitted = admit(call)
        call = admitted.call
        lane = call.anonymous_id or call.user_id
        assert lane is not None  # noqa: S101 - an admitted call has an identity
        stamped = Stamped(
            call=call,
            lane=f"identity {lane}",
            proposed=proposed_by(call, admitted.refused_user_id),
            warnings=admitted.warnings,
        )
        return self._process(stamped, message_id, device=None)

    def _on_device(self, device: str, call: AnyCall, message_id: str, once: sessions.Once | None) -> Receipt:
        if not wanted(call):
            return _switched_off(message_id)
        before = self.session(device)
        admitted = admit(evolve(call, anonymous_id=None), needs_identity=False)
        after, stamped = _stamp(before, admitted)
        if after.switched and not self._graph.are_one(before.identity, after.identity):
            stamped = evolve(stamped, warnings=(*stamped.warnings, _USER_SWITCH))
        if once is not None and isinstance(call, Track):
            after, first_time = sessions.record_once(after, call.event, once)
            if not first_time:
                return Receipt(message_id=message_id)
        if after != before:
            self._sessions.save(after)
        return self._process(stamped, message_id, device=device)

    def _process(self, stamped: Stamped, message_id: str, *, device: str | None) -> Receipt:
        call = stamped.call
        verdict = self._decide(stamped.proposed, message_id, device)
        if verdict is not None and verdict.outcome is Outcome.REFUSE and isinstance(call, Alias):
            raise RefusedAlias(verdict)
        alias = verdict is not None and verdict.outcome is Outcome.MERGE
        mapped = map_call(call, alias=alias, received=self._clock(), options=self._options)
        warnings = [*stamped.warnings, *mapped.warnings, *_warned_by(verdict)]
        requests = tuple(self._spread(mapped.requests, warnings))
        self._note_who(call, requests)
        for request in requests:
            self._queue(request, stamped.lane, message_id)
        return Receipt(
            message_id=message_id,
            verdicts=() if verdict is None else (verdict,),
            requests=requests,
            warnings=tuple(warnings),
        )

    def _decide(self, proposed: Proposed | None, message_id: str, device: str | None) -> Verdict | None:
        if proposed is None:
            return None
        return self._graph.link(
            proposed.older,
            proposed.newer,
            kind=proposed.kind,
            at_ms=self._now_ms(),
            call=message_id,
            device=device,
        )

    def _spread(self, requests: Iterable[Request], warnings: list[CallWarning]) -> Iterable[Request]:
        """
        Move an event that Kissmetrics would take for a repeat of another to the next free second.
        """
        for request in requests:
            if request.second is None:
                yield request
                continue
            second, alone = self._accepted.take_second(request)
            if not alone:
                warnings.append(
                    CallWarning("dense", f"no free second near {request.second} for the event {request.name!r}")
                )
            yield evolve(request, second=second)

    def _note_who(self, call: AnyCall, requests: tuple[Request, ...]) -> None:
        if all(request.path == ALIAS for request in requests):
            return
        name = call.user_id or call.anonymous_id
        assert name is not None  # noqa: S101 - a stamped call has an identity
        kind = IdentityKind.NAMED if call.user_id else IdentityKind.ANONYMOUS
        self._graph.seen(name, kind, at_ms=self._now_ms())

    def _queue(self, request: Request, lane: str, message_id: str) -> None:
        other = None
        if request.path == ALIAS:
            sides = [f"identity {side}" for side in (request.identity, request.name)]
            other = next((side for side in sides if side != lane), None)
        self._outbox.add(request, lane=lane, other_lane=other, call=message_id, at_ms=self._now_ms())

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _stamp(before: DeviceSession, admitted: Admitted) -> tuple[DeviceSession, Stamped]:
    """
    Put a device's call under its session's identities, as the SDK on the device would.
    """
    call, after = admitted.call, before
    if isinstance(call, Identify):
        after, _ = sessions.identify(before, call.user_id)
        after = sessions.describe(after, call.traits)
    if isinstance(call, Alias):
        call = evolve(call, previous_id=call.previous_id or before.identity)
    else:
        call = evolve(call, user_id=after.user_id, anonymous_id=after.anonymous_id)
    # Once a second person was named without a reset, the anonymous identity says nothing of either.
    silent = isinstance(call, Identify) and after.switched
    return after, Stamped(
        call=call,
        lane=f"device {before.device}",
        proposed=None if silent else proposed_by(call, admitted.refused_user_id),
        warnings=admitted.warnings,
    )


_USER_SWITCH = CallWarning(
    "user_switch_without_reset",
    "somebody else was identified on a device that was not reset; the two are not joined",
)


def _warned_by(verdict: Verdict | None) -> list[CallWarning]:
    if verdict is None:
        return []
    link = verdict.link
    return [
        CallWarning(code, f"{link.older!r} and {link.newer!r} both have events or properties of their own")
        for code in verdict.warnings
    ]


def _switched_off(message_id: str) -> Receipt:
    warning = CallWarning("switched_off", "the call's integrations switch Kissmetrics off; nothing was sent")
    return Receipt(message_id=message_id, warnings=(warning,))
