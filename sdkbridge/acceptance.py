"""
Taking one call: session, identity graph, mapping and outbox, in one transaction.

Everything that a call changes commits together or not at all; when `accept` returns, it is committed.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager

from attrs import evolve

from identity.clock import Clock
from identity.database import Database
from identity.graph import IdentityGraph
from sdkbridge import session as sessions
from sdkbridge.accepted import AcceptedCalls
from sdkbridge.admission import Admitted, admit, forgotten, without_forgotten
from sdkbridge.aliases import Aliases
from sdkbridge.calls import Alias, AnyCall, Identify, JSONObject, Track, parse_call
from sdkbridge.described import Described
from sdkbridge.ids import IdGenerator
from sdkbridge.mapping import SWITCHED_OFF, wanted
from sdkbridge.options import MappingOptions
from sdkbridge.outbox import Outbox
from sdkbridge.outbox_room import OutboxRoom
from sdkbridge.processing import Arrival, Processing
from sdkbridge.proposals import RefusedAlias
from sdkbridge.receipt import CallWarning, Receipt
from sdkbridge.remarks import Problem, Remarks
from sdkbridge.remembered import changed_context, without_carried_traits
from sdkbridge.session import Change, DeviceSession
from sdkbridge.sessions import SessionStore
from sdkbridge.spellings import Named, Spellings
from sdkbridge.stamping import stamp_message, stamp_on
from sdkbridge.unit_of_work import UnitOfWork
from sdkbridge.usual_tracks import UsualTrack, UsualTracks
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
        self._outbox = Outbox(database)
        self.room = OutboxRoom(self._outbox, outbox_limit)
        self._aliases = Aliases(database, graph, self._outbox, clock=clock)
        self._usual_tracks = UsualTracks(options, graph.policy.placeholders)
        self._processing = Processing(graph, options=options, spellings=Spellings(database), aliases=self._aliases)

    @contextmanager
    def together(
        self, message_ids: Collection[str], *, trusting: bool = False, learned: set[Named] | None = None
    ) -> Iterator[UnitOfWork]:
        """
        Write down together what the calls leave behind that are taken with what this yields.

        Call it within a transaction. A signal handler that interrupts it writes for itself.

        Args:
            message_ids: those of the calls, as far as they are known.
            trusting: whether seconds are taken to be free, as nearly all are.
            learned: the names that were new earlier in the transaction.

        Raises:
            CrowdedSecondError: one of them was not.
        """
        now_ms = int(self._clock() * 1000)
        unit = UnitOfWork(
            self._graph,
            self._outbox,
            self._accepted,
            message_ids=message_ids,
            at_ms=now_ms,
            trusting=trusting,
            learned=learned,
        )
        yield unit
        unit.end()

    def accept(self, message: JSONObject, *, unit: UnitOfWork | None = None) -> Receipt:
        """
        Take a call that carries its own identities, as a server or Segment's SDKs send it.

        Args:
            message: the call in Segment's spelling.
            unit: where what it leaves behind is gathered with what others do; see `together`.

        Raises:
            InvalidCall: it was refused; nothing of it is kept but the verdict on a refused alias.
            OutboxFull: too much waits to be delivered; nothing of it is kept.
            StoreError: it could not be written; nothing of it is kept.
        """
        track = self._usual_tracks.of(message)
        if track is not None:
            return self._once(track.message_id, lambda arrival: self._usual_track(track, arrival), unit)
        call = parse_call(message)
        return self._once(call.message_id, lambda arrival: self._message(call, arrival), unit)

    def accept_on(
        self, device: str, call: AnyCall, *, once: sessions.Once | None = None, unit: UnitOfWork | None = None
    ) -> Receipt:
        """
        Take a call made on a device, under the identity of its session.

        Args:
            device: the installation.
            call: the call; identities in it count only where they name somebody new.
            once: how often the event of a track is recorded at most.
            unit: as for `accept`.

        Raises:
            InvalidCall: it was refused.
            StoreError: it could not be written.
        """
        return self._once(call.message_id, lambda arrival: self._on_device(device, call, arrival, once), unit)

    def reset(self, device: str, *, message_id: str | None = None, unit: UnitOfWork | None = None) -> Receipt:
        """
        Forget who uses a device: a new anonymous identity; what is queued stays queued.
        """

        def forget(arrival: Arrival) -> Receipt:
            arrival.unit.write()
            before = self._session_for(device, arrival)
            self._sessions.save(sessions.reset(before, self._anonymous_id(device)))
            return Receipt(message_id=arrival.message_id)

        return self._once(message_id, forget, unit)

    def _session_for(self, device: str, arrival: Arrival) -> DeviceSession:
        found = self._sessions.load(device)
        if found is not None:
            return found
        arrival.unit.write()
        return self.session(device)

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

        def send_changed(arrival: Arrival) -> Receipt:
            after, changed = sessions.set_distinct(self._session_for(device, arrival), texts)
            if not changed:
                return Receipt(message_id=arrival.message_id, warnings=remarks.warnings())
            self._sessions.save(after)
            traits = {name: text for name, text in texts.items() if name in changed}
            receipt = self._on_device(device, Identify(traits=traits), arrival, None)
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

    def _once(
        self, message_id: str | None, take: Callable[[Arrival], Receipt], joined: UnitOfWork | None = None
    ) -> Receipt:
        """
        Take a call within one transaction, unless its message id was seen before.
        """
        self.room.check()

        def alone() -> Receipt | RefusedAlias:
            unit = UnitOfWork(self._graph, self._outbox, self._accepted)
            taken = self._take(message_id, take, unit)
            unit.end()
            return taken

        taken = self._database.write(alone) if joined is None else self._take(message_id, take, joined)
        if isinstance(taken, RefusedAlias):
            raise taken
        self.room.take(len(taken.requests))
        return taken

    def _take(
        self, message_id: str | None, take: Callable[[Arrival], Receipt], unit: UnitOfWork
    ) -> Receipt | RefusedAlias:
        # An id that is made up here never comes again.
        now = self._clock()
        arrival = Arrival(message_id or self._ids.message_id(), now, int(now * 1000), unit)
        if self._graph.alias_grace and not unit.released:
            unit.released = True
            self._aliases.release()
        if message_id is not None and not unit.is_new(message_id, at_ms=arrival.at_ms):
            return Receipt(message_id=message_id, repeated=True)
        try:
            receipt = take(arrival)
        except RefusedAlias as error:
            # The one refusal that leaves something behind: its verdict, which the transaction must keep.
            unit.give_up(arrival.message_id)
            return error
        unit.keep(arrival.message_id)
        return receipt

    def _usual_track(self, track: UsualTrack, arrival: Arrival) -> Receipt:
        request = None if arrival.unit.has_forgotten() else track.request(arrival.received)
        if request is None:
            return self._message(parse_call(track.message), arrival)
        return self._processing.record(track, request, arrival)

    def _message(self, call: AnyCall, arrival: Arrival) -> Receipt:
        if not wanted(call):
            return _switched_off(arrival)
        placeholders = self._graph.policy.placeholders
        admitted = self._remembered(admit(call, long_id=self._options.long_id, placeholders=placeholders), arrival)
        if admitted is None:
            return Receipt(message_id=arrival.message_id, warnings=(forgotten("userId"),))
        if self._options.drop_carried_traits:
            admitted = self._without_carried_traits(admitted, arrival)
        return self._processing.process(stamp_message(admitted), arrival, device=None)

    def _remembered(self, admitted: Admitted, arrival: Arrival) -> Admitted | None:
        if not arrival.unit.has_forgotten():
            return admitted
        return without_forgotten(admitted, self._graph.is_forgotten)

    def _without_carried_traits(self, admitted: Admitted, arrival: Arrival) -> Admitted:
        """
        Leave out what was said of the person before under the same anonymous identity.
        """
        call = admitted.call
        if not isinstance(call, Identify) or call.anonymous_id is None or call.user_id is None:
            return admitted
        before = self._described.load(call.anonymous_id)
        admitted, texts = without_carried_traits(before, admitted, self._texts(call, Remarks()))
        after, _ = sessions.identify(before, call.user_id)
        arrival.unit.write()
        self._described.save(sessions.describe(after, texts))
        return admitted

    def _on_device(self, device: str, call: AnyCall, arrival: Arrival, once: sessions.Once | None) -> Receipt:
        if not wanted(call):
            return _switched_off(arrival)
        # Identities that a device's call carries count only where they name somebody.
        names = isinstance(call, Identify | Alias)
        call = evolve(call, user_id=call.user_id if names else None, anonymous_id=None)
        placeholders = self._graph.policy.placeholders
        admitted = self._remembered(
            admit(call, needs_identity=False, long_id=self._options.long_id, placeholders=placeholders), arrival
        )
        if admitted is None:
            return Receipt(message_id=arrival.message_id, warnings=(forgotten("userId"),))
        before = self._session_for(device, arrival)
        texts: Mapping[str, str] = self._texts(call, Remarks())
        if self._options.drop_carried_traits:
            admitted, texts = without_carried_traits(before, admitted, texts)
        after, stamped = stamp_on(before, admitted, texts)
        if stamped.change is Change.SWITCH and not self._graph.are_one(before.identity, after.identity):
            stamped = evolve(stamped, warnings=(*stamped.warnings, _USER_SWITCH))
        if once is not None and isinstance(call, Track):
            after, first_time = sessions.record_once(after, call.event, once)
            if not first_time:
                return Receipt(message_id=arrival.message_id)
        after, context = changed_context(after, stamped.call, self._options)
        if after != before:
            arrival.unit.changes += 1
            self._sessions.save(after)
        return self._processing.process(stamped, arrival, device=device, context=context)


_USER_SWITCH = CallWarning(
    "user_switch_without_reset",
    "somebody else was identified on a device that was not reset; the two are not joined",
)


def _switched_off(arrival: Arrival) -> Receipt:
    return Receipt(message_id=arrival.message_id, warnings=(SWITCHED_OFF,))
