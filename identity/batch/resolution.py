"""
What became of the links: every identity with its person, and every person counted.
"""

import numpy as np
import polars as pl
from attrs import field, frozen
from numpy.typing import NDArray

from identity.batch.joined import Joined, Numbers
from identity.batch.refusals import EMAIL


@frozen(eq=False, kw_only=True)
class Resolution:
    """
    Who is who in some links.

    Attributes:
        joined: identities by number, and which of them are one person.
        canonical: for the identity that stands for a person inside, the number of its canonical one.
        engine: what joined them.
    """

    joined: Joined = field(repr=False)
    canonical: Numbers = field(repr=False)
    engine: str

    @property
    def links(self) -> int:
        """
        How many links there were.
        """
        return self.joined.links

    @property
    def refused(self) -> int:
        """
        How many of them joined nobody: refused, or without one end.
        """
        return self.joined.refused

    def identities(self) -> pl.DataFrame:
        """
        Return every identity (``id``) with the one that its person is known by (``canonical``).
        """
        ids = self.joined.ids
        canonical = ids.gather(self.canonical[self.joined.person])
        return pl.DataFrame({"id": ids, "canonical": canonical})

    def sizes(self) -> pl.DataFrame:
        """
        Return how many ``persons`` have one identity, two, and so on (``identities``).
        """
        counts = np.bincount(np.bincount(self.joined.person))
        counts[:1] = 0
        identities = np.flatnonzero(counts)
        return pl.DataFrame({"identities": identities, "persons": counts[identities]})

    def persons(self, *, named: pl.Expr | None = None) -> pl.DataFrame:
        """
        Return a row a person, most identities first: it shows who was squished, and through whom.

        The columns are ``canonical``, ``identities``, how many of them are ``named``, the ``links`` that join them
        (repeats counted), the ``hub`` (the identity that most others are linked to, the smallest of several), and
        how many ``neighbours`` it has.

        Args:
            named: which identities name somebody, an expression over the column ``id``; by default e-mail
                addresses.
        """
        ids, person = self.joined.ids, self.joined.person
        size = len(ids)
        one, other = self.joined.ends.reshape(-1, 2).T
        neighbours = _neighbours(one, other, size)
        most = np.zeros(size, np.int64)
        np.maximum.at(most, person, neighbours)
        hub = self.joined.smallest(np.flatnonzero(neighbours == most[person]).astype(np.int32))
        is_named = ids.to_frame("id").select(EMAIL if named is None else named).to_series().to_numpy()
        stands = np.flatnonzero(person == np.arange(size))
        counted = {
            "canonical": ids.gather(self.canonical[stands]),
            "identities": np.bincount(person, minlength=size)[stands],
            "named": np.bincount(person[is_named.astype(bool)], minlength=size)[stands],
            "links": np.bincount(person[one], minlength=size)[stands],
            "hub": ids.gather(hub[stands]),
            "neighbours": most[stands],
        }
        return pl.DataFrame(counted).sort("identities", "canonical", descending=[True, False])


def _neighbours(one: Numbers, other: Numbers, size: int) -> NDArray[np.int64]:
    """
    Count how many other identities each one is linked to.
    """
    apart = one != other
    one, other = one[apart], other[apart]
    pairs = np.minimum(one, other).astype(np.int64) * size + np.maximum(one, other)
    pairs.sort()
    distinct = pairs[np.diff(pairs, prepend=-1) != 0]
    low, high = np.divmod(distinct, max(size, 1))
    return np.bincount(low, minlength=size) + np.bincount(high, minlength=size)
