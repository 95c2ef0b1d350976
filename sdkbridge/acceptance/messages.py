"""
Taking one call that carries its own identities: identity graph, mapping and outbox.
"""

from collections.abc import Mapping

from identity.clock import Clock
from identity.database import Database
from identity.graph import IdentityGraph
from sdkbridge.acceptance.accepted import AcceptedCalls
from sdkbridge.acceptance.admission import Admitted, forgotten
from sdkbridge.acceptance.devices import DeviceAcceptance
from sdkbridge.acceptance.processing import Arrival, Processing
from sdkbridge.acceptance.spellings import Spellings
from sdkbridge.acceptance.stamping import stamp_message
from sdkbridge.acceptance.taking import Taking
from sdkbridge.acceptance.unit_of_work import UnitOfWork
from sdkbridge.acceptance.usual_tracks import UsualTrack, UsualTracks
from sdkbridge.aliases import Aliases
from sdkbridge.calls import AnyCall, Identify, JSONObject, parse_call
from sdkbridge.ids import IdGenerator
from sdkbridge.mapping import SWITCHED_OFF, wanted
from sdkbridge.options import MappingOptions
from sdkbridge.outbox.queue import Outbox
from sdkbridge.receipt import Receipt
from sdkbridge.remarks import Remarks
from sdkbridge.sessions import transitions
from sdkbridge.sessions.described import Described
from sdkbridge.sessions.remembered import trait_texts, without_carried_traits


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

    Attributes:
        taking: what all calls go through.
        devices: takes those that are made on a device.
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
        outbox = Outbox(database)
        aliases = Aliases(database, graph, outbox, clock=clock)
        self._options = options
        self._described = Described(database)
        self._tracks = UsualTracks(options, graph.policy.placeholders)
        self._processing = Processing(graph, options=options, spellings=Spellings(database), aliases=aliases)
        self.taking = Taking(
            database,
            graph,
            outbox,
            AcceptedCalls(database, duplicate_rule=options.duplicate_rule),
            aliases,
            clock=clock,
            ids=ids,
            outbox_limit=outbox_limit,
        )
        self.devices = DeviceAcceptance(
            database, graph, self.taking, self._processing, self._tracks, options=options, ids=ids
        )

    def accept(self, message: JSONObject, *, unit: UnitOfWork | None = None) -> Receipt:
        """
        Take a call that carries its own identities, as a server or Segment's SDKs send it.

        Args:
            message: the call in Segment's spelling.
            unit: where what it leaves behind is gathered with what others do; see `Taking.together`.

        Raises:
            InvalidCall: it was refused; nothing of it is kept but the verdict on a refused alias.
            OutboxFull: too much waits to be delivered; nothing of it is kept.
            StoreError: it could not be written; nothing of it is kept.
        """
        track = self._tracks.of(message)
        if track is not None:
            return self.taking.once(track.message_id, lambda arrival: self._usual(track, arrival), unit)
        call = parse_call(message)
        return self.taking.once(call.message_id, lambda arrival: self._any(call, arrival), unit)

    def _usual(self, track: UsualTrack, arrival: Arrival) -> Receipt:
        who = self._tracks.who(track)
        receipt = None if who is None else self._processing.record(track, who, arrival)
        return self._any(parse_call(track.message), arrival) if receipt is None else receipt

    def _any(self, call: AnyCall, arrival: Arrival) -> Receipt:
        if not wanted(call):
            return Receipt(message_id=arrival.message_id, warnings=(SWITCHED_OFF,))
        admitted = self._processing.admit(call, arrival)
        if admitted is None:
            return Receipt(message_id=arrival.message_id, warnings=(forgotten("userId"),))
        if self._options.drop_carried_traits:
            admitted = self._without_carried_traits(admitted, arrival)
        return self._processing.process(stamp_message(admitted), arrival, device=None)

    def _without_carried_traits(self, admitted: Admitted, arrival: Arrival) -> Admitted:
        """
        Leave out what was said of the person before under the same anonymous identity.
        """
        call = admitted.call
        if not isinstance(call, Identify) or call.anonymous_id is None or call.user_id is None:
            return admitted
        before = self._described.load(call.anonymous_id)
        texts: Mapping[str, str] = trait_texts(call, self._options, Remarks())
        admitted, texts = without_carried_traits(before, admitted, texts)
        after, _ = transitions.identify(before, call.user_id)
        arrival.unit.make_way()
        self._described.save(transitions.describe(after, texts))
        return admitted
