"""
What the calls of one transaction leave behind, gathered and written together.

A row by itself costs several times what it costs among others. So the rows that no later call looks at wait until
the transaction ends, or until something is written that must come after them.
"""

from collections.abc import Collection

from identity.database import Connection
from identity.graph import IdentityGraph
from identity.ids import IdentityKind
from identity.sightings import Sighting
from sdkbridge.accepted import AcceptedCalls, TakenSecond
from sdkbridge.kissmetrics.requests import Request
from sdkbridge.outbox import Outbox, QueuedRow, queued_row
from sdkbridge.spellings import Named


class CrowdedSecondError(Exception):
    """
    A request claimed a second that an earlier one has, which was seen only when the claims were written.
    """


class UnitOfWork:
    """
    The rows of one transaction that wait to be written.

    Args:
        connection: the transaction's.
        graph: where it is counted who was seen.
        outbox: where requests wait.
        accepted: where message ids are remembered.
        message_ids: those of the calls to come, as far as they are known: remembered together.
        at_ms: now, in milliseconds since 1970 UTC.
        trusting: whether seconds are taken to be free, as nearly all are, and claimed together.
        learned: the names that were new to `Spellings` earlier in the transaction.

    Attributes:
        released: whether the aliases were queued whose grace is over, which is looked for once.
        learned: those names, and the ones that these calls add.
        changes: grows with whatever is written or waits to be: unchanged by a call, it left nothing behind.
    """

    def __init__(
        self,
        connection: Connection,
        graph: IdentityGraph,
        outbox: Outbox,
        accepted: AcceptedCalls,
        *,
        message_ids: Collection[str] = (),
        at_ms: int = 0,
        trusting: bool = False,
        learned: set[Named] | None = None,
    ) -> None:
        self._connection = connection
        self._graph = graph
        self._outbox = outbox
        self._accepted = accepted
        self._expected: Collection[str] = ()
        self._free: set[str] = set()
        if message_ids:
            self._expected = frozenset(message_ids)
            self._free = accepted.keep_new(connection, message_ids, at_ms=at_ms)
        self._trusting = trusting
        self._seconds: dict[tuple[int, str, str, str], TakenSecond] = {}
        self._seen: dict[str, Sighting] = {}
        self._queued: list[QueuedRow] = []
        self._has_forgotten: bool | None = None
        self.released = False
        self.learned: set[Named] = set() if learned is None else learned
        self.changes = 0

    def is_new(self, message_id: str, *, at_ms: int) -> bool:
        """
        Tell whether no call had a message id before; one that was not expected is remembered at once.
        """
        if message_id in self._expected:
            return message_id in self._free
        self.changes += 1
        return self._accepted.is_new(self._connection, message_id, at_ms=at_ms)

    def has_forgotten(self) -> bool:
        """
        Tell whether anybody was ever forgotten, which no call changes.
        """
        if self._has_forgotten is None:
            self._has_forgotten = self._graph.has_forgotten(within=self._connection)
        return self._has_forgotten

    def keep(self, message_id: str) -> None:
        """
        Remember the message id of a call that was accepted.
        """
        if message_id in self._free:
            self.changes += 1
            self._free.remove(message_id)

    def give_up(self, message_id: str) -> None:
        """
        Forget the message id of a call that was not accepted after all.
        """
        if message_id not in self._expected:
            self._accepted.give_up(self._connection, [message_id])

    def take_second(self, request: Request, *, at_ms: int) -> tuple[int, bool]:
        """
        Claim a second for a request, as `AcceptedCalls.take_second` does.
        """
        self.changes += 1
        second = request.second
        if self._trusting and second is not None and len(claims := self._accepted.claims(request)) == 1:
            taken = (second, request.identity, *claims[0])
            if taken not in self._seconds:
                self._seconds[taken] = (*taken, second, at_ms)
                return second, True
        # What waits must be there to be seen.
        if self._seconds:
            self._write_seconds()
        return self._accepted.take_second(self._connection, request, at_ms=at_ms)

    def _write_seconds(self) -> None:
        seconds, self._seconds = self._seconds, {}
        if not self._accepted.take_all(self._connection, [*seconds.values()]):
            raise CrowdedSecondError

    def see(self, name: str, kind: IdentityKind, *, at_ms: int) -> None:
        """
        Count a record under an identity.
        """
        self.changes += 1
        before = self._seen.get(name)
        if before is not None and before.kind is not kind:
            # When it became a name must be told by the time of that call.
            self.write()
            before = None
        self._seen[name] = Sighting(name, kind, at_ms, at_ms) if before is None else before.once_more(at_ms)

    def queue(self, request: Request, *, lane: str, call: str, at_ms: int) -> None:
        """
        Queue a request at the end of its lane.
        """
        self.changes += 1
        self._queued.append(queued_row(request, lane=lane, other_lane=None, call=call, at_ms=at_ms))

    def end(self) -> None:
        """
        Write all that waits, and forget the message ids of calls that were refused.

        Raises:
            CrowdedSecondError: a second that was taken to be free was not.
        """
        self.write()
        if self._free:
            self._accepted.give_up(self._connection, self._free)

    def write(self) -> None:
        """
        Write what waits, before anything that must come after it.

        Raises:
            CrowdedSecondError: a second that was taken to be free was not.
        """
        self.changes += 1
        if self._seconds:
            self._write_seconds()
        if self._seen:
            seen, self._seen = self._seen, {}
            self._graph.seen_all([*seen.values()], within=self._connection)
        if self._queued:
            queued, self._queued = self._queued, []
            self._outbox.add_all(self._connection, queued)
