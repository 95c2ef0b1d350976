"""
Group commit: of the threads that want to write at once, one leads, and commits what all of them wait for.

Nobody is kept waiting for a company that may not come: a thread that is alone commits at once. While it does, the
others line up, and the first of them leads the next commit. No thread of its own is needed, and a signal handler
that writes in the middle of a write finds the turn to be its own.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Generic

from identity.stores.interface import Outcome, Result

MOST_IN_A_COMMIT = 1000


class Job(Generic[Result]):
    """
    A work that waits for its commit, and then what came of it.
    """

    __slots__ = ("inbox", "outcome", "work")

    def __init__(self, work: Callable[[], Result]) -> None:
        self.work = work
        self.outcome: Outcome[Result] | None = None
        # Of all that wakes a thread, this alone may be told anything at any time, from a signal handler, too.
        self.inbox: SimpleQueue[None] = SimpleQueue()


class Turns:
    """
    Who writes now, and who is next.

    Args:
        commit: does several jobs in one commit, and gives each its outcome.
    """

    def __init__(self, commit: Callable[[Sequence[Job[Any]]], None]) -> None:
        self._commit = commit
        self._turn = threading.RLock()
        self._waiting: deque[Job[Any]] = deque()

    def take_if_alone(self) -> bool:
        """
        Take the turn if nobody has it and nobody waits; `give_up` ends it.
        """
        if not self._turn.acquire(blocking=False):
            return False
        if self._waiting:
            self.give_up()
            return False
        return True

    def take(self, timeout: float = -1) -> bool:
        """
        Wait for the turn, at most so many seconds.
        """
        return self._turn.acquire(timeout=timeout)

    def give_up(self) -> None:
        """
        End the turn, and wake who is next.
        """
        self._turn.release()
        if self._waiting:
            with suppress(IndexError):
                self._waiting[0].inbox.put(None)

    def line_up(self, work: Callable[[], Result]) -> Result:
        """
        Have a work committed with whatever else waits; return or raise what it does.
        """
        job = Job(work)
        self._waiting.append(job)
        try:
            while job.outcome is None:
                # Tried after lining up, so that whoever has the turn now sees this job when giving it up.
                if self._turn.acquire(blocking=False):
                    try:
                        self._lead()
                    finally:
                        self.give_up()
                else:
                    job.inbox.get()
        except BaseException:
            self._leave(job)
            raise
        return job.outcome.result()

    def _lead(self) -> None:
        jobs: list[Job[Any]] = []
        with suppress(IndexError):
            while len(jobs) < MOST_IN_A_COMMIT:
                jobs.append(self._waiting.popleft())
        if not jobs:
            return
        try:
            self._commit(jobs)
        finally:
            # Without an outcome the leading thread was interrupted: the others' jobs were not its to drop.
            self._waiting.extendleft(job for job in reversed(jobs) if job.outcome is None)
            for job in jobs:
                job.inbox.put(None)

    def _leave(self, job: Job[Any]) -> None:
        with suppress(ValueError):
            self._waiting.remove(job)
        if self._turn.acquire(blocking=False):
            self.give_up()
