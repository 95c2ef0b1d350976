"""
The local Kissmetrics answers what a Kissmetrics user asks.
"""

import threading

import pytest

from identity.database import Database
from sdkbridge.kissmetrics.people import (
    EventCount,
    FunnelStep,
    Happening,
    LocalKissmetrics,
    PropertyAnswer,
    PropertyCount,
    PropertyValue,
    Rules,
)

KEY = "f1d2d2f924e986ac86fdf7b36c94bcdf32beec15"
START = 1_600_000_000


@pytest.fixture
def kissmetrics():
    return LocalKissmetrics(Database(), clock=lambda: START + 1_000_000)


@pytest.fixture
def send(kissmetrics):
    """
    Send one request that happened some seconds after the start.
    """
    return sender(kissmetrics)


def sender(kissmetrics):
    def send(path, seconds=0, key=KEY, /, **parameters):
        dated = {"_d": "1", "_t": str(START + seconds)}
        return kissmetrics.receive(path, {"_k": key} | dated | parameters)

    return send


def labels(people):
    return [person.label for person in people]


def value(seconds, text):
    return PropertyValue(second=START + seconds, value=text)


def test_people_are_found_by_part_of_a_visible_identity(kissmetrics, send):
    """
    Any part of an identity in any case finds its person; one that was only aliased finds nobody.
    """
    send("/e", _p="Ann@Example.com", _n="Visited")
    send("/e", _p="bob@example.com", _n="Visited")
    send("/a", _p="bob@example.com", _n="hidden-id")

    assert labels(kissmetrics.search("EXAMPLE")) == ["Ann@Example.com", "bob@example.com"]
    assert labels(kissmetrics.search("nn@e")) == ["Ann@Example.com"]
    assert kissmetrics.search("hidden") == kissmetrics.search("carol") == []
    assert kissmetrics.search("bob") == kissmetrics.people("bob@example.com")


def test_exact_matches_come_first(kissmetrics, send):
    """
    Who is called exactly that comes before who differs in case, and all others come after, by what was found.
    """
    for identity in ("ann", "a-ann", "Ann", "z-ann"):
        send("/e", _p=identity, _n="Visited")

    assert labels(kissmetrics.search("Ann")) == ["Ann", "ann", "a-ann", "z-ann"]
    assert labels(kissmetrics.search("Ann", limit=2)) == ["Ann", "ann"]
    assert kissmetrics.search("ann", limit=0) == []


@pytest.mark.parametrize("text", ["%", "_", "ÄNN", "straße", "a\0b"])
def test_a_search_takes_every_character_for_itself(kissmetrics, send, text):
    """
    No character stands for others, and letters beyond ASCII fold, too.
    """
    send("/e", _p=f"x{text}y".swapcase(), _n="Visited")
    send("/e", _p="plain", _n="Visited")

    assert labels(kissmetrics.search(text)) == [f"x{text}y".swapcase()]


def test_somebody_is_found_once(kissmetrics, send):
    """
    A person with several identities that match is found once, and fills one place of the limit.
    """
    for identity in ("ann-1", "ann-2", "ann-3"):
        send("/e", _p=identity, _n="Visited")
    send("/a", _p="ann-1", _n="ann-3")

    assert [person.identities for person in kissmetrics.search("ann", limit=2)] == [("ann-1", "ann-3"), ("ann-2",)]


def test_a_search_stays_in_its_product(kissmetrics, send):
    """
    A key narrows a search to its product, and without one all products are searched.
    """
    send("/e", 0, "one", _p="ann", _n="Visited")
    send("/e", 0, "two", _p="anna", _n="Visited")

    assert labels(kissmetrics.search("ann", api_key="two")) == ["anna"]
    assert labels(kissmetrics.search("ann")) == ["ann", "anna"]
    assert kissmetrics.search("ann", api_key="three") == []


def test_a_time_line_tells_what_one_person_did(kissmetrics, send):
    """
    All that a person did is told by time and then by receipt, with the identity that each was sent under.
    """
    send("/e", 30, _p="ann", _n="Bought", Plan="pro", City="Bonn")
    send("/e", 10, _p="anonymous", _n="Visited")
    send("/s", 10, _p="anonymous", plan="free")
    send("/a", 20, _p="ann", _n="anonymous")
    send("/e", 40, _p="ann", _n="VISITED")
    send("/e", 15, _p="bob", _n="Visited")

    assert list(kissmetrics.timeline("ann")) == [
        happening(10, "event", "Visited", "anonymous"),
        happening(10, "properties", None, "anonymous", Plan="free"),
        happening(20, "alias", "anonymous", "ann"),
        happening(30, "event", "Bought", "ann", Plan="pro", City="Bonn"),
        happening(40, "event", "Visited", "ann"),
    ]
    assert list(kissmetrics.timeline("anonymous")) == list(kissmetrics.timeline("ann"))
    assert list(kissmetrics.timeline("carol")) == []


def happening(seconds, kind, name, identity, **properties):
    return Happening(second=START + seconds, kind=kind, name=name, identity=identity, properties=properties)


def test_a_long_time_line_is_whole(kissmetrics, send):
    """
    A time line of more than one page has everything once and in order, and nothing that came after its start.
    """
    for place in range(1201):
        send("/e", 5000 - place, _p=("ann", "anonymous")[place % 2], _n=f"Event {place}")
    send("/a", 9000, _p="ann", _n="anonymous")
    happenings = kissmetrics.timeline("ann")
    first = next(happenings)
    send("/e", 9999, _p="ann", _n="Late")

    names = [first.name, *(one.name for one in happenings)]
    assert names == [*(f"Event {place}" for place in reversed(range(1201))), "anonymous"]


def test_a_time_line_leaves_out_what_counts_no_more():
    """
    By the legacy rule a repeated event is told once, and what else came with the repeat as properties alone.
    """
    kissmetrics = LocalKissmetrics(Database(), rules=Rules(duplicate_rule="legacy"))
    send = sender(kissmetrics)
    send("/e", 10, _p="ann", _n="Bought", colour="red")
    send("/e", 10, _p="ann", _n="Bought", colour="blue", size="L")
    send("/e", 10, _p="ann", _n="Bought", colour="green")
    send("/a", 20, _p="ann", _n="anonymous")
    send("/a", 30, _p="ann", _n="anonymous")

    assert list(kissmetrics.timeline("ann")) == [
        happening(10, "event", "Bought", "ann", colour="red"),
        happening(10, "properties", None, "ann", size="L"),
        happening(20, "alias", "anonymous", "ann"),
    ]
    assert len(list(kissmetrics.export())) == 5


def test_a_property_has_a_first_and_a_last_value(kissmetrics, send):
    """
    First and last go by time over all identities, whatever the order of receipt, each with its time.
    """
    send("/s", 20, _p="ann", Plan="pro")
    send("/s", 30, _p="anonymous", plan="gold")
    send("/e", 10, _p="anonymous", _n="Visited", PLAN="free")
    send("/a", 99, _p="anonymous", _n="ann")

    answer = kissmetrics.property_of("ann", "plan")
    assert answer == PropertyAnswer(first=value(10, "free"), last=value(30, "gold"))
    assert kissmetrics.property_of("ann", "city") is kissmetrics.property_of("carol", "plan") is None
    assert kissmetrics.property_of("ann", "plan", api_key="another") is None


def test_a_property_is_looked_up_in_the_oldest_product_that_has_it(kissmetrics, send):
    """
    Without a key the oldest product that knows the person's property answers.
    """
    send("/e", 0, "one", _p="ann", _n="Visited")
    send("/s", 10, "two", _p="ann", plan="two")
    send("/s", 20, "three", _p="ann", plan="three")

    assert kissmetrics.property_of("ann", "plan").last == value(10, "two")
    assert kissmetrics.property_of("ann", "plan", api_key="three").last == value(20, "three")


def test_a_property_at_an_event(kissmetrics, send):
    """
    At an event a property has its latest value up to that second, the event's own included.
    """
    send("/s", 10, _p="ann", plan="free")
    send("/e", 20, _p="ann", _n="Visited")
    send("/e", 30, _p="ann", _n="Bought", plan="pro")
    send("/s", 40, _p="anonymous", plan="gold")
    send("/e", 50, _p="anonymous", _n="Bought")
    send("/s", 60, _p="ann", plan="late")
    send("/a", 70, _p="ann", _n="anonymous")

    assert kissmetrics.at_event("ann", "Plan", "visited") == value(10, "free")
    assert kissmetrics.at_event("ann", "plan", "Bought") == value(40, "gold")
    assert kissmetrics.at_event("ann", "plan", "Bought", occurrence="first") == value(30, "pro")
    assert kissmetrics.at_event("ann", "plan", "Never") is kissmetrics.at_event("ann", "city", "Bought") is None
    assert kissmetrics.at_event("carol", "plan", "Bought") is None


def test_a_value_that_came_later_does_not_count_at_an_event(kissmetrics, send):
    """
    A property that was set only after an event had no value at it.
    """
    send("/e", 10, _p="ann", _n="Bought")
    send("/s", 11, _p="ann", plan="pro")

    assert kissmetrics.at_event("ann", "plan", "Bought") is None


def people_of(steps):
    return [step.people for step in steps]


def test_a_funnel_counts_people_who_did_events_in_order(kissmetrics, send):
    """
    Each step counts those who did its event in the second of the one before or later, under any identity.
    """
    for second, identity, event in (
        (1, "anonymous", "Visited"),
        (3, "ann", "Bought"),
        (2, "ann", "Signed Up"),
        (1, "bob", "Bought"),
        (2, "bob", "Signed Up"),
        (3, "bob", "visited"),
        (5, "carol", "Visited"),
        (5, "carol", "Signed Up"),
    ):
        send("/e", second, _p=identity, _n=event)
    send("/a", 0, _p="ann", _n="anonymous")

    assert kissmetrics.funnel(["VISITED", "Signed Up", "Bought"]) == [
        FunnelStep(event="VISITED", people=3),
        FunnelStep(event="Signed Up", people=2),
        FunnelStep(event="Bought", people=1),
    ]
    assert people_of(kissmetrics.funnel(["Visited", "Never", "Bought"])) == [3, 0, 0]
    assert kissmetrics.funnel([]) == []


def test_events_are_counted_by_people_and_times(kissmetrics, send):
    """
    The event of most people first; a person counts once, under whichever identities they did it.
    """
    for second, identity, event in ((1, "anonymous", "Visited"), (2, "ann", "visited"), (3, "bob", "Bought")):
        send("/e", second, _p=identity, _n=event)
    before = kissmetrics.events()
    send("/a", 0, _p="ann", _n="anonymous")
    send("/s", 4, _p="bob", plan="pro")

    assert before == [EventCount("Visited", 2, 2), EventCount("Bought", 1, 1)]
    assert kissmetrics.events() == [EventCount("Visited", 1, 2), EventCount("Bought", 1, 1)]
    assert kissmetrics.events(api_key="another") == []


def test_a_funnel_may_have_a_time_limit(kissmetrics, send):
    """
    From first event to last no more may pass than was said, whichever first event gives the best chance.
    """
    for second, event in ((0, "A"), (100, "A"), (130, "B"), (160, "C")):
        send("/e", second, _p="ann", _n=event)

    assert people_of(kissmetrics.funnel(["A", "B", "C"], within_s=60)) == [1, 1, 1]
    assert people_of(kissmetrics.funnel(["A", "B", "C"], within_s=59)) == [1, 1, 0]
    assert people_of(kissmetrics.funnel(["A", "B", "C"], within_s=0)) == [1, 0, 0]
    with pytest.raises(ValueError, match="within_s"):
        kissmetrics.funnel(["A"], within_s=-1)


def test_an_event_named_twice_must_have_happened_twice(kissmetrics, send):
    """
    One event is one step, also among several in the same second.
    """
    send("/e", 1, _p="ann", _n="A")
    send("/e", 1, _p="ann", _n="B")
    before = people_of(kissmetrics.funnel(["A", "B", "A"]))
    send("/e", 1, _p="ann", _n="A", colour="red")

    assert before == [1, 1, 0]
    assert people_of(kissmetrics.funnel(["A", "B", "A"])) == [1, 1, 1]


def counts(answer):
    return [(count.value, count.people, count.events) for count in answer]


def test_people_are_counted_by_a_property(kissmetrics, send):
    """
    Each person counts once, for the last or first value, and those without one for None.
    """
    send("/e", 1, _p="ann", _n="Visited", plan="free")
    send("/e", 2, _p="anonymous", _n="Visited", plan="Pro")
    send("/a", 3, _p="ann", _n="anonymous")
    send("/s", 1, _p="bob", plan="free")
    send("/e", 1, _p="carol", _n="Visited")
    send("/e", 2, _p="carol", _n="Bought")

    assert kissmetrics.counts_by_property("Plan") == [
        PropertyCount(value="Pro", people=1, events=2),
        PropertyCount(value=None, people=1, events=2),
        PropertyCount(value="free", people=1, events=0),
    ]
    assert counts(kissmetrics.counts_by_property("plan", value="first")) == [("free", 2, 2), (None, 1, 2)]
    assert counts(kissmetrics.counts_by_property("city")) == [(None, 3, 4)]


def test_people_are_counted_by_a_property_among_those_who_did_something(kissmetrics, send):
    """
    With an event only those who did it count, with these events alone.
    """
    for second in (1, 2, 3):
        send("/e", second, _p="ann", _n="Bought", plan=f"plan {second}")
    send("/e", 1, _p="ann", _n="Visited")
    send("/e", 1, _p="bob", _n="Visited", plan="plan 3")

    assert counts(kissmetrics.counts_by_property("plan", event="bought")) == [("plan 3", 1, 3)]
    assert counts(kissmetrics.counts_by_property("plan", event="Visited")) == [("plan 3", 2, 2)]
    assert kissmetrics.counts_by_property("plan", event="Never") == []


def test_events_are_counted_by_what_a_property_was_then(kissmetrics, send):
    """
    At the event, each event counts for the value that the property had then, so a person can count twice.
    """
    send("/e", 1, _p="ann", _n="Bought")
    send("/s", 2, _p="ann", plan="free")
    send("/e", 3, _p="ann", _n="Bought")
    send("/e", 4, _p="ann", _n="Bought", plan="pro")
    send("/e", 5, _p="ann", _n="Bought")
    send("/s", 6, _p="ann", plan="late")
    send("/e", 1, _p="bob", _n="Bought", plan="")

    assert counts(kissmetrics.counts_by_property("plan", event="Bought", value="at_event")) == [
        ("pro", 1, 2),
        ("", 1, 1),
        ("free", 1, 1),
        (None, 1, 1),
    ]
    with pytest.raises(ValueError, match="event"):
        kissmetrics.counts_by_property("plan", value="at_event")
    with pytest.raises(ValueError, match="first, last or at_event"):
        kissmetrics.counts_by_property("plan", value="middle")


def test_questions_about_all_products_add_up(kissmetrics, send):
    """
    Without a key the people of all products are counted together, and nobody's steps are mixed.
    """
    send("/e", 1, "one", _p="ann", _n="A", plan="pro")
    send("/e", 1, "two", _p="ann", _n="A", plan="pro")
    send("/e", 2, "two", _p="ann", _n="B")
    send("/e", 2, "three", _p="ann", _n="B")

    assert people_of(kissmetrics.funnel(["A", "B"])) == [2, 1]
    assert people_of(kissmetrics.funnel(["A", "B"], api_key="one")) == [1, 0]
    assert counts(kissmetrics.counts_by_property("plan")) == [("pro", 2, 3), (None, 1, 1)]
    assert counts(kissmetrics.counts_by_property("plan", api_key="three")) == [(None, 1, 1)]
    assert [one.name for one in kissmetrics.timeline("ann")] == ["A", "A", "B", "B"]


def test_thousands_of_people_are_listed(kissmetrics, send):
    """
    A list of more people than are read at once has everybody once, in order.
    """
    names = [f"{place:04}" for place in range(1203)]
    for name in reversed(names):
        send("/e", 1, _p=name, _n="Visited", name=name)

    people = kissmetrics.people()
    assert [person.identities for person in people] == [(name,) for name in names]
    assert [person.properties["name"].last for person in people] == names


def test_a_list_is_that_of_one_moment(monkeypatch):
    """
    While others record and alias, nobody is listed twice, and everybody has exactly what was there at the start.
    """
    monkeypatch.setattr("sdkbridge.kissmetrics.listing.PAGE_PEOPLE", 2)
    kissmetrics = LocalKissmetrics(Database())
    send, started, enough = sender(kissmetrics), threading.Event(), threading.Event()

    def write():
        for place in range(1000):
            if enough.is_set():
                return
            send("/e", place, _p=f"{place:03}", _n="Visited", place=str(place))
            send("/a", place, _p=f"{place:03}", _n=f"{place * 7 % 1000:03}")
            started.set()

    writer = threading.Thread(target=write)
    writer.start()
    started.wait()
    lists = [kissmetrics.people() for _ in range(5)]
    enough.set()
    writer.join()

    for people in lists:
        identities = [identity for person in people for identity in person.identities]
        visible = [identity for person in people for identity in person.visible_identities]
        assert len(identities) == len(set(identities))
        assert sum(person.event_counts["Visited"] for person in people) == len(visible)
        assert all(
            person.properties["place"].last == str(int(max(person.visible_identities))) for person in people
        )
