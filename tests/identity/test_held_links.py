"""
Held links as whoever decides sees them, and what people decided.
"""

from collections import Counter
from collections.abc import Callable
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from identity import Database, Decision, IdentityGraph, InvalidDecision, MergePolicy, Proposal

pairs = st.sampled_from([*permutations("UVWXYZ", 2)])
Pair = tuple[str, str]


def graph_with_two_held_links() -> IdentityGraph:
    """
    Ann and Bob used one tablet, Cleo and Dan another; Bob has little to lose.
    """
    graph = IdentityGraph()
    for name, records in {"ann": 9, "bob": 1, "cleo": 5, "dan": 4}.items():
        graph.seen(name, "named", records=records, at_ms=records * 1_000)
    for tablet, people in {"tablet-1": ("ann", "bob"), "tablet-2": ("cleo", "dan")}.items():
        for name in people:
            graph.link(tablet, name, kind="first_identify", at_ms=20_000)
    return graph


def test_the_worst_comes_first_with_both_sides() -> None:
    """
    Where the lesser of the two people would bring in most, that is.
    """
    graph = graph_with_two_held_links()
    first, second = graph.held_links()

    assert [link.verdict.link.ends for link in (first, second)] == [("tablet-2", "dan"), ("tablet-1", "bob")]
    assert (first.identities, first.records) == (3, 9)
    assert (first.older.known_as, first.older.identities, first.older.records) == ("cleo", 2, 5)
    assert [known.name for known in first.older.some] == ["cleo", "tablet-2"]
    assert (first.newer.identity, first.newer.last_ms) == ("dan", 4_000)


def test_they_are_counted_and_chosen_by_reason() -> None:
    """
    So that many can be decided at once.
    """
    graph = graph_with_two_held_links()

    assert graph.held_reasons() == {"second_identity": 2}
    assert len(graph.held_links(reason="second_identity", limit=1)) == 1
    assert graph.held_links(reason="too_many") == []


def held_for_its_call(proposal: Proposal) -> Decision:
    """
    A rule that holds each link, for the reason that its call names.
    """
    return Decision.hold(proposal.link.call, "As its call says.")


@given(
    links=st.lists(st.tuples(pairs, st.sampled_from(["one", "two", "three"])), max_size=14),
    decided=st.lists(st.tuples(st.sampled_from(["approve", "reject", "retract"]), pairs), max_size=8),
)
def test_reasons_are_counted_as_one_would_count_them(
    emptied: Callable[[], Database], links: list[tuple[Pair, str]], decided: list[tuple[str, Pair]]
) -> None:
    """
    Each held link once, by its newest verdict: most first, and in the order of the links.
    """
    graph = IdentityGraph(emptied(), policy=MergePolicy([held_for_its_call]), clock=lambda: 2.0)
    for (older, newer), reason in links:
        graph.link(older, newer, kind="identity_change", call=reason, at_ms=1_000)
    for what, pair in decided:
        try:
            getattr(graph, what)(pair, by="kim")
        except InvalidDecision:
            continue
    held = graph.held()

    assert list(graph.held_reasons().items()) == Counter(verdict.reason for verdict in held).most_common()
    for reason in {verdict.reason for verdict in held}:
        chosen = [link.verdict for link in graph.held_links(reason=reason)]
        assert sorted(verdict.link.ends for verdict in chosen) == sorted(
            verdict.link.ends for verdict in held if verdict.reason == reason
        )


def test_what_people_decided_last_is_told() -> None:
    """
    The newest first, without what rules decided and what was decided otherwise since.
    """
    graph = graph_with_two_held_links()
    assert graph.is_held(("tablet-1", "bob"))
    graph.approve(("tablet-1", "bob"), by="kim")
    graph.reject(("tablet-2", "dan"), by="lee")
    graph.retract(("tablet-1", "bob"), by="mia")

    assert [(verdict.by, verdict.reason) for verdict in graph.decided()] == [
        ("mia", "retracted"),
        ("lee", "rejected"),
    ]
    assert not graph.is_held(("tablet-1", "bob"))
    assert graph.held_links() == []


def test_a_held_link_is_known_however_its_identities_are_spelt() -> None:
    """
    As it is to whoever approves it.
    """
    graph = IdentityGraph()
    graph.link("tablet", "bob@example.com", kind="first_identify")
    graph.link("tablet", "cleo@example.com", kind="first_identify")

    assert graph.is_held(("tablet", "Cleo@Example.com"))
    assert graph.is_held((" CLEO@example.com", "tablet"))
    assert not graph.is_held(("tablet", "Bob@Example.com"))
