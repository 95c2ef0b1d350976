"""
The graph against a naive model: a list of accepted pairs, and people worked out anew each time.

The same few names come as anonymous and as named identities, on either side.
"""

from attrs import Factory, define
from hypothesis import given
from hypothesis import strategies as st

from identity import IdentityGraph, Outcome
from identity.database import Database

NAMES = "VWXYZ"

kinds = st.sampled_from(["first_identify", "identity_change", "server_alias"])
links = st.lists(st.tuples(kinds, st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=14)


@define
class Model:
    """
    What was merged, what was claimed in vain, and who is known to have a name.
    """

    merged: list[tuple[str, str]] = Factory(list)
    claims: list[tuple[str, str]] = Factory(list)
    known: set[str] = Factory(set)
    named: set[str] = Factory(set)

    def people(self, identity: str) -> frozenset[str]:
        """
        Everybody reachable from an identity, by looking at all pairs again and again.
        """
        found = {identity}
        while True:
            more = {side for pair in self.merged if found & set(pair) for side in pair} | found
            if more == found:
                return frozenset(found)
            found = more

    def expected(self, kind: str, older: str, newer: str) -> str:
        """
        What the project's table says about one more link.
        """
        given_names = {newer} | ({older} if kind == "identity_change" else set())
        named = self.named | given_names
        self.named |= given_names & self.known
        if older == newer:
            return "refuse"
        one, other = self.people(older), self.people(newer)
        if one == other:
            return "known"
        if older not in named and one & named:
            touching = [pair for pair in self.claims if older in pair]
            rivals = {self.people(side) for pair in touching for side in pair} - {one, other}
            return "refuse" if rivals else "hold"
        if kind == "first_identify" and one & named:
            return "hold"
        return "merge"

    def follow(self, outcome: str, kind: str, older: str, newer: str) -> None:
        """
        Remember what was decided.
        """
        if older == newer or outcome == "known":
            return
        self.known |= {older, newer}
        self.named |= {newer} | ({older} if kind == "identity_change" else set())
        if outcome == "merge":
            self.merged.append((older, newer))
        else:
            self.claims.append((older, newer))


@given(links)
def test_partition_and_verdicts_equal_the_naive_model(steps: list[tuple[str, str, str]]) -> None:
    """
    Whatever arrives, each verdict and the people that follow are those of the table.
    """
    database, model = Database(), Model()
    graph = IdentityGraph(database)
    for kind, older, newer in steps:
        expected = model.expected(kind, older, newer)
        outcome = graph.link(older, newer, kind=kind).outcome
        assert outcome == expected, (kind, older, newer)
        model.follow(outcome, kind, older, newer)
    for identity in NAMES:
        found = {known.name for known in graph.person(identity).identities} or {identity}
        assert found == model.people(identity)
    database.close()


@given(links)
def test_two_people_with_names_are_only_joined_when_somebody_asks(steps: list[tuple[str, str, str]]) -> None:
    """
    A first identify never merges two people who both have a name.
    """
    database = Database()
    graph = IdentityGraph(database)
    for kind, older, newer in steps:
        sides = [graph.person(name) for name in (older, newer)]
        had_names = all(any(known.kind == "named" for known in side.identities) for side in sides)
        verdict = graph.link(older, newer, kind=kind)
        if had_names and verdict.outcome is Outcome.MERGE:
            assert kind != "first_identify"
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
