"""
The one connection that writes a SQLite file, as a context manager: entered it begins, left it commits.
"""

import sqlite3
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from identity.errors import StoreError
from identity.stores.interface import Notes, Safety
from identity.stores.sqlite_file import Watch
from identity.stores.sqlite_opening import open_writer
from identity.stores.sqlite_troubles import is_full, lost_its_disk, store_error

WAIT_FOR_READERS_MS = 100
"""How long the room that a log takes is waited for, until nobody reads from it."""


class Writer:
    """
    Writes, for whichever thread has the turn.

    Args:
        name: the file, or ``":memory:"``.
        path: where the file is; None in memory.
        safety: what a commit survives.
        wait_s: how long to wait for other processes.

    Attributes:
        notes: what is remembered with the transaction that goes on.
        made_room: whether the last write failed for want of room, and there may be some now.
    """

    def __init__(self, name: str, path: Path | None, *, safety: Safety, wait_s: float) -> None:
        self._name = name
        self._path = path
        self._safety = safety
        self._wait_s = wait_s
        self._connection: sqlite3.Connection | None = None
        self._watch: Watch | None = None
        self._owner: int | None = None
        self._joined = 0
        self._refused: str | None = None
        self.notes: Notes = {}
        self.made_room = False

    def connection(self) -> sqlite3.Connection:
        """
        Return the connection, opened if it is not.
        """
        if self._refused is not None:
            raise StoreError(self._name, self._refused)
        if self._connection is None:
            self._connection = open_writer(self._name, self._path, safety=self._safety, wait_s=self._wait_s)
            self._watch = None if self._path is None else Watch(self._path)
        return self._connection

    def mine(self) -> sqlite3.Connection | None:
        """
        Return the connection if this thread is in a transaction on it.
        """
        if self._owner != threading.get_ident() or self._connection is None:
            return None
        # Not so in the moment after a commit, when a signal handler may run.
        return self._connection if self._connection.in_transaction else None

    def is_within(self) -> bool:
        """
        Tell whether a transaction goes on: SQLite gives one up by itself when a disk is full.
        """
        return self._connection is not None and self._connection.in_transaction

    def __enter__(self) -> sqlite3.Connection:
        self.made_room = False
        connection = self.connection()
        if connection.in_transaction:
            # Only a signal handler comes here, in the moment between the statement below and the one after it.
            self._joined += 1
            return connection
        if self._watch is not None:
            self._watch.check()
        self.notes = {}
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._recover(error)
            raise store_error(self._name, error) from error
        self._owner = threading.get_ident()
        return connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._joined:
            self._joined -= 1
            return
        if error is None:
            try:
                self.connection().execute("COMMIT")
            except sqlite3.Error as failed:
                error = failed
        self._owner = None
        if error is None:
            return
        self._recover(error)
        if isinstance(error, sqlite3.Error):
            raise store_error(self._name, error) from error

    def _recover(self, error: BaseException) -> None:
        if self.is_within():
            with suppress(sqlite3.Error):
                self.connection().execute("ROLLBACK")
        if self._path is None:
            return
        try:
            if is_full(error):
                self.made_room = self._empty_log()
        except sqlite3.Error as failed:
            error = failed
        if lost_its_disk(error):
            self.close()

    def _empty_log(self) -> bool:
        """
        Copy the write-ahead log into the file, and give back its room; return whether that went well.

        A log holds a page once for each commit that changed it, so on a full disk this is where room is found.
        """
        connection = self.connection()
        connection.execute(f"PRAGMA busy_timeout = {WAIT_FOR_READERS_MS}")
        try:
            (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            connection.execute(f"PRAGMA busy_timeout = {int(self._wait_s * 1000)}")
        return not busy

    def close(self) -> None:
        """
        Close the connection; the next use opens another one.
        """
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None

    def abandon(self, problem: str) -> sqlite3.Connection | None:
        """
        Let go of a connection that a parent process is using, without closing it, and never open another.
        """
        inherited, self._connection, self._owner, self._refused = self._connection, None, None, problem
        return inherited
