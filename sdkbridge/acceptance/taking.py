"""
What every call goes through: one transaction, and nothing at all if it was taken before.

Everything that a call changes commits together or not at all; when `once` returns, it is committed.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from secrets import token_hex
from typing import TypeVar

from identity.clock import Clock
from identity.database import Connection, Database
from identity.graph import IdentityGraph
from sdkbridge.acceptance.accepted import AcceptedCalls
from sdkbridge.acceptance.gathering import Gathering
from sdkbridge.acceptance.processing import Arrival
from sdkbridge.acceptance.proposals import RefusedAlias
from sdkbridge.acceptance.unit_of_work import UnitOfWork
from sdkbridge.aliases import Aliases
from sdkbridge.calls import JSONObject
from sdkbridge.ids import IdGenerator
from sdkbridge.outbox.queue import Outbox
from sdkbridge.outbox.room import OutboxRoom
from sdkbridge.receipt import Receipt

Result = TypeVar("Result")
Take = Callable[[Arrival], Receipt]
"""Takes a call that was not taken before."""


class Taking:
    """
    Takes calls, each of them once.

    Args:
        database: where everything is kept.
        graph: what decides about links; it joins the same database's transactions.
        outbox: where requests wait.
        accepted: where it is remembered what was taken.
        aliases: what becomes of aliases.
        clock: the time in seconds since 1970 UTC.
        ids: what makes new ids.
        outbox_limit: how many requests may wait; None for any number.

    Attributes:
        room: refuses calls while too much waits.
    """

    def __init__(
        self,
        database: Database,
        graph: IdentityGraph,
        outbox: Outbox,
        accepted: AcceptedCalls,
        aliases: Aliases,
        *,
        clock: Clock,
        ids: IdGenerator,
        outbox_limit: int | None,
    ) -> None:
        self._database = database
        self._graph = graph
        self._outbox = outbox
        self._accepted = accepted
        self._aliases = aliases
        self._clock = clock
        self._ids = ids
        self.room = OutboxRoom(outbox, outbox_limit)

    @contextmanager
    def together(self, message_ids: Collection[str], *, trusting: bool = False) -> Iterator[UnitOfWork]:
        """
        Write down together what the calls leave behind that are taken with what this yields.

        Call it within a transaction. A signal handler that interrupts it writes for itself.

        Args:
            message_ids: those of the calls, as far as they are known.
            trusting: whether seconds are taken to be free, as nearly all are.

        Raises:
            CrowdedSecondError: one of them was not.
        """
        with self._database.transaction() as connection:
            unit = Gathering(
                connection,
                self._graph,
                self._outbox,
                self._accepted,
                message_ids=message_ids,
                at_ms=int(self._clock() * 1000),
                trusting=trusting,
            )
            yield unit
            unit.end()

    def once(self, message_id: str | None, take: Take, joined: UnitOfWork | None = None) -> Receipt:
        """
        Take a call within one transaction, unless its message id was seen before.

        Args:
            message_id: the call's, if it has one.
            take: takes it.
            joined: where what it leaves behind is gathered with what others do; by itself if there is none.

        Raises:
            InvalidCall: it was refused; nothing of it is kept but the verdict on a refused alias.
            OutboxFull: it comes by itself, and too much waits to be delivered; nothing of it is kept.
            StoreError: it could not be written; nothing of it is kept.
        """
        if joined is not None:
            taken = self._take(message_id, take, joined)
        else:
            self.room.check()
            if message_id is None and self._database.interruptions.may_come():
                message_id = self._ids.message_id()
            taken = self.write(lambda connection: self._alone(connection, message_id, take))
        if isinstance(taken, RefusedAlias):
            raise taken
        self.room.take(len(taken.requests))
        return taken

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """
        Do a work that takes calls, so that it stays also if it interrupts a write that is taken back.

        No other write may ask for it: it would be done, though that one failed.

        Args:
            work: takes calls that have message ids if they may interrupt a write.
        """
        interruptions = self._database.interruptions
        if not interruptions.may_come():
            return self._database.write_through(work)
        mark, done = token_hex(), list[Result]()

        def unless_done(connection: Connection) -> None:
            # Not left to the message ids of the calls: those that are refused have none in the end.
            if self._accepted.remember(connection, mark, at_ms=int(self._clock() * 1000)):
                done.append(work(connection))

        interruptions.write_in_between(unless_done)
        return done[-1]

    def with_message_id(self, message: JSONObject) -> JSONObject:
        """
        Return a call that has a message id, so that it is known if it comes again.
        """
        has_one = not isinstance(message, Mapping) or message.get("messageId") not in (None, "")
        return message if has_one else {**message, "messageId": self._ids.message_id()}

    def _alone(self, connection: Connection, message_id: str | None, take: Take) -> Receipt | RefusedAlias:
        unit = UnitOfWork(connection, self._graph, self._outbox, self._accepted)
        taken = self._take(message_id, take, unit)
        unit.end()
        return taken

    def _take(self, message_id: str | None, take: Take, unit: UnitOfWork) -> Receipt | RefusedAlias:
        # An id that is made up here never comes again.
        now = self._clock()
        arrival = Arrival(message_id or self._ids.message_id(), now, int(now * 1000), unit)
        if self._graph.alias_grace and not unit.released:
            unit.released = True
            self._aliases.release()
        if message_id is not None and not unit.remember(message_id, at_ms=arrival.at_ms):
            return Receipt(message_id=message_id, repeated=True)
        try:
            receipt = take(arrival)
        except RefusedAlias as error:
            # The one refusal that leaves something behind: its verdict, which the transaction must keep.
            unit.give_up(arrival.message_id)
            return error
        unit.keep(arrival.message_id)
        return receipt
