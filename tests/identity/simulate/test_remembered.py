"""
The simulator's graph in memory decides what the real one decides, link by link.
"""

from hypothesis import given
from hypothesis import strategies as st

from identity import Decision, IdentityGraph, IdentityKind, LinkKind, MergePolicy, Proposal
from identity.simulate.numbered import Identities
from identity.simulate.remembered import RememberedGraph

NAMES = ["V", "W", "X", "y@example.com", "null", "Z"]

names = st.sampled_from(NAMES)
DAY_MS = 86_400_000

steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["first_identify", "identity_change", "server_alias", None]), names, names),
        st.tuples(st.just("seen"), names, st.sampled_from(["anonymous", "named"])),
        st.tuples(st.just("generated"), names, st.none()),
    ),
    max_size=16,
)
days = st.lists(st.integers(0, 60), min_size=16, max_size=16)
limits = st.tuples(st.integers(1, 6), st.integers(1, 4), st.integers(1, 3))


@given(steps, days, limits)
def test_it_decides_as_the_real_graph_does(steps, days, limits):
    """
    Whatever arrives, and when, under whatever limits: outcome, reason, explanation, warnings are the same, so are
    the people that follow.
    """
    identities, named, named_lately = limits
    policy = MergePolicy.guarded(identities=identities, named=named, named_lately=named_lately)
    remembered = RememberedGraph(Identities(), policy)
    with IdentityGraph(policy=policy) as graph:
        for (kind, one, other), day in zip(steps, days, strict=False):
            at_ms = day * DAY_MS
            if kind == "seen":
                graph.seen(one, other, at_ms=at_ms)
                remembered.seen(one, IdentityKind(other), at_ms=at_ms)
            elif kind == "generated":
                graph.generated(one)
                remembered.generated(one)
            else:
                real = graph.link(one, other, kind=kind, at_ms=at_ms)
                told = None if kind is None else real.link.kind
                ours = remembered.link(one, other, kind=told, at_ms=at_ms)
                assert str(ours) == str(real)
                assert ours.warnings == real.warnings
        for one in NAMES:
            assert remembered.resolve(one) == graph.resolve(one)
            for other in NAMES:
                assert (remembered.person(one) == remembered.person(other)) == graph.are_one(one, other)


class Counting:
    """
    A policy that notes how many rivals each proposal has, and holds what has nine or more.
    """

    def __init__(self) -> None:
        self.rivals: list[int] = []
        self.policy = MergePolicy.guarded().without("too_many", "too_many_lately").with_rules(self.much_claimed)

    def much_claimed(self, proposal: Proposal) -> Decision | None:
        self.rivals.append(proposal.rivals)
        return Decision.hold("much_claimed", "By nine or more.") if proposal.rivals >= 9 else None


tablets = st.sampled_from(["tablet-1", "tablet-2"])
people = range(13)
visits = st.lists(st.tuples(tablets, st.sampled_from(people), st.integers(0, 2)), max_size=20)


@given(
    queue=st.permutations([("tablet-1", one, name) for one in people for name in (0, 1)]),
    visits=visits,
    merged=st.sets(st.tuples(st.sampled_from(people), st.integers(1, 2)), max_size=20),
    last=st.lists(st.tuples(tablets, tablets), max_size=2),
)
def test_it_counts_rivals_as_the_real_graph_does(queue, visits, merged, last):
    """
    However many people a tablet is said to be of, by however many of their names, and up to ten: a rule may ask.
    """
    ours, real = Counting(), Counting()
    remembered = RememberedGraph(Identities(), ours.policy)
    with IdentityGraph(policy=real.policy) as graph:
        links = [(f"user-{one}", f"user-{one}-{name}", LinkKind.IDENTITY_CHANGE) for one, name in sorted(merged)]
        for tablet, one, name in [*queue, *visits]:
            newer = f"user-{one}-{name}" if (one, name) in merged else f"user-{one}"
            links.append((tablet, newer, LinkKind.FIRST_IDENTIFY))
        links += [(one, other, LinkKind.SERVER_ALIAS) for one, other in last if one != other]
        for at_ms, (older, newer, kind) in enumerate(links):
            expected = graph.link(older, newer, kind=kind, at_ms=at_ms)
            assert str(remembered.link(older, newer, kind=kind, at_ms=at_ms)) == str(expected)

    assert ours.rivals == real.rivals


def test_nine_rivals_are_counted():
    """
    And ten at most, also where the first of them has more claims than that by other names.
    """
    ours, real = Counting(), Counting()
    remembered = RememberedGraph(Identities(), ours.policy)
    with IdentityGraph(policy=real.policy) as graph:
        links = [("user-0", f"user-0-{name}", LinkKind.MANUAL) for name in range(15)]
        links += [("tablet", "owner", LinkKind.FIRST_IDENTIFY)]
        links += [("tablet", f"user-0-{name}", LinkKind.FIRST_IDENTIFY) for name in range(15)]
        links += [("tablet", f"user-{one}", LinkKind.FIRST_IDENTIFY) for one in range(1, 14)]
        for at_ms, (older, newer, kind) in enumerate(links):
            for one in (graph, remembered):
                one.link(older, newer, kind=kind, at_ms=at_ms)

    assert ours.rivals == real.rivals
    assert real.rivals[-13:] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 10]
