"""
Chance that is the same on every machine and every version of Python.
"""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_PARTS_OF_A_KEY = 2**40


class Dice:
    """
    Draws that depend on a key of whole numbers and on nothing else.

    Only ``random()`` of a generator with a whole number for its seed is used: of all that Python's `random` does,
    this alone is promised to stay the same from version to version.

    Args:
        key: whose draws these are, such as a seed, a household and a day.
    """

    def __init__(self, *key: int) -> None:
        seed = 1
        for part in key:
            seed = seed * _PARTS_OF_A_KEY + part
        self._random = random.Random(seed).random  # noqa: S311 - nothing here is a secret

    def chance(self, rate: float) -> bool:
        """
        Return True so often.
        """
        return self._random() < rate

    def between(self, low: float, high: float) -> float:
        """
        Return a number from low up to high.
        """
        return low + (high - low) * self._random()

    def below(self, count: int) -> int:
        """
        Return a whole number from 0 up to, and without, a count.
        """
        return int(self._random() * count)

    def pick(self, choices: Sequence[T]) -> T:
        """
        Return one of some choices.
        """
        return choices[self.below(len(choices))]

    def count(self, mean: float) -> int:
        """
        Return how often something happens that happens so often on the average: many do it seldom, few often.
        """
        again, happened = mean / (1 + mean), 0
        while self._random() < again:
            happened += 1
        return happened
