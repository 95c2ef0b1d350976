"""
One database, a SQLite file or PostgreSQL, opened the way that many threads and processes can share.

Every table of this project is kept through here, so that one transaction can hold all of a call's effects. The
statements are written once, in a dialect that both take (docs/storage.md); the rooms under `identity.stores` know
how the two differ.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path

from identity.errors import StoreError
from identity.interruptions import Interruptions
from identity.stores.address import is_postgres
from identity.stores.forking import close_at_fork
from identity.stores.interface import (
    WAIT_S,
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
    Store,
)
from identity.stores.submissions import Item, Submissions

__all__ = ["Connection", "Database", "Migrations", "Outcome", "Parameters", "Row", "Safety"]


class Database:
    """
    A SQLite file or a PostgreSQL database, safe to use from several threads, processes, and across a fork.

    Args:
        path: the file, created if missing; ``":memory:"``, which keeps everything in memory; or
            ``"postgresql://…"``, as libpq takes it.
        safety: what a committed write survives: ``"process"``, the end of this process however sudden (the
            default on SQLite), or ``"power"``, a power cut, too (the default on PostgreSQL).
        read_only: never write: the database must exist, and hold the tables that are asked for.
        wait_s: how long to wait for other writers, or for a server that is away, before giving up.

    Attributes:
        interruptions: of this thread's writes, by signal handlers.

    Raises:
        StoreError: it cannot be opened, or is no such database.
        ImportError: for PostgreSQL without the extra ``postgres``.
    """

    def __init__(
        self,
        path: str | Path = ":memory:",
        *,
        safety: Safety | str | None = None,
        read_only: bool = False,
        wait_s: float = WAIT_S,
    ) -> None:
        self._up_to_date: set[tuple[str, ...]] = set()
        self._read_only = read_only
        self._store = _store(path, safety=safety, read_only=read_only, wait_s=wait_s)
        self.interruptions = Interruptions(self._store.write, self._store.write_in_between)
        self._submissions = Submissions(self._store.write_many)
        close_at_fork(self._submissions)

    def __repr__(self) -> str:
        return f"Database({self.path!r})"

    @property
    def path(self) -> str:
        """
        The file, or the server's address without its password.
        """
        return self._store.name

    @property
    def safety(self) -> Safety:
        """
        What a committed write survives.
        """
        return self._store.safety

    @property
    def one_writer(self) -> bool:
        """
        Whether one writes at a time, so that whoever numbers rows commits them in the order of their numbers.
        """
        return self._store.one_writer

    def migrate(self, name: str, migrations: Migrations) -> None:
        """
        Apply the migrations of the set ``name`` that this database has not seen yet; looks for them once.

        Raises:
            StoreError: it is read-only and lacks some, cannot be written, or has seen later ones.
        """
        asked = (name, *migrations)
        if asked in self._up_to_date:
            return
        self._bring_up_to_date(name, migrations)
        # What a transaction made is gone again if that fails.
        if not self._store.is_within():
            self._up_to_date.add(asked)

    def _bring_up_to_date(self, name: str, migrations: Migrations) -> None:
        applied = self._store.applied(name)
        later = [step for step in applied if step not in migrations]
        if later:
            raise StoreError(
                self.path,
                f"was made by a later version of sdkbridge ({name} {later[-1]}): use that version, or a later one",
            )
        if len(applied) == len(migrations):
            return
        if self._read_only:
            raise StoreError(self.path, f"lacks tables of {name}: it is another program's file, or an older one")
        self._store.apply(name, migrations)

    def transaction(self) -> AbstractContextManager[Connection]:
        """
        Write several rows or none; within a transaction of this thread, join that one.

        For an outermost one `write` is better: it shares a commit with other threads, is repeated if others were
        in its way on PostgreSQL, where this raises StoreError, and keeps what signal handlers wrote if it fails.

        Raises:
            StoreError: the database is locked for too long, full, read-only, damaged or away. Nothing was written.
        """
        return self._store.transaction()

    def write(self, work: Callable[[], Result]) -> Result:
        """
        Do some work whose effects commit together before this returns, or not at all.

        Threads that write at the same moment share a commit. The work may be done by another of them, and again
        from its start if other writers were in its way, so it must change nothing but the database. Within a
        transaction it joins that one.

        Raises:
            StoreError: the database is locked for too long, full, read-only, damaged or away. Nothing was written.
        """
        return self.write_through(lambda _: work())

    def write_through(self, work: Callable[[Connection], Result]) -> Result:
        """
        Do some work as `write` does, through the connection that it is handed.

        Raises:
            StoreError: as for `write`.
        """
        return self.interruptions.around(self._store.write, work)

    def write_many(self, works: Sequence[Callable[[], Result]]) -> list[Outcome[Result]]:
        """
        Do several works in one commit; return what came of each, in their order.

        A work that raises leaves nothing behind and has its error in its outcome; the others are kept.

        Raises:
            StoreError: the commit failed; nothing of any was written.
        """
        return self.interruptions.around(self._store.write_many, works)

    def submit(self, work: Callable[[], Result], *, size: int = 1) -> "Future[Result]":
        """
        Have a work done by a thread that commits all that waits at once; return without waiting for it.

        Args:
            work: as for `write`.
            size: how many works it stands for; a commit holds about a thousand.
        """
        return self._submissions.submit(work, size=size)

    def submit_to(
        self, take: Callable[[Sequence[Item]], Sequence[Result]], item: Item, *, size: int = 1
    ) -> "Future[Result]":
        """
        Have an item taken, as `submit` has a work done, by one work for all that wait for the same taker.

        Args:
            take: a work that takes many items, and returns what came of each; if it raises, all have failed.
            item: what is to be taken.
            size: how many works it stands for.
        """
        return self._submissions.submit_to(take, item, size=size)

    def notes(self) -> Notes:
        """
        Return what is remembered with the transaction that this thread is in, the outermost one: nothing at first.

        It is for whoever keeps in memory what the database holds, and must not yet believe what may be undone.
        """
        return self._store.notes()

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """
        Return every row that a query yields.

        Raises:
            StoreError: the database cannot be read.
        """
        return self._store.rows(sql, parameters)

    def row(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """
        Return the first row that a query yields, or None.
        """
        found = self._store.rows(sql, parameters)
        return found[0] if found else None

    def tables(self) -> Columns:
        """
        Return the tables that migrations made, with their columns, in the order in which they were made.
        """
        return self._store.tables()

    def last_numbers(self) -> Numbers:
        """
        Return, for each table whose rows are numbered, the column of the numbers and the last one given.
        """
        return self._store.last_numbers()

    def continue_after(self, table: str, column: str, last: int) -> None:
        """
        Let the next row of a table whose rows are numbered in ``column`` have a number above the last one.
        """
        self._store.continue_after(table, column, last)

    def close(self) -> None:
        """
        Write what was submitted, and let go of the database; a second call does nothing.

        In a signal handler in the middle of a write that is done once the write has ended.
        """
        self.interruptions.afterwards(self._close)

    def _close(self) -> None:
        self._submissions.close()
        self._store.close()


def _store(path: str | Path, *, safety: Safety | str | None, read_only: bool, wait_s: float) -> Store:
    asked = None if safety is None else Safety(safety)
    # Imported when needed: most programs use one kind of store.
    if is_postgres(path):
        try:
            from identity.stores.postgres import PostgresStore  # noqa: PLC0415 - see above
        except ImportError as error:
            raise ImportError(
                "PostgreSQL needs the extra 'postgres': pip install 'sdkbridge[postgres]'"
            ) from error
        return PostgresStore(str(path), safety=asked or Safety.POWER, read_only=read_only, wait_s=wait_s)
    from identity.stores.sqlite import SQLiteStore  # noqa: PLC0415 - see above

    return SQLiteStore(path, safety=asked or Safety.PROCESS, read_only=read_only, wait_s=wait_s)
