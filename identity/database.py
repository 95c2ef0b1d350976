"""
One SQLite file, opened the way that several threads and processes can share.

Write-ahead logging, write transactions that take their lock before they read, and tables made by named
migrations. Every table of this project is kept through here, so that one transaction can hold all of a
call's effects.
"""

import contextlib
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from identity.errors import StoreError

if TYPE_CHECKING:
    from sqlite_utils.migrations import Migrations as MigrationSet

Result = TypeVar("Result")
Row = tuple[Any, ...]
Migrations = Mapping[str, Sequence[str]]
"""Name of a step → its SQL statements, in the order in which they are applied; never edited once released."""

BUSY_TIMEOUT_S = 30.0
WAL_ATTEMPTS = 50


class Database:
    """
    A connection to one SQLite file, safe to use from several threads.

    Args:
        path: the file, created if missing; ``":memory:"`` keeps everything in memory.
        read_only: never write: the file must exist, and hold the tables that are asked for.

    Raises:
        StoreError: the file cannot be opened, or is not a SQLite database.
    """

    def __init__(self, path: str | Path = ":memory:", *, read_only: bool = False) -> None:
        self.path = str(path)
        self._read_only = read_only
        self._lock = threading.RLock()
        try:
            # Transactions are opened by hand below: SQLite's implicit ones start as readers, and a reader
            # that turns into a writer fails at once when another process wrote in between.
            self._connection = sqlite3.connect(
                Path(path).absolute().as_uri() + "?mode=ro" if read_only else self.path,
                uri=read_only,
                timeout=BUSY_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,
            )
            if read_only:
                self._connection.execute("SELECT 1 FROM sqlite_master").fetchone()
                return
            self._use_write_ahead_log()
            self._connection.execute("PRAGMA synchronous = NORMAL")
        except sqlite3.Error as error:
            raise StoreError(self.path, f"cannot be opened as a SQLite database ({error})") from error

    def __repr__(self) -> str:
        return f"Database({self.path!r})"

    def _use_write_ahead_log(self) -> None:
        # SQLite does not run its busy handler for this switch, so several processes that open a new file
        # at the same moment would fail: look first, then try again.
        for attempt in range(WAL_ATTEMPTS):
            (mode,) = self._connection.execute("PRAGMA journal_mode").fetchone()
            if mode in {"wal", "memory"}:
                return
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError:
                if attempt == WAL_ATTEMPTS - 1:
                    raise
                time.sleep(random.uniform(0.001, 0.05))  # noqa: S311 - jitter, not a secret

    def migrate(self, name: str, migrations: Migrations) -> None:
        """
        Apply the migrations of the set ``name`` that this file has not seen yet.

        Raises:
            StoreError: the file is read-only and lacks some, or cannot be written.
        """
        # Imported here because it takes longer than all of this package together.
        import sqlite_utils  # noqa: PLC0415
        from sqlite_utils.migrations import Migrations as MigrationSet  # noqa: PLC0415

        steps = MigrationSet(name)
        for step, statements in migrations.items():

            def apply(db: sqlite_utils.Database, statements: Sequence[str] = statements) -> None:
                for statement in statements:
                    db.execute(statement)

            steps(name=step)(apply)
        if not self._pending(steps):
            return
        if self._read_only:
            raise StoreError(
                self.path, f"holds no tables of {name}: it is another program's file, or an older one"
            )
        with self.transaction() as connection:
            steps.apply(sqlite_utils.Database(connection))

    def _pending(self, steps: "MigrationSet") -> bool:
        import sqlite_utils  # noqa: PLC0415 - see above

        with self._lock:
            try:
                return bool(steps.pending(sqlite_utils.Database(self._connection)))
            except sqlite3.Error as error:
                raise StoreError(self.path, f"cannot be read ({error})") from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """
        Write several rows or none; nested calls join the outermost transaction.

        Raises:
            StoreError: the file is locked for too long, full, read-only or damaged. Nothing was written.
        """
        with self._lock:
            if self._in_transaction():
                yield self._connection
                return
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back()
                raise StoreError(self.path, f"cannot be written ({error})") from error
            except BaseException:
                self._roll_back()
                raise

    def write(self, work: Callable[[], Result]) -> Result:
        """
        Do some work whose effects commit together before this returns, or not at all.

        The work may be done again from its start if other writers were in its way, so it must change nothing but
        the database. Within a transaction it joins that one.

        Raises:
            StoreError: the file is locked for too long, full, read-only or damaged. Nothing was written.
        """
        with self.transaction():
            return work()

    def _in_transaction(self) -> bool:
        try:
            return self._connection.in_transaction
        except sqlite3.ProgrammingError as error:
            raise StoreError(self.path, "is closed") from error

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """
        Return every row that a query yields.

        Raises:
            StoreError: the file cannot be read.
        """
        with self._lock:
            try:
                return self._connection.execute(sql, parameters).fetchall()
            except sqlite3.Error as error:
                raise StoreError(self.path, f"cannot be read ({error})") from error

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """
        Return the first row that a query yields, or None.
        """
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def close(self) -> None:
        """
        Close the connection; a second call does nothing.
        """
        with self._lock:
            self._connection.close()
