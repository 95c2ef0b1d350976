"""
The engine for many links: 128 bits of hash into one compiled table, texts untouched but for new identities.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from identity.batch import kernel
from identity.batch.joined import NO_LINKS, Joined, Numbers
from identity.batch.reading import PIECE, Piece

SLOTS_A_LINK = 1.7
"""Room for one new identity with each link, and the table not two thirds full."""
FULLEST = 0.9
"""The part of the table that may be taken: beyond it, looking for a place takes long."""
SEEDS = (1, 2)

Words = NDArray[np.uint64]


class HashedLinks:
    """
    Links joined as they come; what is kept grows with the identities, not with the links.

    Args:
        rows: how many links are expected; more are no problem.
        count: keep both ends of each link by number.
    """

    def __init__(self, rows: int, *, count: bool) -> None:
        self._count = count
        self._known = 0
        self._table = _table_for(max(int(rows * SLOTS_A_LINK), _slots_for(2 * min(rows, PIECE))))
        self._parent = np.empty(len(self._table) // 2, np.int32)
        self._ids: list[pl.Series] = []
        self._ends: list[Numbers] = []

    def add(self, piece: Piece) -> None:
        """
        Join the links of a piece.
        """
        self._join(piece.older, piece.newer, count=self._count)
        self._join(piece.alone, piece.alone, count=False)

    def _join(self, older: pl.Series, newer: pl.Series, *, count: bool) -> None:
        links = len(older)
        if links == 0:
            return
        self._make_room(self._known + 2 * links)
        new = np.empty(2 * links, np.uint32)
        ends = np.empty(2 * links if count else 0, np.int32)
        before = self._known
        self._known = kernel.join(self._table, self._parent, before, (*_hashes(older), *_hashes(newer)), new, ends)
        both = pl.concat([older.alias("id"), newer.alias("id")], rechunk=False)
        self._ids.append(both.gather(new[: self._known - before]))
        if count:
            self._ends.append(ends)

    def _make_room(self, identities: int) -> None:
        if identities > np.iinfo(np.int32).max:
            raise OverflowError("two thousand million identities are for a cluster: see identity.batch.spark")
        needed = _slots_for(identities)
        if needed <= len(self._parent):
            return
        larger = _table_for(max(needed, len(self._parent) * 3 // 2))
        kernel.move(self._table, larger)
        self._table = larger
        parent = np.empty(len(larger) // 2, np.int32)
        parent[: self._known] = self._parent[: self._known]
        self._parent = parent

    def joined(self, *, links: int, refused: int) -> Joined:
        """
        Return what came of it; nothing can be added afterwards.
        """
        self._table = np.empty(0, np.uint64)
        person = self._parent[: self._known].copy()
        self._parent = np.empty(0, np.int32)
        kernel.flatten(person)
        return Joined(
            ids=pl.concat(self._ids, rechunk=True) if self._ids else pl.Series("id", [], pl.String),
            person=person,
            ends=np.concatenate(self._ends) if self._ends else NO_LINKS,
            links=links,
            refused=refused,
            lowest=kernel.lowest,
        )


def _slots_for(identities: int) -> int:
    return int(identities / FULLEST) + 1


def _table_for(slots: int) -> Words:
    return np.zeros(2 * slots, np.uint64)


def _hashes(ids: pl.Series) -> tuple[Words, Words]:
    first, second = (ids.hash(seed).to_numpy() for seed in SEEDS)
    return first, second
