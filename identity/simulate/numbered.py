"""
Identities as small whole numbers, and sets of them that only ever grow together.
"""

from array import array
from collections.abc import Iterator

from attrs import frozen


class Identities:
    """
    Every identity met so far, numbered in the order of its first appearance.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.names)

    def number(self, name: str) -> int:
        """
        Return an identity's number, a new one the first time.
        """
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self.names)
            self.names.append(name)
        return number


class NumberSets:
    """
    Disjoint sets of whole numbers in two flat arrays: union by size with path halving.

    A number that was never joined is a set of its own.
    """

    def __init__(self) -> None:
        self._parent = array("i")
        self._size = array("i")

    def find(self, number: int) -> int:
        """
        Return the representative of the number's set.
        """
        parent = self._parent
        if number >= len(parent):
            return number
        while parent[number] != number:
            parent[number] = number = parent[parent[number]]
        return number

    def size(self, number: int) -> int:
        """
        Return how many numbers are in the set that this one represents.
        """
        return self._size[number] if number < len(self._size) else 1

    def join(self, one: int, other: int) -> tuple[int, int] | None:
        """
        Make one set of two; return its representative and the one that no longer is, None if it was one set.
        """
        self._reach(max(one, other))
        large, small = self.find(one), self.find(other)
        if large == small:
            return None
        if self._size[large] < self._size[small]:
            large, small = small, large
        self._parent[small] = large
        self._size[large] += self._size[small]
        return large, small

    def joined(self) -> Iterator[int]:
        """
        Yield each number that was ever joined to another.
        """
        for number, (parent, size) in enumerate(zip(self._parent, self._size, strict=True)):
            if parent != number or size > 1:
                yield number

    def _reach(self, number: int) -> None:
        have = len(self._parent)
        if number >= have:
            # More than is asked for, so that growing costs little on the average.
            until = max(number + 1, have + have // 8)
            self._parent.extend(range(have, until))
            self._size.extend([1] * (until - have))


@frozen
class Partition:
    """
    Sets of identities, and which identities are known at all.
    """

    sets: NumberSets
    is_known: bytearray
