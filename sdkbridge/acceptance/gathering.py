"""
What the calls of one transaction leave behind, gathered and written together.

A row by itself costs several times what it costs among others. So the rows that no later call looks at wait until
the transaction ends, or until something is written that must come after them.
"""

from collections.abc import Collection

from attrs import define

from identity.database import Connection
from identity.graph import IdentityGraph
from identity.ids import IdentityKind
from identity.sightings import Sighting
from sdkbridge.acceptance.accepted import AcceptedCalls, TakenSecond
from sdkbridge.acceptance.unit_of_work import UnitOfWork
from sdkbridge.kissmetrics.requests import Request
from sdkbridge.outbox.placing import QueuedRow
from sdkbridge.outbox.queue import Outbox, queued_row


class CrowdedSecondError(Exception):
    """
    A request claimed a second that an earlier one has, which was seen only when the claims were written.
    """


@define
class _Seen:
    """
    What is counted under one identity.
    """

    kind: IdentityKind
    first_ms: int
    last_ms: int
    records: int = 1

    def again(self, at_ms: int) -> None:
        self.records += 1
        if at_ms > self.last_ms:
            self.last_ms = at_ms
        elif at_ms < self.first_ms:
            self.first_ms = at_ms

    def sighting(self, name: str) -> Sighting:
        return Sighting(name, self.kind, self.first_ms, self.last_ms, self.records)


class Gathering(UnitOfWork):
    """
    The rows of several calls.

    Args:
        connection: the transaction's.
        graph: where it is counted who was seen.
        outbox: where requests wait.
        accepted: where message ids and seconds are remembered.
        message_ids: those of the calls to come, as far as they are known: remembered together.
        at_ms: now, in milliseconds since 1970 UTC.
        trusting: whether seconds are taken to be free, as nearly all are, and claimed together.
    """

    def __init__(
        self,
        connection: Connection,
        graph: IdentityGraph,
        outbox: Outbox,
        accepted: AcceptedCalls,
        *,
        message_ids: Collection[str],
        at_ms: int,
        trusting: bool,
    ) -> None:
        super().__init__(connection, graph, outbox, accepted)
        self._expected = frozenset(message_ids)
        self._free = accepted.keep_new(connection, message_ids, at_ms=at_ms) if message_ids else set()
        self._trusting = trusting
        self._seconds: dict[tuple[int, str, str, str], TakenSecond] = {}
        self._seen: dict[str, _Seen] = {}
        self._queued: list[QueuedRow] = []
        self._has_forgotten: bool | None = None

    def remember(self, message_id: str, *, at_ms: int) -> bool:
        """
        Tell whether no call had a message id before; one that was not expected is remembered at once.
        """
        if message_id in self._expected:
            return message_id in self._free
        return super().remember(message_id, at_ms=at_ms)

    def has_forgotten(self) -> bool:
        """
        Tell whether anybody was ever forgotten, which no call changes.
        """
        if self._has_forgotten is None:
            self._has_forgotten = super().has_forgotten()
        return self._has_forgotten

    def keep(self, message_id: str) -> None:
        """
        Keep the message id of a call that was accepted.
        """
        if message_id in self._free:
            self._changes += 1
            self._free.remove(message_id)

    def give_up(self, message_id: str) -> None:
        """
        Forget the message id of a call that was not accepted after all; of those expected, at the end.
        """
        if message_id not in self._expected:
            super().give_up(message_id)

    def see_unless_forgotten(self, name: str, kind: IdentityKind, *, at_ms: int, sole: bool) -> bool:
        """
        Count a record under an identity, unless that or another one of its call may have been forgotten.
        """
        if self.has_forgotten() and not (sole and (name in self._seen or not self._graph.is_forgotten(name))):
            return False
        self.see(name, kind, at_ms=at_ms)
        return True

    def see(self, name: str, kind: IdentityKind, *, at_ms: int) -> None:
        """
        Count a record under an identity.
        """
        self._changes += 1
        seen = self._seen.get(name)
        if seen is not None and seen.kind is kind:
            seen.again(at_ms)
            return
        if seen is not None:
            # When it became a name must be told by the time of that call.
            self._write_what_waits()
        self._seen[name] = _Seen(kind, at_ms, at_ms)

    def take_second(self, request: Request, *, at_ms: int) -> tuple[int, bool]:
        """
        Claim a second for a request, as `AcceptedCalls.take_second` does.
        """
        self._changes += 1
        second = request.second
        claim = self._accepted.only_claim(request) if self._trusting else None
        if claim is not None and second is not None:
            taken = (second, request.identity, *claim)
            if taken not in self._seconds:
                self._seconds[taken] = (*taken, second, at_ms)
                return second, True
        # What waits must be there to be seen.
        if self._seconds:
            self._write_seconds()
        return super().take_second(request, at_ms=at_ms)

    def _write_seconds(self) -> None:
        seconds, self._seconds = self._seconds, {}
        if not self._accepted.take_all(self._connection, [*seconds.values()]):
            raise CrowdedSecondError

    def queue(self, request: Request, *, lane: str, call: str, at_ms: int) -> None:
        """
        Queue a request at the end of its lane.
        """
        self._changes += 1
        self._queued.append(queued_row(request, lane=lane, other_lane=None, call=call, at_ms=at_ms))

    def end(self) -> None:
        """
        Write all that waits, and forget the message ids of calls that were refused.

        Raises:
            CrowdedSecondError: a second that was taken to be free was not.
        """
        self._write_what_waits()
        if self._free:
            self._accepted.give_up(self._connection, self._free)

    def _write_what_waits(self) -> None:
        if self._seen:
            seen, self._seen = self._seen, {}
            self._graph.seen_all([one.sighting(name) for name, one in seen.items()], within=self._connection)
        if self._seconds:
            self._write_seconds()
        if self._queued:
            queued, self._queued = self._queued, []
            self._outbox.add_all(self._connection, queued)
