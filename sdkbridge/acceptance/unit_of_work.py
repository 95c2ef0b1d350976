"""
What one call leaves behind in its transaction, written at once.

`gathering` has the same for the calls of a batch. A call's rows are written in one order: message id, who was
seen, seconds, requests. Two that need the same rows then wait for each other in turn, and never both at once;
only a batch that writes some of its seconds singly may meet others crosswise, and is repeated.
"""

from identity.database import Connection
from identity.graph import IdentityGraph
from identity.ids import IdentityKind
from identity.sightings import Sighting
from sdkbridge.acceptance.accepted import AcceptedCalls
from sdkbridge.kissmetrics.requests import Request
from sdkbridge.outbox.queue import Outbox, queued_row


class UnitOfWork:
    """
    The rows of one call.

    Args:
        connection: the transaction's.
        graph: where it is counted who was seen.
        outbox: where requests wait.
        accepted: where message ids and seconds are remembered.

    Attributes:
        released: whether the aliases were queued whose grace is over, which is looked for once.
    """

    def __init__(
        self,
        connection: Connection,
        graph: IdentityGraph,
        outbox: Outbox,
        accepted: AcceptedCalls,
    ) -> None:
        self._connection = connection
        self._graph = graph
        self._outbox = outbox
        self._accepted = accepted
        self.released = False
        self._changes = 0

    @property
    def changes(self) -> int:
        """
        What grows with whatever is written or waits to be: unchanged by a call, it left nothing behind.
        """
        return self._changes

    def remember(self, message_id: str, *, at_ms: int) -> bool:
        """
        Tell whether no call had a message id before, and remember it.
        """
        self._changes += 1
        return self._accepted.remember(self._connection, message_id, at_ms=at_ms)

    def has_forgotten(self) -> bool:
        """
        Tell whether anybody was ever forgotten.
        """
        return self._graph.has_forgotten(within=self._connection)

    def keep(self, message_id: str) -> None:
        """
        Keep the message id of a call that was accepted, which was written when it was looked for.
        """

    def give_up(self, message_id: str) -> None:
        """
        Forget the message id of a call that was not accepted after all.
        """
        self._accepted.give_up(self._connection, [message_id])

    def see_unless_forgotten(self, name: str, kind: IdentityKind, *, at_ms: int, sole: bool) -> bool:
        """
        Count a record under an identity, unless that or another one of its call may have been forgotten.

        Args:
            name: the identity.
            kind: whether it is a name.
            at_ms: when, in milliseconds since 1970 UTC.
            sole: whether the call has no other identity.

        Returns:
            Whether it was counted; if not, nothing was done.
        """
        # Who is known was not forgotten.
        if sole and self._graph.seen_again(name, kind, at_ms=at_ms, within=self._connection):
            self._changes += 1
            return True
        if self.has_forgotten():
            return False
        self.see(name, kind, at_ms=at_ms)
        return True

    def see(self, name: str, kind: IdentityKind, *, at_ms: int) -> None:
        """
        Count a record under an identity.
        """
        self._changes += 1
        self._graph.seen_all([Sighting(name, kind, at_ms, at_ms)], within=self._connection)

    def take_second(self, request: Request, *, at_ms: int) -> tuple[int, bool]:
        """
        Claim a second for a request, as `AcceptedCalls.take_second` does.
        """
        self._changes += 1
        return self._accepted.take_second(self._connection, request, at_ms=at_ms)

    def queue(self, request: Request, *, lane: str, call: str, at_ms: int) -> None:
        """
        Queue a request at the end of its lane.
        """
        self._changes += 1
        row = queued_row(request, lane=lane, other_lane=None, call=call, at_ms=at_ms)
        self._outbox.add_all(self._connection, (row,))

    def make_way(self) -> None:
        """
        Let something be written that does not go through this, such as a session: what waits is written first.

        Raises:
            CrowdedSecondError: as for `Gathering.end`.
        """
        self._changes += 1
        self._write_what_waits()

    def _write_what_waits(self) -> None:
        """
        Write what waits: nothing does here.
        """

    def end(self) -> None:
        """
        Write what waits, since no more comes: nothing does here.
        """
