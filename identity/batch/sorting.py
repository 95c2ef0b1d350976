"""
The engine for fewer links: identities numbered by sorting their hashes, joined by scipy; nothing to compile.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from identity.batch.joined import NO_LINKS, Joined, Numbers
from identity.batch.reading import Piece

SEEDS = (1, 2)


class SortedLinks:
    """
    Links kept until all are there, and joined at once.

    Args:
        count: keep both ends of each link by number.
    """

    def __init__(self, *, count: bool) -> None:
        self._count = count
        self._pieces: list[Piece] = []

    def add(self, piece: Piece) -> None:
        """
        Keep the links of a piece.
        """
        self._pieces.append(piece)

    def joined(self, *, links: int, refused: int) -> Joined:
        """
        Join what was added, and return what came of it.
        """
        empty = pl.Series("id", [], pl.String)
        older = pl.concat([empty, *(piece.older.alias("id") for piece in self._pieces)])
        newer = pl.concat([empty, *(piece.newer.alias("id") for piece in self._pieces)])
        alone = pl.concat([empty, *(piece.alone.alias("id") for piece in self._pieces)])
        ids, codes = _numbered(pl.concat([older, newer, alone]))
        pairs = codes[: 2 * len(older)].reshape(2, -1)
        return Joined(
            ids=ids,
            person=_persons(pairs, len(ids)),
            ends=pairs.T.ravel() if self._count else NO_LINKS,
            links=links,
            refused=refused,
        )


def _numbered(ids: pl.Series) -> tuple[pl.Series, Numbers]:
    """
    Return the distinct identities, and the number of each of those given.
    """
    first, second = (ids.hash(seed).to_numpy() for seed in SEEDS)
    # An order that need not be stable comes several times sooner than numpy's unique with its inverse.
    order = np.argsort(first)
    ranked = first[order]
    starts = np.ones(len(ranked), bool)
    starts[1:] = ranked[1:] != ranked[:-1]
    codes = np.empty(len(ranked), np.int32)
    codes[order] = np.cumsum(starts, dtype=np.int32) - 1
    places = order[starts]
    if (second[places][codes] != second).any():
        return _numbered_by_text(ids)
    return ids.gather(places), codes


def _numbered_by_text(ids: pl.Series) -> tuple[pl.Series, Numbers]:
    """
    Do the same when two identities agree in the first 64 bits of their hashes.
    """
    distinct = ids.unique()
    codes = ids.to_frame("id").join(distinct.to_frame("id").with_row_index(), on="id", maintain_order="left")
    return distinct, codes["index"].to_numpy().astype(np.int32)


def _persons(pairs: NDArray[np.int32], identities: int) -> Numbers:
    if identities == 0:
        return NO_LINKS
    links = coo_array((np.ones(pairs.shape[1], np.int8), (pairs[0], pairs[1])), shape=(identities, identities))
    _, label = connected_components(links, directed=False)
    stands_for = np.empty(identities, np.int32)
    stands_for[label[::-1]] = np.arange(identities - 1, -1, -1, dtype=np.int32)
    person: Numbers = stands_for[label]
    return person
