"""
Every question is answered as by going through all records by hand.

The model below was written from the rules alone: lists of facts, one person after the other, and every way through
a funnel tried.
"""

from collections import Counter

from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from identity.database import Database
from sdkbridge.kissmetrics.people import LocalKissmetrics, PropertyHistory, Rules

NOW = 1_700_000_000
EVENTS = ["Visited", "Bought", "Left"]
NAMES = ["plan", "city"]
IDENTITIES = st.sampled_from("abcd")
SECONDS = st.integers(NOW - 4, NOW)
VALUES = st.sampled_from(["", "1", "x"])
PROPERTIES = st.fixed_dictionaries({}, optional={"plan": VALUES, "city": VALUES})

aliases = st.tuples(st.just("/a"), IDENTITIES, IDENTITIES, SECONDS, st.just({}))
events = st.tuples(st.just("/e"), IDENTITIES, st.sampled_from(EVENTS), SECONDS, PROPERTIES)
sets = st.tuples(st.just("/s"), IDENTITIES, st.just(""), SECONDS, PROPERTIES.filter(bool))
requests = st.lists(events | events | sets | aliases, max_size=25)
rules = st.builds(
    lambda duplicate_rule, history_limit: Rules(duplicate_rule=duplicate_rule, history_limit=history_limit),
    st.sampled_from(["current", "legacy"]),
    st.sampled_from([None, 1, 2, 3]),
)


@frozen
class Fact:
    """
    Something that counts: an event, or one value of a property.
    """

    kind: str
    identity: str
    name: str
    second: int
    number: int
    value: str = ""


def filled(requests, rules):
    kissmetrics = LocalKissmetrics(Database(), clock=lambda: NOW, rules=rules)
    for path, identity, name, second, properties in requests:
        dated = {"_k": "key", "_p": identity, "_n": name, "_d": "1", "_t": str(second)}
        kissmetrics.receive(path, dated | properties)
    return kissmetrics


def facts_of(requests, rules):
    """
    Yield what counts by the rule on duplicates, in order of receipt.
    """
    seen = set()
    for number, (path, identity, name, second, properties) in enumerate(requests):
        if path == "/a":
            continue
        event = name if path == "/e" else None
        whole = (identity, event, second, tuple(sorted(properties.items())))
        if rules.duplicate_rule == "current" and whole in seen:
            continue
        seen.add(whole)
        said = [Fact("event", identity, event, second, number)] if event else []
        said += [Fact("property", identity, key, second, number, value) for key, value in properties.items()]
        for fact in said:
            key = (fact.kind, identity, fact.name, second)
            if rules.duplicate_rule == "current" or key not in seen:
                yield fact
            seen.add(key)


def groups_of(requests):
    groups = []
    for path, identity, other, *_ in requests:
        members = {identity, other} if path == "/a" and identity != other else {identity}
        members = members if path != "/a" or identity != other else set()
        touched = [group for group in groups if group & members]
        groups = [group for group in groups if group not in touched]
        groups += [members.union(*touched)] if members else []
    return groups


def people_of(requests, rules):
    """
    Return the identities of each person with data, and the facts that count, each person's oldest ones dropped.
    """
    facts = list(facts_of(requests, rules))
    people = []
    for group in groups_of(requests):
        own = sorted((one for one in facts if one.identity in group), key=lambda one: (one.second, one.number))
        kept = []
        for fact in reversed(own):
            same = sum(1 for one in kept if (one.kind, one.name) == (fact.kind, fact.name))
            if rules.history_limit is None or same < rules.history_limit:
                kept.append(fact)
        if own:
            people.append((tuple(sorted(group)), kept[::-1]))
    return sorted(people)


def values(facts, name):
    return [fact for fact in facts if fact.kind == "property" and fact.name == name]


def happened(facts, name):
    return [fact for fact in facts if fact.kind == "event" and name in {fact.name, None}]


def value_at(facts, name, second):
    earlier = [fact.value for fact in values(facts, name) if fact.second <= second]
    return earlier[-1] if earlier else None


@given(requests, rules)
def test_people(requests, rules):
    """
    People have the events and properties that count.
    """
    people = filled(requests, rules).people()

    assert [(person.identities, person.event_counts, person.properties) for person in people] == [
        (
            identities,
            Counter(fact.name for fact in happened(facts, None)),
            {
                name: PropertyHistory(values(facts, name)[0].value, values(facts, name)[-1].value)
                for name in NAMES
                if values(facts, name)
            },
        )
        for identities, facts in people_of(requests, rules)
    ]


@given(requests, rules)
def test_one_persons_properties(requests, rules):
    """
    History, first and last value, and the value at each event are those among the facts that count.
    """
    kissmetrics = filled(requests, rules)
    for identities, facts in people_of(requests, rules):
        identity = identities[-1]
        for name in NAMES:
            known = [(fact.second, fact.value) for fact in values(facts, name)]
            answer = kissmetrics.property_of(identity, name)
            ends = answer and [(one.second, one.value) for one in (answer.first, answer.last)]
            history = kissmetrics.history(identity, name)

            assert [(one.second, one.value) for one in history] == known
            assert ends == ([known[0], known[-1]] if known else None)
            for event in EVENTS:
                for occurrence, place in (("first", 0), ("last", -1)):
                    times = happened(facts, event)
                    at = kissmetrics.at_event(identity, name, event, occurrence=occurrence)
                    expected = value_at(facts, name, times[place].second) if times else None

                    assert (at and at.value) == expected


@given(requests, rules)
def test_time_lines(requests, rules):
    """
    A time line tells every fact that counts once, in order.
    """
    kissmetrics = filled(requests, rules)
    for identities, facts in people_of(requests, rules):
        told = [one for one in kissmetrics.timeline(identities[0]) if one.kind != "alias"]
        by_record = {}
        for fact in facts:
            by_record.setdefault((fact.second, fact.number), []).append(fact)

        assert [(one.second, one.name, one.identity, one.properties) for one in told] == [
            (
                said[0].second,
                next((fact.name for fact in said if fact.kind == "event"), None),
                said[0].identity,
                {fact.name: fact.value for fact in said if fact.kind == "property"},
            )
            for _, said in sorted(by_record.items())
        ]


@given(requests, st.lists(st.sampled_from(EVENTS), min_size=1, max_size=4), st.none() | st.integers(0, 4), rules)
def test_funnels(requests, steps, within_s, rules):
    """
    A funnel counts whoever has some way through its events, each record used once.
    """
    people = people_of(requests, rules)
    expected = [
        sum(1 for _, facts in people if has_way(facts, steps[: depth + 1], within_s))
        for depth in range(len(steps))
    ]

    answer = filled(requests, rules).funnel(steps, within_s=within_s)
    assert [step.people for step in answer] == expected


def has_way(facts, steps, within_s, way=()):
    if not steps:
        return within_s is None or way[-1].second - way[0].second <= within_s
    return any(
        has_way(facts, steps[1:], within_s, (*way, fact))
        for fact in happened(facts, steps[0])
        if fact not in way and (not way or way[-1].second <= fact.second)
    )


@given(requests, st.sampled_from([*NAMES, "none"]), st.sampled_from([None, *EVENTS]), rules)
def test_counts_by_property(requests, name, event, rules):
    """
    People and events are counted for the first, the last, or each event's value.
    """
    kissmetrics, people = filled(requests, rules), people_of(requests, rules)
    for choice, place in (("first", 0), ("last", -1)):
        expected = Counter(), Counter()
        for _, facts in people:
            if event is None or happened(facts, event):
                known = values(facts, name)
                value = known[place].value if known else None
                expected[0][value] += 1
                expected[1][value] += len(happened(facts, event))

        assert counted(kissmetrics.counts_by_property(name, event=event, value=choice)) == expected


@given(requests, st.sampled_from([*NAMES, "none"]), st.sampled_from(EVENTS), rules)
def test_counts_at_events(requests, name, event, rules):
    """
    Each event counts for the value that its person's property had then.
    """
    expected = Counter(), Counter()
    for _, facts in people_of(requests, rules):
        then = [value_at(facts, name, fact.second) for fact in happened(facts, event)]
        expected[0].update(set(then))
        expected[1].update(then)

    answer = filled(requests, rules).counts_by_property(name, event=event, value="at_event")
    assert counted(answer) == expected
    assert [-one.people for one in answer] == sorted(-one.people for one in answer)


def counted(counts):
    return Counter({one.value: one.people for one in counts}), Counter({one.value: one.events for one in counts})
