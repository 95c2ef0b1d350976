"""
Many calls in one transaction, each for itself: one that is refused costs the others nothing.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from identity.database import Connection, Database
from sdkbridge.acceptance.gathering import CrowdedSecondError
from sdkbridge.acceptance.proposals import RefusedAlias
from sdkbridge.acceptance.taking import Taking
from sdkbridge.acceptance.unit_of_work import UnitOfWork
from sdkbridge.calls import JSONObject
from sdkbridge.errors import InvalidCall
from sdkbridge.faults import place_of
from sdkbridge.receipt import Receipt
from sdkbridge.refused import RefusedCalls, RefusedMessage
from sdkbridge.values.plain import is_writable

_logger = logging.getLogger("sdkbridge")

FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What a mistake in this package raises. The store's errors are none of them: they end the whole batch."""


BATCHES_OF_DISTRUST = 8
"""For so many batches each second is claimed by itself after one was not free: such calls come in series."""


class _LeftSomething(Exception):
    """
    A call was refused after something of it was written.
    """


class BatchAcceptance:
    """
    Takes calls together.

    Args:
        database: where everything is kept.
        taking: what all calls go through.
        take: takes one call through it, and gathers what the call leaves behind.
        refused: keeps what was refused.
    """

    def __init__(
        self,
        database: Database,
        taking: Taking,
        take: Callable[[JSONObject, UnitOfWork], Receipt],
        *,
        refused: RefusedCalls,
    ) -> None:
        self._database = database
        self._taking = taking
        self._take = take
        self._refused = refused
        self._distrust = 0

    def accept(
        self, messages: Sequence[JSONObject], *, refused: Sequence[RefusedMessage] = ()
    ) -> list[Receipt | InvalidCall]:
        """
        Take each call that can be taken, and keep the others as refused, all in one commit.

        Args:
            messages: the calls.
            refused: what was refused before it came here, to be kept too.

        Returns:
            For each call, its receipt or why it was refused.

        Raises:
            OutboxFull: too much waits to be delivered; nothing of any call is kept.
            StoreError: it could not be written; nothing of any call is kept.
        """
        if messages:
            self._taking.room.check(calls=len(messages))
        in_between = self._database.interruptions.may_come()
        given = [self._taking.with_message_id(message) for message in messages] if in_between else messages

        def work(connection: Connection) -> list[Receipt | InvalidCall]:
            outcomes = self._take_together(connection, given)
            if outcomes is None:
                outcomes = [self._take_alone(connection, message) for message in given]
            self._keep(given, outcomes, refused)
            return outcomes

        return self._taking.write(work)

    def _take_together(
        self, connection: Connection, messages: Sequence[JSONObject]
    ) -> list[Receipt | InvalidCall] | None:
        """
        Take all calls, or none and return None: one was refused that had left something behind by then.

        Nearly always nothing has to be taken back, and taking back one call out of many costs all of them a
        savepoint, and that each is written by itself.
        """
        message_ids = {message_id for message in messages if (message_id := _expected_id(message)) is not None}
        with self._database.interruptions.point(connection) as point:
            try:
                return self._take_trusting(messages, message_ids)
            except (_LeftSomething, *FAULTS):
                point.take_back()
                return None
            except CrowdedSecondError:
                self._distrust = BATCHES_OF_DISTRUST
                point.take_back()
                return self._take_together(connection, messages)

    def _take_trusting(self, messages: Sequence[JSONObject], message_ids: set[str]) -> list[Receipt | InvalidCall]:
        trusting = self._distrust == 0
        self._distrust = max(0, self._distrust - 1)
        with self._taking.together(message_ids, trusting=trusting) as unit:
            return [self._take_if_clean(message, unit) for message in messages]

    def _take_if_clean(self, message: JSONObject, unit: UnitOfWork) -> Receipt | InvalidCall:
        before = unit.changes
        try:
            return self._take(message, unit)
        except RefusedAlias as error:
            return error  # and its verdict stays on record
        except InvalidCall as error:
            if unit.changes != before:
                raise _LeftSomething from error
            return error
        except FAULTS as error:
            raise _LeftSomething from error

    def _take_alone(self, connection: Connection, message: JSONObject) -> Receipt | InvalidCall:
        with self._database.interruptions.point(connection) as point:
            try:
                with self._taking.together(()) as unit:
                    return self._take(message, unit)
            except RefusedAlias as error:
                return error  # and its verdict stays on record
            except InvalidCall as error:
                point.take_back()
                return error
            except FAULTS as error:
                # Sent again, it would fail again, and what waits behind it with it.
                point.take_back()
                return _fault(error)

    def _keep(
        self,
        messages: Iterable[JSONObject],
        outcomes: Iterable[Receipt | InvalidCall],
        refused: Sequence[RefusedMessage],
    ) -> None:
        here = [
            RefusedMessage(message, outcome)
            for message, outcome in zip(messages, outcomes, strict=True)
            if isinstance(outcome, InvalidCall)
        ]
        for one in (*refused, *here):
            self._refused.keep(one)
        if refused or here:
            self._refused.prune()


def _expected_id(message: object) -> str | None:
    """
    Return the id that a message will be known by, if it is one that the store can be asked for.
    """
    message_id = message.get("messageId") if isinstance(message, Mapping) else None
    return message_id if isinstance(message_id, str) and is_writable(message_id) else None


def _fault(error: Exception) -> InvalidCall:
    _logger.error("a call was refused for a fault of the bridge: %s", place_of(error))
    return InvalidCall("message", f"met a fault of the bridge ({type(error).__name__})", reason="fault")
