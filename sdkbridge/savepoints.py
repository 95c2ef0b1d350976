"""
Points to which a transaction's calls can be taken back, but for those of signal handlers that came in between.

On SQLite a handler's call joins the transaction that it interrupted. Its receipt is out by the time that others
are taken back, so it is then taken again.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from attrs import Factory, frozen

from identity.database import Connection

Again = Callable[[], object]
"""Takes a call again that was taken back; it does nothing if it was not."""


@frozen(eq=False)
class Savepoint:
    """
    One such point.

    Attributes:
        connection: the transaction's.
        interruptions: what takes again each call that came in between since then.
    """

    connection: Connection
    interruptions: list[Again] = Factory(list)

    def take_back(self) -> None:
        """
        Undo what was done since then, but for what came in between.
        """
        self.connection.execute("ROLLBACK TO SAVEPOINT calls")
        # No iterator: more may come in between.
        for place in range(len(self.interruptions)):
            self.interruptions[place]()


class Savepoints(threading.local):
    """
    Those that one thread has open.
    """

    def __init__(self) -> None:
        self._open: list[Savepoint] = []

    @contextmanager
    def point(self, connection: Connection) -> Iterator[Savepoint]:
        """
        Make a point; after the body nothing can be taken back to it any more.
        """
        point = Savepoint(connection)
        # Known before it is there: what comes in between these two is taken again in vain, and not lost.
        self._open.append(point)
        try:
            connection.execute("SAVEPOINT calls")
            yield point
            connection.execute("RELEASE SAVEPOINT calls")
        finally:
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
        Note that a call came in between, if it did so on the same connection.
        """
        if self._open and self._open[-1].connection is connection:
            self._open[-1].interruptions.append(again)
