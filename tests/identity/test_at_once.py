"""
Several processes that link at the same moment reach what one after the other would reach.
"""

import multiprocessing
from itertools import permutations
from multiprocessing.synchronize import Barrier

from identity import IdentityGraph

Claim = tuple[str, str, str]

CLAIMS: list[Claim] = [
    ("first_identify", "X", "A"),
    ("first_identify", "X", "B"),
    ("first_identify", "Y", "B"),
    ("identity_change", "A", "B"),
]


def _claim(path: str, claim: Claim, gate: Barrier) -> None:
    kind, older, newer = claim
    graph = IdentityGraph(path)
    gate.wait(30)
    graph.link(older, newer, kind=kind)


def state(graph: IdentityGraph) -> tuple[object, ...]:
    people = {frozenset(graph.person(name).names) for name in "XYAB"}
    verdicts = {
        (frozenset(verdict.link.ends), verdict.outcome, verdict.reason)
        for name in "XYAB"
        for verdict in graph.person(name).verdicts
    }
    return frozenset(people), frozenset(verdicts)


def serial_outcomes() -> set[tuple[object, ...]]:
    outcomes = set()
    for order in permutations(CLAIMS):
        graph = IdentityGraph()
        for kind, older, newer in order:
            graph.link(older, newer, kind=kind)
        outcomes.add(state(graph))
        graph.close()
    return outcomes


def test_processes_that_link_at_once_reach_a_serial_outcome(store_url: str) -> None:
    """
    Four processes, one database, one moment: people and verdicts are those of some order of the four.
    """
    context = multiprocessing.get_context("spawn")
    IdentityGraph(store_url).close()
    gate = context.Barrier(len(CLAIMS))
    workers = [context.Process(target=_claim, args=(store_url, claim, gate)) for claim in CLAIMS]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert [worker.exitcode for worker in workers] == [0] * len(CLAIMS)
    assert state(IdentityGraph(store_url)) in serial_outcomes()
