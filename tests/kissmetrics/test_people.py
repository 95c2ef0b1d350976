"""
The local Kissmetrics makes the people that Kissmetrics would.

The first ten tests are worked examples from Kissmetrics' own pages, after which they are named.
"""

import itertools
from types import SimpleNamespace

import pytest

from identity.database import Database
from sdkbridge.kissmetrics.people import LocalKissmetrics, PropertyHistory
from sdkbridge.kissmetrics.rules import Rules

KEY = "f1d2d2f924e986ac86fdf7b36c94bcdf32beec15"
NOW = 1_700_000_000
JANUARY_2010 = 1_262_304_000


@pytest.fixture
def clock():
    return SimpleNamespace(now=float(NOW))


@pytest.fixture
def database():
    database = Database()
    yield database
    database.close()


@pytest.fixture
def kissmetrics(database, clock):
    return LocalKissmetrics(database, clock=lambda: clock.now)


@pytest.fixture
def send(kissmetrics):
    """
    Send one request with the key, and return what became of it.
    """

    def send(path, key=KEY, /, **parameters):
        return kissmetrics.receive(path, {"_k": key} | parameters)

    return send


def test_scenario_1_a_chain_of_aliases_is_one_person(kissmetrics, send):
    """
    Two aliases that share an identity make one person of three identities; those with data are visible.
    """
    send("/a", _p="John", _n="User-123")
    send("/a", _p="John", _n="User-456")
    send("/e", _p="User-123", _n="Visited")
    send("/e", _p="User-456", _n="Visited")

    (person,) = kissmetrics.people()
    assert person.identities == ("John", "User-123", "User-456")
    assert person.visible_identities == ("User-123", "User-456")
    assert person.event_counts == {"Visited": 2}


def test_scenario_2_an_identity_is_visible_once_it_has_data(kissmetrics, send):
    """
    An e-mail that was only aliased is not shown; after one event under it, it is, for the same person.
    """
    send("/e", _p="User123456", _n="Visited")
    send("/a", _p="User123456", _n="bob@example.com")
    before = kissmetrics.people()
    send("/e", _p="bob@example.com", _n="Upgraded")
    after = kissmetrics.people()

    assert [person.visible_identities for person in before] == [("User123456",)]
    assert [person.visible_identities for person in after] == [("User123456", "bob@example.com")]
    assert [person.identities for person in before] == [person.identities for person in after]


def test_scenario_3_two_people_on_one_device(kissmetrics, send):
    """
    Bob and Bill stay two; what happened between them is Bill's if the device forgot Bob, and else Bob's.
    """
    send("/e", _p="anonymous-1", _n="Visited")
    send("/a", _p="Bob", _n="anonymous-1")
    send("/e", _p="Bob", _n="Visited")
    send("/e", _p="Bob", _n="Left Open")
    send("/e", _p="anonymous-2", _n="Browsed After Logout")
    send("/a", _p="Bill", _n="anonymous-2")
    send("/e", _p="Bill", _n="Visited")

    bill, bob = kissmetrics.people()
    assert bill.identities == ("Bill", "anonymous-2")
    assert bill.event_counts == {"Browsed After Logout": 1, "Visited": 1}
    assert bob.identities == ("Bob", "anonymous-1")
    assert bob.event_counts == {"Left Open": 1, "Visited": 2}


def test_scenario_4_the_direction_of_a_first_identify_does_not_matter(kissmetrics, send):
    """
    An alias as the phones send it and one as the browser sends it join the same two.
    """
    send("/e", "phone", _p="anonymous", _n="Visited")
    send("/a", "phone", _p="ann", _n="anonymous")
    send("/e", "browser", _p="anonymous", _n="Visited")
    send("/a", "browser", _p="anonymous", _n="ann")

    assert kissmetrics.people(api_key="phone") == kissmetrics.people(api_key="browser")
    assert kissmetrics.people(api_key="phone")[0].identities == ("ann", "anonymous")


def test_scenario_5_named_to_named_without_an_alias_is_two_people(kissmetrics, send):
    """
    Data under two names that no alias joined belongs to two people.
    """
    send("/e", _p="ann", _n="Visited")
    send("/e", _p="bob", _n="Visited")

    assert [person.identities for person in kissmetrics.people()] == [("ann",), ("bob",)]


def test_scenario_6_the_same_request_twice_is_one_event(kissmetrics, send):
    """
    A repeat of a request is dropped; the same event with another value in that second is a second one.
    """
    event = {"_p": "ann", "_n": "Bought", "_d": "1", "_t": str(JANUARY_2010)}
    outcomes = [
        send("/e", **event, colour="red").outcome,
        send("/e", **event, colour="red").outcome,
        send("/e", **event, colour="blue").outcome,
    ]

    assert outcomes == ["stored", "duplicate", "stored"]
    assert kissmetrics.people()[0].event_counts == {"Bought": 2}
    assert len(list(kissmetrics.export())) == 2
    assert len(list(kissmetrics.requests())) == 3


def test_scenario_7_a_time_counts_only_with_d(kissmetrics, send):
    """
    Without ``_d=1`` an event happens when it is received, and with it at ``_t``.
    """
    send("/e", _p="ann", _n="Now", _t=str(JANUARY_2010))
    send("/e", _p="ann", _n="Zero", _t=str(JANUARY_2010), _d="0")
    send("/e", _p="ann", _n="Then", _t=str(JANUARY_2010), _d="1")

    assert [(line["_n"], line["_t"]) for line in kissmetrics.export()] == [
        ("now", NOW),
        ("zero", NOW),
        ("then", JANUARY_2010),
    ]


def test_scenario_8_it_does_not_matter_when_an_alias_comes():
    """
    An alias before, between or after the data makes the same person.
    """
    requests = [
        ("/a", {"_p": "ann", "_n": "anonymous"}),
        ("/e", {"_p": "anonymous", "_n": "Visited", "plan": "free"}),
        ("/e", {"_p": "ann", "_n": "Bought", "plan": "pro"}),
    ]
    results = []
    for order in ((0, 1, 2), (1, 0, 2), (1, 2, 0)):
        database = Database()
        kissmetrics = LocalKissmetrics(database, clock=lambda: NOW)
        for path, parameters in (requests[place] for place in order):
            kissmetrics.receive(path, {"_k": KEY} | parameters)
        results.append(kissmetrics.people())
        database.close()

    assert results[0] == results[1] == results[2]
    assert results[0][0].event_counts == {"Bought": 1, "Visited": 1}
    assert results[0][0].properties == {"plan": PropertyHistory("free", "pro")}


def test_scenario_9_a_refund_is_a_negative_amount(kissmetrics, send, clock):
    """
    Amounts are texts that count as numbers: 90, -90, 50 and 45 come to 95.
    """
    for amount in ("90", "-90", "50", "45"):
        send("/s", _p="ann", **{"Billing Amount": amount})
        clock.now += 1

    history = kissmetrics.history("ann", "billing amount")
    assert [value.value for value in history] == ["90", "-90", "50", "45"]
    assert sum(value.number for value in history) == 95


def test_scenario_10_names_and_values(kissmetrics, send):
    """
    In names ``,`` and ``:`` become spaces and case does not count; in values both stay.
    """
    send("/e", _p="ann", _n="foo:bar,baz")
    send("/e", _p="ann", _n="Signed Up", Plan="Gold")
    send("/e", _p="ann", _n="signed up", plan="gold")

    (person,) = kissmetrics.people()
    assert person.event_counts == {"foo bar baz": 1, "Signed Up": 2}
    assert person.properties == {"Plan": PropertyHistory("Gold", "gold")}


def test_properties_without_an_event_are_stored_alone(kissmetrics, send):
    """
    A record without a name is a property set, and a set with one is no event.
    """
    send("/e", _p="ann", plan="pro")
    send("/s", _p="ann", _n="Ignored", city="Bonn")

    assert kissmetrics.people()[0].event_counts == {}
    assert list(kissmetrics.export()) == [
        {"_p": "ann", "_t": NOW, "plan": "pro"},
        {"_p": "ann", "_t": NOW, "city": "Bonn"},
    ]


def test_first_and_last_go_by_time_and_then_by_receipt(kissmetrics, send):
    """
    The first and last value of a person are by time over all identities, ties by order of receipt.
    """
    for identity, second, plan in (
        ("ann", 30, "c"),
        ("anonymous", 10, "a"),
        ("anonymous", 10, "b"),
        ("ann", 30, "d"),
        ("anonymous", 20, "middle"),
    ):
        send("/s", _p=identity, _d="1", _t=str(JANUARY_2010 + second), plan=plan)
    send("/a", _p="ann", _n="anonymous")

    assert kissmetrics.people()[0].properties == {"plan": PropertyHistory("a", "d")}
    assert [value.value for value in kissmetrics.history("anonymous", "Plan")] == ["a", "b", "middle", "c", "d"]


def test_a_person_is_found_by_each_identity(kissmetrics, send):
    """
    Any identity of a person finds exactly that person, whether visible or only joined, in its exact case.
    """
    send("/e", _p="ann", _n="Visited")
    send("/a", _p="ann", _n="anonymous")
    send("/e", _p="bob", _n="Visited")
    send("/a", _p="nobody", _n="nowhere")

    assert kissmetrics.people("ann") == kissmetrics.people("anonymous") == kissmetrics.people()[:1]
    assert kissmetrics.people("Ann") == kissmetrics.people("unknown") == kissmetrics.people("nobody") == []


def test_the_label_is_the_identity_with_the_latest_data(kissmetrics, send):
    """
    A person goes by the identity that has the latest data, the smaller one of two in the same second.
    """
    send("/a", _p="a", _n="b")
    send("/a", _p="a", _n="c")
    send("/e", _p="a", _n="Visited", _d="1", _t=str(JANUARY_2010))
    send("/e", _p="c", _n="Visited", _d="1", _t=str(JANUARY_2010 + 1))
    send("/e", _p="b", _n="Visited", _d="1", _t=str(JANUARY_2010 + 1))

    assert kissmetrics.people()[0].label == "b"


@pytest.mark.parametrize(
    ("path", "parameters", "reason"),
    [
        ("/e", {"_p": "ann", "_n": "Visited"}, "no_key"),
        ("/e", {"_k": " ", "_p": "ann", "_n": "Visited"}, "no_key"),
        ("/e", {"_k": KEY, "_n": "Visited"}, "no_identity"),
        ("/s", {"_k": KEY, "_p": "", "plan": "pro"}, "no_identity"),
        ("/a", {"_k": KEY, "_p": "ann"}, "no_other_identity"),
        ("/a", {"_k": KEY, "_p": "ann", "_n": " "}, "no_other_identity"),
        ("/a", {"_k": KEY, "_p": "ann", "_n": "ann"}, "alias_to_itself"),
        ("/s", {"_k": KEY, "_p": "ann"}, "nothing_to_record"),
        ("/e", {"_k": KEY, "_p": "ann", "_n": "Old", "_d": "1", "_t": "1230767999"}, "before_2009"),
        ("/e", {"_k": KEY, "_p": "ann", "_n": "Old", "_d": "1", "_t": "-5"}, "before_2009"),
        ("/e", {"_k": KEY, "_p": "\udcff", "_n": "Visited"}, "not_utf8"),
        ("/e", {"_k": KEY, "_p": "ann", "_n": "Visited", "\udcff": "x"}, "not_utf8"),
        ("/x", {"_k": KEY, "_p": "ann", "_n": "Visited"}, "unknown_path"),
    ],
)
def test_a_wrong_request_is_kept_and_explained(kissmetrics, path, parameters, reason):
    """
    A request that Kissmetrics would silently drop makes no person, and is in the log with a reason.
    """
    received = kissmetrics.receive(path, parameters)
    diagnostics = kissmetrics.diagnostics()

    assert (received.outcome, received.reason) == ("rejected", reason)
    assert kissmetrics.people() == list(kissmetrics.export()) == []
    assert [(request.path, request.outcome, request.reason) for request in kissmetrics.requests()] == [
        (path, "rejected", reason)
    ]
    assert (diagnostics["received"], diagnostics["rejected"]) == (1, {reason: 1})


@pytest.mark.parametrize(
    ("time", "second", "note"),
    [
        ("1230768000", 1_230_768_000, None),
        ("1262304000.9", JANUARY_2010, None),
        (str(NOW), NOW, None),
        (str(NOW + 1), NOW + 1, "time_in_future"),
        ("99999999999", 99_999_999_999, "time_in_future"),
        ("100000000000", NOW, "time_in_milliseconds"),
        ("1262304000000", NOW, "time_in_milliseconds"),
        ("", NOW, "time_unreadable"),
        ("yesterday", NOW, "time_unreadable"),
        ("nan", NOW, "time_unreadable"),
        ("1e999", NOW, "time_unreadable"),
        ("1_262_304_000", NOW, "time_unreadable"),
    ],
)
def test_a_time_is_seconds_and_anything_else_is_noted(kissmetrics, send, time, second, note):
    """
    Fractions are cut, a future time is kept and noted, and an unusable one becomes the time of receipt.
    """
    received = send("/e", _p="ann", _n="Visited", _d="1", _t=time)

    assert [line["_t"] for line in kissmetrics.export()] == [second]
    assert [remark.reason for remark in received.notes] == ([note] if note else [])
    assert kissmetrics.diagnostics()["notes"] == ({note: 1} if note else {})


@pytest.mark.parametrize(
    ("parameters", "line", "notes"),
    [
        ({"_p": "i" * 256, "_n": "Visited"}, {"_p": "i" * 255}, [("identity_too_long", "_p")]),
        ({"_n": "N" * 256}, {"_n": "n" * 255}, [("name_too_long", "_n")]),
        ({"_n": "Visited", "P" * 256: "1"}, {"p" * 255: "1"}, [("name_too_long", "P" * 255)]),
        ({"_n": "a,b"}, {"_n": "a b"}, [("comma_or_colon", "_n")]),
        ({"_n": "Visited", "v": "x" * 512}, {"v": "x" * 512}, []),
        ({"_n": "Visited", "v": "x" * 513}, {"v": "x" * 513}, [("value_too_long", "v")]),
        ({"_n": "Visited", "v": "x" * 8193}, {"v": "x" * 8192}, [("value_cut", "v")]),
        ({"_n": "Visited", "v": ""}, {"v": ""}, []),
        ({"_n": "Visited", "Customer ID": "7"}, {"customer id": "7"}, [("customer_id", "Customer ID")]),
        ({"_n": "Visited", "Plan": "a", "plan": "b"}, {"plan": "b"}, [("same_name_twice", "plan")]),
        ({"_n": "Visited", "": "x"}, {}, [("property_without_name", "")]),
        ({"_n": "Visited", "_c": "mobile_app", "_u": "x", "_anything": "x"}, {}, []),
    ],
)
def test_what_kissmetrics_would_spoil_is_noted(kissmetrics, send, parameters, line, notes):
    """
    What is too long is cut, what is reserved is left out, and each change is noted with its field.
    """
    received = send("/e", **{"_p": "ann"} | parameters)

    assert list(kissmetrics.export()) == [{"_p": "ann", "_t": NOW, "_n": "visited"} | line]
    assert [(note.reason, note.field) for note in received.notes] == notes


def test_identities_are_told_apart_by_case_and_punctuation(kissmetrics, send):
    """
    Identities are exact: case, commas and colons make another person.
    """
    for identity in ("Ann", "ann", "a:n", "a n"):
        send("/e", _p=identity, _n="Visited")

    assert [person.identities for person in kissmetrics.people()] == [("Ann",), ("a n",), ("a:n",), ("ann",)]


def test_the_number_of_names_is_watched(database):
    """
    A name beyond what a product may have is stored, and noted.
    """
    kissmetrics = LocalKissmetrics(database, clock=lambda: NOW, rules=Rules(most_names=2))
    events = [{"_n": name, "plan": "pro"} for name in ("one", "two", "ONE", "three")]
    events.append({"_n": "one", "a": "1", "b": "2"})
    notes = [kissmetrics.receive("/e", {"_k": KEY, "_p": "ann"} | event).notes for event in events]

    assert [[note.reason for note in those] for those in notes] == [
        [],
        [],
        [],
        ["too_many_event_names"],
        ["too_many_property_names"],
    ]
    assert kissmetrics.people()[0].event_counts == {"one": 2, "two": 1, "three": 1}


def test_a_repeated_alias_is_a_duplicate(kissmetrics, send, clock):
    """
    The same alias again, even later, is noted and exported once; properties on an alias are ignored.
    """
    send("/a", _p="ann", _n="anonymous", plan="pro")
    clock.now += 100
    again = send("/a", _p="ann", _n="anonymous")

    assert again.outcome == "duplicate"
    assert list(kissmetrics.export()) == [{"_p": "ann", "_t": NOW, "_p2": "anonymous"}]
    assert kissmetrics.people() == []


def test_a_duplicate_is_judged_by_all_that_is_stored(kissmetrics, send):
    """
    Neither the order of the parameters, nor metadata, nor the case of a name makes another event.
    """
    send("/e", _p="ann", _n="Bought", a="1", b="2")
    same = send("/e", b="2", a="1", _n="BOUGHT", _p="ann", _u="another client")
    others = [
        send("/e", _p="bob", _n="Bought", a="1", b="2"),
        send("/e", _p="ann", _n="Sold", a="1", b="2"),
        send("/e", _p="ann", _n="Bought", a="1"),
        send("/s", _p="ann", a="1", b="2"),
        send("/e", "another product", _p="ann", _n="Bought", a="1", b="2"),
    ]

    assert same.outcome == "duplicate"
    assert [received.outcome for received in others] == ["stored"] * 5


def test_each_key_has_people_of_its_own(kissmetrics, send):
    """
    Nothing of one product is joined to, counted with or spelt as in another.
    """
    send("/e", "first", _p="ann", _n="Visited")
    send("/a", "first", _p="ann", _n="anonymous")
    send("/e", "second", _p="anonymous", _n="VISITED")

    (first,) = kissmetrics.people(api_key="first")
    (second,) = kissmetrics.people(api_key="second")
    assert (first.identities, first.event_counts) == (("ann", "anonymous"), {"Visited": 1})
    assert (second.identities, second.event_counts) == (("anonymous",), {"VISITED": 1})
    assert kissmetrics.people() == [first, second]
    assert kissmetrics.people("anonymous") == [first, second]
    assert kissmetrics.people(api_key="third") == list(kissmetrics.export(api_key="third")) == []
    assert [line["_p"] for line in kissmetrics.export(api_key="second")] == ["anonymous"]


def test_the_log_keeps_every_request_as_it_came(kissmetrics, send, clock):
    """
    Each request is in the log with its time in milliseconds and all its parameters but the key.
    """
    clock.now = NOW + 0.25
    send("/e", _p="ann", _n="Visited", _u="ios", _t="1", plan="pro")
    send("/a", _n="ann")

    event, alias = kissmetrics.requests()
    assert (event.number, event.received_ms, event.path) == (1, NOW * 1000 + 250, "/e")
    assert (event.identity, event.outcome, event.reason) == ("ann", "stored", None)
    assert event.parameters == {"_p": "ann", "_n": "Visited", "_u": "ios", "_t": "1", "plan": "pro"}
    assert (alias.identity, alias.outcome, alias.reason) == (None, "rejected", "no_identity")


def test_the_log_cannot_be_changed(kissmetrics, send, database):
    """
    The file itself refuses to change or drop a request.
    """
    send("/e", _p="ann", _n="Visited")
    for statement in ("UPDATE kissmetrics_log SET path = '/s'", "DELETE FROM kissmetrics_log"):
        with pytest.raises(Exception, match="never"), database.transaction() as connection:
            connection.execute(statement)

    assert [request.path for request in kissmetrics.requests()] == ["/e"]


def test_diagnostics_count_and_show_the_latest(kissmetrics, send):
    """
    Everything is counted by kind and reason, and the latest hundred remarks are shown with their requests.
    """
    send("/e", _p="ann", _n="Visited")
    send("/s", _p="ann", plan="pro")
    send("/a", _p="ann", _n="anonymous")
    send("/e", _p="ann", _n="Visited")
    for place in range(101):
        send("/e", _p="ann", _n=f"Visited:{place}")
    send("/a", _p="ann", _n="ann")

    diagnostics = kissmetrics.diagnostics()
    examples = diagnostics.pop("examples")
    assert diagnostics == {
        "received": 106,
        "stored": {"events": 102, "property_sets": 1, "aliases": 1},
        "duplicates": 1,
        "rejected": {"alias_to_itself": 1},
        "notes": {"comma_or_colon": 101},
    }
    assert len(examples) == 100
    assert examples[:2] == [
        {"number": 106, "path": "/a", "about": "rejected", "reason": "alias_to_itself", "field": "_n"},
        {"number": 105, "path": "/e", "about": "note", "reason": "comma_or_colon", "field": "_n"},
    ]


def test_a_key_is_nowhere_to_be_seen(kissmetrics, send, database):
    """
    No answer and no ``repr`` holds the key, and neither does the file, even where the key was misplaced.
    """
    received = [
        send("/e", _p="ann", _n="a,b", plan="pro"),
        send("/e", _p="ann", _n="a,b", plan="pro"),
        send("/a", _p="ann", _n="ann"),
        kissmetrics.receive("/e", {f'{{"_k": "{KEY}"}}': ""}),
        kissmetrics.receive("/e", {"k": KEY, "_K": KEY, KEY: "x", "_p": "ann"}),
        kissmetrics.reject("/e", {"_k": KEY}, "body_too_large"),
    ]
    shown = [
        kissmetrics,
        received,
        kissmetrics.people(),
        list(kissmetrics.export()),
        list(kissmetrics.requests()),
        kissmetrics.diagnostics(),
    ]
    tables = [name for (name,) in database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]

    assert len(list(kissmetrics.requests())) == 6
    assert KEY not in repr(shown)
    assert KEY not in repr([database.rows(f"SELECT * FROM {table}") for table in tables])


def test_people_survive_a_restart(tmp_path):
    """
    The same file opened again gives the same people, exports and diagnostics, and goes on counting.
    """
    requests = [
        ("/a", {"_p": "ann", "_n": "anonymous"}),
        ("/e", {"_p": "anonymous", "_n": "Visited", "plan": "free"}),
        ("/e", {"_p": "ann", "_n": "Visited"}),
        ("/e", {"_n": "Visited"}),
    ]

    def snapshot(kissmetrics):
        return kissmetrics.people(), list(kissmetrics.export()), kissmetrics.diagnostics()

    first = Database(tmp_path / "kissmetrics.db")
    kissmetrics = LocalKissmetrics(first, clock=lambda: NOW)
    for path, parameters in requests:
        kissmetrics.receive(path, {"_k": KEY} | parameters)
    before = snapshot(kissmetrics)
    first.close()
    second = Database(tmp_path / "kissmetrics.db")
    reopened = LocalKissmetrics(second, clock=lambda: NOW)
    after = snapshot(reopened)
    next_one = reopened.receive("/e", {"_k": KEY, "_p": "ann", "_n": "Later"})
    second.close()

    assert before == after
    assert next_one.number == 5


def test_two_openings_of_one_file_agree(tmp_path):
    """
    An alias that came through one opening joins the people that another one shows.
    """
    databases = [Database(tmp_path / "kissmetrics.db") for _ in range(2)]
    one, other = (LocalKissmetrics(database, clock=lambda: NOW) for database in databases)
    other.receive("/e", {"_k": KEY, "_p": "ann", "_n": "Visited"})
    before = other.people()
    one.receive("/a", {"_k": KEY, "_p": "ann", "_n": "anonymous"})
    after = other.people()
    for database in databases:
        database.close()

    assert [person.identities for person in before] == [("ann",)]
    assert [person.identities for person in after] == [("ann", "anonymous")]


def test_an_export_ends_with_what_was_there_at_its_start(kissmetrics, send):
    """
    Requests that come while an export is read go on being stored, and are not in it.
    """
    for place in range(500):
        send("/e", _p="ann", _n=f"Event {place}")
    export, requests = kissmetrics.export(), kissmetrics.requests()
    started = [next(export)["_n"], next(requests).number]
    send("/e", _p="ann", _n="Late")

    assert started == ["event 0", 1]
    assert [line["_n"] for line in export] == [f"event {place}" for place in range(1, 500)]
    assert [request.number for request in requests] == list(range(2, 501))


def test_long_chains_of_aliases_are_one_person(kissmetrics, send):
    """
    Thousands of identities in a chain are one person, who is found by either end.
    """
    names = [f"{place:04}" for place in range(2000)]
    for one, other in itertools.pairwise(names):
        send("/a", _p=one, _n=other)
    send("/e", _p=names[-1], _n="Visited")

    (person,) = kissmetrics.people(names[0])
    assert person.identities == tuple(names)
    assert person.visible_identities == (names[-1],)


def test_each_alias_counts_at_once(kissmetrics, send):
    """
    People asked for after each of several aliases in a row are joined by all of them so far.
    """
    for identity in "abcd":
        send("/e", _p=identity, _n="Visited")
    seen = [len(kissmetrics.people())]
    for other in "bcd":
        send("/a", _p="a", _n=other)
        seen.append(len(kissmetrics.people()))

    assert seen == [4, 3, 2, 1]
