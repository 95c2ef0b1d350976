"""
Taking one call that was made on a device, under the identity of its session.
"""

from attrs import evolve

from identity.database import Database
from identity.graph import IdentityGraph
from identity.ids import IdentityKind
from sdkbridge.acceptance.admission import forgotten
from sdkbridge.acceptance.processing import Arrival, Processing
from sdkbridge.acceptance.stamping import device_lane, stamp_on
from sdkbridge.acceptance.taking import Taking
from sdkbridge.acceptance.unit_of_work import UnitOfWork
from sdkbridge.acceptance.usual_tracks import UsualTrack, UsualTracks, Who
from sdkbridge.calls import Alias, AnyCall, Identify, JSONObject, Track, parse_call
from sdkbridge.ids import IdGenerator
from sdkbridge.mapping import SWITCHED_OFF, wanted
from sdkbridge.options import MappingOptions
from sdkbridge.receipt import CallWarning, Receipt
from sdkbridge.remarks import Problem, Remarks
from sdkbridge.sessions import transitions
from sdkbridge.sessions.remembered import changed_context, trait_texts, without_carried_traits
from sdkbridge.sessions.session import Change, DeviceSession, Once
from sdkbridge.sessions.store import SessionStore


class DeviceAcceptance:
    """
    Takes the calls of devices.

    Args:
        database: where sessions are kept.
        graph: told of the identities that are made up.
        taking: what all calls go through.
        processing: what becomes of a call under its identities.
        tracks: takes usual tracks.
        options: how calls are mapped.
        ids: what makes new ids.
    """

    def __init__(
        self,
        database: Database,
        graph: IdentityGraph,
        taking: Taking,
        processing: Processing,
        tracks: UsualTracks,
        *,
        options: MappingOptions,
        ids: IdGenerator,
    ) -> None:
        self._database = database
        self._graph = graph
        self._taking = taking
        self._processing = processing
        self._tracks = tracks
        self._options = options
        self._ids = ids
        self._sessions = SessionStore(database)

    def accept(
        self, device: str, message: JSONObject, *, once: Once | None = None, unit: UnitOfWork | None = None
    ) -> Receipt:
        """
        Take a call made on a device.

        Args:
            device: the installation.
            message: the call in Segment's spelling; identities in it count only where they name somebody new.
            once: how often the event of a track is recorded at most.
            unit: as for `Acceptance.accept`.

        Raises:
            InvalidCall: it was refused.
            OutboxFull: too much waits to be delivered; nothing of it is kept.
            StoreError: it could not be written.
        """
        track = None if once is not None else self._tracks.of(message)
        if track is not None:
            return self._taking.once(track.message_id, lambda arrival: self._usual(device, track, arrival), unit)
        call = parse_call(message)
        return self._taking.once(call.message_id, lambda arrival: self._any(device, call, arrival, once), unit)

    def reset(self, device: str, *, message_id: str | None = None, unit: UnitOfWork | None = None) -> Receipt:
        """
        Forget who uses a device: a new anonymous identity; what is queued stays queued.
        """

        def forget(arrival: Arrival) -> Receipt:
            arrival.unit.make_way()
            before = self._session_for(device, arrival)
            self._sessions.save(transitions.reset(before, self._anonymous_id(device)))
            return Receipt(message_id=arrival.message_id)

        return self._taking.once(message_id, forget, unit)

    def session(self, device: str) -> DeviceSession:
        """
        Return a device's session; the first time, it begins.
        """

        def load() -> DeviceSession:
            found = self._sessions.load(device)
            if found is None:
                found = transitions.begin(device, self._anonymous_id(device))
                self._sessions.save(found)
            return found

        return self._database.write(load)

    def set_distinct(self, device: str, call: AnyCall) -> Receipt:
        """
        Set those properties of the person whose text differs from the one last set in this way.

        Args:
            device: the installation.
            call: an identify that names nobody; its traits are the properties.
        """
        remarks = Remarks()
        texts = trait_texts(call, self._options, remarks)

        def send_changed(arrival: Arrival) -> Receipt:
            after, changed = transitions.set_distinct(self._session_for(device, arrival), texts)
            if not changed:
                return Receipt(message_id=arrival.message_id, warnings=remarks.warnings())
            arrival.unit.make_way()
            self._sessions.save(after)
            traits = {name: text for name, text in texts.items() if name in changed}
            receipt = self._any(device, Identify(traits=traits), arrival, None)
            # They are all texts by now, also those that came as numbers.
            again = {Problem.NUMBER_AS_TEXT.value, *(warning.code for warning in remarks.warnings())}
            new = (warning for warning in receipt.warnings if warning.code not in again)
            return evolve(receipt, warnings=(*remarks.warnings(), *new))

        return self._taking.once(call.message_id, send_changed)

    def _session_for(self, device: str, arrival: Arrival) -> DeviceSession:
        found = self._sessions.load(device)
        if found is not None:
            return found
        arrival.unit.make_way()
        return self.session(device)

    def _anonymous_id(self, device: str) -> str:
        made_up = self._ids.anonymous_id(device)
        self._graph.generated(made_up)
        return made_up

    def _usual(self, device: str, track: UsualTrack, arrival: Arrival) -> Receipt:
        """
        Take a usual track, which changes no session unless it says something new of the device.
        """
        session = self._sessions.load(device)
        receipt = None
        if session is not None and not changed_context(session, track.context, self._options)[1]:
            who = Who(session.identity, _kind_of(session), device_lane(device), sole=True)
            receipt = self._processing.record(track, who, arrival)
        return self._any(device, parse_call(track.message), arrival, None) if receipt is None else receipt

    def _any(self, device: str, call: AnyCall, arrival: Arrival, once: Once | None) -> Receipt:
        if not wanted(call):
            return Receipt(message_id=arrival.message_id, warnings=(SWITCHED_OFF,))
        # Identities that a device's call carries count only where they name somebody.
        names = isinstance(call, Identify | Alias)
        call = evolve(call, user_id=call.user_id if names else None, anonymous_id=None)
        admitted = self._processing.admit(call, arrival, needs_identity=False)
        if admitted is None:
            return Receipt(message_id=arrival.message_id, warnings=(forgotten("userId"),))
        before = self._session_for(device, arrival)
        texts = trait_texts(call, self._options, Remarks())
        if self._options.drop_carried_traits:
            admitted, texts = without_carried_traits(before, admitted, texts)
        after, stamped = stamp_on(before, admitted, texts)
        if stamped.change is Change.SWITCH and not self._graph.are_one(before.identity, after.identity):
            stamped = evolve(stamped, warnings=(*stamped.warnings, _USER_SWITCH))
        if once is not None and isinstance(call, Track):
            after, first_time = transitions.record_once(after, call.event, once)
            if not first_time:
                return Receipt(message_id=arrival.message_id)
        after, context = changed_context(after, stamped.call.context, self._options)
        if after != before:
            arrival.unit.make_way()
            self._sessions.save(after)
        return self._processing.process(stamped, arrival, device=device, context=context)


def _kind_of(session: DeviceSession) -> IdentityKind:
    return IdentityKind.ANONYMOUS if session.is_anonymous else IdentityKind.NAMED


_USER_SWITCH = CallWarning(
    "user_switch_without_reset",
    "somebody else was identified on a device that was not reset; the two are not joined",
)
