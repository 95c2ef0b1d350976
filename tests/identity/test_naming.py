"""
When an anonymous identity is a name after all, and when it never is.
"""

import pytest

from identity import Database, IdentityGraph, IdentityKind, LinkKind, Outcome


@pytest.fixture
def graph() -> IdentityGraph:
    return IdentityGraph()


def kinds(graph: IdentityGraph, identity: str) -> dict[str, IdentityKind]:
    return {known.name: known.kind for known in graph.person(identity).identities}


def test_an_anonymous_identity_that_is_used_as_a_name_is_named_from_then_on(graph: IdentityGraph) -> None:
    """
    An address that first came as an anonymousId is still Ann's name: Bob on the same tablet is held.
    """
    graph.seen("ann@example.org", IdentityKind.ANONYMOUS)
    first = graph.link("ann@example.org", "ann@example.org", kind="first_identify")
    ann = graph.link("tablet", "ann@example.org", kind="first_identify")
    bob = graph.link("tablet", "bob@example.org", kind="first_identify")

    assert [verdict.outcome for verdict in (first, ann, bob)] == [Outcome.REFUSE, Outcome.MERGE, Outcome.HOLD]
    assert kinds(graph, "ann@example.org")["ann@example.org"] is IdentityKind.NAMED


def test_a_named_identity_that_comes_as_an_anonymous_one_stays_named(graph: IdentityGraph) -> None:
    """
    A browser that passes somebody's name as its anonymous id does not make them anonymous.
    """
    graph.seen("ann", IdentityKind.NAMED)
    graph.seen("ann", IdentityKind.ANONYMOUS)

    assert kinds(graph, "ann") == {"ann": IdentityKind.NAMED}
    assert graph.link("ann", "bob", kind="first_identify").reason == "not_asked_for"


def test_an_alias_the_wrong_way_round_names_its_newer_side(graph: IdentityGraph) -> None:
    """
    alias(ann, X) makes X a name of Ann's; a stranger identified on X is not joined.
    """
    graph.seen("X", IdentityKind.ANONYMOUS)
    graph.link("ann", "X")
    stranger = graph.link("X", "bob", kind="first_identify")

    assert stranger.outcome is Outcome.HOLD
    assert kinds(graph, "X")["X"] is IdentityKind.NAMED


@pytest.mark.parametrize("seen_as", ["named", "anonymous"])
def test_what_was_made_up_here_never_becomes_a_name(graph: IdentityGraph, seen_as: str) -> None:
    """
    A backend that tracks under a phone's own identity does not spoil the phone's first identify.
    """
    graph.generated("U")
    graph.seen("U", seen_as)

    assert graph.link("U", "ann", kind="first_identify").outcome is Outcome.MERGE
    assert kinds(graph, "U") == {"U": IdentityKind.GENERATED, "ann": IdentityKind.NAMED}


def test_another_devices_made_up_identity_is_no_name(graph: IdentityGraph) -> None:
    """
    Two phones are not joined because an app passed one's anonymous identity to the other.
    """
    graph.generated("U1")
    graph.generated("U2")

    assert graph.link("U2", "U1", kind="first_identify").reason == "made_up_name"
    assert graph.link("U2", "U1").outcome is Outcome.MERGE, "asked for, it is done"


def test_an_identity_that_was_made_up_and_never_used_is_nobody(graph: IdentityGraph) -> None:
    """
    A session that did nothing is not counted.
    """
    graph.generated("U")
    before = graph.counts()
    graph.seen("U", "anonymous")

    assert (before.identities, before.people) == (0, 0)
    assert (graph.counts().identities, graph.counts().people) == (1, 1)


def test_a_decision_keeps_the_evidence_that_brought_it(graph: IdentityGraph) -> None:
    """
    A link that was held for one reason and merged for another shows the call that merged it, and its warnings.
    """
    for name in ("A", "B"):
        graph.seen(name, "named")
    graph.link("A", "B", kind="first_identify", call="m1", device="tablet")
    graph.link("A", "B", kind="identity_change", call="m2")
    (verdict,) = graph.person("A").verdicts

    assert (verdict.outcome, verdict.link.kind, verdict.link.call) == (
        Outcome.MERGE,
        LinkKind.IDENTITY_CHANGE,
        "m2",
    )
    assert (verdict.link.device, verdict.warnings) == (None, ("history_on_both_sides",))


def test_a_graph_is_a_context(tmp_path) -> None:
    """
    Leaving the block lets go of the file; what was decided stays.
    """
    with IdentityGraph(tmp_path / "graph.db") as graph:
        graph.link("X", "A", kind="first_identify")
    with Database(tmp_path / "graph.db").transaction() as connection:
        count = connection.execute("SELECT count(*) FROM link").fetchone()

    assert count == (1,)
