"""
From a call under its identities to what is queued: the verdict on its link, its requests, and their seconds.
"""

from collections.abc import Mapping, Sequence

from attrs import define

from identity.graph import IdentityGraph
from identity.ids import IdentityKind
from identity.links import Outcome, Verdict
from sdkbridge.acceptance.admission import Admitted, admit, without_forgotten
from sdkbridge.acceptance.proposals import Proposed, RefusedAlias, heeded, sends_alias
from sdkbridge.acceptance.spellings import Spellings
from sdkbridge.acceptance.stamping import Stamped, identity_lane
from sdkbridge.acceptance.unit_of_work import UnitOfWork
from sdkbridge.acceptance.usual_tracks import UsualTrack, Who
from sdkbridge.aliases import Aliases
from sdkbridge.calls import Alias, AnyCall
from sdkbridge.kissmetrics.requests import ALIAS, Request
from sdkbridge.mapping import map_call
from sdkbridge.options import MappingOptions
from sdkbridge.receipt import CallWarning, Receipt
from sdkbridge.remarks import Problem, Remarks


@define
class Arrival:
    """
    One call that is being taken.

    Attributes:
        message_id: its message id.
        received: when it came, in seconds since 1970 UTC.
        at_ms: the same in milliseconds.
        unit: where what it leaves behind is gathered.
    """

    message_id: str
    received: float
    at_ms: int
    unit: UnitOfWork


class Processing:
    """
    What every call goes through, whoever it came from.

    Args:
        graph: what decides about links.
        options: how calls are mapped.
        spellings: how names were first written.
        aliases: what becomes of aliases.
    """

    def __init__(
        self,
        graph: IdentityGraph,
        *,
        options: MappingOptions,
        spellings: Spellings,
        aliases: Aliases,
    ) -> None:
        self._graph = graph
        self._options = options
        self._spellings = spellings
        self._aliases = aliases

    def process(
        self, stamped: Stamped, arrival: Arrival, *, device: str | None, context: Mapping[str, str] | None = None
    ) -> Receipt:
        """
        Decide about the link that a call proposes, and queue its requests.

        Args:
            stamped: the call under its identities.
            arrival: when and as what it came.
            device: the device that it was made on.
            context: properties of the app and the device to set besides, as in `map_call`.

        Raises:
            RefusedAlias: it is an alias that can only be a mistake.
            InvalidCall: it cannot be mapped.
        """
        call = stamped.call
        verdict = self._decide(heeded(stamped.proposed, call, self._options), arrival, device)
        if verdict is not None and verdict.outcome is Outcome.REFUSE and isinstance(call, Alias):
            raise RefusedAlias(verdict)
        mapped = map_call(
            call,
            alias=sends_alias(verdict, call, self._options),
            received=arrival.received,
            options=self._options,
            context=context,
        )
        self._note_who(call, mapped.requests, arrival)
        timed = [self._in_free_second(request, arrival) for request in mapped.requests]
        requests = [request for request, _ in timed]
        return Receipt(
            message_id=arrival.message_id,
            verdicts=() if verdict is None else (verdict,),
            requests=tuple([request for request in requests if self._queue(request, stamped, arrival)]),
            warnings=(
                *stamped.warnings,
                *_warned_by(verdict),
                *mapped.warnings,
                *_moved(timed),
                *self._spellings.remarks(requests),
            ),
        )

    def admit(self, call: AnyCall, arrival: Arrival, *, needs_identity: bool = True) -> Admitted | None:
        """
        Return a call with the identities that can be used, or None if it is of somebody who was forgotten.

        Raises:
            InvalidCall: an identity is too long, or there is none that can be used.
        """
        admitted = admit(
            call,
            needs_identity=needs_identity,
            long_id=self._options.long_id,
            placeholders=self._graph.policy.placeholders,
        )
        if not arrival.unit.has_forgotten():
            return admitted
        return without_forgotten(admitted, self._graph.is_forgotten)

    def record(self, track: UsualTrack, who: Who, arrival: Arrival) -> Receipt | None:
        """
        Queue the request of a usual track, or return None if anything has to be decided about it.
        """
        unit, at_ms = arrival.unit, arrival.at_ms
        request = track.request(who.identity, arrival.received)
        if request is None or not unit.see_unless_forgotten(who.identity, who.kind, at_ms=at_ms, sole=who.sole):
            return None
        timed, problem = self._in_free_second(request, arrival)
        unit.queue(timed, lane=who.lane, call=arrival.message_id, at_ms=at_ms)
        warnings = track.warnings
        if problem is not None:
            warnings += _moved([(timed, problem)])
        if not self._spellings.knows(timed):
            warnings += self._spellings.remarks((timed,))
        return Receipt(message_id=arrival.message_id, requests=(timed,), warnings=warnings)

    def _decide(self, proposed: Proposed | None, arrival: Arrival, device: str | None) -> Verdict | None:
        if proposed is None:
            return None
        # What decides looks at what was recorded before.
        arrival.unit.make_way()
        return self._graph.link(
            proposed.older,
            proposed.newer,
            kind=proposed.kind,
            at_ms=arrival.at_ms,
            call=arrival.message_id,
            device=device,
        )

    def _in_free_second(self, request: Request, arrival: Arrival) -> tuple[Request, Problem | None]:
        """
        Move an event that Kissmetrics would take for a repeat of another to the next free second.

        Returns:
            The event, and what is to be remarked if it was moved, or should have been.
        """
        if request.second is None or not self._options.nudge_duplicates:
            return request, None
        second, alone = arrival.unit.take_second(request, at_ms=arrival.at_ms)
        if alone and second == request.second:
            return request, None
        return request.at(second), Problem.SAME_SECOND if alone else Problem.DENSE

    def _note_who(self, call: AnyCall, requests: Sequence[Request], arrival: Arrival) -> None:
        for request in requests:
            if request.path != ALIAS:
                break
        else:
            return
        name = call.user_id or call.anonymous_id
        assert name is not None  # noqa: S101 - a stamped call has an identity
        kind = IdentityKind.NAMED if call.user_id else IdentityKind.ANONYMOUS
        arrival.unit.see(name, kind, at_ms=arrival.at_ms)

    def _queue(self, request: Request, stamped: Stamped, arrival: Arrival) -> bool:
        """
        Queue a request; return False for an alias that waits for its grace instead.
        """
        if request.path != ALIAS:
            arrival.unit.queue(request, lane=stamped.lane, call=arrival.message_id, at_ms=arrival.at_ms)
            return True
        sides = (request.identity, request.name or "")
        other = next((identity_lane(side) for side in sides if side not in stamped.own), None)
        arrival.unit.make_way()
        return self._aliases.owe(request, lane=stamped.lane, other_lane=other, call=arrival.message_id)


def _moved(timed: Sequence[tuple[Request, Problem | None]]) -> tuple[CallWarning, ...]:
    remarks = Remarks()
    for request, problem in timed:
        if problem is not None:
            for name in [request.name] if request.name else [name for name, _ in request.properties]:
                remarks.add(problem, name)
    return remarks.warnings()


def _warned_by(verdict: Verdict | None) -> list[CallWarning]:
    if verdict is None:
        return []
    link = verdict.link
    return [
        CallWarning(code, f"{link.older!r} and {link.newer!r} both have events or properties of their own")
        for code in verdict.warnings
    ]
