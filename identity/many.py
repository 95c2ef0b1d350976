"""
One statement for many keys at once.
"""

from collections.abc import Sequence

from identity.database import Connection, Row

SIZES = (8, 64, 512)
"""For how many keys a statement is, so that databases meet the same few again and again."""


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
        some = keys[start : start + SIZES[-1]]
        size = next(size for size in SIZES if size >= len(some))
        marks = ", ".join("?" * size)
        # The last key is asked for again until the size is right, which changes nothing.
        padded = [*some, *[some[-1]] * (size - len(some))]
        found += connection.execute(sql.replace("{keys}", marks), padded).fetchall()
    return found
