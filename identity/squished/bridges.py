"""
Bridges: the links without which a graph falls apart (Tarjan's algorithm, in time that grows with the links).
"""

from collections.abc import Sequence

from identity.squished.tangle import Mate


def bridges(neighbours: Sequence[Sequence[Mate]]) -> set[int]:
    """
    Return the numbers of the links that are bridges.
    """
    found: set[int] = set()
    entered = [0] * len(neighbours)
    lowest = [0] * len(neighbours)
    clock = 0
    for start in range(len(neighbours)):
        if entered[start]:
            continue
        clock += 1
        entered[start] = lowest[start] = clock
        # Node, the link that led to it, and which of its neighbours is next: no recursion, for long chains.
        stack = [(start, -1, iter(neighbours[start]))]
        while stack:
            node, came_by, mates = stack[-1]
            for mate, link in mates:
                if link == came_by:
                    continue
                if entered[mate]:
                    lowest[node] = min(lowest[node], entered[mate])
                    continue
                clock += 1
                entered[mate] = lowest[mate] = clock
                stack.append((mate, link, iter(neighbours[mate])))
                break
            else:
                stack.pop()
                if stack:
                    before = stack[-1][0]
                    lowest[before] = min(lowest[before], lowest[node])
                    if lowest[node] > entered[before]:
                        found.add(came_by)
    return found
