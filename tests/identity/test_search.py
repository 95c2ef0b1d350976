"""
Finding people by a part of any identity.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity import IdentityGraph

NAMES = ["ann@example.com", "Ann-2", "4711", "100%", "a_b", "axb", "wow!", "bob"]


@pytest.fixture
def graph() -> IdentityGraph:
    graph = IdentityGraph()
    for name in NAMES:
        graph.seen(name, "named")
    graph.link("tablet-ann", "ann@example.com", kind="first_identify")
    return graph


def found(graph: IdentityGraph, text: str) -> list[str]:
    return [one.identity for one in graph.search(text)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ANN", ["Ann-2", "ann@example.com"]),
        (" 71 ", ["4711"]),
        ("100%", ["100%"]),
        ("a_b", ["a_b"]),
        ("w!", ["wow!"]),
        ("%", ["100%"]),
        ("nobody", []),
        (" ", []),
    ],
)
def test_any_part_finds_in_any_case_and_signs_stand_for_themselves(
    graph: IdentityGraph, text: str, names: list[str]
) -> None:
    """
    Beginnings first.
    """
    assert found(graph, text) == names


def test_a_person_is_found_once_by_what_fits_best(graph: IdentityGraph) -> None:
    """
    The very text goes before all others, also an address in capitals.
    """
    (one,) = graph.search("tablet-ann")

    assert (one.known_as, one.identities, one.kind) == ("ann@example.com", 2, "anonymous")
    assert found(graph, "ANN@example.com")[0] == "ann@example.com"
    assert len(graph.search("a", limit=2)) == 2


@given(st.text(alphabet="aAb%_!\\'", min_size=1, max_size=4), st.sets(st.text(alphabet="aAb%_!\\'", min_size=1)))
def test_it_finds_what_contains_the_text(text: str, names: set[str]) -> None:
    """
    All of it, and nothing else.
    """
    graph = IdentityGraph()
    for name in names:
        graph.seen(name, "named")
    wanted = {name for name in names if text.lower() in name.lower()}

    assert {one.identity for one in graph.search(text, limit=1_000)} == wanted
    graph.close()
