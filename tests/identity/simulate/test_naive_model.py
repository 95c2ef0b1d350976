"""
The simulator against a naive model: lists and sets, everything counted anew by the definitions.

Each example is a small population with rates of its own, so that every behaviour occurs often enough.
"""

from itertools import combinations
from random import Random

import pytest
from attrs import frozen

from identity import IdentityGraph, IdentityKind, Outcome
from identity.ids import is_placeholder
from identity.simulate import Comparison, Counted, Truth, compare, population, read_call

EXAMPLES = 200
RATES = (
    ("others_at_home", 2.0),
    ("signs_in", 0.9),
    ("shared_tablets", 1.0),
    ("kiosks", 300.0),
    ("forgets_reset", 1.0),
    ("borrows", 0.6),
    ("kiosk_left_signed_in", 1.0),
    ("email_changes", 0.3),
    ("reinstalls", 0.3),
    ("logs_out", 0.5),
    ("browser_first", 0.8),
    ("placeholder_release", 0.7),
    ("offline", 0.5),
    ("clock_skew", 0.5),
    ("repeats", 0.1),
    ("server_only", 0.3),
)


@frozen
class Use:
    """
    One call that recorded something: under which identity, by whom, and whether it was an event.
    """

    identity: str
    person: str
    is_event: bool


@frozen
class Told:
    """
    What Kissmetrics was told under one strategy.
    """

    uses: list[Use]
    aliases: list[tuple[str, str]]

    def people(self) -> list[set[str]]:
        """
        Everybody, by joining sets that touch until none do.
        """
        people = [{use.identity} for use in self.uses] + [set(alias) for alias in self.aliases]
        joined: list[set[str]] = []
        for person in people:
            touching = [other for other in joined if other & person]
            joined = [other for other in joined if not other & person] + [person.union(*touching)]
        return joined


def made_up(seed: int):
    chance = Random(seed)
    rates = {name: chance.random() * most for name, most in RATES}
    return population(1 + chance.randrange(9), seed=seed, days=8, rates={**rates, "visits_a_week": 4})


def once_each(messages):
    seen = set()
    for message in messages:
        if message["messageId"] not in seen:
            seen.add(message["messageId"])
            yield message


def told_as_sent(calls: list, truth: Truth, strategy: str) -> Told:
    uses, aliases, named = [], [], set()
    for call in calls:
        user, anonymous = call.user_id, call.anonymous_id
        if call.type == "alias":
            aliases += [(call.previous_id, user)] * (strategy != "never")
            continue
        uses.append(Use(user or anonymous, truth.people[truth.person_of(call)], call.event is not None))
        if call.type == "identify":
            first = anonymous not in named
            named.add(anonymous)
            aliases += [(anonymous, user)] * (strategy == "segment-server" or (strategy == "ios" and first))
    return Told(uses, aliases)


def told_by_our_graph(calls: list, truth: Truth) -> Told:
    uses, aliases = [], []
    with IdentityGraph() as graph:
        for call in calls:
            person = truth.people[truth.person_of(call)]
            user = None if call.user_id and is_placeholder(call.user_id) else call.user_id
            verdict = None
            if call.type == "alias":
                verdict = graph.link(call.previous_id, call.user_id, at_ms=call.arrived_ms)
            elif call.type == "identify" and call.anonymous_id:
                verdict = graph.link(call.anonymous_id, call.user_id, kind="first_identify", at_ms=call.arrived_ms)
            if verdict is not None and verdict.outcome is Outcome.MERGE:
                aliases.append((verdict.link.older, verdict.link.newer))
            if call.type != "alias":
                kind = IdentityKind.NAMED if user else IdentityKind.ANONYMOUS
                graph.seen(user or call.anonymous_id, kind, at_ms=call.arrived_ms)
                uses.append(Use(user or call.anonymous_id, person, call.event is not None))
    return Told(uses, aliases)


def expected(told: Told) -> dict[str, float]:
    """
    Every count and measure, by its definition.
    """
    people = told.people()
    items = sorted({(use.identity, use.person) for use in told.uses})
    of = {item: next(place for place, one in enumerate(people) if item[0] in one) for item in items}
    users = {identity: {person for name, person in items if name == identity} for identity, _ in items}
    held = [{person for identity, person in items if identity in one} for one in people]
    # Those who have an identity in it that nobody else ever used.
    alone = [
        {person for identity, person in items if identity in one and len(users[identity]) == 1} for one in people
    ]
    redundant = 0
    for place, alias in enumerate(told.aliases):
        before = Told([], told.aliases[:place]).people()
        redundant += any(set(alias) <= one for one in before) or alias[0] == alias[1]
    pairs = [(of[a] == of[b], a[1] == b[1]) for a, b in combinations(items, 2)]
    both = sum(joined and same for joined, same in pairs)
    said, are = sum(joined for joined, _ in pairs), sum(same for _, same in pairs)
    wrong = 0
    for one in people:
        by = [use.person for use in told.uses if use.is_event and use.identity in one]
        wrong += len(by) - max((by.count(person) for person in by), default=0)

    def share(item, key, other):
        alike = [another for another in items if key(another) == key(item)]
        return sum(other(another) == other(item) for another in alike) / len(alike)

    def person(item):
        return item[1]

    return {
        "people": len(people),
        "aliases": len(told.aliases),
        "redundant": redundant,
        "squished": sum(len(one) > 1 for one in held),
        "squished_people": len(set().union(*(one for one in held if len(one) > 1))),
        "avoidable": sum(len(one) > 1 for one in alone),
        "avoidable_people": len(set().union(*(one for one in alone if len(one) > 1))),
        "split": sum(sum(who in one for one in held) > 1 for who in {use.person for use in told.uses}),
        "pairwise_precision": both / said if said else 1.0,
        "pairwise_recall": both / are if are else 1.0,
        "b_cubed_precision": sum(share(item, of.get, person) for item in items) / len(items) if items else 1.0,
        "b_cubed_recall": sum(share(item, person, of.get) for item in items) / len(items) if items else 1.0,
        "events": sum(use.is_event for use in told.uses),
        "wrong_events": wrong,
    }


def differing(row: dict, wanted: dict) -> dict:
    return {name: (row[name], value) for name, value in wanted.items() if row[name] != pytest.approx(value)}


@pytest.mark.parametrize("seed", range(EXAMPLES))
def test_each_strategy_counts_what_a_naive_model_counts(seed):
    """
    People, aliases and every measure are those of their definitions, for each strategy.
    """
    people = made_up(seed)
    comparison = compare(people, truth=people.truth)
    calls = [read_call(message) for message in once_each(people)]
    rows = {row["strategy"]: row for row in comparison.rows()}
    for strategy in ("never", "ios", "segment-server"):
        wanted = expected(told_as_sent(calls, people.truth, strategy))
        assert differing(rows[strategy], wanted) == {}, strategy
    wanted = expected(told_by_our_graph(calls, people.truth))

    assert differing(rows["guarded"], wanted) == {}


@pytest.mark.parametrize("seed", range(EXAMPLES))
def test_the_guarded_strategy_squishes_nobody_who_can_be_known(seed):
    """
    No counted person holds two people who each have an identity that nobody else ever used; and whoever is in
    one with others shares one of its identities with one of them.
    """
    people = made_up(seed)
    comparison = compare(people, truth=people.truth)
    calls = [read_call(message) for message in once_each(people)]
    told = told_by_our_graph(calls, people.truth)

    assert squished_although_known(comparison["guarded"]) == 0
    assert [one for one in told.people() if strangers_in(one, told.uses)] == []


def squished_although_known(counted: Counted) -> int:
    assert counted.scores is not None
    return counted.scores.avoidable_people


def strangers_in(one: set[str], uses: list[Use]) -> bool:
    """
    Tell whether some people in it share none of its identities with the others.
    """
    users = [{use.person for use in uses if use.identity == identity} for identity in one]
    groups: list[set[str]] = []
    for sharing in filter(None, users):
        touching = [group for group in groups if group & sharing]
        groups = [group for group in groups if not group & sharing] + [sharing.union(*touching)]
    return len(groups) > 1


def test_the_populations_are_hard_enough():
    """
    The same populations do get their people squished, and split, by the other strategies.
    """
    found: list[Comparison] = []
    for seed in range(40):
        people = made_up(seed)
        found.append(compare(people, truth=people.truth))

    assert sum(squished_although_known(one["segment-server"]) for one in found) > 20
    assert sum(squished_although_known(one["ios"]) for one in found) > 5
    assert sum(one["never"].scores.split for one in found) > 60
    assert sum(one["guarded"].scores.squished for one in found) > 20, "some people cannot be told apart"
    assert sum(one.repeats for one in found) > 0
