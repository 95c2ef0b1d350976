"""
Which identities aliases have joined, in each product.
"""

from identity.disjoint_set import DisjointSet
from sdkbridge.kissmetrics.records import Records


class JoinedIdentities:
    """
    What the aliases among the records come to; only they are held in memory.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._read_to = 0
        self._sets: dict[int, DisjointSet] = {}
        self._members: dict[tuple[int, str], list[str]] = {}

    def catch_up(self) -> None:
        """
        Take in the aliases that were stored since the last time, by whichever thread or process.
        """
        for number, product, one, other in self._records.aliases_after(self._read_to):
            self._join(product, one, other)
            self._read_to = number

    def representative(self, product: int, identity: str) -> str:
        """
        Return the same identity for all that are joined.
        """
        joined = self._sets.get(product)
        return joined.find(identity) if joined else identity

    def members(self, product: int, identity: str) -> list[str]:
        """
        Return all identities that are joined to this one, itself included.
        """
        representative = self.representative(product, identity)
        return self._members.get((product, representative), [representative])

    def _join(self, product: int, one: str, other: str) -> None:
        joined = self._sets.setdefault(product, DisjointSet())
        before = joined.find(one), joined.find(other)
        if not joined.join(one, other):
            return
        # The larger of the two lists is kept and the smaller one copied, or long chains would take
        # quadratic time.
        lists = [self._members.pop((product, root), [root]) for root in before]
        small, large = sorted(lists, key=len)
        large.extend(small)
        self._members[product, joined.find(one)] = large
