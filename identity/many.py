"""
One statement for many keys or rows at once.
"""

from collections.abc import Sequence
from typing import TypeVar

from identity.database import Connection, Row

Item = TypeVar("Item")

SIZES = (8, 64, 512)
"""For how many keys or rows a statement is, so that databases meet the same few again and again."""


def rows_among(connection: Connection, sql: str, keys: Sequence[object]) -> list[Row]:
    """
    Return what a query yields for many keys.

    Args:
        connection: the transaction.
        sql: the query; ``{keys}`` in it stands for the marks of the keys.
        keys: the keys.
    """
    found: list[Row] = []
    for start in range(0, len(keys), SIZES[-1]):
        some = _padded(keys[start : start + SIZES[-1]])
        marks = ", ".join("?" * len(some))
        found += connection.execute(sql.replace("{keys}", marks), some).fetchall()
    return found


def rows_for_many(connection: Connection, sql: str, rows: Sequence[Sequence[object]]) -> list[Row]:
    """
    Return what a statement yields that takes many rows, and that changes nothing by a row that comes twice.

    Args:
        connection: the transaction.
        sql: the statement; ``{rows}`` in it stands for the marks of the rows.
        rows: the rows.
    """
    found: list[Row] = []
    for start in range(0, len(rows), SIZES[-1]):
        some = _padded(rows[start : start + SIZES[-1]])
        marks = ", ".join([f"({', '.join('?' * len(some[0]))})"] * len(some))
        values = [value for row in some for value in row]
        found += connection.execute(sql.replace("{rows}", marks), values).fetchall()
    return found


def _padded(items: Sequence[Item]) -> list[Item]:
    """
    Repeat the last item until there are as many as a statement is for.
    """
    size = next(size for size in SIZES if size >= len(items))
    return [*items, *[items[-1]] * (size - len(items))]
