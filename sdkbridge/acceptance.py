"""
Taking one call: session, identity graph, mapping and outbox, in one transaction.

Everything that a call changes commits together or not at all; when `accept` returns, it is committed.
"""

from collections.abc import Callable, Iterable, Mapping

from attrs import evolve

from identity.clock import Clock
from identity.database import Database
from identity.graph import IdentityGraph
from identity.ids import IdentityKind
from identity.links import Outcome, Verdict
from sdkbridge import session as sessions
from sdkbridge.accepted import AcceptedCalls
from sdkbridge.admission import Admitted, admit, forgotten, without_forgotten
from sdkbridge.aliases import Aliases
from sdkbridge.calls import Alias, AnyCall, Identify, Track
from sdkbridge.described import Described
from sdkbridge.ids import IdGenerator
from sdkbridge.kissmetrics.requests import ALIAS, Request
from sdkbridge.mapping import SWITCHED_OFF, map_call, wanted
from sdkbridge.options import MappingOptions
from sdkbridge.outbox import Outbox
from sdkbridge.outbox_room import OutboxRoom
from sdkbridge.proposals import Proposed, RefusedAlias, heeded, sends_alias
from sdkbridge.receipt import CallWarning, Receipt
from sdkbridge.remarks import Problem, Remarks
from sdkbridge.remembered import changed_context, without_carried_traits
from sdkbridge.session import Change, DeviceSession
from sdkbridge.sessions import SessionStore
from sdkbridge.spellings import Spellings
from sdkbridge.stamping import Stamped, identity_lane, stamp_message, stamp_on
from sdkbridge.values import flatten


class Acceptance:
    """
    The core of every bridge: what happens to a call, apart from how it came and how its requests leave.

    Args:
        database: where everything is kept.
        graph: what decides about links; it joins the same database's transactions.
        options: how calls are mapped.
        clock: the time in seconds since 1970 UTC.
        ids: what makes new ids.
        outbox_limit: how many requests may wait; None for any number.
    """

    def __init__(
        self,
        database: Database,
        graph: IdentityGraph,
        *,
        options: MappingOptions,
        clock: Clock,
        ids: IdGenerator,
        outbox_limit: int | None = None,
    ) -> None:
        self._database = database
        self._graph = graph
        self._options = options
        self._clock = clock
        self._ids = ids
        self._sessions = SessionStore(database)
        self._described = Described(database)
        self._accepted = AcceptedCalls(database, duplicate_rule=options.duplicate_rule)
        self._spellings = Spellings(database)
        self._outbox = Outbox(database)
        self.room = OutboxRoom(self._outbox, outbox_limit)
        self._aliases = Aliases(database, graph, self._outbox, clock=clock)

    def accept(self, call: AnyCall) -> Receipt:
        """
        Take a call that carries its own identities, as a server or Segment's SDKs send it.

        Raises:
            InvalidCall: it was refused; nothing of it is kept but the verdict on a refused alias.
            OutboxFull: too much waits to be delivered; nothing of it is kept.
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
            self._sessions.save(sessions.reset(before, self._anonymous_id(device)))
            return Receipt(message_id=message_id)

        return self._once(message_id, forget)

    def session(self, device: str) -> DeviceSession:
        """
        Return a device's session; the first time, it begins.
        """

        def load() -> DeviceSession:
            found = self._sessions.load(device)
            if found is None:
                found = sessions.begin(device, self._anonymous_id(device))
                self._sessions.save(found)
            return found

        return self._database.write(load)

    def _anonymous_id(self, device: str) -> str:
        made_up = self._ids.anonymous_id(device)
        self._graph.generated(made_up)
        return made_up

    def set_distinct(self, device: str, call: AnyCall) -> Receipt:
        """
        Set those properties of the person whose text differs from the one last set in this way.

        Args:
            device: the installation.
            call: an identify that names nobody; its traits are the properties.
        """
        remarks = Remarks()
        texts = self._texts(call, remarks)

        def send_changed(message_id: str) -> Receipt:
            after, changed = sessions.set_distinct(self.session(device), texts)
            if not changed:
                return Receipt(message_id=message_id, warnings=remarks.warnings())
            self._sessions.save(after)
            traits = {name: text for name, text in texts.items() if name in changed}
            receipt = self._on_device(device, Identify(traits=traits), message_id, None)
            # They are all texts by now, also those that came as numbers.
            again = {Problem.NUMBER_AS_TEXT.value, *(warning.code for warning in remarks.warnings())}
            new = (warning for warning in receipt.warnings if warning.code not in again)
            return evolve(receipt, warnings=(*remarks.warnings(), *new))

        return self._once(call.message_id, send_changed)

    def _texts(self, call: AnyCall, remarks: Remarks) -> dict[str, str]:
        """
        Return the traits of an identify as the texts that are sent.
        """
        texts: dict[str, str] = {}
        for leaf in flatten(call.traits if isinstance(call, Identify) else {}, self._options):
            for problem in (*leaf.problems, *leaf.notes):
                remarks.add(problem, leaf.name)
            if leaf.text is not None:
                texts[leaf.name] = leaf.text
        return texts

    def _once(self, message_id: str | None, take: Callable[[str], Receipt]) -> Receipt:
        """
        Take a call within one transaction, unless its message id was seen before.
        """
        self.room.check()
        known = message_id or self._ids.message_id()

        def work() -> Receipt | RefusedAlias:
            if self._graph.alias_grace:
                self._aliases.release()
            # An id that is made up here never comes again.
            if message_id is not None and not self._accepted.is_new(message_id, at_ms=self._now_ms()):
                return Receipt(message_id=known, repeated=True)
            try:
                return take(known)
            except RefusedAlias as error:
                # The one refusal that leaves something behind: its verdict, which the transaction must keep.
                self._accepted.give_up(known)
                return error

        taken = self._database.write(work)
        if isinstance(taken, RefusedAlias):
            raise taken
        self.room.take(len(taken.requests))
        return taken

    def _message(self, call: AnyCall, message_id: str) -> Receipt:
        if not wanted(call):
            return _switched_off(message_id)
        placeholders = self._graph.policy.placeholders
        admitted = self._remembered(admit(call, long_id=self._options.long_id, placeholders=placeholders))
        if admitted is None:
            return Receipt(message_id=message_id, warnings=(forgotten("userId"),))
        if self._options.drop_carried_traits:
            admitted = self._without_carried_traits(admitted)
        return self._process(stamp_message(admitted), message_id, device=None)

    def _remembered(self, admitted: Admitted) -> Admitted | None:
        if not self._graph.has_forgotten():
            return admitted
        return without_forgotten(admitted, self._graph.is_forgotten)

    def _without_carried_traits(self, admitted: Admitted) -> Admitted:
        """
        Leave out what was said of the person before under the same anonymous identity.
        """
        call = admitted.call
        if not isinstance(call, Identify) or call.anonymous_id is None or call.user_id is None:
            return admitted
        before = self._described.load(call.anonymous_id)
        admitted, texts = without_carried_traits(before, admitted, self._texts(call, Remarks()))
        after, _ = sessions.identify(before, call.user_id)
        self._described.save(sessions.describe(after, texts))
        return admitted

    def _on_device(self, device: str, call: AnyCall, message_id: str, once: sessions.Once | None) -> Receipt:
        if not wanted(call):
            return _switched_off(message_id)
        # Identities that a device's call carries count only where they name somebody.
        names = isinstance(call, Identify | Alias)
        call = evolve(call, user_id=call.user_id if names else None, anonymous_id=None)
        placeholders = self._graph.policy.placeholders
        admitted = self._remembered(
            admit(call, needs_identity=False, long_id=self._options.long_id, placeholders=placeholders)
        )
        if admitted is None:
            return Receipt(message_id=message_id, warnings=(forgotten("userId"),))
        before = self.session(device)
        texts: Mapping[str, str] = self._texts(call, Remarks())
        if self._options.drop_carried_traits:
            admitted, texts = without_carried_traits(before, admitted, texts)
        after, stamped = stamp_on(before, admitted, texts)
        if stamped.change is Change.SWITCH and not self._graph.are_one(before.identity, after.identity):
            stamped = evolve(stamped, warnings=(*stamped.warnings, _USER_SWITCH))
        if once is not None and isinstance(call, Track):
            after, first_time = sessions.record_once(after, call.event, once)
            if not first_time:
                return Receipt(message_id=message_id)
        after, context = changed_context(after, stamped.call, self._options)
        if after != before:
            self._sessions.save(after)
        return self._process(stamped, message_id, device=device, context=context)

    def _process(
        self, stamped: Stamped, message_id: str, *, device: str | None, context: Mapping[str, str] | None = None
    ) -> Receipt:
        call = stamped.call
        verdict = self._decide(heeded(stamped.proposed, call, self._options), message_id, device)
        if verdict is not None and verdict.outcome is Outcome.REFUSE and isinstance(call, Alias):
            raise RefusedAlias(verdict)
        mapped = map_call(
            call,
            alias=sends_alias(verdict, call, self._options),
            received=self._clock(),
            options=self._options,
            context=context,
        )
        moved = Remarks()
        requests = tuple(self._to_free_seconds(mapped.requests, moved))
        warnings = (
            *stamped.warnings,
            *_warned_by(verdict),
            *mapped.warnings,
            *moved.warnings(),
            *self._spellings.remarks(requests),
        )
        self._note_who(call, requests)
        queued = tuple(request for request in requests if self._queue(request, stamped, message_id))
        return Receipt(
            message_id=message_id,
            verdicts=() if verdict is None else (verdict,),
            requests=queued,
            warnings=warnings,
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

    def _to_free_seconds(self, requests: Iterable[Request], remarks: Remarks) -> Iterable[Request]:
        """
        Move an event that Kissmetrics would take for a repeat of another to the next free second.
        """
        for request in requests:
            if request.second is None or not self._options.nudge_duplicates:
                yield request
                continue
            second, alone = self._accepted.take_second(request, at_ms=self._now_ms())
            if not alone or second != request.second:
                for name in [request.name] if request.name else [name for name, _ in request.properties]:
                    remarks.add(Problem.SAME_SECOND if alone else Problem.DENSE, name)
            yield evolve(request, second=second)

    def _note_who(self, call: AnyCall, requests: tuple[Request, ...]) -> None:
        if all(request.path == ALIAS for request in requests):
            return
        name = call.user_id or call.anonymous_id
        assert name is not None  # noqa: S101 - a stamped call has an identity
        kind = IdentityKind.NAMED if call.user_id else IdentityKind.ANONYMOUS
        self._graph.seen(name, kind, at_ms=self._now_ms())

    def _queue(self, request: Request, stamped: Stamped, message_id: str) -> bool:
        """
        Queue a request; return False for an alias that waits for its grace instead.
        """
        if request.path == ALIAS:
            sides = (request.identity, request.name or "")
            other = next((identity_lane(side) for side in sides if side not in stamped.own), None)
            return self._aliases.owe(request, lane=stamped.lane, other_lane=other, call=message_id)
        self._outbox.add(request, lane=stamped.lane, other_lane=None, call=message_id, at_ms=self._now_ms())
        return True

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


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
    return Receipt(message_id=message_id, warnings=(SWITCHED_OFF,))
