"""
A second way into a project's database, to read by: a long look at it holds up nobody who takes calls.
"""

import threading

from identity.database import Database
from identity.graph import IdentityGraph
from sdkbridge.outbox.queue import Outbox
from sdkbridge.server.serving import ServedProject


class Reading:
    """
    What pages read of one project that may take long.

    A database in memory has no second way in, and is read by the bridge's own.

    Args:
        served: the project.
    """

    def __init__(self, served: ServedProject) -> None:
        self._served = served
        self._lock = threading.Lock()
        self._opened: tuple[IdentityGraph, Outbox] | None = None

    @property
    def graph(self) -> IdentityGraph:
        """
        Who is who.

        Raises:
            StoreError: the database cannot be read.
            BridgeClosed: the server has stopped.
        """
        return self._ways()[0]

    @property
    def outbox(self) -> Outbox:
        """
        The queue of requests for Kissmetrics.

        Raises:
            StoreError: the database cannot be read.
            BridgeClosed: the server has stopped.
        """
        return self._ways()[1]

    def _ways(self) -> tuple[IdentityGraph, Outbox]:
        bridge, path = self._served.bridge, self._served.project.database
        if path == ":memory:":
            return bridge.graph, bridge.outbox
        with self._lock:
            if self._opened is None:
                database = Database(path, read_only=True)
                self._opened = IdentityGraph(database), Outbox(database)
            return self._opened

    def close(self) -> None:
        """
        Let go of the database.
        """
        with self._lock:
            if self._opened is not None:
                self._opened[0].close()
                self._opened = None
