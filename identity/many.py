"""
Statements about many keys: in parts, since no statement takes any number of them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from identity.database import Row

Key = TypeVar("Key")

SIZES = (8, 64, 512)
"""For how many keys a query is, so that databases meet the same few again and again."""


def in_parts(keys: Iterable[Key], *, most: int = 500) -> Iterator[list[Key]]:
    """
    Yield keys in lists of so many at most.
    """
    rest = iter(keys)
    while some := list(islice(rest, most)):
        yield some


def marks(number: int) -> str:
    """
    Return the marks that stand for so many keys in a statement.
    """
    return ", ".join("?" * number)


def for_keys(sql: str, number: int) -> str:
    """
    Return a statement with the marks of so many keys wherever it says ``{keys}``.
    """
    return sql.replace("{keys}", marks(number))


def rows_among(
    ask: Callable[[str, Sequence[object]], Iterable[Row]], sql: str, keys: Iterable[object]
) -> list[Row]:
    """
    Return what a query yields for many keys, however often it is told one of them.

    Args:
        ask: what runs a query, such as `Database.rows` or ``connection.execute``.
        sql: the query, which says ``{keys}`` where they belong.
        keys: the keys.
    """
    found: list[Row] = []
    for some in in_parts(keys, most=SIZES[-1]):
        size = next(size for size in SIZES if size >= len(some))
        # The last key is asked for again until the size is right, which changes nothing.
        found += ask(for_keys(sql, size), some + [some[-1]] * (size - len(some)))
    return found
