"""
The same answer in plain Python, for when nothing else is installed, and to compare the fast engines with.
"""

from collections.abc import Iterable


def resolve_pairs(pairs: Iterable[tuple[str | None, str | None]]) -> dict[str, str]:
    """
    Return every identity of some links with its person's canonical one, the smallest as text.

    Args:
        pairs: both ends of each link; one without an end joins nobody.
    """
    parent: dict[str, str] = {}
    for pair in pairs:
        ends = [end for end in pair if end is not None]
        for end in ends:
            parent.setdefault(end, end)
        if len(ends) == len(pair):
            one, other = (_root(parent, end) for end in ends)
            parent[max(one, other)] = min(one, other)
    return {identity: _root(parent, identity) for identity in parent}


def _root(parent: dict[str, str], identity: str) -> str:
    while (above := parent[identity]) != identity:
        parent[identity] = identity = parent[above]
    return identity
