"""
Which engine joins, and the loop that all of them share.
"""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Literal, Protocol

import numpy as np
import polars as pl

from identity.batch.joined import Joined
from identity.batch.pairs import resolve_pairs
from identity.batch.reading import Links, Piece, pieces, rows_of, scanned
from identity.batch.resolution import Resolution
from identity.errors import InvalidLinks

Engine = Literal["numba", "scipy", "python"]

MANY = 1_000_000
"""Links from which on it pays to load what was compiled, once, on this machine."""
KERNEL = "identity.batch.kernel"


class Joining(Protocol):
    """
    What an engine does.
    """

    def add(self, piece: Piece) -> None:
        """
        Take some links.
        """

    def joined(self, *, links: int, refused: int) -> Joined:
        """
        Return what comes of all of them.
        """


def join(
    links: Links,
    *,
    older: str,
    newer: str,
    refuse: pl.Expr | None,
    engine: Engine | None,
    count: bool,
    told: Callable[[int], object],
) -> Resolution:
    """
    Join links by the engine that is asked for, or the fastest one there is.
    """
    frame = scanned(links)
    total = refused = 0
    try:
        rows = rows_of(frame)
        name = engine or fastest(rows)
        joining = _made(name, rows, count=count)
        for piece, left_out in pieces(frame, older=older, newer=newer, refuse=refuse):
            joining.add(piece)
            total += len(piece.older) + left_out
            refused += left_out
            told(total)
    except pl.exceptions.PolarsError as error:
        # Its own text may hold what stands in the links, and those are people's.
        raise InvalidLinks("links", f"cannot be read ({type(error).__name__})") from error
    joined = joining.joined(links=total, refused=refused)
    return Resolution(joined=joined, canonical=joined.smallest(), engine=name)


def fastest(rows: int) -> Engine:
    """
    Return the engine for so many links, of those that are installed.
    """
    compiled = rows >= MANY or KERNEL in sys.modules
    order: tuple[Engine, ...] = ("numba", "scipy") if compiled else ("scipy", "numba")
    return next((name for name in order if find_spec(name) is not None), "python")


def _made(engine: Engine, rows: int, *, count: bool) -> Joining:
    # Each of them needs a library that the others do not.
    match engine:
        case "numba":
            from identity.batch.hashing import HashedLinks  # noqa: PLC0415 - see above

            return HashedLinks(rows, count=count)
        case "scipy":
            from identity.batch.sorting import SortedLinks  # noqa: PLC0415 - see above

            return SortedLinks(count=count)
        case "python":
            return PlainLinks(count=count)
    raise ValueError(f"engine must be numba, scipy or python, not {engine!r}")


class PlainLinks:
    """
    The engine that needs neither.

    Args:
        count: keep both ends of each link by number.
    """

    def __init__(self, *, count: bool) -> None:
        self._count = count
        self._pairs: list[tuple[str | None, str | None]] = []

    def add(self, piece: Piece) -> None:
        """
        Keep the links of a piece.
        """
        self._pairs.extend(zip(piece.older, piece.newer, strict=True))
        self._pairs.extend((identity, None) for identity in piece.alone)

    def joined(self, *, links: int, refused: int) -> Joined:
        """
        Join what was added, and return what came of it.
        """
        canonical = resolve_pairs(self._pairs)
        numbers = {identity: number for number, identity in enumerate(canonical)}
        ends = [numbers[end] for pair in self._pairs if None not in pair for end in pair if end is not None]
        return Joined(
            ids=pl.Series("id", list(canonical), pl.String),
            person=np.fromiter((numbers[name] for name in canonical.values()), np.int32, len(canonical)),
            ends=np.array(ends if self._count else [], np.int32),
            links=links,
            refused=refused,
        )
