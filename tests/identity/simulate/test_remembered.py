"""
The simulator's graph in memory decides what the real one decides, link by link.
"""

from hypothesis import given
from hypothesis import strategies as st

from identity import IdentityGraph, IdentityKind, MergePolicy
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
