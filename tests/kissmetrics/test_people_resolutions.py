"""
Where Kissmetrics' pages contradict each other or are silent, each question is settled in one way, or by a switch.

The tests are numbered as the questions are, one after the other; the default is tested before the switch.
"""

from types import SimpleNamespace
from urllib.request import Request, urlopen

import pytest

from identity.database import Database
from sdkbridge.kissmetrics.people import LocalKissmetrics, PropertyHistory, Rules
from sdkbridge.kissmetrics.server import KissmetricsServer

KEY = "f1d2d2f924e986ac86fdf7b36c94bcdf32beec15"
NOW = 1_700_000_000


@pytest.fixture
def clock():
    return SimpleNamespace(now=float(NOW))


@pytest.fixture
def new(clock):
    """
    Make a local Kissmetrics by some rules, and a function that sends to it.
    """

    def new(**rules):
        kissmetrics = LocalKissmetrics(Database(), clock=lambda: clock.now, rules=Rules(**rules))

        def send(path, /, **parameters):
            return kissmetrics.receive(path, {"_k": KEY, "_p": "ann"} | parameters)

        return kissmetrics, send

    return new


def reasons(received):
    return [note.reason for note in received.notes]


def identities(kissmetrics):
    return [person.identities for person in kissmetrics.people()]


def test_01_what_is_a_duplicate_current(new):
    """
    Currently a record is dropped before it is stored if one before has the same properties, too.
    """
    kissmetrics, send = new()
    sent = [send("/e", _n="Bought", colour=colour).outcome for colour in ("red", "red", "blue")]

    assert sent == ["stored", "duplicate", "stored"]
    assert kissmetrics.people()[0].event_counts == {"Bought": 2}
    assert kissmetrics.people()[0].properties == {"colour": PropertyHistory("red", "blue")}
    assert len(list(kissmetrics.export())) == 2


def test_01_what_is_a_duplicate_legacy(new):
    """
    By the legacy rule the first event and the first value of a second count, and the export has all.
    """
    kissmetrics, send = new(duplicate_rule="legacy")
    received = [
        send("/e", _n="Bought", colour="red"),
        send("/e", _n="bought", colour="blue", size="L"),
        send("/s", colour="green"),
        send("/e", _n="Bought", colour="red"),
        send("/a", _n="anonymous"),
        send("/a", _n="anonymous"),
    ]

    assert [one.outcome for one in received] == [
        "stored",
        "stored",
        "duplicate",
        "duplicate",
        "stored",
        "duplicate",
    ]
    assert [(note.reason, note.field) for note in received[1].notes] == [
        ("not_counted", "_n"),
        ("not_counted", "colour"),
    ]
    assert kissmetrics.people()[0].event_counts == {"Bought": 1}
    assert kissmetrics.people()[0].properties == {
        "colour": PropertyHistory("red", "red"),
        "size": PropertyHistory("L", "L"),
    }
    assert [line.get("colour") for line in kissmetrics.export()] == ["red", "blue", "green", "red", None, None]
    assert len(list(kissmetrics.requests())) == 6


@pytest.mark.parametrize("duplicate_rule", ["current", "legacy"])
def test_02_duplicates_are_judged_by_the_identity_that_was_sent(new, duplicate_rule):
    """
    The same event under two identities of one person is two events.
    """
    kissmetrics, send = new(duplicate_rule=duplicate_rule)
    send("/a", _n="anonymous")
    for identity in ("ann", "anonymous"):
        send("/e", _p=identity, _n="Visited")

    assert kissmetrics.people()[0].event_counts == {"Visited": 2}


def test_03_repeats_within_minutes_count_by_default(new, clock):
    """
    Without a time of its own a request is a repeat only within the second of receipt.
    """
    kissmetrics, send = new()
    for seconds in (0, 0.5, 1, 299):
        clock.now = NOW + seconds
        send("/e", _n="Visited")

    assert kissmetrics.people()[0].event_counts == {"Visited": 3}


def test_03_repeats_within_minutes_can_be_ignored(new, clock):
    """
    With the switch the same request within that time is ignored, counted from the last one that was taken.
    """
    kissmetrics, send = new(ignore_repeats_s=300)
    outcomes = []
    for seconds in (0, 300, 301, 600, 602):
        clock.now = NOW + seconds
        outcomes.append(send("/e", _n="Visited", plan="pro", _t=str(seconds)).outcome)
    others = [
        send("/e", _n="Visited", plan="gold"),
        send("/e", _n="Visited", plan="pro", _d="1", _t=str(NOW + 1)),
        send("/e", _n="Visited", plan="pro", _d="1", _t=str(NOW + 2)),
        send("/e", _p="bob", _n="Visited", plan="pro"),
    ]

    assert outcomes == ["stored", "duplicate", "stored", "duplicate", "stored"]
    assert [received.outcome for received in others] == ["stored"] * 4
    assert len(list(kissmetrics.export())) == 7


def test_04_how_long_a_value_may_be(new):
    """
    Values are remarked upon beyond 512 characters and cut at 8192; both limits can be set.
    """
    kissmetrics, send = new()
    notes = [reasons(send("/s", **{f"p{size}": "x" * size})) for size in (512, 513, 8192, 8193)]
    shorter, send_shorter = new(usual_value=5, longest_value=10)
    short_notes = [reasons(send_shorter("/s", plan="x" * size)) for size in (5, 6, 11)]

    assert notes == [[], ["value_too_long"], ["value_too_long"], ["value_cut"]]
    assert [len(history.last) for history in kissmetrics.people()[0].properties.values()] == [512, 513, 8192, 8192]
    assert short_notes == [[], ["value_too_long"], ["value_cut"]]
    assert shorter.people()[0].properties["plan"].last == "x" * 10


def test_05_names_and_identities_over_255(new):
    """
    Names and identities are cut at 255 characters, and that is noted.
    """
    kissmetrics, send = new()
    received = send("/e", _p="i" * 256, _n="n" * 256, **{"p" * 256: "x"})

    assert sorted(reasons(received)) == ["identity_too_long", "name_too_long", "name_too_long"]
    assert list(kissmetrics.export()) == [{"_p": "i" * 255, "_t": NOW, "_n": "n" * 255, "p" * 255: "x"}]


def test_06_commas_and_colons_in_identities_stay(new):
    """
    In identities ``,`` and ``:`` stay, unless the rules say otherwise; a name never has them.
    """
    kissmetrics, send = new()
    send("/e", _p="a:b,c", _n="d:e,f")
    replacing, send_replaced = new(replace_in_identities=True)
    for identity in ("a:b,c", "a b c"):
        send_replaced("/e", _p=identity, _n="Visited")
    send_replaced("/a", _p="a b,c", _n="x:y")

    assert list(kissmetrics.export()) == [{"_p": "a:b,c", "_t": NOW, "_n": "d e f"}]
    assert identities(replacing) == [("a b c", "x y")]
    assert replacing.people("a:b:c") == replacing.people()
    assert send_replaced("/a", _p="x,y", _n="x:y").reason == "alias_to_itself"
    assert [send_replaced("/a", _p=":", _n="x").reason, send_replaced("/a", _n=",").reason] == [
        "no_identity",
        "no_other_identity",
    ]


def test_07_identities_are_told_apart_by_case(new):
    """
    Identities in another case are others, unless the rules say otherwise.
    """
    kissmetrics, send = new()
    folding, send_folded = new(fold_identities=True)
    for identity in ("Ann@Example.com", "ann@example.com"):
        send("/e", _p=identity, _n="Visited")
        send_folded("/e", _p=identity, _n="Visited", name=identity)

    assert identities(kissmetrics) == [("Ann@Example.com",), ("ann@example.com",)]
    assert identities(folding) == [("ann@example.com",)]
    assert folding.people("ANN@EXAMPLE.COM") == folding.people()
    assert [one.identity for one in folding.timeline("Ann@Example.com")] == ["ann@example.com"] * 2
    assert send_folded("/a", _p="x", _n="X").reason == "alias_to_itself"


def test_08_names_are_one_in_any_case(new):
    """
    Names are one in any case, shown as they were first spelt, and exported in lower case.
    """
    kissmetrics, send = new()
    send("/e", _n="Signed Up", Plan="Gold")
    send("/e", _n="SIGNED up", PLAN="gold")

    assert kissmetrics.people()[0].event_counts == {"Signed Up": 2}
    assert kissmetrics.people()[0].properties == {"Plan": PropertyHistory("Gold", "gold")}
    assert [line["plan"] for line in kissmetrics.export() if line["_n"] == "signed up"] == ["Gold", "gold"]


def test_09_an_alias_has_no_direction(new):
    """
    Which side of an alias is which makes no difference to anybody.
    """
    there, send_there = new()
    back, send_back = new()
    for send in (send_there, send_back):
        send("/e", _p="ann", _n="Visited")
        send("/e", _p="anonymous", _n="Visited")
    send_there("/a", _p="ann", _n="anonymous")
    send_back("/a", _p="anonymous", _n="ann")

    assert there.people() == back.people()
    assert identities(there) == [("ann", "anonymous")]


@pytest.mark.parametrize(("label", "expected"), [("latest", "c"), ("earliest", "b"), ("smallest", "a")])
def test_10_which_identity_labels_a_person(new, label, expected):
    """
    A person goes by a visible identity: the one with the latest data, unless the rules say another.
    """
    assert Rules().label == "latest"
    kissmetrics, send = new(label=label)
    send("/a", _p="A", _n="a")
    for identity, second in (("a", 3), ("b", 1), ("c", 2), ("c", 5), ("d", 4), ("d", 5)):
        send("/e", _p=identity, _n="Visited", _d="1", _t=str(NOW - 10 + second))
        send("/a", _p=identity, _n="A")

    assert [person.label for person in kissmetrics.people()] == [expected]


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"_n": ""}, "no_other_identity"),
        ({"_n": " "}, "no_other_identity"),
        ({}, "no_other_identity"),
        ({"_p": "", "_n": "bob"}, "no_identity"),
        ({"_n": "ann"}, "alias_to_itself"),
    ],
)
def test_11_an_alias_to_nobody_joins_nobody(new, parameters, reason):
    """
    An alias with an empty, missing or the same identity is noted and ignored.
    """
    kissmetrics, send = new()
    send("/e", _n="Visited")
    received = send("/a", **parameters)

    assert (received.outcome, received.reason) == ("rejected", reason)
    assert identities(kissmetrics) == [("ann",)]


def test_12_an_alias_has_no_properties(new):
    """
    Properties on an alias are ignored; the log has them.
    """
    kissmetrics, send = new()
    send("/a", _n="anonymous", plan="pro")

    assert list(kissmetrics.export()) == [{"_p": "ann", "_t": NOW, "_p2": "anonymous"}]
    assert kissmetrics.people() == []
    assert next(kissmetrics.requests()).parameters["plan"] == "pro"


def test_13_a_time_in_the_future_is_taken(new):
    """
    A future time is taken and noted; with a limit, one beyond it becomes the time of receipt.
    """
    kissmetrics, send = new()
    noted = reasons(send("/e", _n="Far", _d="1", _t=str(NOW + 10**9)))
    limited, send_limited = new(max_future_s=60)
    limited_notes = [
        reasons(send_limited("/e", _n=f"E{ahead}", _d="1", _t=str(NOW + ahead))) for ahead in (60, 61)
    ]

    assert noted == ["time_in_future"]
    assert [line["_t"] for line in kissmetrics.export()] == [NOW + 10**9]
    assert limited_notes == [["time_in_future"], ["time_too_far_ahead"]]
    assert [line["_t"] for line in limited.export()] == [NOW + 60, NOW]


def test_14_before_2009_nothing_is_stored(new):
    """
    What is older than 2009 is dropped, and the diagnostics say so.
    """
    kissmetrics, send = new()
    outcomes = [send("/e", _n="Old", _d="1", _t=time).reason for time in ("1230767999", "1230768000", "0", "-1")]

    assert outcomes == ["before_2009", None, "before_2009", "before_2009"]
    assert kissmetrics.diagnostics()["rejected"] == {"before_2009": 3}
    assert len(list(kissmetrics.export())) == 1


def test_15_an_unusable_time_is_that_of_receipt(new):
    """
    Fractions are cut off; milliseconds and what is no number are noted, and the time of receipt counts.
    """
    kissmetrics, send = new()
    times = ["1262304000.9", "1262304000000", "", "soon"]
    notes = [reasons(send("/e", _n=f"Event {place}", _d="1", _t=time)) for place, time in enumerate(times)]

    assert notes == [[], ["time_in_milliseconds"], ["time_unreadable"], ["time_unreadable"]]
    assert [line["_t"] for line in kissmetrics.export()] == [1_262_304_000, NOW, NOW, NOW]


def test_16_a_time_counts_only_with_d_1(new):
    """
    Any other ``_d`` than 1 leaves ``_t`` without effect.
    """
    kissmetrics, send = new()
    for place, d in enumerate(["0", "", "true", "2", "1"]):
        send("/e", _n=f"Event {place}", _d=d, _t="1262304000")

    assert [line["_t"] for line in kissmetrics.export()] == [NOW, NOW, NOW, NOW, 1_262_304_000]


def ask(server, path, body=None):
    with urlopen(Request(f"{server.url}{path}", data=body), timeout=10) as answer:
        return answer.status


def test_17_of_a_parameter_given_twice_the_last_counts(new):
    """
    A caller's own ``_t`` after the one that an SDK put in takes effect.
    """
    kissmetrics, _ = new()
    with KissmetricsServer(kissmetrics) as server:
        ask(server, f"/e?_k={KEY}&_p=bob&_p=ann&_n=Visited&_d=0&_t=1&_d=1&_t=1262304000")

    assert list(kissmetrics.export()) == [{"_p": "ann", "_t": 1_262_304_000, "_n": "visited"}]


@pytest.mark.parametrize("path", ["/e", "/s", "/a"])
def test_18_every_path_takes_a_body(new, path):
    """
    Query and body are merged on all three paths, and what is in both counts as in the body.
    """
    kissmetrics, _ = new()
    with KissmetricsServer(kissmetrics) as server:
        status = ask(server, f"{path}?_k={KEY}&_p=query&plan=query", b"_p=body&_n=name&city=body")

    assert status == 200
    (request,) = kissmetrics.requests()
    assert request.outcome == "stored"
    assert request.parameters == {"_p": "body", "plan": "query", "_n": "name", "city": "body"}


def test_19_a_product_has_65535_names(new):
    """
    Up to 65,535 events and as many properties in each product; beyond, names are stored and noted.
    """
    assert Rules().most_names == 65_535
    _, send = new(most_names=2)
    notes = [reasons(send("/e", _n=name)) for name in ("one", "two", "TWO", "three", "three")]
    notes.append(reasons(send("/s", one="1", two="2")))
    notes.append(reasons(send("/s", three="3")))

    assert notes == [[], [], [], ["too_many_event_names"], [], [], ["too_many_property_names"]]


def test_20_the_history_of_a_person_is_whole(new):
    """
    All instances of an event and all values of a property count, or with a limit each person's most recent ones.
    """
    kissmetrics, send = new()
    limited, send_limited = new(history_limit=3)
    for sender in (send, send_limited):
        sender("/a", _n="anonymous")
        for place in range(5):
            when = {"_d": "1", "_t": str(NOW - place)}
            sender("/e", _p=("ann", "anonymous")[place % 2], _n="Visited", place=str(place), **when)

    assert kissmetrics.people()[0].event_counts == {"Visited": 5}
    assert kissmetrics.people()[0].properties == {"place": PropertyHistory("4", "0")}
    assert limited.people()[0].event_counts == {"Visited": 3}
    assert limited.people()[0].properties == {"place": PropertyHistory("2", "0")}
    assert [value.value for value in limited.history("ann", "place")] == ["2", "1", "0"]
    assert list(limited.export()) == list(kissmetrics.export())


@pytest.mark.parametrize(("duplicate_rule", "lines"), [("current", 1), ("legacy", 2)])
def test_21_duplicates_in_an_export_follow_the_rule(new, duplicate_rule, lines):
    """
    An export has duplicates by the legacy rule and none by the current one; the log of requests always does.
    """
    kissmetrics, send = new(duplicate_rule=duplicate_rule)
    send("/e", _n="Visited")
    send("/e", _n="Visited")

    assert len(list(kissmetrics.export())) == lines
    assert len(list(kissmetrics.requests())) == 2
    assert kissmetrics.people()[0].event_counts == {"Visited": 1}


def test_22_clearing_an_identity_is_the_clients_affair(new):
    """
    A browser that keeps its anonymous identity is one person, and a phone that takes a new one is two.
    """
    browser, send_browser = new()
    phone, send_phone = new()
    for send, identity_after in ((send_browser, "anonymous-1"), (send_phone, "anonymous-2")):
        send("/e", _p="anonymous-1", _n="Before")
        send("/e", _p=identity_after, _n="After")

    assert identities(browser) == [("anonymous-1",)]
    assert identities(phone) == [("anonymous-1",), ("anonymous-2",)]


def test_23_identifying_the_same_again_is_the_clients_affair(new):
    """
    Nothing is sent for it; should a client alias once more all the same, nothing changes.
    """
    kissmetrics, send = new()
    send("/e", _n="Visited")
    send("/a", _n="anonymous")
    before = kissmetrics.people()
    again = [send("/a", _n="anonymous").outcome, send("/a", _n="ann").outcome]

    assert again == ["duplicate", "rejected"]
    assert kissmetrics.people() == before


def test_24_an_empty_value_is_a_value(new):
    """
    An empty value is stored, and differs from having none.
    """
    kissmetrics, send = new()
    send("/s", plan="")
    send("/e", _p="bob", _n="Visited")

    assert kissmetrics.property_of("ann", "plan").last.value == ""
    assert [(count.value, count.people) for count in kissmetrics.counts_by_property("plan")] == [
        (None, 1),
        ("", 1),
    ]


def test_25_a_numeric_text_is_a_number(new):
    """
    Values are kept as texts, and those that are numbers can be had as such.
    """
    kissmetrics, send = new()
    for place, text in enumerate(("39.95", "-90", "1e3", "12 EUR", "")):
        send("/s", amount=text, _d="1", _t=str(NOW + place))

    history = kissmetrics.history("ann", "amount")
    assert [value.value for value in history] == ["39.95", "-90", "1e3", "12 EUR", ""]
    assert [value.number for value in history] == [39.95, -90, 1000, None, None]


def test_26_customer_id_is_a_property_that_is_noted(new):
    """
    A property of Kissmetrics' own name for an identity is stored, joins nobody, and is noted.
    """
    kissmetrics, send = new()
    received = send("/s", **{"Customer ID": "bob"})

    assert reasons(received) == ["customer_id"]
    assert identities(kissmetrics) == [("ann",)]
    assert kissmetrics.people()[0].properties == {"Customer ID": PropertyHistory("bob", "bob")}


def test_27_an_alias_alone_makes_nobody(new):
    """
    Identities that were only aliased are nobody until something is recorded under one of them.
    """
    kissmetrics, send = new()
    send("/a", _n="anonymous")
    send("/a", _p="anonymous", _n="device")
    before = kissmetrics.people(), kissmetrics.search("ann"), kissmetrics.counts_by_property("plan")
    send("/e", _p="device", _n="Visited")

    assert before == ([], [], [])
    (person,) = kissmetrics.people()
    assert (person.identities, person.visible_identities) == (("ann", "anonymous", "device"), ("device",))
    assert person.event_counts == {"Visited": 1}
