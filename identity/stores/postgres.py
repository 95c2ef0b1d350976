"""
A PostgreSQL database that many processes on many machines share: serializable transactions, repeated on conflict.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from itertools import count

import psycopg
from psycopg import errors

from identity.errors import StoreError
from identity.stores import postgres_schema
from identity.stores.address import shown
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
from identity.stores.postgres_attempts import Attempts, Begun, LostInCommit
from identity.stores.postgres_connections import Connections, Raw
from identity.stores.postgres_portable import PortableConnection
from identity.stores.postgres_troubles import CONFLICTS, store_error

BEGIN = "BEGIN ISOLATION LEVEL SERIALIZABLE"

# In one message with the BEGIN, so that it costs no round trip.
BEGIN_NUMBERED = f"{BEGIN}; SELECT pg_current_xact_id()::text, pg_postmaster_start_time()::text"


WAIT_FOR_ONESELF = "SET LOCAL lock_timeout = '100ms'"
"""A signal handler would wait in vain for what the write that it interrupted has locked."""


class TakenBack(StoreError):
    """
    A write cannot go on, since one of its statements has failed.
    """


class PostgresStore:
    """
    One PostgreSQL database.

    Args:
        url: the server and the database, as libpq takes them.
        safety: what a commit survives.
        read_only: whether nothing may be written.
        wait_s: how long to wait for others, or for a server that is away.

    Raises:
        StoreError: the server cannot be reached, or refuses.
    """

    def __init__(self, url: str, *, safety: Safety, read_only: bool, wait_s: float) -> None:
        self.name = shown(url)
        self.one_writer = False
        self.safety = safety
        self._connections = Connections(url, safety=safety, read_only=read_only, wait_s=wait_s)
        self._attempts = Attempts(self.name, self._connections, wait_s=wait_s)
        self._here = threading.local()
        close_at_fork(self)

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """
        Commit what one work does; it is done again if others were in its way.
        """
        joined = self._mine()
        if joined is not None:
            return work(joined)

        def attempt() -> Result:
            # A handler's own write in the middle leaves what is known of the one around it.
            around, self._here.was_broken = getattr(self._here, "was_broken", False), False
            try:
                with self._transaction() as connection:
                    return work(connection)
            except (TakenBack, errors.InFailedSqlTransaction):
                if not self._here.was_broken:
                    raise
                raise errors.SerializationFailure("a signal handler failed in its middle") from None
            finally:
                self._here.was_broken = around

        return self._attempts.until_done(attempt)

    def write_in_between(self, work: Callable[[Connection], Result]) -> Result:
        """
        Do a work in the middle of a write of this thread, as a signal handler does.
        """
        try:
            return self.write(work)
        except psycopg.Error as error:
            # Perhaps for a conflict of the whole transaction, which is to be repeated.
            self._here.was_broken = True
            raise store_error(self.name, error) from None

    def write_many(self, works: Sequence[Callable[[], Result]]) -> list[Outcome[Result]]:
        """
        Commit what several works do, each isolated from the others' errors.
        """
        attempts = count(1)
        return self.write(lambda _: self._isolated(works, again=next(attempts) <= MOST_RACES))

    def _isolated(self, works: Sequence[Callable[[], Result]], *, again: bool) -> list[Outcome[Result]]:
        """
        Do several works.

        Args:
            works: what to do.
            again: whether to begin anew when one meets a key that is taken, perhaps since this moment only.
        """
        joined = self._mine()
        assert joined is not None  # noqa: S101 - called within a transaction
        outcomes: list[Outcome[Result]] = []
        joined.raw.execute("SAVEPOINT work", prepare=False)
        for work in works:
            try:
                outcomes.append(Outcome(work()))
            except Exception as error:
                if joined.raw.broken or isinstance(error, CONFLICTS):
                    raise
                if self._here.was_broken and isinstance(error, TakenBack | errors.InFailedSqlTransaction):
                    raise
                if again and isinstance(error, errors.UniqueViolation):
                    raise
                joined.raw.execute("ROLLBACK TO SAVEPOINT work", prepare=False)
                known = store_error(self.name, error) if isinstance(error, psycopg.Error) else error
                outcomes.append(Outcome(error=known))
            # Two statements in one message.
            joined.raw.execute("RELEASE SAVEPOINT work; SAVEPOINT work", prepare=False)
        return outcomes

    def transaction(self) -> AbstractContextManager[Connection]:
        """
        Commit what the body does, once, or join the transaction that this thread is in.
        """
        joined = self._mine()
        return self._outermost() if joined is None else nullcontext(joined)

    @contextmanager
    def _outermost(self) -> Iterator[Connection]:
        try:
            with self._transaction() as connection:
                yield connection
        except psycopg.Error as error:
            raise store_error(self.name, error) from None

    def _mine(self) -> PortableConnection | None:
        found: PortableConnection | None = getattr(self._here, "connection", None)
        # In the middle of a statement only a signal handler comes here: it takes another connection.
        if found is None or found.is_taken():
            return None
        if found.has_failed():
            raise TakenBack(self.name, "takes back a write of which a statement has failed: nothing can join it")
        return found

    @contextmanager
    def _transaction(self) -> Iterator[PortableConnection]:
        raw = self._connections.take()
        try:
            outer = getattr(self._here, "connection", None)
            begun = self._begin(raw)
            if outer is not None:
                raw.execute(WAIT_FOR_ONESELF, prepare=False)
            self._here.connection = PortableConnection(raw)
            try:
                yield self._here.connection
            except BaseException:
                with suppress(psycopg.Error):
                    raw.execute("ROLLBACK")
                raise
            finally:
                self._here.connection = outer
            self._commit(raw, begun)
        finally:
            self._connections.give_back(raw)

    def _begin(self, raw: Raw) -> Begun | None:
        if not self._connections.tells_what_committed:
            raw.execute(BEGIN, prepare=False)
            return None
        cursor = raw.execute(BEGIN_NUMBERED, prepare=False)
        cursor.nextset()
        row = cursor.fetchone()
        return None if row is None else Begun(*map(str, row))

    def _commit(self, raw: Raw, begun: Begun | None) -> None:
        try:
            done = raw.execute("COMMIT", prepare=False).statusmessage
        except psycopg.OperationalError as error:
            if raw.broken:
                self._attempts.settle(LostInCommit(begun, error))
                return
            raise
        if done != "COMMIT":
            # A statement failed, and whoever ran it took no notice.
            raise TakenBack(self.name, "rolled back: a statement had failed")

    def is_within(self) -> bool:
        """
        Tell whether this thread may be in a transaction: also when a signal handler interrupts one.
        """
        return getattr(self._here, "connection", None) is not None

    def notes(self) -> Notes:
        """
        Return what is remembered with the transaction that this thread is in.
        """
        notes: Notes = self._here.connection.notes
        return notes

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """
        Return every row that a query yields: within a transaction of its own changes, else of what is committed.
        """
        joined = self._mine()
        if joined is not None:
            # Its errors belong to the transaction, which may be repeated.
            return joined.execute(sql, parameters).fetchall()
        return self._read(lambda connection: connection.execute(sql, parameters).fetchall())

    def _read(self, ask: Callable[[PortableConnection], Result]) -> Result:
        def attempt() -> Result:
            raw = self._connections.take()
            try:
                return ask(PortableConnection(raw))
            finally:
                self._connections.give_back(raw)

        joined = self._mine()
        return self._attempts.until_done(attempt) if joined is None else ask(joined)

    def applied(self, name: str) -> list[str]:
        """
        Return the steps of a migration set that were applied, oldest first.
        """
        return self._read(lambda connection: postgres_schema.applied(connection, name))

    def apply(self, name: str, migrations: Migrations) -> None:
        """
        Apply the steps of a migration set that were not.
        """

        def attempt() -> None:
            with self.transaction() if self._mine() else self._transaction() as connection:
                postgres_schema.apply(connection, name, migrations)

        self._attempts.until_done(attempt, also=postgres_schema.RACES)

    def tables(self) -> Columns:
        """
        Return the tables that migrations made.
        """
        return self._read(postgres_schema.tables)

    def last_numbers(self) -> Numbers:
        """
        Return, by table, the column of its rows' numbers and the last one that was given.
        """
        return self._read(postgres_schema.last_numbers)

    def continue_after(self, table: str, column: str, last: int) -> None:
        """
        Let the next row of a table have a number above the last one.
        """
        self._read(lambda connection: postgres_schema.continue_after(connection, table, column, last))

    def close(self) -> None:
        """
        Close the connections; a second call does nothing.
        """
        self._connections.close()

    def before_fork(self) -> bool:
        """
        Let the process fork at any time: a child opens connections of its own.
        """
        return True

    def after_fork(self, *, in_child: bool, ready: bool) -> None:  # noqa: ARG002 - always ready
        """
        Leave the parent's connections to the parent.
        """
        if in_child:
            self._connections.forget()
            self._attempts.forget()
            self._here = threading.local()
