"""
Work handed in by those who must not block, such as an event loop: one thread commits all that waits at once.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from itertools import groupby
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from attrs import Factory, frozen

from identity.errors import StoreError
from identity.stores.interface import Outcome, Result

Item = TypeVar("Item")

MOST_IN_A_COMMIT = 1000
"""What the sizes of works in one commit reach at most, not counting the last one: so long others may wait."""


@frozen(eq=False)
class _Submitted:
    item: Any
    take: Callable[[Sequence[Any]], Sequence[Any]] | None  # None if the item is a work by itself
    size: int
    future: "Future[Any]" = Factory(Future)


class Submissions:
    """
    A thread that writes what is submitted; it starts with the first submission.

    Args:
        write_many: commits several works.
    """

    def __init__(self, write_many: Callable[[Sequence[Callable[[], Any]]], list[Outcome[Any]]]) -> None:
        self._write_many = write_many
        self.forget()

    def forget(self) -> None:
        """
        Start anew in a child process, which has neither the thread nor those who wait for it.
        """
        self._waiting: SimpleQueue[_Submitted | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def before_fork(self) -> bool:
        """
        Let the process fork at any time.
        """
        return True

    def after_fork(self, *, in_child: bool, ready: bool) -> None:  # noqa: ARG002 - always ready
        """
        Leave the parent's submissions to the parent.
        """
        if in_child:
            self.forget()

    def submit(self, work: Callable[[], Result], *, size: int = 1) -> "Future[Result]":
        """
        Return at once; the future is done when the work is committed, or has failed.

        Args:
            work: what to do.
            size: how much that is, beside others.
        """
        return self._submit(_Submitted(work, None, size))

    def submit_to(
        self, take: Callable[[Sequence[Item]], Sequence[Result]], item: Item, *, size: int = 1
    ) -> "Future[Result]":
        """
        Return at once; the future is done when the item is committed, by one work with its neighbours.

        Args:
            take: a work that takes many items, and returns what came of each; if it raises, all have failed.
            item: what is to be taken.
            size: how much that is, beside others.
        """
        return self._submit(_Submitted(item, take, size))

    def _submit(self, submitted: _Submitted) -> "Future[Any]":
        # Marked as running, so that it cannot be cancelled while it is being committed.
        submitted.future.set_running_or_notify_cancel()
        with self._lock:
            if self._closed:
                raise StoreError("the database", "is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="identity-writer", daemon=True)
                self._thread.start()
            self._waiting.put(submitted)
        return submitted.future

    def close(self) -> None:
        """
        Write what was submitted, and end the thread.
        """
        with self._lock:
            self._closed = True
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._waiting.put(None)
            thread.join()

    def _run(self) -> None:
        going_on = True
        while going_on:
            together, going_on = self._next()
            self._write(together)

    def _next(self) -> tuple[list[_Submitted], bool]:
        """
        Wait for works; return those that are committed next, and whether there may be more.
        """
        together: list[_Submitted] = []
        size = 0
        one = self._waiting.get()
        with suppress(Empty):
            while one is not None:
                together.append(one)
                size += one.size
                if size >= MOST_IN_A_COMMIT:
                    break
                one = self._waiting.get_nowait()
        return together, one is not None

    def _write(self, together: list[_Submitted]) -> None:
        if not together:
            return
        # Those for the same taker are one work; a work by itself has no company.
        shares = [list(share) for _, share in groupby(together, key=lambda one: one.take or one)]
        try:
            outcomes = self._write_many([partial(_take, share) for share in shares])
        except BaseException as error:  # noqa: BLE001 - whoever waits for the future is told
            for one in together:
                one.future.set_exception(_again(error))
            return
        for share, outcome in zip(shares, outcomes, strict=True):
            if outcome.error is None:
                for one, value in zip(share, outcome.value or (), strict=True):
                    one.future.set_result(value)
                continue
            for one in share:
                one.future.set_exception(_again(outcome.error))


def _again(error: BaseException) -> BaseException:
    """
    Return the error for one more who waits, who adds a traceback to it.
    """
    return error.again() if isinstance(error, StoreError) else error


def _take(share: Sequence[_Submitted]) -> Sequence[Any]:
    (first, *_) = share
    return [first.item()] if first.take is None else first.take([one.item for one in share])
