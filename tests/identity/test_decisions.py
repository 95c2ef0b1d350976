"""
What people decide, and how the graph tells of it.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from identity import Database, IdentityGraph, InvalidDecision, Link, MergePolicy, Outcome

TABLES = ("decision", "link", "identity", "person", "told", "tombstone", "tombstone_key")


class Clock:
    """
    A clock that a test sets.
    """

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def graph(database: Database, clock: Clock) -> IdentityGraph:
    return IdentityGraph(database, clock=clock)


def with_a_hold(graph: IdentityGraph) -> IdentityGraph:
    graph.link("X", "ann@example.com", kind="first_identify", call="m1", device="tablet")
    graph.link("X", "bob@example.com", kind="first_identify", call="m2", device="tablet")
    return graph


def test_an_approved_link_joins_and_says_who_and_why(graph: IdentityGraph, clock: Clock) -> None:
    """
    The decision keeps the evidence, and tells who decided when and why.
    """
    with_a_hold(graph)
    clock.now += 60
    (held,) = graph.held()
    verdict = graph.approve(held, by="kim", why="they are a couple with one account")

    assert (verdict.outcome, verdict.reason, verdict.by) == (Outcome.MERGE, "approved", "kim")
    assert verdict.explanation == "Approved by kim: they are a couple with one account"
    assert (verdict.link.call, verdict.link.at_ms, verdict.decided_ms) == (
        "m2",
        1_700_000_000_000,
        1_700_000_060_000,
    )
    assert graph.are_one("ann@example.com", "bob@example.com")
    assert graph.held() == []


def test_approving_twice_owes_nothing_more(graph: IdentityGraph) -> None:
    """
    Two people who approve the same link at once make one merge.
    """
    with_a_hold(graph)
    outcomes = [graph.approve(("X", "bob@example.com"), by=by).outcome for by in ("kim", "lee")]

    assert outcomes == [Outcome.MERGE, Outcome.KNOWN]


def test_a_rejected_link_stays_refused_whatever_calls_say(graph: IdentityGraph) -> None:
    """
    Not by the same evidence, not by a stronger one; but a person's word brings it back.
    """
    with_a_hold(graph)
    rejected = graph.reject(("bob@example.com", "X"), by="kim", why="two people")
    again = graph.link("X", "bob@example.com", kind="first_identify")
    asked = graph.link("X", "bob@example.com", kind="server_alias")
    by_hand = graph.link("X", "bob@example.com", kind="manual")

    assert [(v.outcome, v.reason) for v in (rejected, again, asked)] == [("refuse", "rejected")] * 3
    assert "kim: two people" in again.explanation
    assert by_hand.outcome is Outcome.HOLD, "the other rules still hold"
    assert graph.approve(by_hand, by="kim").outcome is Outcome.MERGE


def test_a_third_person_on_a_device_whose_second_was_rejected_is_refused(graph: IdentityGraph) -> None:
    """
    Bob was somebody else on Ann's device; Cem is the third.
    """
    with_a_hold(graph)
    graph.reject(("X", "bob@example.com"), by="kim")

    assert graph.link("X", "cem@example.com", kind="first_identify").reason == "shared_device"


def test_a_retracted_link_splits_exactly_and_keeps_what_came_since(graph: IdentityGraph) -> None:
    """
    What was merged later on either side stays there, counts and names too.
    """
    graph.link("X", "ann@example.com", kind="first_identify")
    graph.link("Y", "bob@example.com", kind="first_identify")
    graph.link("ann@example.com", "bob@example.com")
    graph.link("Z", "bob@example.com", kind="first_identify")
    graph.link("X", "bob@example.com", kind="first_identify")
    retracted = graph.retract(("ann@example.com", "bob@example.com"), by="kim", why="a typing mistake")

    assert (retracted.outcome, retracted.reason) == (Outcome.REFUSE, "retracted")
    assert graph.person("X").names == {"X", "ann@example.com"}
    assert graph.person("Z").names == {"Y", "Z", "bob@example.com"}
    assert [verdict.reason for verdict in graph.held()] == ["reopened"]
    assert graph.link("ann@example.com", "bob@example.com").reason == "retracted"


def test_what_was_told_cannot_be_retracted(graph: IdentityGraph) -> None:
    """
    No alias can be undone; and nothing changes when somebody tries.
    """
    verdict = graph.link("X", "ann@example.com", kind="first_identify")
    graph.told(verdict)
    with pytest.raises(InvalidDecision, match="its alias has left") as caught:
        graph.retract(verdict, by="kim")

    assert caught.value.reason == "told"
    assert graph.are_one("X", "ann@example.com")


@pytest.mark.parametrize(
    ("what", "pair", "reason"),
    [
        ("approve", ("A", "B"), "unknown"),
        ("approve", ("null", "B"), "impossible"),
        ("reject", ("null", "B"), "impossible"),
        ("reject", ("X", "ann@example.com"), "merged"),
        ("retract", ("X", "bob@example.com"), "not_merged"),
    ],
)
def test_a_decision_that_cannot_be_says_why(
    graph: IdentityGraph, what: str, pair: tuple[str, str], reason: str
) -> None:
    """
    An unknown link, an impossible one, one that is merged, one that is not.
    """
    with_a_hold(graph).link("null", "B")
    before = graph.counts()
    with pytest.raises(InvalidDecision) as caught:
        getattr(graph, what)(pair, by="kim")

    assert caught.value.reason == reason
    assert graph.counts() == before


def test_an_explanation_reads_as_a_chain(graph: IdentityGraph) -> None:
    """
    Each step names the evidence, its call and device, and who decided.
    """
    with_a_hold(graph)
    held = graph.explain("ann@example.com", "bob@example.com")
    nothing = graph.explain("ann@example.com", "stranger")
    graph.approve(("X", "bob@example.com"), by="kim", why="one household")
    joined = graph.explain("ann@example.com", "bob@example.com")

    assert held.summary == (
        "ann@example.com and bob@example.com are two people; they would be one if a held link were approved."
    )
    assert [len(held.steps), len(held.held), held.are_one, nothing.steps] == [2, 1, False, ()]
    assert joined.are_one
    assert "on tablet in call m2" in str(joined)
    assert "merge by kim: Approved by kim: one household" in str(joined)
    assert json.loads(json.dumps(joined.to_dict()))["steps"][1]["verdict"]["by"] == "kim"


def test_an_explanation_tells_what_was_refused(graph: IdentityGraph) -> None:
    """
    Two people on a shared device: no way leads from one to the other, and the refused link says why.
    """
    with_a_hold(graph).link("X", "cem@example.com", kind="first_identify")
    explained = graph.explain("ann@example.com", "cem@example.com")

    assert (explained.steps, [verdict.reason for verdict in explained.refused]) == ((), ["shared_device"])


def test_the_past_answers_the_same_questions(graph: IdentityGraph, clock: Clock) -> None:
    """
    Before the approval they were two people, with a link that was held.
    """
    with_a_hold(graph)
    clock.now += 60
    graph.approve(("X", "bob@example.com"), by="kim")
    then = graph.as_of(datetime.fromtimestamp(clock.now - 30, UTC))

    assert (then.are_one("ann@example.com", "bob@example.com"), len(then.held())) == (False, 1)
    assert [verdict.outcome for verdict in then.history("X").verdicts] == ["merge", "hold"]
    assert [verdict.outcome for verdict in graph.history("X").verdicts] == ["merge", "hold", "merge"]
    assert graph.as_of(0).person("X").identities == ()
    with pytest.raises(ValueError, match="time zone"):
        graph.as_of(datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_grace_keeps_an_alias_out_of_the_plan(database: Database, clock: Clock) -> None:
    """
    It is planned once its grace is over.
    """
    graph = IdentityGraph(database, clock=clock, alias_grace=60)
    graph.link("X", "ann@example.com", kind="first_identify")
    early = graph.plan()
    clock.now += 60
    late = graph.plan()

    assert (len(early), early.waiting, len(late), late.waiting) == (0, 1, 1, 0)


def test_a_plan_shows_whom_each_alias_would_join(graph: IdentityGraph) -> None:
    """
    How many identities and records on each side, as they are once the aliases before it were sent.
    """
    for name, records in (("X", 3), ("ann@example.com", 4), ("4711", 5)):
        graph.seen(name, "anonymous" if name == "X" else "named", records=records)
    graph.link("X", "ann@example.com", kind="first_identify")
    graph.link("ann@example.com", "4711")
    plan = graph.plan()
    first, second = plan.aliases
    graph.told(first.verdict)

    assert [(side.identities, side.records) for side in (first.older, first.newer)] == [(1, 3), (1, 4)]
    assert [(side.identities, side.records) for side in (second.older, second.newer)] == [(2, 7), (1, 5)]
    assert second.older.some == ("X", "ann@example.com")
    assert "never be undone" in str(plan)
    assert graph.plan().aliases == (second,)


def test_a_plan_names_what_was_told_and_should_not_have_been(graph: IdentityGraph) -> None:
    """
    Nothing mends it, but nobody should have to find out alone.
    """
    graph.told(("ann@example.com", "bob@example.com"))

    assert graph.plan().apart == (("ann@example.com", "bob@example.com"),)


class TestForget:
    """
    Forgetting a person.
    """

    def test_nothing_that_can_be_read_is_left(self, emptied: Callable[[], Database], clock: Clock) -> None:
        """
        No row of any table holds one of the identities, in explanations of other people's links neither.
        """
        database = emptied()
        graph = IdentityGraph(database, clock=clock)
        for name in ("ann@example.com", "bob@example.com", "cem@example.com"):
            graph.link("tablet", name, kind="first_identify")
        graph.told(("tablet", "ann@example.com"))
        forgotten = graph.forget("cem@example.com")
        rows = [str(row) for table in TABLES for row in database.rows(f"SELECT * FROM {table}")]

        assert forgotten.identities == ("cem@example.com",)
        assert [row for row in rows if "cem" in row] == []
        assert graph.forget("tablet").identities == ("ann@example.com", "tablet")
        assert graph.explain("bob@example.com", "tablet").steps == ()

    def test_a_late_call_brings_nobody_back(self, graph: IdentityGraph) -> None:
        """
        A link is refused and not kept, a sighting does nothing, in any spelling of the address.
        """
        graph.link("X", "ann@example.com", kind="first_identify")
        graph.forget("X")
        late = graph.link("X", "Ann@Example.com", kind="first_identify")
        graph.seen("ann@example.com", "named")
        others = graph.link("Y", "ann@example.com", kind="first_identify")

        assert [(v.outcome, v.reason) for v in (late, others)] == [("refuse", "forgotten")] * 2
        assert (graph.counts().identities, sum(graph.counts().links.values())) == (0, 0)
        assert graph.is_forgotten("X")

    def test_somebody_who_is_back_can_be_let_in(self, graph: IdentityGraph) -> None:
        """
        A new account under an old address is a decision of the caller's.
        """
        graph.forget("ann@example.com")

        assert [graph.readmit("ann@example.com"), graph.readmit("ann@example.com")] == [True, False]
        assert graph.link("X", "ann@example.com", kind="first_identify").outcome is Outcome.MERGE

    def test_somebody_never_seen_can_be_forgotten(self, graph: IdentityGraph) -> None:
        """
        The wish is older than the first call.
        """
        assert graph.forget("ann@example.com").identities == ("ann@example.com",)
        assert graph.link("X", "ann@example.com").reason == "forgotten"


def test_many_links_commit_together(database: Database) -> None:
    """
    All or none, in their order.
    """
    graph = IdentityGraph(database)
    verdicts = graph.link_many(
        Link(older="X", newer=name, kind="first_identify", at_ms=n) for n, name in enumerate(("A", "B", "A"))
    )
    with pytest.raises(ValueError, match="newer"):
        graph.link_many(
            [Link(older="Y", newer="C", kind="import", at_ms=0), Link(older="Y", newer="", kind="import", at_ms=0)]
        )

    assert [verdict.outcome for verdict in verdicts] == ["merge", "hold", "known"]
    assert graph.person("Y").identities == ()


def test_notebooks_show_tables_and_no_markup_of_strangers(graph: IdentityGraph) -> None:
    """
    Whatever an answer is, it is a table; an identity that looks like markup is a text.
    """
    evil = "<script>alert(1)</script>@example.com"
    verdict = graph.link("X", evil, kind="identity_change")
    graph.link("X", "bob@example.com", kind="first_identify")
    answers = [
        verdict,
        graph.person("X"),
        graph.held(),
        graph.explain("X", evil),
        graph.history("X"),
        graph.plan(),
    ]
    shown = [answer._repr_html_() for answer in [*answers, graph, graph.person("nobody"), graph.explain("X", "n")]]

    assert all("<table>" in html for html in shown[:7])
    assert "was never seen" in shown[7]
    assert [html for html in shown if "<script>" in html] == []
    assert repr(graph.person("X")) == f"Person({graph.resolve('X')!r}, 2 identities, 2 links)"


def test_a_policy_that_people_overruled_still_holds_for_others(database: Database) -> None:
    """
    Approving one link of a strict graph changes nothing for the next.
    """
    graph = IdentityGraph(database, policy=MergePolicy.strict())
    first = graph.link("ann@example.com", "4711")
    graph.approve(first, by="kim")

    assert graph.link("4711", "4712", kind="identity_change").reason == "two_named_people"
