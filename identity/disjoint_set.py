"""
Which items are joined, directly or through others: union by size with path halving.
"""

from collections.abc import Iterator


class DisjointSet:
    """
    Sets of strings that only ever grow together.

    An item that was never joined is a set of its own and takes no memory.
    """

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._size: dict[str, int] = {}

    def find(self, item: str) -> str:
        """
        Return the representative of the item's set: the same string for all of its members.
        """
        parent = self._parent
        if item not in parent:
            return item
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    def join(self, one: str, other: str) -> bool:
        """
        Make one set of two; return whether they were two before.
        """
        for item in (one, other):
            self._parent.setdefault(item, item)
            self._size.setdefault(item, 1)
        large, small = self.find(one), self.find(other)
        if large == small:
            return False
        if self._size[large] < self._size[small]:
            large, small = small, large
        self._parent[small] = large
        self._size[large] += self._size.pop(small)
        return True

    def __iter__(self) -> Iterator[str]:
        """
        Yield every item that was ever joined to another.
        """
        return iter(self._parent)
