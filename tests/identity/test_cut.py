"""
Which links to drop, compared with trying all of them.
"""

from itertools import combinations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.squished.bridges import bridges
from identity.squished.cut import cheapest_cut
from identity.squished.joining import quick_cut
from identity.squished.tangle import Tangle, contradict, parts


@st.composite
def tangles(draw, *, most_nodes: int = 7, most_links: int = 9) -> Tangle:
    size = draw(st.integers(2, most_nodes))
    pairs = [(one, other) for one in range(size) for other in range(one + 1, size)]
    links = draw(st.lists(st.sampled_from(pairs), max_size=most_links, unique=True))
    holds = draw(st.lists(st.integers(1, 4), min_size=len(links), max_size=len(links)))
    much = 5 * len(links) ** 2 + 1
    claims = draw(
        st.dictionaries(
            st.integers(0, size - 1), st.tuples(st.sampled_from("ae"), st.integers(0, 3)), max_size=size
        )
    )
    return Tangle(size=size, links=links, costs=[much + hold for hold in holds], claims=claims)


def leaves_a_contradiction(tangle: Tangle, dropped: frozenset[int]) -> bool:
    graph = nx.Graph()
    graph.add_nodes_from(range(tangle.size))
    graph.add_edges_from(link for number, link in enumerate(tangle.links) if number not in dropped)
    return any(
        tangle.claims[one][0] == tangle.claims[other][0] and tangle.claims[one][1] != tangle.claims[other][1]
        for part in nx.connected_components(graph)
        for one, other in combinations(sorted(part & tangle.claims.keys()), 2)
    )


def least_cost(tangle: Tangle) -> int:
    numbers = range(len(tangle.links))
    return min(
        tangle.cost(dropped)
        for count in range(len(tangle.links) + 1)
        for dropped in combinations(numbers, count)
        if not leaves_a_contradiction(tangle, frozenset(dropped))
    )


@given(tangles())
def test_the_cut_is_the_cheapest_there_is(tangle):
    """
    What is dropped ends every contradiction, and no other choice costs less.
    """
    cut = cheapest_cut(tangle)

    assert cut.exact
    assert not leaves_a_contradiction(tangle, cut.links)
    assert tangle.cost(cut.links) == least_cost(tangle)


@given(tangles(most_nodes=40, most_links=80))
def test_the_quick_cut_always_ends_the_contradictions(tangle):
    """
    The way for large graphs never leaves a contradiction, and drops nothing where there is none.
    """
    dropped = quick_cut(tangle)

    assert not leaves_a_contradiction(tangle, dropped)
    assert bool(dropped) == leaves_a_contradiction(tangle, frozenset())


@given(tangles(most_nodes=30, most_links=40))
def test_a_search_that_is_cut_short_still_ends_the_contradictions(tangle):
    """
    With too few steps the result is not called exact, and is valid all the same.
    """
    cut = cheapest_cut(tangle, most_steps=1)

    assert not leaves_a_contradiction(tangle, cut.links)


def star(leaves: int) -> Tangle:
    costs = [5 * leaves**2 + 1 + leaves - age for age in range(leaves)]
    return Tangle(
        size=leaves + 1,
        links=[(0, leaf) for leaf in range(1, leaves + 1)],
        costs=costs,
        claims={leaf: ("account", leaf) for leaf in range(1, leaves + 1)},
    )


def test_of_a_star_the_oldest_link_stays():
    """
    A device that several accounts were named on stays with the first of them.
    """
    cut = cheapest_cut(star(9))

    assert cut.exact
    assert cut.links == frozenset(range(1, 9))


@pytest.mark.parametrize("leaves", [200, 20_000])
def test_a_large_star_is_cut_as_well(leaves):
    """
    What is too large to search is cut all the same, and said not to be exact.
    """
    cut = cheapest_cut(star(leaves))

    assert not cut.exact
    assert cut.links == frozenset(range(1, leaves))


def test_a_long_chain_is_no_trouble():
    """
    A chain of thirty thousand links is cut at its weakest one.
    """
    length = 30_000
    costs = [length * 5 + 3] * length
    costs[777] -= 1
    tangle = Tangle(
        size=length + 1,
        links=[(place, place + 1) for place in range(length)],
        costs=costs,
        claims={0: ("account", 0), length: ("account", 1)},
    )

    assert cheapest_cut(tangle).links == {777}
    assert len(bridges(tangle.neighbours())) == length


@given(tangles(most_nodes=14, most_links=25))
def test_bridges_are_those_of_networkx(tangle):
    """
    A link is a bridge exactly if another implementation says so.
    """
    graph = nx.Graph()
    graph.add_edges_from(tangle.links)
    expected = {frozenset(bridge) for bridge in nx.bridges(graph)}

    assert {frozenset(tangle.links[number]) for number in bridges(tangle.neighbours())} == expected


@given(tangles(most_nodes=14, most_links=25), st.data())
def test_parts_are_the_connected_ones(tangle, data):
    """
    Dropping links leaves the parts that another implementation finds.
    """
    dropped = data.draw(st.sets(st.integers(0, max(0, len(tangle.links) - 1))))
    graph = nx.Graph()
    graph.add_nodes_from(range(tangle.size))
    graph.add_edges_from(link for number, link in enumerate(tangle.links) if number not in dropped)

    found = {frozenset(part) for part in parts(tangle.neighbours(), dropped)}
    assert found == {frozenset(part) for part in nx.connected_components(graph)}
    assert contradict(tangle.claims.values()) == any(
        one[0] == other[0] and one[1] != other[1] for one, other in combinations(tangle.claims.values(), 2)
    )
