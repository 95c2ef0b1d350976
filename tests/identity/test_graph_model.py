"""
The graph against a naive model: a list of accepted pairs, and people worked out anew each time.
"""

from hypothesis import given
from hypothesis import strategies as st

from identity import IdentityGraph, Outcome
from identity.database import Database

ANONYMOUS = ["X", "Y", "Z"]
NAMED = ["A", "B", "C", "D"]

first_identifies = st.tuples(st.just("first_identify"), st.sampled_from(ANONYMOUS), st.sampled_from(NAMED))
asked = st.tuples(st.just("identity_change"), st.sampled_from(NAMED), st.sampled_from(NAMED))
handed_over = st.tuples(st.just("server_alias"), st.sampled_from(ANONYMOUS), st.sampled_from(NAMED))
links = st.lists(st.one_of(first_identifies, asked, handed_over), max_size=14)


def people(merged: list[tuple[str, str]], identity: str) -> set[str]:
    """
    Everybody reachable from an identity, by looking at all pairs again and again.
    """
    found = {identity}
    while True:
        more = {side for pair in merged if found & set(pair) for side in pair} | found
        if more == found:
            return found
        found = more


def expected(
    merged: list[tuple[str, str]], claims: list[tuple[str, str]], kind: str, older: str, newer: str
) -> str:
    """
    What the table of the project says about one more link.
    """
    if older == newer:
        return "refuse"
    one, other = people(merged, older), people(merged, newer)
    if one == other:
        return "known"
    if kind == "identity_change":
        return "merge"
    if one & set(NAMED):
        rivals = {
            frozenset(people(merged, name))
            for anonymous, name in claims
            if anonymous == older and not people(merged, name) & (one | other)
        }
        return "refuse" if rivals else "hold"
    return "merge"


@given(links)
def test_partition_and_verdicts_equal_the_naive_model(steps: list[tuple[str, str, str]]) -> None:
    """
    Whatever arrives, each verdict and the people that follow are those of the table.
    """
    database = Database()
    graph = IdentityGraph(database)
    merged: list[tuple[str, str]] = []
    claims: list[tuple[str, str]] = []
    for kind, older, newer in steps:
        verdict = graph.link(older, newer, kind=kind)
        assert verdict.outcome == expected(merged, claims, kind, older, newer), (kind, older, newer)
        if verdict.outcome is Outcome.MERGE:
            merged.append((older, newer))
        elif verdict.outcome in {Outcome.HOLD, Outcome.REFUSE}:
            claims.append((older, newer))
    for identity in ANONYMOUS + NAMED:
        found = {known.name for known in graph.person(identity).identities} or {identity}
        assert found == people(merged, identity)
    database.close()


@given(links)
def test_no_two_named_identities_are_joined_unasked(steps: list[tuple[str, str, str]]) -> None:
    """
    Without an alias between named identities, no person ever has two of them.
    """
    database = Database()
    graph = IdentityGraph(database)
    for kind, older, newer in steps:
        if kind != "identity_change":
            graph.link(older, newer, kind=kind)
    for name in NAMED:
        assert len({known.name for known in graph.person(name).identities} & set(NAMED)) <= 1
    database.close()


@given(links)
def test_counts_agree_with_the_rows(steps: list[tuple[str, str, str]]) -> None:
    """
    The counts that a person's row carries are those that counting would give.
    """
    database = Database()
    graph = IdentityGraph(database)
    for kind, older, newer in steps:
        graph.link(older, newer, kind=kind)
    carried = database.rows("SELECT person, identities, named FROM person ORDER BY person")
    counted = database.rows(
        "SELECT person, count(*), sum(kind = 'named') FROM identity GROUP BY person ORDER BY person"
    )

    assert carried == counted
    database.close()
