"""
Many calls in one transaction, each for itself: one that is refused costs the others nothing.
"""

import logging
from collections.abc import Callable, Iterable, Sequence

from identity.database import Database
from sdkbridge.calls import JSONObject
from sdkbridge.errors import InvalidCall
from sdkbridge.faults import place_of
from sdkbridge.proposals import RefusedAlias
from sdkbridge.receipt import Receipt
from sdkbridge.refused import RefusedCalls, RefusedMessage

_logger = logging.getLogger("sdkbridge")

FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What a mistake in this package raises. The store's errors are none of them: they end the whole batch."""


class BatchAcceptance:
    """
    Takes calls together.

    Args:
        database: where everything is kept.
        take: takes one call.
        refused: keeps what was refused.
    """

    def __init__(
        self, database: Database, take: Callable[[JSONObject], Receipt], *, refused: RefusedCalls
    ) -> None:
        self._database = database
        self._take = take
        self._refused = refused

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
            StoreError: it could not be written; nothing of any call is kept.
        """

        def work() -> list[Receipt | InvalidCall]:
            outcomes = [self._take_alone(message) for message in messages]
            self._keep(messages, outcomes, refused)
            return outcomes

        return self._database.write(work)

    def _take_alone(self, message: JSONObject) -> Receipt | InvalidCall:
        with self._database.transaction() as connection:
            connection.execute("SAVEPOINT one_call")
            try:
                outcome: Receipt | InvalidCall = self._take(message)
            except RefusedAlias as error:
                outcome = error  # and its verdict stays on record
            except InvalidCall as error:
                outcome = error
                connection.execute("ROLLBACK TO SAVEPOINT one_call")
            except FAULTS as error:
                # Sent again, it would fail again, and what waits behind it with it.
                outcome = _fault(error)
                connection.execute("ROLLBACK TO SAVEPOINT one_call")
            connection.execute("RELEASE SAVEPOINT one_call")
            return outcome

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


def _fault(error: Exception) -> InvalidCall:
    _logger.error("a call was refused for a fault of the bridge: %s", place_of(error))
    return InvalidCall("message", f"met a fault of the bridge ({type(error).__name__})", reason="fault")
