"""
Squished people are found, and the links to blame named.
"""

import re
from itertools import combinations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity import IdentityGraph, MergePolicy, audit
from identity.database import Database
from identity.links import Link, LinkKind
from identity.squished import Activity, Audit, Cause, Kind, Pattern, Severity, SquishedPerson, by_patterns, kind_of
from identity.squished.from_graph import accepted_links, kind_in, recorded_in
from identity.squished.kinds import rivalry

DAY_MS = 86_400_000
TABLET = "E1C5D790-2A4B-4C8E-B6F3-95D0A8271E4C"
PHONE = "3F2A8C61-5B7D-4E19-9C02-7A1D5E8B6F40"
BROWSER = "5tYjk0zRrtNz5xDmcjZhso4BdyA="

Pair = frozenset[str]


def links(*chain: tuple[str, str, int]) -> list[Link]:
    return [Link(older=one, newer=other, kind="import", at_ms=day * DAY_MS) for one, other, day in chain]


def active(**days: tuple[int, int]) -> dict[str, Activity]:
    """
    Records from one day to another, by identity; ``_`` in a name stands for ``@``.
    """
    return {
        name.replace("_", "@"): Activity(records=9, first_ms=first * DAY_MS, last_ms=last * DAY_MS)
        for name, (first, last) in days.items()
    }


def blamed(found: Audit) -> set[Pair]:
    return {frozenset((one.link.older, one.link.newer)) for one in found.blamed}


def parts(person: SquishedPerson) -> list[set[str]]:
    return [{one.name for one in part.identities} for part in person.parts]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Kind.PLACEHOLDER, "null"),
        (Kind.PLACEHOLDER, " 'Undefined' "),
        (Kind.PLACEHOLDER, "00000000-0000-0000-0000-000000000000"),
        (Kind.EMAIL, "ann@shop.example"),
        (Kind.ANONYMOUS, PHONE),
        (Kind.ANONYMOUS, PHONE.lower()),
        (Kind.ANONYMOUS, BROWSER),
        (Kind.ANONYMOUS, "9774d56d682e549d"),
        (Kind.ANONYMOUS, "1731628459.1349161501"),
        (Kind.ANONYMOUS, "iphone-anonymous-2"),
        (Kind.PHONE, "+49 171 234567"),
        (Kind.ACCOUNT, "4711"),
        (Kind.ACCOUNT, "1234567890123456"),
        (Kind.ACCOUNT, "user-17"),
        (Kind.ACCOUNT, "ann"),
    ],
)
def test_kinds_are_told_by_looks(kind, name):
    """
    What SDKs make up, what shops give, and what stands for nobody look different.
    """
    assert kind_of(name) == kind


def test_a_caller_knows_better():
    """
    A caller's patterns count before the usual looks, and may name kinds of their own.
    """
    told = by_patterns([Pattern("member", re.compile(r"M-\d+")), Pattern(Kind.ANONYMOUS, re.compile(r"\d{12,}"))])

    assert [told(name) for name in ("M-17", "123456789012", "17", "a@b.example")] == [
        "member",
        Kind.ANONYMOUS,
        Kind.ACCOUNT,
        Kind.EMAIL,
    ]
    found = audit(links(("M-17", PHONE, 1), ("M-18", PHONE, 2)), kind_of=told)
    assert blamed(found) == {frozenset(("M-18", PHONE))}


def test_only_accounts_of_one_form_rival_each_other():
    """
    A number and a user name may well be one customer's; two numbers may not.
    """
    assert rivalry("17", Kind.ACCOUNT) == rivalry("18", Kind.ACCOUNT)
    assert rivalry("user-1", Kind.ACCOUNT) == rivalry("USER-22", Kind.ACCOUNT)
    forms = {rivalry(name, Kind.ACCOUNT) for name in ("17", "user-1", "cus_1", "ann", "x17y")}
    assert len(forms) == 5


HONEST = {
    "several devices": links((PHONE, "4711", 1), (TABLET, "4711", 2), (BROWSER, "4711", 3)),
    "a number, a user name, an address and a telephone": links(
        ("4711", "ann@x.example", 1), ("ann", "4711", 2), ("+49 171 234567", "4711", 3)
    ),
    "a chain of addresses": links(
        (PHONE, "a@x.example", 1), ("a@x.example", "b@x.example", 9), ("b@x.example", "c@x.example", 19)
    ),
    "there and back again": links(("a@x.example", "b@x.example", 1), ("b@x.example", "a@x.example", 9)),
    "two addresses on one account": links(("4711", "a@x.example", 1), ("4711", "b@x.example", 2)),
    "an address in two spellings": links((PHONE, "a@x.example", 1), (PHONE, "A@X.example", 2)),
    "an alias at each launch": links(*((PHONE, "a@x.example", day) for day in range(50))),
    "two devices and nobody": links((PHONE, TABLET, 1)),
    "an identity with itself": links(("4711", "4711", 1)),
}


@pytest.mark.parametrize("case", HONEST)
def test_honest_people_are_left_alone(case):
    """
    Several devices, addresses that follow each other, different kinds of names: nothing is to blame.
    """
    assert audit(HONEST[case]).squished == ()


def test_a_shared_tablet_stays_with_the_first():
    """
    Aliasing on each identify squishes everybody on a tablet; the later links are to blame, and say whose it was.
    """
    found = audit(
        links(
            (TABLET, "bob@x.example", 1),
            ("1", "bob@x.example", 1),
            (TABLET, "cleo@x.example", 2),
            ("2", "cleo@x.example", 2),
            (TABLET, "dora@x.example", 3),
        )
    )
    (person,) = found.squished

    assert blamed(found) == {frozenset((TABLET, "cleo@x.example")), frozenset((TABLET, "dora@x.example"))}
    assert parts(person) == [{TABLET, "bob@x.example", "1"}, {"cleo@x.example", "2"}, {"dora@x.example"}]
    assert {one.cause for one in person.blamed} == {Cause.SHARED_DEVICE}
    assert person.blamed[0].through == TABLET
    assert person.blamed[0].explanation == (
        f"The device '{TABLET}' belonged to 'bob@x.example' when 'cleo@x.example' was joined with it."
    )
    assert (person.severity, person.people, person.exact) == (Severity.SERIOUS, 3, True)
    assert all(one.bridge for one in person.blamed)


def test_all_links_of_a_placeholder_go():
    """
    What stands for nobody keeps nobody, and is a part of its own.
    """
    found = audit(links(("null", "a@x.example", 1), ("b@x.example", "null", 2), (PHONE, "b@x.example", 3)))
    (person,) = found.squished

    assert blamed(found) == {frozenset(("null", "a@x.example")), frozenset(("null", "b@x.example"))}
    assert [part.name for part in person.parts if part.nobody] == ["null"]
    assert person.people == 2
    assert "stands for nobody" in person.blamed[0].explanation


def test_a_hub_is_nobody():
    """
    An identity that is linked with ten accounts is no customer, whatever it looks like.
    """
    found = audit(links(*(("backend", str(number), number) for number in range(10, 20))))
    (person,) = found.squished

    assert len(person.blamed) == 10
    assert person.causes == (Cause.HUB,)
    assert (person.severity, person.people) == (Severity.CRITICAL, 10)
    below = audit(links(*(("backend", str(number), number) for number in range(10, 19))))
    assert len(below.blamed) == 8
    assert len(audit(links(("backend", "1", 1), ("backend", "2", 2)), hub_of=2).blamed) == 2


def test_a_wrong_change_of_address_is_found_by_the_accounts_behind_it():
    """
    The link between two addresses is blamed rather than those of an account with its own address.
    """
    found = audit(
        links(("1", "a@x.example", 1), ("2", "b@x.example", 2), (PHONE, "1", 1), ("a@x.example", "b@x.example", 9))
    )

    assert blamed(found) == {frozenset(("a@x.example", "b@x.example"))}
    assert found.squished[0].causes == (Cause.ADDRESS_CHANGE,)
    assert found.squished[0].severity is Severity.MODERATE


TAKEOVER = links((PHONE, "a@x", 1), (TABLET, "b@x", 2), ("a@x", "b@x", 50))
ADDRESSES = by_patterns([Pattern(Kind.EMAIL, re.compile(r".@x"))])


@pytest.mark.parametrize(
    ("case", "days", "severity"),
    [
        ("both went on", {"a_x": (1, 90), "b_x": (2, 90)}, Severity.MODERATE),
        ("one ended", {"a_x": (1, 50), "b_x": (2, 90)}, Severity.DOUBTFUL),
        ("one after the other", {"a_x": (1, 40), "b_x": (41, 90)}, None),
        ("a late record", {"a_x": (1, 50), "b_x": (41, 90)}, None),
        ("unknown", {}, None),
    ],
)
def test_a_change_to_an_address_with_a_life_of_its_own(case, days, severity):
    """
    Two addresses with devices of their own, both in use for weeks, are two customers even without accounts.
    """
    known = active(**days)
    found = audit(TAKEOVER, activity=lambda _: known, kind_of=ADDRESSES)

    assert [person.severity for person in found.squished] == ([severity] if severity else [])


def test_two_accounts_joined_outright():
    """
    A link between two accounts is the one to drop.
    """
    found = audit(links((PHONE, "1", 1), (TABLET, "2", 1), ("1", "2", 5)))

    assert blamed(found) == {frozenset("12")}
    assert found.squished[0].blamed[0].explanation == "'1' was joined with '2': two customers."


def test_a_second_way_between_two_people_is_dropped_as_well():
    """
    Where two people are tied twice, both ties go, and neither is called a bridge.
    """
    found = audit(
        links((PHONE, "1", 1), (TABLET, "2", 1), (PHONE, "2", 7), ("a@x.example", "1", 1), ("a@x.example", "2", 8))
    )

    assert blamed(found) == {frozenset((PHONE, "2")), frozenset(("a@x.example", "2"))}
    assert not any(one.bridge for one in found.blamed)


def test_a_crowd_without_a_contradiction_is_odd():
    """
    One name on a hundred devices is shown, although no link is to blame.
    """
    found = audit(links(*((f"device-{number}", "info@shop.example", 1) for number in range(99))))
    (person,) = found.squished

    assert (person.blamed, person.severity) == ((), Severity.DOUBTFUL)
    assert "'info@shop.example' has 100 identities" in person.explanation
    assert audit(links(*((f"device-{number}", "info@shop.example", 1) for number in range(98)))).squished == ()


def test_the_worst_come_first():
    """
    The order is by severity, then by people, then by records.
    """
    tablets = {name: f"device-{name}" for name in "abcd"}
    found = audit(
        links(
            *((tablets["a"], f"a{n}@x.example", n) for n in range(2)),
            *((tablets["b"], f"b{n}@x.example", n) for n in range(4)),
            *((tablets["c"], f"c{n}@x.example", n) for n in range(12)),
            *((tablets["d"], f"d{n}@x.example", n) for n in range(2)),
        ),
        activity=lambda _: {"d1@x.example": Activity(records=7)},
    )

    assert [person.people for person in found.squished] == [12, 4, 2, 2]
    assert [person.records for person in found.squished] == [0, 0, 7, 0]


def test_limits_below_two_are_refused():
    """
    A hub of one would be everybody.
    """
    with pytest.raises(ValueError, match="hub_of"):
        audit([], hub_of=1)


def test_activity_is_asked_for_suspects_only():
    """
    Honest people are not looked at in detail.
    """
    asked: list[frozenset[str]] = []

    def activity(names: frozenset[str]) -> dict[str, Activity]:
        asked.append(names)
        return {}

    audit(links((PHONE, "1", 1), (PHONE, "2", 2), (TABLET, "3", 1)), activity=activity)

    assert asked == [frozenset({PHONE, "1", "2"})]


def test_the_links_of_a_graph():
    """
    A graph's accepted links are audited with the graph's own kinds and counts.
    """
    database = Database()
    anything = MergePolicy(())
    graph = IdentityGraph(database, policy=anything)
    graph.seen("1234", "anonymous", at_ms=DAY_MS, records=3)
    graph.link("1234", "ann", kind="first_identify", at_ms=DAY_MS)
    graph.link("1234", "bob", kind="first_identify", at_ms=2 * DAY_MS)
    found = audit(accepted_links(database), activity=recorded_in(database), kind_of=kind_in(database))
    (person,) = found.squished

    assert blamed(found) == {frozenset(("1234", "bob"))}
    assert person.blamed[0].cause is Cause.SHARED_DEVICE
    assert person.blamed[0].link.kind is LinkKind.FIRST_IDENTIFY
    assert person.records == 3


def test_what_a_guarded_graph_accepts_has_nothing_to_blame():
    """
    The ways to squish that Kissmetrics and Segment document: the guarded graph lets none of them through.
    """
    database = Database()
    graph = IdentityGraph(database)
    for older, newer in (
        (TABLET, "bob@x.example"),
        (TABLET, "cleo@x.example"),
        (TABLET, "dora@x.example"),
        ("null", "bob@x.example"),
        ("anonymous", "dora@x.example"),
    ):
        graph.link(older, newer, kind="first_identify")

    assert audit(accepted_links(database), kind_of=kind_in(database)).squished == ()
    naive = audit(links((TABLET, "bob@x.example", 1), (TABLET, "cleo@x.example", 2), ("null", "bob@x.example", 3)))
    assert {cause for person in naive.squished for cause in person.causes} == {
        Cause.SHARED_DEVICE,
        Cause.PLACEHOLDER,
    }


NAMES = ["1", "2", "3", "a@x.example", "b@x.example", "c@x.example", PHONE, TABLET, BROWSER, "null", "ann", "bob"]


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(0, 40)), max_size=18))
def test_what_is_left_contradicts_nowhere(chain):
    """
    Without the blamed links no account has a rival, each part is whole, and together they are the person.
    """
    found = audit(links(*chain))
    graph = nx.Graph()
    graph.add_edges_from((one, other) for one, other, _ in chain if one != other)
    people = {frozenset(part) for part in nx.connected_components(graph)}
    assert (found.identities, found.people) == (len(graph), len(people))
    assert all(graph.has_edge(*pair) for pair in blamed(found))
    for person in found.squished:
        assert set().union(*parts(person)) in people
        graph.remove_edges_from([(one.link.older, one.link.newer) for one in person.blamed])
    left = {frozenset(part) for part in nx.connected_components(graph)}
    assert all(frozenset(part) in left for person in found.squished for part in parts(person))
    for part in left:
        accounts = [rivalry(name, kind_of(name)) for name in part if kind_of(name) == Kind.ACCOUNT]
        assert len(accounts) == len(set(accounts))
        assert "null" not in part or len(part) == 1


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(0, 40)), max_size=12),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_links_does_not_matter(chain, random):
    """
    The same links in another order give the same audit.
    """
    distinct = list({(frozenset((one, other)), day): (one, other, day) for one, other, day in chain}.values())
    first = [
        (one, other, day)
        for one, other, day in distinct
        if not any({one, other} == {a, b} and (day, one) > (d, a) for a, b, d in distinct)
    ]
    shuffled = first.copy()
    random.shuffle(shuffled)

    assert blamed(audit(links(*first))) == blamed(audit(links(*shuffled)))


def test_a_person_of_many_thousands_is_audited_in_a_moment():
    """
    Ten thousand identities that one chain of tablets squishes are parted, each tablet from the next customer.
    """
    count = 5_000
    chain = [
        pair
        for number in range(count)
        for pair in (
            (f"device-{number}", f"user-{number}", number),
            (f"device-{number}", f"user-{number + 1}", number + count),
        )
    ]
    found = audit(links(*chain))
    (person,) = found.squished

    assert len(person.blamed) == count
    assert person.people == count + 1
    assert not person.exact


def test_parts_do_not_overlap():
    """
    Each identity of a squished person is in exactly one part.
    """
    (person,) = audit(links((TABLET, "1", 1), (TABLET, "2", 2), (PHONE, "2", 3))).squished

    assert all(not (one & other) for one, other in combinations(parts(person), 2))
    assert person.identities == 4
