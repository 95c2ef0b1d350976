"""
All rows of one database into another, in one transaction, with the numbers that they have.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from identity.database import Connection, Database, Row
from identity.errors import StoreError
from identity.many import marks
from identity.stores.interface import Numbers

ROWS_AT_A_TIME = 1000


def copy_rows(source: Database, target: Database, *, numbers: Numbers | None = None) -> dict[str, int]:
    """
    Copy every table, and return how many rows each has now.

    Whoever wants to write to the source waits until it is done, if the source is a file.

    Args:
        source: what is copied; it stays as it is.
        target: has the same tables, all of them empty.
        numbers: the last ones that were given to rows, where the source itself does not know.

    Raises:
        StoreError: a table is missing in the target, or holds rows, or did not receive all; nothing was copied.
    """
    _refuse_if_unlike(source, target)
    with source.transaction() as reading:

        def copy() -> dict[str, int]:
            with target.transaction() as writing:
                copied = {
                    table: _copy_table(reading, writing, target.path, table, columns)
                    for table, columns in source.tables().items()
                }
            for table, (column, last) in {**source.last_numbers(), **(numbers or {})}.items():
                if last:
                    target.continue_after(table, column, last)
            return copied

        return target.write(copy)


def _refuse_if_unlike(source: Database, target: Database) -> None:
    if source.path == target.path:
        raise StoreError(target.path, "cannot be copied into itself")
    there = target.tables()
    for table, columns in source.tables().items():
        if table not in there:
            raise StoreError(source.path, f"holds a table {table}, which no bridge of this version has")
        if set(columns) != set(there[table]):
            raise StoreError(source.path, f"has other columns in its table {table} than this version")
        if target.row(f'SELECT 1 FROM "{table}" LIMIT 1') is not None:  # noqa: S608 - a table's own name
            raise StoreError(target.path, f"is not empty: its table {table} holds rows")


def _copy_table(reading: Connection, writing: Connection, target: str, table: str, columns: Sequence[str]) -> int:
    names = ", ".join(f'"{column}"' for column in columns)
    values = marks(len(columns))
    rows = iter(reading.execute(f'SELECT {names} FROM "{table}"'))  # noqa: S608 - names of the source's own
    copied = 0
    for some in _batches(rows):
        writing.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({values})', some)  # noqa: S608 - the same names
        copied += len(some)
    (arrived,) = writing.execute(f'SELECT count(*) FROM "{table}"').fetchone()  # noqa: S608 - a table's own name
    if arrived != copied:
        raise StoreError(target, f"received {arrived} of {copied} rows of the table {table}: nothing was copied")
    return copied


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while some := list(islice(rows, ROWS_AT_A_TIME)):
        yield some
