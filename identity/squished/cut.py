"""
The links to drop so that no part holds a contradiction: as few as can be, and of those the cheapest.

With two contradicting claims this is the minimum cut between them; with more it is a multicut, which is NP-hard.
So small graphs are searched by branch and bound: some link of each path between contradicting claims has to go,
and each is tried in turn, while a lower bound leaves out what cannot become better. Large graphs, and those on
which the search takes too long, get the result of `identity.squished.joining`.
"""

from collections.abc import Mapping, Sequence

from attrs import define, frozen

from identity.squished.joining import quick_cut
from identity.squished.tangle import Mate, Tangle, parts

MOST_LINKS = 80
MOST_STEPS = 2_000


@frozen
class Cut:
    """
    Links to drop.

    Attributes:
        links: their numbers.
        exact: whether no other set of links is smaller, or as small and cheaper.
    """

    links: frozenset[int]
    exact: bool


class _TooLong(Exception):
    """
    The search takes more steps than it is worth.
    """


def cheapest_cut(tangle: Tangle, *, most_links: int = MOST_LINKS, most_steps: int = MOST_STEPS) -> Cut:
    """
    Return which links to drop.

    Args:
        tangle: where a link costs more than all that makes one set of links better than another of the same size.
        most_links: the largest graph that is searched for the best cut.
        most_steps: how long.
    """
    quick = quick_cut(tangle)
    if not quick:
        return Cut(quick, exact=True)
    if len(tangle.links) > most_links:
        return Cut(quick, exact=False)
    search = _Search(tangle, tangle.neighbours(), quick, tangle.cost(quick), most_steps)
    try:
        search.branch(frozenset(), frozenset())
    except _TooLong:
        return Cut(search.best, exact=False)
    return Cut(search.best, exact=True)


@define
class _Search:
    tangle: Tangle
    neighbours: Sequence[Sequence[Mate]]
    best: frozenset[int]
    cost: int
    steps: int

    def branch(self, dropped: frozenset[int], kept: frozenset[int]) -> None:
        """
        Look for a better cut that drops and keeps at least these links.
        """
        self.steps -= 1
        if self.steps < 0:
            raise _TooLong
        spent = self.tangle.cost(dropped)
        path, at_least = self._look(dropped, kept)
        if spent + at_least >= self.cost:
            return
        if not path:
            self.best, self.cost = dropped, spent
            return
        for link in sorted(set(path) - kept, key=lambda link: self.tangle.costs[link]):
            self.branch(dropped | {link}, kept)
            # From here on cuts without this link only, so that none is tried twice.
            kept |= {link}

    def _look(self, dropped: frozenset[int], kept: frozenset[int]) -> tuple[list[int], int]:
        """
        Return a path between contradicting claims, and what has to be spent at least to end all contradictions.
        """
        path: list[int] = []
        at_least = 0
        for part in parts(self.neighbours, dropped):
            groups: dict[str, set[int]] = {}
            for node in part:
                if node in self.tangle.claims:
                    sort, group = self.tangle.claims[node]
                    groups.setdefault(sort, set()).add(group)
            # Each link that goes makes one part of a connected graph into two at most.
            needed = max((len(rivals) for rivals in groups.values()), default=1) - 1
            if needed:
                at_least += self._cheapest(part, dropped | kept, needed)
                path = path or self._shortest_path(part, dropped, {s for s in groups if len(groups[s]) > 1})
        return path, at_least

    def _cheapest(self, part: Sequence[int], used: frozenset[int], count: int) -> int:
        links = {link for node in part for _, link in self.neighbours[node]} - used
        costs = sorted(self.tangle.costs[link] for link in links)
        return sum(costs[:count]) if len(costs) >= count else self.cost

    def _shortest_path(self, part: Sequence[int], dropped: frozenset[int], sorts: set[str]) -> list[int]:
        claims = self.tangle.claims
        starts = [node for node in part if node in claims and claims[node][0] in sorts]
        found = [self._path_from(start, dropped) for start in starts]
        return min((path for path in found if path), key=len)

    def _path_from(self, start: int, dropped: frozenset[int]) -> list[int]:
        sort, group = self.tangle.claims[start]
        came: dict[int, Mate] = {start: (start, -1)}
        queue = [start]
        for node in queue:
            claim = self.tangle.claims.get(node)
            if claim is not None and claim[0] == sort and claim[1] != group:
                return _back(came, node, start)
            for mate, link in self.neighbours[node]:
                if mate not in came and link not in dropped:
                    came[mate] = (node, link)
                    queue.append(mate)
        return []


def _back(came: Mapping[int, Mate], node: int, start: int) -> list[int]:
    path = []
    while node != start:
        node, link = came[node]
        path.append(link)
    return path
