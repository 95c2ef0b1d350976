"""
Funnels and retention of people who are joined later, against counting by hand.
"""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from identity.simulate import NEVER, SEGMENT_SERVER, compare
from identity.simulate.funnel import MOST_REMEMBERED, steps_done

STEPS = ("A", "B", "C")
WEEK_S = 7 * 24 * 3600
MONDAY_S = 1_767_571_200

happenings = st.lists(st.tuples(st.integers(0, 6), st.sampled_from("ABC")), max_size=8)


def longest(happened: list[tuple[int, str]], within: int | None) -> int:
    """
    The most steps that some choice of different events makes, by trying every choice.
    """
    best = 0
    for places in product(range(len(happened)), repeat=len(STEPS)):
        done = 0
        for step, place in enumerate(places):
            second, event = happened[place]
            fits = event == STEPS[step] and place not in places[:step]
            if step and second < happened[places[step - 1]][0]:
                fits = False
            if within is not None and second - happened[places[0]][0] > within:
                fits = False
            if not fits:
                break
            done += 1
        best = max(best, done)
    return best


@given(happenings, st.one_of(st.none(), st.integers(0, 4)))
def test_steps_are_those_that_some_choice_of_events_makes(happened, within):
    """
    Whatever happened, within whatever time.
    """
    assert steps_done(sorted(happened), STEPS, within) == longest(sorted(happened), within)


names = st.sampled_from(["X", "Y", "Z", "V"])
moments = st.lists(st.tuples(names, st.integers(0, 5), st.sampled_from("ABC")), max_size=12)
pairs = st.lists(st.tuples(names, names), max_size=3)


def calls(did, joined, *, step_s):
    for name, when, event in did:
        yield {"type": "track", "userId": name, "event": event, "timestamp": MONDAY_S + when * step_s}
    for older, newer in joined:
        yield {"type": "alias", "previousId": older, "userId": newer}


def people_of(did, joined):
    people = [{name} for name in "XYZV"]
    for pair in joined:
        touching = [one for one in people if one & set(pair)]
        people = [one for one in people if not one & set(pair)] + [set().union(*touching)]
    return [[(when, event) for name, when, event in did if name in one] for one in people]


@given(moments, pairs)
def test_a_funnel_counts_people_with_all_that_their_identities_did(did, joined):
    """
    Also what was done before an alias that comes last.
    """
    comparison = compare(calls(did, joined, step_s=60), [SEGMENT_SERVER], funnel=STEPS)
    reached = [longest(sorted(one), None) for one in people_of(did, joined)]

    assert [step.people for step in comparison["segment-server"].funnel] == [
        sum(done > place for done in reached) for place in range(len(STEPS))
    ]


@given(moments, pairs)
def test_retention_counts_weeks_of_people(did, joined):
    """
    A cohort is those who were first active in one week, and each later week has those who were active in it.
    """
    comparison = compare(calls(did, joined, step_s=WEEK_S), [SEGMENT_SERVER])
    weeks = [{when for when, _ in one} for one in people_of(did, joined)]
    last = max((when for one in weeks for when in one), default=0)
    expected = []
    for first in range(last + 1):
        cohort = [one for one in weeks if one and min(one) == first]
        if cohort:
            active = tuple(sum(first + later in one for one in cohort) for later in range(last - first + 1))
            expected.append(((MONDAY_S + first * WEEK_S) * 1000, len(cohort), active))
    found = comparison["segment-server"].retention.cohorts

    assert [(one.week_ms, one.people, one.active) for one in found] == expected


def test_only_the_latest_thousand_instances_count():
    """
    As Kissmetrics' pages say, so memory stays bounded: a first step that was long ago is forgotten.
    """
    early = [{"type": "track", "userId": "X", "event": "B", "timestamp": MONDAY_S}]
    many = [
        {"type": "track", "userId": "X", "event": "A", "timestamp": MONDAY_S + 1 + second}
        for second in range(3 * MOST_REMEMBERED)
    ]
    late = [{"type": "track", "userId": "X", "event": "B", "timestamp": MONDAY_S + 10_000}]

    def reached(messages):
        return [step.people for step in compare(messages, [NEVER], funnel=("A", "B"))["never"].funnel]

    assert reached(early + many) == [1, 0]
    assert reached(many + late) == [1, 1]
