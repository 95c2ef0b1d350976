"""
What a store is to the code above it: SQL in one portable dialect, and work that commits together.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from attrs import frozen

Result = TypeVar("Result")
Row = tuple[Any, ...]
Parameters = Sequence[Any] | Mapping[str, Any]
"""Values for ``?`` in their order, or for ``:name`` by their name."""

Columns = Mapping[str, Sequence[str]]
"""Name of a table → its columns, tables and columns in the order in which they were made."""

Numbers = Mapping[str, tuple[str, int]]
"""Name of a table whose rows are numbered → the column of their numbers, and the last one that was given."""

Notes = dict[Hashable, Any]
"""What is remembered with a transaction, by whoever does so under a key of its own."""

WAIT_S = 30.0
"""How long a write waits for others, or for a server that is away, before it gives up."""


class Safety(StrEnum):
    """
    What a committed write survives.
    """

    PROCESS = "process"
    """The end of this process, however sudden."""
    POWER = "power"
    """The end of the machine's power, too."""


class Cursor(Protocol):
    """
    What a statement answered.
    """

    @property
    def rowcount(self) -> int:
        """
        How many rows it changed.
        """

    def fetchone(self) -> Any:  # noqa: ANN401 - a row of whatever the columns hold
        """
        Return the next row, or None.
        """

    def fetchall(self) -> list[Any]:
        """
        Return all further rows.
        """

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """
    What a transaction is written through.
    """

    def execute(self, sql: str, parameters: Any = ..., /) -> Cursor:  # noqa: ANN401 - `Parameters`
        """
        Run one statement.
        """

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Cursor:
        """
        Run one statement for each set of parameters.
        """


Statement = str | Callable[[Connection], object]
"""SQL, or what writes through a connection that which no SQL can say."""

Migrations = Mapping[str, Sequence[Statement]]
"""Name of a step → its statements, in the order in which they are applied; never edited once released."""


def state(connection: Connection, statement: Statement) -> None:
    """
    Do what a statement of a migration says.
    """
    if isinstance(statement, str):
        connection.execute(statement)
    else:
        statement(connection)


MOST_RACES = 5
"""How often a work is repeated because it met a key that is taken: perhaps by somebody at the same moment."""


@frozen
class Outcome(Generic[Result]):
    """
    What came of a work among others that committed together.

    Attributes:
        value: what it returned, if nothing went wrong.
        error: what it raised; nothing of it was kept then.
    """

    value: Result | None = None
    error: Exception | None = None

    def result(self) -> Result:
        """
        Return what the work returned, or raise what it raised.
        """
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value] # without an error it is what the work returned


class Store(Protocol):
    """
    One kind of database. `identity.database.Database` says what each of these promises.
    """

    @property
    def name(self) -> str:
        """
        The file or the server, without any secret.
        """

    @property
    def safety(self) -> Safety:
        """
        What a committed write survives.
        """

    @property
    def one_writer(self) -> bool:
        """
        Whether one writes at a time.
        """

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """
        Commit what one work does through a connection.
        """

    def write_in_between(self, work: Callable[[Connection], Result]) -> Result:
        """
        Do a work in the middle of a write of this thread, as a signal handler does.
        """

    def write_many(self, works: Sequence[Callable[[], Result]]) -> list[Outcome[Result]]:
        """
        Commit what several works do, each isolated from the others' errors.
        """

    def transaction(self) -> AbstractContextManager[Connection]:
        """
        Commit what the body does, or join the transaction that this thread is in.
        """

    def is_within(self) -> bool:
        """
        Tell whether this thread may be in a transaction.
        """

    def notes(self) -> Notes:
        """
        Return what is remembered with the transaction that this thread is in.
        """

    def rows(self, sql: str, parameters: Parameters) -> list[Row]:
        """
        Return every row that a query yields.
        """

    def applied(self, name: str) -> list[str]:
        """
        Return the steps of a migration set that were applied, oldest first.
        """

    def apply(self, name: str, migrations: Migrations) -> None:
        """
        Apply the steps of a migration set that were not.
        """

    def tables(self) -> Columns:
        """
        Return the tables that migrations made.
        """

    def last_numbers(self) -> Numbers:
        """
        Return, by table, the column of its rows' numbers and the last one that was given.
        """

    def continue_after(self, table: str, column: str, last: int) -> None:
        """
        Let the next row of a table have a number above the last one.
        """

    def close(self) -> None:
        """
        Let go of the database.
        """
