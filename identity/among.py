"""
Rows whose key is one of many.
"""

from collections.abc import Sequence

from identity.database import Connection, Row

SIZES = (8, 64, 512)
"""How many keys one statement asks for, so that databases meet the same few statements again and again."""


def rows_among(connection: Connection, sql: str, keys: Sequence[object]) -> list[Row]:
    """
    Return what a query yields for many keys.

    Args:
        connection: the transaction.
        sql: the query; ``{keys}`` in it stands for the marks of the keys.
        keys: the keys; a row may come twice if one of them does.
    """
    found: list[Row] = []
    for start in range(0, len(keys), SIZES[-1]):
        some = keys[start : start + SIZES[-1]]
        size = next(size for size in SIZES if size >= len(some))
        # The last key is asked for once more until the size is right, which changes nothing.
        padded = [*some, *[some[-1]] * (size - len(some))]
        marks = ", ".join("?" * size)
        found += connection.execute(sql.replace("{keys}", marks), padded).fetchall()
    return found
