"""
The identity graph, rule by rule.
"""

import threading
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from identity import IdentityGraph, IdentityKind, InvalidIdentity, LinkKind, MergePolicy, Outcome, Sighting
from identity.database import Database

DAY_MS = 86_400_000


@pytest.fixture
def graph() -> IdentityGraph:
    return IdentityGraph(clock=lambda: 1_700_000_000.0)


def names(graph: IdentityGraph, identity: str) -> set[str]:
    return {known.name for known in graph.person(identity).identities}


def test_a_first_identify_merges(graph: IdentityGraph) -> None:
    """
    An anonymous identity that belongs to nobody joins whoever is named on it.
    """
    verdict = graph.link("X", "A", kind="first_identify")

    assert (verdict.outcome, verdict.reason) == (Outcome.MERGE, "first_identify")
    assert names(graph, "X") == {"X", "A"}
    assert graph.resolve("X") == "A"


def test_the_same_link_again_is_known(graph: IdentityGraph) -> None:
    """
    A merge is decided once; its repeat, either way round, is known and leaves nothing on record.
    """
    graph.link("X", "A", kind="first_identify")
    again = [graph.link("X", "A", kind="first_identify"), graph.link("A", "X", kind="manual")]

    assert {verdict.outcome for verdict in again} == {Outcome.KNOWN}
    assert graph.counts().links == {Outcome.MERGE: 1, Outcome.KNOWN: 0, Outcome.HOLD: 0, Outcome.REFUSE: 0}


def test_the_second_named_identity_is_held_and_the_third_refused_with_it(graph: IdentityGraph) -> None:
    """
    X stays A's whoever else is named on it, and from the third person on it counts as shared.
    """
    graph.link("X", "A", kind="first_identify")
    second = graph.link("X", "B", kind="first_identify")
    second_again = graph.link("X", "B", kind="first_identify")
    third = graph.link("X", "C", kind="first_identify")
    after = [graph.link("X", name, kind="first_identify") for name in ("B", "C", "D")]

    assert (second.outcome, second.reason) == (Outcome.HOLD, "second_identity")
    assert (second_again.outcome, second_again.reason) == (Outcome.HOLD, "second_identity")
    assert (third.outcome, third.reason) == (Outcome.REFUSE, "shared_device")
    assert after[0].explanation == (
        "'X' belongs to 'A', and others than 'B' were named on it, too: a device that people share."
    )
    assert {(verdict.outcome, verdict.reason) for verdict in after} == {(Outcome.REFUSE, "shared_device")}
    assert graph.held() == []
    assert names(graph, "X") == {"X", "A"}


def test_a_link_of_two_owned_devices_tells_of_both_owners(graph: IdentityGraph) -> None:
    """
    Whichever of the two others were named on, what is said of it is true.
    """
    graph.link("X", "A", kind="first_identify")
    graph.link("Y", "B", kind="first_identify")
    graph.link("Y", "C", kind="first_identify")

    verdict = graph.link("X", "Y", kind="manual")

    assert (verdict.reason, verdict.explanation) == (
        "shared_device",
        "'X' belongs to 'A' and 'Y' to 'B', and others were named on one of them, too: devices that people share.",
    )


def test_a_held_link_is_settled_when_later_evidence_makes_it_known(graph: IdentityGraph) -> None:
    """
    After an identity change from A to B, nobody has to decide about B on A's phone any more.
    """
    graph.link("X", "A", kind="first_identify")
    graph.link("X", "B", kind="first_identify")
    graph.link("A", "B", kind="identity_change")

    assert graph.held() == []
    assert names(graph, "X") == {"X", "A", "B"}


def test_an_asked_for_identity_change_merges_two_named_identities(graph: IdentityGraph) -> None:
    """
    An alias of two named identities is taken at its word.
    """
    graph.seen("ann@old.example", IdentityKind.NAMED)
    verdict = graph.link("ann@old.example", "ann@new.example")

    assert (verdict.outcome, verdict.reason) == (Outcome.MERGE, "identity_change")
    assert verdict.warnings == ()


def test_history_on_both_sides_is_a_warning(graph: IdentityGraph) -> None:
    """
    Two people with records of their own are joined as asked, but not without a word.
    """
    for name in ("A", "B"):
        graph.seen(name, IdentityKind.NAMED)
    verdict = graph.link("A", "B")

    assert verdict.outcome is Outcome.MERGE
    assert verdict.warnings == ("history_on_both_sides",)


def test_two_named_identities_are_never_joined_unasked(graph: IdentityGraph) -> None:
    """
    A browser's anonymous id that is really somebody's name does not join two customers.
    """
    graph.seen("A", IdentityKind.NAMED)
    verdict = graph.link("A", "B", kind="first_identify")

    assert (verdict.outcome, verdict.reason) == (Outcome.HOLD, "not_asked_for")
    assert names(graph, "A") == {"A"}


def test_an_identity_that_nobody_was_named_by_is_handed_over(graph: IdentityGraph) -> None:
    """
    An unknown identity aliased to a named one is a hand-over, from a browser say.
    """
    verdict = graph.link("92fh49fqh9849hf", "12345")
    elsewhere = graph.link("92fh49fqh9849hf", "67890")

    assert (verdict.outcome, verdict.reason) == (Outcome.MERGE, "server_alias")
    assert (elsewhere.outcome, elsewhere.reason) == (Outcome.HOLD, "second_identity")


@pytest.mark.parametrize(
    ("older", "newer", "reason"),
    [
        ("null", "A", "placeholder"),
        ("A", "guest", "placeholder"),
        ("A", "A", "itself"),
        ("A", "B" * 256, "too_long"),
    ],
)
def test_a_mistake_is_refused_and_makes_nobody(graph: IdentityGraph, older: str, newer: str, reason: str) -> None:
    """
    What can only be a mistake joins nothing and adds no identity.
    """
    verdict = graph.link(older, newer)

    assert (verdict.outcome, verdict.reason) == (Outcome.REFUSE, reason)
    assert graph.counts().identities == 0


def test_an_email_address_is_one_identity_in_any_case(graph: IdentityGraph) -> None:
    """
    Ann@Example.com and ann@example.com are the same identity, not two to join.
    """
    verdict = graph.link("Ann@Example.com", "ann@example.com")

    assert verdict.reason == "itself"


def test_an_identity_of_255_characters_is_not_too_long(graph: IdentityGraph) -> None:
    """
    The limit is Kissmetrics' own: 255 characters are kept.
    """
    assert graph.link("X", "B" * 255, kind="first_identify").outcome is Outcome.MERGE


def test_a_person_beyond_the_limits_is_held(graph: IdentityGraph) -> None:
    """
    The sixth named identity, and the 101st of any kind, wait for a human.
    """
    named = [
        graph.link(f"user-{n}@example.com", f"user-{n + 1}@example.com", at_ms=n * 40 * DAY_MS) for n in range(6)
    ]
    phones = [graph.link(f"phone-{n}", "owner", kind="first_identify") for n in range(101)]

    assert [verdict.outcome for verdict in named] == [Outcome.MERGE] * 4 + [Outcome.HOLD] * 1 + [Outcome.MERGE]
    assert (named[4].reason, phones[99].reason) == ("too_many_named_identities", "too_many_identities")
    assert {verdict.outcome for verdict in phones[:99]} == {Outcome.MERGE}
    assert {verdict.outcome for verdict in phones[99:]} == {Outcome.HOLD}


def test_limits_are_the_callers_to_set() -> None:
    """
    The guarded policy takes other limits.
    """
    graph = IdentityGraph(policy=MergePolicy.guarded(named=2))
    graph.link("a@example.com", "b@example.com")

    assert graph.link("b@example.com", "c@example.com").outcome is Outcome.HOLD


def test_every_decision_stays_on_record(tmp_path: Path) -> None:
    """
    A hold that turned into a refusal leaves both rows, in order.
    """
    database = Database(tmp_path / "graph.db")
    graph = IdentityGraph(database)
    for name in ("A", "B", "C"):
        graph.link("X", name, kind="first_identify", call=f"call-{name}", device="tablet")
    rows = database.rows(
        "SELECT newer, decision.outcome, decided_by FROM decision JOIN link USING (link) ORDER BY decision"
    )

    assert rows == [
        ("A", "merge", "policy"),
        ("B", "hold", "policy"),
        ("C", "refuse", "policy"),
        ("B", "refuse", "policy"),
    ]


def test_a_verdict_tells_what_it_was_decided_about(graph: IdentityGraph) -> None:
    """
    A verdict carries its link: kind, time, call and device.
    """
    link = graph.link("X", "A", kind="first_identify", at_ms=5, call="m-1", device="iphone").link

    assert (link.older, link.newer, link.kind) == ("X", "A", LinkKind.FIRST_IDENTIFY)
    assert (link.at_ms, link.call, link.device) == (5, "m-1", "iphone")


def test_the_first_named_identity_stands_for_the_person(graph: IdentityGraph) -> None:
    """
    Resolve is stable: later names do not change it, and an anonymous id never wins over a name.
    """
    graph.link("X", "A", kind="first_identify")
    graph.link("Y", "B", kind="first_identify")
    graph.link("B", "A")

    assert {graph.resolve(name) for name in ("X", "Y", "A", "B")} == {"A"}


def test_an_identity_never_seen_stands_for_itself(graph: IdentityGraph) -> None:
    """
    Asking about a stranger adds nobody.
    """
    assert graph.resolve("stranger") == "stranger"
    assert graph.person("stranger").identities == ()
    assert graph.counts().people == 0


def test_a_link_commits_with_the_callers_rows_or_not_at_all(tmp_path: Path) -> None:
    """
    The graph joins the transaction of the database that it was given.
    """
    database = Database(tmp_path / "graph.db")
    graph = IdentityGraph(database)
    with pytest.raises(KeyboardInterrupt), database.transaction():
        graph.link("X", "A", kind="first_identify")
        raise KeyboardInterrupt

    assert graph.counts().people == 0


def test_the_graph_survives_its_process(tmp_path: Path) -> None:
    """
    What one graph decided, the next one on the same file knows.
    """
    IdentityGraph(tmp_path / "graph.db").link("X", "A", kind="first_identify")

    assert IdentityGraph(tmp_path / "graph.db").link("X", "A", kind="first_identify").outcome is Outcome.KNOWN


@pytest.mark.parametrize("bad", ["", None, 3])
def test_bad_identities_are_refused_before_anything_is_written(graph: IdentityGraph, bad: object) -> None:
    """
    A value that is no identity raises, naming the argument.
    """
    with pytest.raises(InvalidIdentity, match="newer"):
        graph.link("X", bad)  # type: ignore[arg-type]

    assert graph.counts().identities == 0


def test_two_threads_linking_at_once_reach_a_serial_outcome(tmp_path: Path) -> None:
    """
    Of many that claim one anonymous identity at the same moment, exactly one gets it.
    """
    graphs = [IdentityGraph(tmp_path / "graph.db") for _ in range(4)]
    outcomes: list[Outcome] = []

    def claim(number: int) -> None:
        outcomes.append(graphs[number].link("X", f"user-{number}", kind="first_identify").outcome)

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["hold", "merge", "refuse", "refuse"]


sightings = st.builds(
    Sighting,
    st.sampled_from(["ann@example.com", "Ann@Example.com", "4711", "a-1", "a-2"]),
    st.sampled_from([IdentityKind.ANONYMOUS, IdentityKind.NAMED]),
    st.integers(0, 5),
    st.integers(5, 9),
    st.integers(1, 3),
    st.sampled_from([None, None, "account"]),
)


@given(st.sets(st.sampled_from(["4711", "a-1"])), st.lists(sightings, max_size=4), st.lists(sightings, max_size=6))
@example({"a-1"}, [], [Sighting(name, IdentityKind.NAMED, 5, 5) for name in ("a-1", "4711")])
def test_many_sightings_at_once_are_as_those_one_by_one(
    made_up: set[str], earlier: list[Sighting], seen: list[Sighting]
) -> None:
    """
    The same identities, kinds, counts and times, whatever was known before.
    """
    kept = []
    for together in (False, True):
        database = Database(":memory:")
        graph = IdentityGraph(database, clock=lambda: 0.007)
        for name in sorted(made_up):
            graph.generated(name)
        for one in earlier:
            graph.seen_all([one])
        for some in [seen] if together else [[one] for one in seen]:
            graph.seen_all(some)
        kept.append([sorted(database.rows(f"SELECT * FROM {table}")) for table in ("identity", "person")])

    assert kept[0] == kept[1]
    assert not any(name == "Ann@Example.com" for (_, name, *_) in kept[0][0])


def test_many_sightings_are_refused_together(graph: IdentityGraph) -> None:
    """
    One that can be no identity's costs the others, too, and says so.
    """
    with pytest.raises(InvalidIdentity):
        graph.seen_all([Sighting(name, IdentityKind.NAMED, 0, 0) for name in ("ann", " ")])

    assert graph.counts().identities == 0


def test_a_kind_of_link_that_does_not_exist_is_answered_with_those_that_do() -> None:
    """
    Before anything is decided.
    """
    with IdentityGraph() as graph:
        with pytest.raises(
            ValueError, match="'frist' is no kind of link: there are first_identify, identity_change"
        ):
            graph.link("phone", "ann", kind="frist")  # type: ignore[arg-type]
        assert graph.counts().identities == 0
