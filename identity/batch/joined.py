"""
Identities by number, and which of them are one person: what every engine makes.
"""

from collections.abc import Callable

import numpy as np
import polars as pl
from attrs import frozen
from numpy.typing import NDArray

Numbers = NDArray[np.int32]
Keys = NDArray[np.uint64]
NO_LINKS: Numbers = np.empty(0, np.int32)

KEY_BYTES = 8


def lowest(keys: Keys, persons: Numbers, size: int) -> Keys:
    """
    Return each person's lowest key, at the place of the identity that stands for it.
    """
    found = np.full(size, np.iinfo(np.uint64).max)
    np.minimum.at(found, persons, keys)
    return found


@frozen(eq=False)
class Joined:
    """
    What an engine found out.

    Attributes:
        ids: the identities; their places are their numbers.
        person: for each identity, the number of the one that stands for its person.
        ends: both ends of each joining link, one after the other, if they were asked for.
        links: how many links there were.
        refused: how many of them joined nobody.
        lowest: finds each person's lowest key; an engine that compiles has a faster one.
    """

    ids: pl.Series
    person: Numbers
    ends: Numbers
    links: int
    refused: int
    lowest: Callable[[Keys, Numbers, int], Keys] = lowest

    def smallest(self, among: Numbers | None = None) -> Numbers:
        """
        Return the number of each person's smallest identity as text, at the place of the one that stands for it.

        The first bytes decide for nearly all, so that hardly a text is looked at.

        Args:
            among: the numbers of the identities to choose from, at least one of each person; all by default.
        """
        numbers = np.arange(len(self.ids), dtype=np.int32) if among is None else among
        keys = _keys(self.ids if among is None else self.ids.gather(among))
        persons = self.person if among is None else self.person[among]
        lows = keys == self.lowest(keys, persons, len(self.ids))[persons]
        numbers, persons = numbers[lows], persons[lows]
        best = np.zeros(len(self.ids), np.int32)
        best[persons] = numbers
        overwritten = persons[best[persons] != numbers]
        if len(overwritten):
            tied = np.isin(persons, overwritten)
            _settle(self.ids, best, persons[tied], numbers[tied])
        return best


def _keys(ids: pl.Series) -> Keys:
    """
    Return the first bytes of every identity as a number: UTF-8 sorts as Unicode does.
    """
    whole = pl.col("first").bin.reinterpret(dtype=pl.UInt64, endianness="big")
    filled = (pl.col("first") + pl.lit(b"\0" * KEY_BYTES)).bin.head(KEY_BYTES)
    first = pl.DataFrame({"first": ids}).select(pl.col("first").cast(pl.Binary).bin.head(KEY_BYTES))
    keys = first.select(whole).to_series()
    if keys.null_count():
        short = keys.is_null().arg_true()
        made = first[short].select(filled.alias("first")).select(whole).to_series()
        keys = keys.scatter(short, made)
    return keys.to_numpy()


def _settle(ids: pl.Series, best: Numbers, persons: Numbers, numbers: Numbers) -> None:
    """
    Let whole texts decide between identities that start alike.
    """
    rivals = pl.DataFrame({"person": persons, "number": numbers, "id": ids.gather(numbers)})
    won = rivals.group_by("person").agg(pl.col("number").get(pl.col("id").arg_min()))
    best[won["person"].to_numpy()] = won["number"].to_numpy()
