"""
What signal handlers do in the middle of writes, and the points to which those can be taken back.

A handler's work joins the transaction that it interrupted, and is said to be done before that one ends. So
whatever becomes of the interrupted write, it is done again afterwards, which changes nothing if it was kept.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from attrs import Factory, define

from identity.stores.interface import Connection, Result

Again = Callable[[Connection], object]
"""Does a work again that may have been taken back; it does nothing if that is still there."""

Given = TypeVar("Given")

_logger = logging.getLogger("identity")


@define(eq=False)
class Savepoint:
    """
    A point to which a write can be taken back.

    Attributes:
        connection: that of the transaction in the middle of which it is; None for the beginning of a write.
        interruptions: what does again each work that came in between since then.
    """

    connection: Connection | None = None
    interruptions: list[Again] = Factory(list)

    def take_back(self) -> None:
        """
        Undo what was done since then in the middle of a transaction, but for what came in between.
        """
        assert self.connection is not None  # noqa: S101 - else the transaction's end undoes it
        self.connection.execute("ROLLBACK TO SAVEPOINT calls")
        # What comes while this goes on is not taken back.
        for place in range(len(self.interruptions)):
            self.interruptions[place](self.connection)


class Interruptions(threading.local):
    """
    Those of one thread's writes to one database.

    Args:
        write: commits a work, or joins the transaction that the thread is in.
        write_in_between: does a work in the middle of such a write.
    """

    def __init__(self, write: Callable[[Again], object], write_in_between: Callable[[Again], object]) -> None:
        self._write = write
        self._write_in_between = write_in_between
        self._innermost: Savepoint | None = None
        self._afterwards: list[Callable[[], None]] = []

    def may_come(self) -> bool:
        """
        Tell whether this thread is in the middle of a write, so that what it does now may be an interruption.

        It cannot be told from what the write itself asks for.
        """
        return self._innermost is not None

    def around(self, write: Callable[[Given], Result], given: Given) -> Result:
        """
        Write, and do again afterwards what came in between; within another write, leave that to it.

        What the write raises is raised, be it the `SystemExit` of a handler. What came in between and cannot be
        done again is logged.
        """
        if self._innermost is not None:
            return write(given)
        point = Savepoint()
        try:
            self._innermost = point
            return write(given)
        finally:
            try:
                if point.interruptions:
                    self._do_again(point.interruptions)
            finally:
                self._innermost = None
                while self._afterwards:
                    self._afterwards.pop(0)()

    def afterwards(self, do: Callable[[], None]) -> None:
        """
        Do something once no write of this thread goes on, at once if none does.
        """
        if self._innermost is None:
            do()
        else:
            self._afterwards.append(do)

    def _do_again(self, interruptions: list[Again]) -> None:
        while interruptions:
            try:
                self._write(interruptions[0])
            except Exception as error:  # noqa: BLE001 - what the write itself came to is to be raised
                _logger.error(  # noqa: TRY400 - it is one sentence
                    "what a signal handler wrote was lost with the write that it interrupted: %s", error
                )
            except BaseException:
                # Another signal came, and wants the program to end.
                self._do_again(interruptions)
                raise
            del interruptions[0]

    def write_in_between(self, again: Again) -> None:
        """
        Do a work in the middle of a write, and see to it that it stays if that is taken back.
        """
        through: list[Connection] = []

        def work(connection: Connection) -> None:
            through.append(connection)
            again(connection)

        self._write_in_between(work)
        # On another connection it was committed by itself.
        point = self._innermost
        if point is not None and (point.connection is None or point.connection is through[-1]):
            point.interruptions.append(again)

    @contextmanager
    def point(self, connection: Connection) -> Iterator[Savepoint]:
        """
        Make a point in the middle of a transaction; after the body nothing can be taken back to it any more.
        """
        around, point = self._innermost, Savepoint(connection)
        try:
            # Known before it is there: what comes in between these two is done again in vain, and not lost.
            self._innermost = point
            connection.execute("SAVEPOINT calls")
            yield point
            connection.execute("RELEASE SAVEPOINT calls")
        finally:
            self._innermost = around
            if around is not None:
                around.interruptions += point.interruptions
