"""
The graph against a naive model, in every store: links, and what people decide about them, in any order.

The same few names come as anonymous and as named identities, on either side.
"""

from collections.abc import Callable
from itertools import combinations

from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from naive_graph import Naive, joined

from identity import Database, IdentityGraph, InvalidDecision, MergePolicy, Outcome

NAMES = "UVWXYZ"
POLICY = MergePolicy.guarded().without("too_many", "too_many_lately")

names = st.sampled_from(NAMES)
kinds = st.sampled_from(["first_identify", "identity_change", "server_alias"])
links = st.lists(st.tuples(kinds, names, names), max_size=14)
steps = st.lists(
    st.tuples(st.one_of(kinds, kinds, st.sampled_from(["approve", "reject", "retract"])), names, names),
    max_size=18,
)

Step = tuple[str, str, str]


@frozen
class Played:
    """
    A graph and the model that saw the same.
    """

    graph: IdentityGraph
    model: Naive


def play(database: Database, played: list[Step]) -> Played:
    """
    Let a graph and the model see the same steps, a second apart, and compare each verdict.
    """
    now = [0]
    graph = IdentityGraph(database, policy=POLICY, clock=lambda: float(now[0]))
    model = Naive()
    for what, older, newer in played:
        now[0] += 1
        if what in {"approve", "reject", "retract"}:
            assert decided(graph, what, older, newer) == model.decide(what, older, newer), (what, older, newer)
        else:
            assert graph.link(older, newer, kind=what).outcome == model.link(what, older, newer), (
                what,
                older,
                newer,
            )
        model.remember(now[0] * 1000, NAMES)
    return Played(graph, model)


def decided(graph: IdentityGraph, what: str, older: str, newer: str) -> str | None:
    try:
        return getattr(graph, what)((older, newer), by="ann").outcome.value
    except InvalidDecision:
        return None


@given(played=steps)
def test_partition_verdicts_and_counts_equal_the_naive_model(
    emptied: Callable[[], Database], played: list[Step]
) -> None:
    """
    Whatever arrives and is decided, in any order: verdicts, people, who stands for them, and their counts.
    """
    database = emptied()
    seen = play(database, played)
    for name in NAMES:
        assert seen.graph.person(name).names == seen.model.person(name)
        assert seen.graph.resolve(name) == seen.model.resolve(name)
    held = {frozenset(verdict.link.ends) for verdict in seen.graph.held()}
    carried = database.rows("SELECT person, identities, named FROM person ORDER BY person")
    counted = database.rows(
        """
        SELECT person, count(*), sum(CASE WHEN kind = 'named' THEN 1 ELSE 0 END) FROM identity
        GROUP BY person ORDER BY person
        """
    )

    assert held == set(seen.model.pairs("hold"))
    assert carried == counted


@given(played=steps)
def test_the_past_is_what_it_was(emptied: Callable[[], Database], played: list[Step]) -> None:
    """
    As of the moment of a step, people and who stood for them are those that the model remembered.
    """
    seen = play(emptied(), played)
    for at_ms, people, standing in seen.model.snapshots[::4]:
        past = seen.graph.as_of(at_ms / 1000)
        for name in NAMES:
            assert past.person(name).names == people[name]
            assert past.resolve(name) == standing[name]


@given(played=steps)
def test_explanations_are_chains_of_links_on_record(emptied: Callable[[], Database], played: list[Step]) -> None:
    """
    One person's chain is of accepted links; two people's passes as few held ones as can be, or there is none.
    """
    seen = play(emptied(), played)
    for one, other in combinations(NAMES, 2):
        explained = seen.graph.explain(one, other)
        here = one
        for step in explained.steps:
            said, _ = seen.model.said[frozenset({step.start, step.end})]
            assert (step.start, step.verdict.outcome) == (here, said)
            assert set(step.verdict.link.ends) == {step.start, step.end}
            here = step.end
        least = seen.model.held_between(one, other)

        assert here == (one if least is None else other)
        assert len(explained.held) == (least or 0)
        assert explained.are_one == (least == 0)


@given(played=steps, told=st.lists(st.tuples(names, names), max_size=5))
def test_a_plan_is_minimal_complete_and_safe_at_every_prefix(
    emptied: Callable[[], Database], played: list[Step], told: list[tuple[str, str]]
) -> None:
    """
    No fewer aliases would do, all together do, and each joins only what the graph knows to be one person.
    """
    seen = play(emptied(), played)
    known = [frozenset(pair) for pair in told if pair[0] != pair[1]]
    for pair in known:
        seen.graph.told(tuple(sorted(pair)))
    planned = [frozenset(alias.ends) for alias in seen.graph.plan().aliases]
    merged = seen.model.pairs("merge")

    def people(pairs: list[frozenset[str]]) -> int:
        return len({joined(name, pairs) for name in NAMES})

    assert all(pair <= seen.model.person(min(pair)) for pair in planned)
    assert len(planned) == people(known) - people(known + merged)
    assert people(known + planned) == people(known + merged)
    sizes = [people(known + planned[:sent]) for sent in range(len(planned) + 1)]
    assert sizes == sorted(sizes, reverse=True)


@given(played=links)
def test_two_people_with_names_are_only_joined_when_somebody_asks(
    emptied: Callable[[], Database], played: list[Step]
) -> None:
    """
    A first identify never merges two people who both have a name.
    """
    graph = IdentityGraph(emptied())
    for kind, older, newer in played:
        sides = [graph.person(name) for name in (older, newer)]
        had_names = all(any(known.kind == "named" for known in side.identities) for side in sides)
        verdict = graph.link(older, newer, kind=kind)
        if had_names and verdict.outcome is Outcome.MERGE:
            assert kind != "first_identify"


@given(played=steps)
def test_every_decision_stays_on_record(emptied: Callable[[], Database], played: list[Step]) -> None:
    """
    Nothing that was ever decided is changed by what comes later.
    """
    database = emptied()
    graph = IdentityGraph(database, policy=POLICY, clock=lambda: 1.0)
    rows: list[object] = []
    for what, older, newer in played:
        if what in {"approve", "reject", "retract"}:
            decided(graph, what, older, newer)
        else:
            graph.link(older, newer, kind=what)
        now = database.rows("SELECT * FROM decision ORDER BY decision")
        assert now[: len(rows)] == rows
        rows = now
