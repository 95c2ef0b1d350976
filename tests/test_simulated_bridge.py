"""
The simulator, the real bridge and the local Kissmetrics: the same calls, the same people, the same aliases.
"""

from collections import Counter

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from identity.simulate import ALL, GUARDED, compare, population, read_call
from identity.simulate.funnel import USUAL_STEPS
from sdkbridge import Bridge, InvalidCall
from sdkbridge.kissmetrics.requests import ALIAS
from sdkbridge.stories import StoryIds
from sdkbridge.strategies import people_under

PEOPLE_RATES = {
    "shared_tablets": 1.0,
    "kiosks": 200.0,
    "forgets_reset": 0.7,
    "email_changes": 0.2,
    "reinstalls": 0.2,
    "logs_out": 0.2,
    "browser_first": 0.5,
    "placeholder_release": 0.4,
    "repeats": 0.05,
    "visits_a_week": 4.0,
}

identities = st.sampled_from(["A", "b@example.com", "X", "Y", "null", "phone-anonymous-1", None])
devices = st.sampled_from(["phone", "tablet"])


def message(kind, device, user, other, traits):
    own = {"userId": user, "traits": {"plan": "pro"} if traits else {}}
    if kind == "track":
        own["event"] = "Opened"
    if kind == "alias":
        own["previousId"] = other
    elif device is None:
        own["anonymousId"] = other
    return {"type": kind, "device": device, **own}


messages = st.lists(
    st.one_of(
        st.builds(
            message,
            st.sampled_from(["identify", "identify", "alias", "track"]),
            st.one_of(st.none(), devices),
            identities,
            identities,
            st.booleans(),
        ),
        st.builds(lambda device: {"type": "reset", "device": device}, devices),
    ),
    max_size=14,
)


def numbered(calls):
    return [{"messageId": f"m{place}", **call} for place, call in enumerate(calls)]


def played(calls):
    """
    Play calls through a real bridge; return the aliases it sent, and how many people it counts.
    """
    aliases, now = [], [1_700_000_000.0]
    bridge = Bridge(":memory:", api_key="any", deliver=False, ids=StoryIds(), clock=lambda: now[0])
    with bridge:
        for call in calls:
            arrived_ms = read_call(call).arrived_ms
            now[0] = now[0] if arrived_ms is None else arrived_ms / 1000
            try:
                receipt = bridge.accept(call)
            except InvalidCall:
                continue
            aliases += [{one.identity, one.name} for one in receipt.requests if one.path == ALIAS]
        return aliases, bridge.graph.counts().people


def simulated(calls):
    """
    Return the same of the simulator.
    """
    sent = []

    def begin(identities):
        decide = GUARDED.begin(identities)

        def note(call):
            aliases = decide(call)
            sent.extend(map(set, aliases))
            return aliases

        return note

    people = compare(calls, [evolve(GUARDED, begin=begin)])["guarded"].people
    return sent, people


@given(messages)
def test_any_calls_send_the_same_aliases(calls):
    """
    Whatever devices and servers say, the simulator sends the aliases that the bridge sends, in the same order.
    """
    calls = numbered(calls)
    aliases, _ = played(calls)
    sent, _ = simulated(calls)

    assert sent == aliases


@pytest.mark.parametrize("seed", range(6))
def test_a_population_is_the_same_people_to_both(seed):
    """
    On a whole population, over weeks, aliases and the number of people agree.
    """
    calls = [*population(8, seed=seed, days=40, rates={**PEOPLE_RATES, "visits_a_week": 2.0})]
    aliases, people = played(calls)
    sent, counted = simulated(calls)

    assert sent == aliases
    assert len(sent) > 3
    assert counted == people


@pytest.mark.parametrize("strategy", ALL, ids=lambda strategy: strategy.name)
def test_a_kissmetrics_that_is_told_counts_the_same_people(strategy):
    """
    The local Kissmetrics takes every request that a strategy sends, and has the people and the funnel that the
    simulator tells. Its clock is one for all calls, so those of a wrong clock are left out.
    """
    calls = [*population(12, seed=3, days=12, rates={**PEOPLE_RATES, "clock_skew": 0.0, "signs_in": 0.9})]
    kissmetrics = people_under(strategy, calls, received=1_800_000_000.0)
    counted = compare(calls, [strategy])[strategy.name]

    assert counted.people == len([*kissmetrics.people()])
    assert [step.people for step in counted.funnel] == [step.people for step in kissmetrics.funnel(USUAL_STEPS)]
    assert counted.identities_per_person == histogram(len(one.identities) for one in kissmetrics.people())


def histogram(numbers):
    return dict(sorted(Counter(numbers).items()))
