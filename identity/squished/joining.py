"""
A cut that is good and quick, for graphs of any size.

Kruskal's algorithm with a condition: links are taken from the most costly to drop on, and one that would join
contradicting claims is left out. Then each node that makes no claim goes to the part that it has the stronger
links to, as long as that helps. Time grows with n log n, and the result never leaves a contradiction.
"""

from collections.abc import Iterable, Sequence

from identity.squished.tangle import Claim, Mate, Tangle

ROUNDS = 4


def quick_cut(tangle: Tangle) -> frozenset[int]:
    """
    Return the numbers of links without which no part holds a contradiction: few and cheap ones, not the fewest.
    """
    places = _grown(tangle)
    neighbours = tangle.neighbours()
    for _ in range(ROUNDS):
        if not _improve(places, neighbours, tangle):
            break
    return frozenset(n for n, (one, other) in enumerate(tangle.links) if places[one] != places[other])


def _grown(tangle: Tangle) -> list[int]:
    """
    Return the part of each node after the most costly links are taken first.
    """
    parent = list(range(tangle.size))
    held: list[dict[str, int]] = [{} for _ in parent]
    members = [1] * tangle.size
    for node, (sort, group) in tangle.claims.items():
        held[node][sort] = group

    def find(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for number in sorted(range(len(tangle.links)), key=lambda number: -tangle.costs[number]):
        large, small = map(find, tangle.links[number])
        if large == small:
            continue
        if len(held[large]) + members[large] < len(held[small]) + members[small]:
            large, small = small, large
        if not _contradict(held[large].items(), held[small]):
            parent[small] = large
            members[large] += members[small]
            held[large].update(held[small])
            held[small] = {}
    return [find(node) for node in range(tangle.size)]


def _contradict(claims: Iterable[Claim], others: dict[str, int]) -> bool:
    return any(others.get(sort, group) != group for sort, group in claims)


def _improve(places: list[int], neighbours: Sequence[Sequence[Mate]], tangle: Tangle) -> bool:
    """
    Move nodes without claims to where their strongest links are; return whether any moved.
    """
    moved = False
    for node, mates in enumerate(neighbours):
        if node in tangle.claims or all(places[mate] == places[node] for mate, _ in mates):
            continue
        pull: dict[int, int] = {}
        for mate, link in mates:
            pull[places[mate]] = pull.get(places[mate], 0) + tangle.costs[link]
        best = max(pull, key=lambda part: pull[part])
        if pull[best] > pull.get(places[node], 0):
            places[node] = best
            moved = True
    return moved
