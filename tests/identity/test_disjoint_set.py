"""
Sets that only ever grow together.
"""

from hypothesis import given
from hypothesis import strategies as st

from identity.disjoint_set import DisjointSet

items = st.sampled_from("abcdefgh")


@given(st.lists(st.tuples(items, items), max_size=12))
def test_two_items_share_a_representative_exactly_if_pairs_lead_from_one_to_the_other(
    pairs: list[tuple[str, str]],
) -> None:
    """
    The sets are those that following the pairs by hand gives.
    """
    sets = DisjointSet()
    for one, other in pairs:
        sets.join(one, other)
    for start in "abcdefgh":
        reached = {start}
        for _ in pairs:
            reached |= {side for pair in pairs if reached & set(pair) for side in pair}
        assert {item for item in "abcdefgh" if sets.find(item) == sets.find(start)} == reached


def test_joining_tells_whether_it_changed_anything() -> None:
    """
    The first join of two sets is news, the second is not.
    """
    sets = DisjointSet()

    assert [sets.join("a", "b"), sets.join("b", "a"), sets.join("a", "a")] == [True, False, False]
