"""
Points to which calls can be taken back, but for those of signal handlers that came in between.

On SQLite a handler's call joins the transaction that it interrupted. Its receipt is out by the time that others
are taken back, so it is then taken again.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from attrs import Factory, define

from identity.database import Connection

Again = Callable[[Connection], object]
"""Takes a call again that was taken back; it does nothing if it was not."""


@define(eq=False)
class Savepoint:
    """
    One such point.

    Attributes:
        connection: that of the transaction in the middle of which it is; None for the beginning of one.
        interruptions: what takes again each call that came in between since then.
    """

    connection: Connection | None = None
    interruptions: list[Again] = Factory(list)

    def take_back(self) -> None:
        """
        Undo what was done since then in the middle of a transaction, but for what came in between.
        """
        assert self.connection is not None  # noqa: S101 - else the transaction's end undoes it
        self.connection.execute("ROLLBACK TO SAVEPOINT calls")
        # No iterator: more may come in between.
        for place in range(len(self.interruptions)):
            self.interruptions[place](self.connection)


class Savepoints(threading.local):
    """
    Those that one thread has open.
    """

    def __init__(self) -> None:
        self._open: list[Savepoint] = []

    @contextmanager
    def point(self, connection: Connection) -> Iterator[Savepoint]:
        """
        Make a point in the middle of a transaction; after the body nothing can be taken back to it any more.
        """
        # Known before it is there: what comes in between these two is taken again in vain, and not lost.
        point = self.begin(connection)
        try:
            connection.execute("SAVEPOINT calls")
            yield point
            connection.execute("RELEASE SAVEPOINT calls")
        finally:
            self.end(point)

    def begin(self, connection: Connection | None = None) -> Savepoint:
        """
        Open a point, to be closed by `end`.
        """
        point = Savepoint(connection)
        self._open.append(point)
        return point

    def end(self, point: Savepoint) -> None:
        """
        Close a point; what came in between may yet be taken back to the one around it.
        """
        self._open.remove(point)
        if self._open:
            self._open[-1].interruptions.extend(point.interruptions)

    def is_open(self) -> bool:
        """
        Tell whether there is one.
        """
        return bool(self._open)

    def interrupted(self, connection: Connection, again: Again) -> None:
        """
        Note that a call came in between, if it may have done so on the same connection.
        """
        point = self._open[-1] if self._open else None
        if point is not None and (point.connection is None or point.connection is connection):
            point.interruptions.append(again)
