"""
Ways through the links, from one identity to another.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from identity.links import Outcome, Verdict

LinksAt = Callable[[str], Iterable[Verdict]]
"""The links that touch an identity, each with one verdict."""

_STEPS = {Outcome.MERGE: 0, Outcome.HOLD: 1}
"""What it costs to pass a link: those that were accepted nothing, those that are held one."""


def reach(start: str, links_at: LinksAt) -> set[str]:
    """
    Return the identities that accepted links lead to, the first one among them.
    """
    found, waiting = {start}, [start]
    while waiting:
        for verdict in links_at(waiting.pop()):
            if verdict.outcome is Outcome.MERGE:
                new = set(verdict.link.ends) - found
                found |= new
                waiting += new
    return found


def way(start: str, goal: str, links_at: LinksAt) -> list[Verdict] | None:
    """
    Return the links that lead from one identity to another, or None if none do.

    A way passes as few held links as can be, and of such ways it is a short one.
    """
    cheapest = {start: 0}
    came_by: dict[str, tuple[str, Verdict]] = {}
    waiting = deque([(0, start)])
    while waiting:
        cost, here = waiting.popleft()
        if here == goal:
            return list(_back(goal, start, came_by))[::-1]
        if cost > cheapest[here]:
            continue
        for verdict in links_at(here):
            step = _STEPS.get(verdict.outcome)
            there = other_end(verdict, here)
            if step is None or cost + step >= cheapest.get(there, cost + step + 1):
                continue
            cheapest[there] = cost + step
            came_by[there] = (here, verdict)
            if step:
                waiting.append((cost + step, there))
            else:
                waiting.appendleft((cost, there))
    return None


def _back(goal: str, start: str, came_by: dict[str, tuple[str, Verdict]]) -> Iterator[Verdict]:
    here = goal
    while here != start:
        here, verdict = came_by[here]
        yield verdict


def other_end(verdict: Verdict, end: str) -> str:
    """
    Return the identity that a link leads to from one of its ends.
    """
    older, newer = verdict.link.ends
    return newer if end == older else older
