"""
Batches of calls, committed together: one thread takes all that wait and writes them in one transaction.

So the event loop never waits for a disk, and while one commit is on its way the next requests are read.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Protocol

from attrs import Factory, frozen

from sdkbridge.calls import JSONObject
from sdkbridge.errors import BridgeClosed, InvalidCall
from sdkbridge.receipt import Receipt
from sdkbridge.refused import RefusedMessage

Outcomes = list[Receipt | InvalidCall]

MOST_TOGETHER = 5_000
"""Calls in one transaction, as far as whole batches allow: what waits behind them waits that long."""


class Accepting(Protocol):
    """
    What the server needs of a bridge: calls in, and for each its receipt or why it was refused.
    """

    async def accept_batch(
        self, messages: Sequence[JSONObject], *, refused: Sequence[RefusedMessage] = ()
    ) -> Outcomes:
        """
        Take a batch; when this returns it is committed.
        """


class TooManyWaiting(Exception):
    """
    More calls wait to be committed than may; nothing of the batch was taken.
    """


@frozen(eq=False)
class _Waiting:
    messages: Sequence[JSONObject]
    refused: Sequence[RefusedMessage]
    done: "Future[Outcomes]" = Factory(Future)

    def __len__(self) -> int:
        return len(self.messages) + len(self.refused)


class GroupWriter:
    """
    One thread that commits all waiting batches of one bridge together. It starts with the first batch.

    Args:
        take: takes many calls in one transaction.
        most_waiting: how many calls may wait.
    """

    def __init__(
        self, take: Callable[[Sequence[JSONObject], Sequence[RefusedMessage]], Outcomes], *, most_waiting: int
    ) -> None:
        self._take = take
        self._most_waiting = most_waiting
        self._changed = threading.Condition()
        self._batches: list[_Waiting] = []
        self._calls = 0
        self._stopped = False
        self._thread: threading.Thread | None = None

    async def accept_batch(
        self, messages: Sequence[JSONObject], *, refused: Sequence[RefusedMessage] = ()
    ) -> Outcomes:
        """
        Take a batch; when this returns it is committed.

        Raises:
            TooManyWaiting: it was not taken, because so many wait already.
            StoreError: it could not be written; nothing of it is kept.
            BridgeClosed: the server is stopping.
        """
        batch = _Waiting(messages, refused)
        with self._changed:
            if self._stopped:
                raise BridgeClosed("the server is stopping")
            if self._calls + len(batch) > self._most_waiting and self._calls:
                raise TooManyWaiting
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sdkbridge-writer", daemon=True)
                self._thread.start()
            self._batches.append(batch)
            self._calls += len(batch)
            self._changed.notify()
        return await asyncio.wrap_future(batch.done)

    def stop(self, timeout_s: float) -> None:
        """
        Commit what waits, and take no more.
        """
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while together := self._next():
            self._commit(together)

    def _next(self) -> list[_Waiting]:
        """
        Wait for batches, and return those that are committed next; none once there will be no more.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._batches or self._stopped)
            together: list[_Waiting] = []
            size = 0
            while self._batches and (not together or size + len(self._batches[0]) <= MOST_TOGETHER):
                together.append(self._batches.pop(0))
                size += len(together[-1])
            self._calls -= size
            return together

    def _commit(self, batches: Sequence[_Waiting]) -> None:
        # Whoever was cancelled while waiting was never told of a success, so may be left out.
        wanted = [batch for batch in batches if batch.done.set_running_or_notify_cancel()]
        messages = [message for batch in wanted for message in batch.messages]
        refused = [one for batch in wanted for one in batch.refused]
        try:
            outcomes = self._take(messages, refused)
        except Exception as error:  # noqa: BLE001 - each waiting request answers for it
            for batch in wanted:
                batch.done.set_exception(error)
            return
        start = 0
        for batch in wanted:
            end = start + len(batch.messages)
            batch.done.set_result(outcomes[start:end])
            start = end
