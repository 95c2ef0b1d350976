"""
Identities that links join although they contradict each other, as numbers.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from attrs import frozen

Claim = tuple[str, int]
"""What an identity says that a person has only one of, and which one it is."""

Mate = tuple[int, int]
"""A neighbour and the link that leads to it."""


@frozen
class Tangle:
    """
    A graph whose nodes make claims.

    Attributes:
        size: how many nodes there are, numbered from 0.
        links: the two ends of each.
        costs: what dropping each costs: a whole number above 0.
        claims: by node, of those that make one; two claims of one sort and different numbers are a contradiction.
    """

    size: int
    links: Sequence[tuple[int, int]]
    costs: Sequence[int]
    claims: Mapping[int, Claim]

    def neighbours(self) -> list[list[Mate]]:
        """
        Return the neighbours of each node.
        """
        return neighbours_of(self.size, self.links)

    def cost(self, dropped: Collection[int]) -> int:
        """
        Return what dropping some links costs together.
        """
        return sum(self.costs[link] for link in dropped)


def neighbours_of(size: int, links: Iterable[tuple[int, int]]) -> list[list[Mate]]:
    """
    Return the neighbours of each node.
    """
    found: list[list[Mate]] = [[] for _ in range(size)]
    for number, (one, other) in enumerate(links):
        found[one].append((other, number))
        found[other].append((one, number))
    return found


def contradict(claims: Iterable[Claim]) -> bool:
    """
    Tell whether two claims cannot be one person's.
    """
    held: dict[str, int] = {}
    return any(held.setdefault(sort, group) != group for sort, group in claims)


def parts(neighbours: Sequence[Sequence[Mate]], dropped: Collection[int]) -> Iterator[list[int]]:
    """
    Yield the nodes of each part that is left when links are dropped, from the lowest on.
    """
    seen = bytearray(len(neighbours))
    for start in range(len(neighbours)):
        if seen[start]:
            continue
        seen[start] = 1
        part = [start]
        for node in part:
            for mate, link in neighbours[node]:
                if not seen[mate] and link not in dropped:
                    seen[mate] = 1
                    part.append(mate)
        yield part
