"""
What `compare` says of a few calls that can be counted by hand.
"""

import json
import sys
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.simulate import GUARDED, NEVER, SEGMENT_SERVER, Truth, compare, strategy_named
from identity.simulate.reports.comparison import summary_table

TABLET = [
    {"type": "track", "anonymousId": "tablet", "event": "Opened", "messageId": "m1"},
    {"type": "identify", "anonymousId": "tablet", "userId": "Bob@Example.com", "messageId": "m2"},
    {"type": "track", "anonymousId": "tablet", "userId": "bob@example.com", "event": "Bought", "messageId": "m3"},
    {"type": "identify", "anonymousId": "tablet", "userId": 17, "messageId": "m4"},
    {"type": "track", "anonymousId": "tablet", "userId": 17, "event": "Opened", "messageId": "m5"},
    {"type": "track", "userId": "server-only", "event": "Invoice Paid"},
]

TRUTH = Truth.of(
    [
        {"person": "bob", "identities": ["tablet", "bob@example.com"]},
        {"person": "cleo", "identities": ["17"]},
        {"person": "somebody else", "identities": ["server-only"]},
    ]
)


def test_each_strategy_has_a_world_of_its_own():
    """
    The same calls: four people without aliases, one squished by Segment's rule, three with the guard.
    """
    comparison = compare(TABLET, truth=TRUTH)

    assert [counted.people for counted in comparison.strategies] == [5, 4, 3, 3]
    assert comparison["segment-server"].scores.avoidable_people == 2
    assert comparison["segment-server"].scores.wrong_events == 1
    assert comparison["guarded"].scores.split == comparison["guarded"].scores.squished == 0
    assert comparison["guarded"].verdicts == {"hold second_identity": 1, "merge first_identify": 1}
    assert (comparison.truth.people, comparison.events, comparison.calls) == (3, 4, 6)


def test_only_our_strategy_folds_addresses():
    """
    Kissmetrics compares letter by letter, so other strategies keep two spellings apart.
    """
    comparison = compare(TABLET[1:3], [SEGMENT_SERVER, GUARDED])

    assert comparison["segment-server"].people == 2
    assert comparison["guarded"].people == 1


def test_what_cannot_be_read_is_counted_and_costs_nothing_else():
    """
    One call after the other is refused, and the rest count.
    """
    broken = [
        17,
        {},
        {"type": "trick"},
        {"type": "track", "userId": "A"},
        {"type": "track", "userId": ["A"], "event": "Opened"},
        {"type": "track", "userId": "A" * 256, "event": "Opened"},
        {"type": "identify", "userId": "\ud800"},
        {"type": "reset"},
    ]
    comparison = compare([*broken, *TABLET])

    assert comparison.refused_calls == len(broken)
    assert [one.number for one in comparison.refused] == [*range(1, len(broken) + 1)]
    assert comparison["guarded"] == compare(TABLET)["guarded"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["X", "null"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)
members = ("userId", "anonymousId", "previousId", "messageId", "device", "event", "name", "traits", "context")
odd_messages = st.fixed_dictionaries(
    {"type": st.sampled_from(["identify", "track", "page", "screen", "group", "alias", "reset"]) | json_values},
    optional=dict.fromkeys((*members, "timestamp", "sentAt", "receivedAt"), json_values),
)


@given(st.lists(odd_messages | json_values, max_size=6))
def test_whatever_a_line_holds_it_is_taken_or_refused(messages):
    """
    Nothing that JSON can say breaks a simulation, or the report of it.
    """
    comparison = compare(messages)

    assert comparison.calls + comparison.repeats + comparison.refused_calls == len(messages)
    assert summary_table(comparison)
    assert json.dumps(comparison.as_json())


def test_a_repeat_counts_once():
    """
    A message id among the last hundred thousand is the same call again.
    """
    comparison = compare([*TABLET[:5], *TABLET[:5]])

    assert (comparison.repeats, comparison.calls) == (5, 5)
    assert comparison["segment-server"] == compare(TABLET[:5])["segment-server"]


def test_differences_tell_who_and_by_which_call():
    """
    The tablet's two customers are one person under Segment's rule, by the fourth call.
    """
    comparison = compare(TABLET, [SEGMENT_SERVER, GUARDED], truth=TRUTH)
    (difference,) = comparison.differences

    assert comparison.different_people == 1
    assert difference.people == {"segment-server": 1 + 1, "guarded": 2}
    assert difference.true_people == 2
    (cause,) = [cause for cause in difference.causes if cause.joined_by == ("segment-server",)][:1]
    assert cause.older == "tablet"
    assert cause.remark in {"hold second_identity", "merge first_identify"}


def test_nothing_differs_between_equals():
    """
    Two names for one strategy agree about everybody.
    """
    again = strategy_named("guarded")
    comparison = compare(TABLET, [GUARDED, *[type(again)("again", again.begin, screens=True)]])

    assert (comparison.different_people, comparison.differences) == (0, ())


def test_a_user_may_bring_a_strategy(monkeypatch):
    """
    A function from a call and its own memory to aliases, named by its module.
    """
    mine = ModuleType("my_strategies")

    def second_time(call, memory):
        """
        Alias on the second identify.
        """
        seen = memory[call.anonymous_id] = memory.get(call.anonymous_id, 0) + 1
        return [(call.anonymous_id, call.user_id)] if call.type == "identify" and seen > 1 else []

    mine.second_time = second_time
    monkeypatch.setitem(sys.modules, "my_strategies", mine)
    strategy = strategy_named("my_strategies:second_time")
    comparison = compare(TABLET, [NEVER, strategy])

    assert strategy.described == "Alias on the second identify."
    assert comparison["my_strategies:second_time"].aliases == 2
    assert comparison["never"].people - comparison["my_strategies:second_time"].people == 2


@pytest.mark.parametrize("name", ["guardd", "no_such_module:f", "json:no_such_function"])
def test_a_strategy_that_is_none_is_named(name):
    """
    The mistake is told before anything is read.
    """
    with pytest.raises(ValueError, match=name):
        strategy_named(name)


@pytest.mark.parametrize("strategies", [[], [NEVER, NEVER]])
def test_strategies_need_names_of_their_own(strategies):
    """
    Otherwise nobody could tell their columns apart.
    """
    with pytest.raises(ValueError, match="a name of its own"):
        compare([], strategies)


def test_rows_are_a_table_where_there_is_a_library_for_it():
    """
    One row a strategy, to pandas or to polars.
    """
    comparison = compare(TABLET, truth=TRUTH)

    assert comparison.to_pandas().loc["guarded", "people"] == 3
    assert comparison.to_polars().shape[0] == 4
    assert comparison.as_json()["strategies"][3]["scores"]["pairwise"]["f1"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    "lines",
    [["{"], ['{"identities": []}'], ["[]"], ['{"person": "a", "held": [{"anonymous_id": "x", "from": 1}]}']],
)
def test_a_truth_that_cannot_be_read_is_refused(lines):
    """
    With the line that is wrong.
    """
    with pytest.raises(ValueError, match="line 1 of the truth"):
        Truth.read(lines)
