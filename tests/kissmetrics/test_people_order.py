"""
People depend on what was received, not on when the aliases among it came.
"""

from hypothesis import given
from hypothesis import strategies as st

from identity.database import Database
from sdkbridge.kissmetrics.people import LocalKissmetrics, PropertyHistory

NOW = 1_700_000_000
IDENTITIES = st.sampled_from("abcdef")
VALUES = st.sampled_from(["", "1", "Gold", "gold"])
PROPERTIES = st.dictionaries(st.sampled_from(["Plan", "plan", "City", "x:y"]), VALUES, max_size=3)
SECONDS = st.integers(NOW - 3, NOW)

aliases = st.builds(lambda one, other: ("/a", {"_p": one, "_n": other}), IDENTITIES, IDENTITIES)
events = st.builds(
    lambda who, name, second, more: ("/e", {"_p": who, "_n": name, "_d": "1", "_t": str(second)} | more),
    IDENTITIES,
    st.sampled_from(["Visited", "VISITED", "Bought", ""]),
    SECONDS,
    PROPERTIES,
)
sets = st.builds(
    lambda who, second, more: ("/s", {"_p": who, "_d": "1", "_t": str(second)} | more),
    IDENTITIES,
    SECONDS,
    PROPERTIES,
)
data = st.lists(events | sets, max_size=20)


def people_of(requests):
    database = Database()
    try:
        kissmetrics = LocalKissmetrics(database, clock=lambda: NOW)
        for path, parameters in requests:
            kissmetrics.receive(path, {"_k": "key"} | parameters)
        return kissmetrics.people()
    finally:
        database.close()


def facts_of(people):
    return [(one.identities, one.visible_identities, one.event_counts, one.properties) for one in people]


def naive_people(requests):
    """
    Work out the people the slow way: (identities, visible identities, event counts, properties) of each.
    """
    groups = []
    for path, parameters in requests:
        if path == "/a" and parameters["_p"] != parameters["_n"]:
            touched = [group for group in groups if group & {parameters["_p"], parameters["_n"]}]
            groups = [group for group in groups if group not in touched]
            groups.append({parameters["_p"], parameters["_n"]}.union(*touched))
    facts, spellings = naive_facts(requests)
    visible = {identity for identity, *_ in facts}
    groups += [{identity} for identity in visible if not any(identity in group for group in groups)]
    return [
        naive_person(group, visible, [fact for fact in facts if fact[0] in group], spellings)
        for group in sorted(groups, key=sorted)
        if group & visible
    ]


def naive_facts(requests):
    facts, spellings = [], {}
    for path, parameters in requests:
        if path == "/a":
            continue
        event = parameters.get("_n", "").lower() or None
        named = {name: value for name, value in parameters.items() if not name.startswith("_")}
        properties = {name.lower().replace(":", " "): value for name, value in named.items()}
        fact = (parameters["_p"], event, int(parameters["_t"]), properties)
        if fact in facts or not (event or properties):
            continue
        facts.append(fact)
        if event:
            spellings.setdefault(("event", event), parameters["_n"])
        # Of two spellings in one request the last counts, like its value.
        for key, spelling in {name.lower().replace(":", " "): name.replace(":", " ") for name in named}.items():
            spellings.setdefault(("property", key), spelling)
    return facts, spellings


def naive_person(group, visible, facts, spellings):
    counts, properties = {}, {}
    for _, event, _, _ in facts:
        if event:
            spelling = spellings["event", event]
            counts[spelling] = counts.get(spelling, 0) + 1
    for *_, values in sorted(facts, key=lambda fact: fact[2]):
        for name, value in values.items():
            properties.setdefault(spellings["property", name], []).append(value)
    histories = {name: PropertyHistory(values[0], values[-1]) for name, values in properties.items()}
    return tuple(sorted(group)), tuple(sorted(group & visible)), counts, histories


@given(st.lists(aliases | events | sets, max_size=30))
def test_people_are_those_of_a_naive_model(requests):
    """
    Whatever is sent, the people are those that one gets by going through all requests by hand.
    """
    assert facts_of(people_of(requests)) == naive_people(requests)


@given(
    data, st.lists(st.tuples(aliases, st.lists(st.integers(0, 20), min_size=1, max_size=3)), max_size=8), st.data()
)
def test_aliases_may_come_at_any_time_and_any_number_of_times(data, placed, draw):
    """
    Aliases before, between and after the same data, in any order, repeated and turned round, make the same people,
    those of the naive model.
    """
    elsewhere = list(data)
    for (path, alias), places in draw.draw(st.permutations(placed)):
        for place in places:
            turned = {"_p": alias["_n"], "_n": alias["_p"]} if draw.draw(st.booleans()) else alias
            elsewhere.insert(place, (path, turned))
    people = people_of([*data, *(alias for alias, _ in placed)])

    assert people == people_of(elsewhere)
    assert facts_of(people) == naive_people(elsewhere)


@given(st.lists(aliases | events | sets, max_size=20), st.randoms())
def test_everything_may_come_in_any_order(requests, random):
    """
    Where every request has a time of its own, the order of receipt makes no difference but in spelling.
    """
    dated = [
        (path, parameters if path == "/a" else {**folded(parameters), "_t": str(NOW - place)})
        for place, (path, parameters) in enumerate(requests)
    ]

    assert people_of(dated) == people_of(random.sample(dated, len(dated)))


def folded(parameters):
    return {name.lower(): value.lower() if name == "_n" else value for name, value in parameters.items()}
