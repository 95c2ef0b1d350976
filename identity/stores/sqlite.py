"""
A SQLite file that threads and processes share: one connection writes, another reads what is committed.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from identity.errors import StoreError
from identity.stores import sqlite_schema
from identity.stores.forking import close_at_fork
from identity.stores.interface import (
    MOST_RACES,
    Columns,
    Connection,
    Migrations,
    Notes,
    Numbers,
    Outcome,
    Parameters,
    Result,
    Row,
    Safety,
)
from identity.stores.sqlite_file import make_if_missing
from identity.stores.sqlite_opening import open_reader
from identity.stores.sqlite_troubles import lost_its_disk, store_error
from identity.stores.sqlite_writer import Writer
from identity.stores.turns import Job, Turns

MEMORY = ":memory:"

FORK_PATIENCE_S = 5.0
"""How long a fork waits for what other threads have under way."""


class SQLiteStore:
    """
    One SQLite file, or SQLite in memory.

    Args:
        path: the file, created if missing, or ``":memory:"``.
        safety: what a commit survives.
        read_only: whether to open what is there without ever writing.
        wait_s: how long to wait for other processes.

    Raises:
        StoreError: the file cannot be opened, or is not a SQLite database.
    """

    def __init__(self, path: str | Path, *, safety: Safety, read_only: bool, wait_s: float) -> None:
        self.name = str(path)
        self.one_writer = True
        self.safety = safety
        self._read_only = read_only
        self._wait_s = wait_s
        self._unusable: str | None = None
        self._interrupted = False
        self._may_repeat = False
        self._in_memory = self.name == MEMORY
        # Absolute, because a program may change its folder and then need to open the file again.
        self._file = Path(path).absolute()
        file = None if self._in_memory else self._file
        self._turns = Turns(self._commit)
        self._writer = Writer(self.name, file, safety=safety, wait_s=wait_s)
        self._reading = threading.RLock()
        self._reader: sqlite3.Connection | None = None
        if read_only:
            self._read_connection()
        else:
            if file is not None:
                make_if_missing(file)
            self._writer.connection()
        close_at_fork(self)

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """
        Commit what one work does, alone or with what other threads do at the same moment.
        """
        joined = self._writer.mine()
        if joined is not None:
            return work(joined)
        if not self._turns.take_if_alone():
            return self._turns.line_up(lambda: work(self._writer.connection()))
        try:
            self._refuse_if_unwritable()
            return self._where_it_fits(work)
        finally:
            self._turns.give_up()

    def write_in_between(self, work: Callable[[Connection], Result]) -> Result:
        """
        Do a work in the middle of a write of this thread, as a signal handler does.
        """
        self._interrupted = True
        try:
            return self.write(work)
        except sqlite3.Error as error:
            raise store_error(self.name, error) from error

    def write_many(self, works: Sequence[Callable[[], Result]]) -> list[Outcome[Result]]:
        """
        Commit what several works do, each isolated from the others' errors.
        """
        joined = self._writer.mine()
        if joined is not None:
            return [self._isolated(joined, work) for work in works]
        self._turns.take()
        try:
            self._refuse_if_unwritable()
            return self._where_it_fits(lambda connection: [self._isolated(connection, work) for work in works])
        finally:
            self._turns.give_up()

    def _where_it_fits(self, work: Callable[[Connection], Result]) -> Result:
        """
        Commit what one work does.

        It is done again where there was no room for it and now may be, and where it met a key that a signal
        handler had taken in its middle.
        """
        for races_left in range(MOST_RACES, 0, -1):
            self._interrupted, self._may_repeat = False, races_left > 1
            try:
                with self._writer as connection:
                    return work(connection)
            except StoreError as error:
                if not self._may_repeat or not (self._writer.made_room or self._has_raced(error.__cause__)):
                    raise
        raise AssertionError  # the last time returned or raised

    def _has_raced(self, error: BaseException | None) -> bool:
        return self._may_repeat and self._interrupted and isinstance(error, sqlite3.IntegrityError)

    def _commit(self, jobs: Sequence[Job[Any]]) -> None:
        try:
            self._refuse_if_unwritable()
            outcomes = self._where_it_fits(
                lambda connection: [self._isolated(connection, job.work) for job in jobs]
            )
        except StoreError as error:
            # One for each thread, since each adds its own traceback.
            outcomes = [Outcome(error=error.again()) for _ in jobs]
        for job, outcome in zip(jobs, outcomes, strict=True):
            job.outcome = outcome

    def _isolated(self, connection: Connection, work: Callable[[], Result]) -> Outcome[Result]:
        """
        Do one work of several, and take back what it did if it fails.
        """
        connection.execute("SAVEPOINT work")
        try:
            outcome = Outcome(work())
        except Exception as error:
            if self._has_raced(error):
                raise
            if not self._writer.is_within():
                # SQLite gave up all of it, as it does on a full disk.
                if isinstance(error, sqlite3.Error | StoreError):
                    raise
                raise StoreError(self.name, "gave up what was being written") from error
            connection.execute("ROLLBACK TO work")
            outcome = Outcome(error=store_error(self.name, error) if isinstance(error, sqlite3.Error) else error)
        connection.execute("RELEASE work")
        return outcome

    def transaction(self) -> AbstractContextManager[Connection]:
        """
        Commit what the body does, or join the transaction that this thread is in.
        """
        joined = self._writer.mine()
        return self._outermost() if joined is None else nullcontext(joined)

    @contextmanager
    def _outermost(self) -> Iterator[Connection]:
        self._turns.take()
        try:
            self._refuse_if_unwritable()
            with self._writer as connection:
                yield connection
        finally:
            self._turns.give_up()

    def is_within(self) -> bool:
        """
        Tell whether this thread may be in a transaction: also when it is another's.
        """
        return self._writer.is_within()

    def notes(self) -> Notes:
        """
        Return what is remembered with the transaction that this thread is in.
        """
        return self._writer.notes

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """
        Return every row that a query yields: within a transaction of its own changes, else of what is committed.
        """
        try:
            if (joined := self._writer.mine()) is not None:
                return joined.execute(sql, parameters).fetchall()
            if self._in_memory:
                return self._rows_in_memory(sql, parameters)
            with self._reading:
                return self._read_connection().execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            if lost_its_disk(error):
                with self._reading:
                    self._close_reader()
            raise store_error(self.name, error) from error

    def _rows_in_memory(self, sql: str, parameters: Parameters) -> list[Row]:
        self._turns.take()
        try:
            self._refuse_if_unusable()
            return self._writer.connection().execute(sql, parameters).fetchall()
        finally:
            self._turns.give_up()

    def _read_connection(self) -> sqlite3.Connection:
        if self._reader is None:
            self._refuse_if_unusable()
            self._reader = open_reader(self.name, self._file, wait_s=self._wait_s)
        return self._reader

    def _refuse_if_unwritable(self) -> None:
        self._refuse_if_unusable()
        if self._read_only:
            raise StoreError(self.name, "was opened to be read only")

    def _refuse_if_unusable(self) -> None:
        if self._unusable is not None:
            raise StoreError(self.name, self._unusable)

    def applied(self, name: str) -> list[str]:
        """
        Return the steps of a migration set that were applied, oldest first.
        """
        return sqlite_schema.applied(self.rows, name)

    def apply(self, name: str, migrations: Migrations) -> None:
        """
        Apply the steps of a migration set that were not.
        """
        if not self.applied(name):
            with self.transaction():
                if sqlite_schema.make(self._writer.connection(), name, migrations):
                    return
        upgrade = sqlite_schema.upgrade(name, migrations)
        with self.transaction():
            upgrade(self._writer.connection())

    def tables(self) -> Columns:
        """
        Return the tables that migrations made.
        """
        return sqlite_schema.tables(self.rows)

    def last_numbers(self) -> Numbers:
        """
        Return, by table, the column of its rows' numbers and the last one that was given.
        """
        return sqlite_schema.last_numbers(self.rows)

    def continue_after(self, table: str, column: str, last: int) -> None:  # noqa: ARG002 - SQLite knows it
        """
        Let the next row of a table have a number above the last one.
        """
        with self.transaction() as connection:
            sqlite_schema.continue_after(connection, table, last)

    def close(self) -> None:
        """
        Let go of the file; a second call does nothing.
        """
        self._turns.take()
        try:
            with self._reading:
                self._unusable = self._unusable or "is closed"
                self._disconnect()
        finally:
            self._turns.give_up()

    def _disconnect(self) -> None:
        # The reader first: the last one to close copies the log into the file.
        self._close_reader()
        self._writer.close()

    def _close_reader(self) -> None:
        if self._reader is not None:
            with suppress(sqlite3.Error):
                self._reader.close()
        self._reader = None

    def before_fork(self) -> bool:
        """
        Wait for what is under way in other threads, and close; return whether that succeeded.
        """
        free = self._turns.take(FORK_PATIENCE_S)
        free = self._reading.acquire(timeout=FORK_PATIENCE_S) and free
        if self._in_memory:
            return free
        if not free or self._writer.is_within():
            return False
        self._disconnect()
        return True

    def after_fork(self, *, in_child: bool, ready: bool) -> None:
        """
        Go on: the next use opens the file anew.
        """
        if not in_child:
            for let_go in (self._reading.release, self._turns.give_up):
                with suppress(RuntimeError):
                    let_go()
            return
        self._turns = Turns(self._commit)
        self._reading = threading.RLock()
        if not ready:
            self._unusable = "was forked in the middle of a write, and cannot be used in this process"
            # Kept for ever: closing them here would end the parent's locks.
            _inherited.extend([self._reader, self._writer.abandon(self._unusable)])
            self._reader = None


_inherited: list[sqlite3.Connection | None] = []
