"""
Drawings: everything is there, nothing overlaps, and nothing that somebody is called does harm.
"""

import re
from itertools import combinations
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity import Identifiers, IdentityGraph, MergePolicy, Outcome, Person, Verdict, audit
from identity.draw import draw, draw_squished
from identity.drawing.sketch import Group, Node, Shape, Sketch, Stroke, Tie
from identity.drawing.svg import svg
from identity.drawing.text import day, printable, shortened, width
from identity.known import KnownIdentity
from identity.links import Link

SVG = "{http://www.w3.org/2000/svg}"
DAY_MS = 86_400_000
SIZES = {"head": 15, "group": 12.5, "name": 13, "words": 11.5}

Rectangle = tuple[float, float, float, float]


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)


def texts(picture: ET.Element) -> list[tuple[str, Rectangle]]:
    """
    Return every text with the rectangle that it takes, in the coordinates of the picture.
    """
    body = picture.find(f"{SVG}g")
    inner = set(body.iter())
    dx, dy = map(float, re.fullmatch(r"translate\((\S+) (\S+)\)", body.get("transform")).groups())
    found = []
    for one in picture.iter(f"{SVG}text"):
        size = SIZES[one.get("class").split()[0]]
        wide = width(one.text, size)
        x = float(one.get("x")) - (wide / 2 if one.get("text-anchor") == "middle" else 0)
        y = float(one.get("y")) - size / 2
        x, y = (x + dx, y + dy) if one in inner else (x, y)
        found.append((one.text, (x, y, x + wide, y + size)))
    return found


def overlap(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def assert_readable(text: str) -> None:
    picture = parsed(text)
    places = texts(picture)
    left, top, right, bottom = map(float, picture.get("viewBox").split())
    for (one, first), (other, second) in combinations(places, 2):
        assert not overlap(first, second), (one, other)
    for said, (x1, y1, x2, y2) in places:
        assert left <= x1, said
        assert top <= y1, said
        assert x2 <= right + 0.5, said
        assert y2 <= bottom, said


def names(text: str) -> list[str]:
    return [one.text for one in parsed(text).iter(f"{SVG}text") if one.get("class") == "name"]


def classes(text: str) -> set[str]:
    return {word for one in parsed(text).iter() for word in one.get("class", "").split()}


@st.composite
def sketches(draw) -> Sketch:
    count = draw(st.integers(1, 24))
    groups = draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    nodes = [
        Node(
            name=f"{draw(st.text(max_size=12))}-{number}",
            shape=draw(st.sampled_from(Shape)),
            at_ms=draw(st.none() | st.integers(0, 10**12)),
            note=draw(st.sampled_from(["", "3 records"])),
            guest=draw(st.booleans()),
        )
        for number in range(count)
    ]
    ends = st.sampled_from([node.name for node in nodes])
    ties = draw(
        st.lists(
            st.builds(
                Tie,
                older=ends,
                newer=ends,
                at_ms=st.integers(0, 10**12),
                words=st.sampled_from(["first identify", "hold: second identity, 3 Mar 2026"]),
                stroke=st.sampled_from(Stroke),
            ),
            max_size=40,
        )
    )
    drawn = [
        Group(title=title, nodes=tuple(node for node, place in zip(nodes, groups, strict=True) if place == number))
        for number, title in enumerate(["", "one", "two", "three"])
    ]
    return Sketch(
        title="somebody",
        description="what there is",
        groups=tuple(group for group in drawn if group.nodes),
        ties=tuple(ties),
    )


@given(sketches(), st.sampled_from([200, 8]))
def test_no_two_texts_overlap(sketch, most):
    """
    Whatever is linked with whatever, every text can be read, and is inside the picture.
    """
    assert_readable(svg(sketch, most=most))


@given(sketches())
def test_everybody_is_drawn_once(sketch):
    """
    Each identity has one outline, and each link is told in words unless it is that of a pair drawn already.
    """
    picture = parsed(svg(sketch))
    outlines = [one for one in picture.iter(f"{SVG}g") if one.find(f"{SVG}title") is not None]

    expected = sorted(
        f"{printable(node.name)} ({node.shape.value})" for group in sketch.groups for node in group.nodes
    )
    assert sorted(one.find(f"{SVG}title").text for one in outlines) == expected


def grown(count: int, *, shape: str) -> Person:
    """
    Return a person of many identities: a hub, a chain, or something in between.
    """
    identities = [
        KnownIdentity(name=f"ann{number}@x.example", kind="named", records=0, first_ms=number * DAY_MS, last_ms=0)
        for number in range(count)
    ]
    verdicts = [
        Verdict(
            outcome=Outcome.MERGE,
            reason="manual",
            explanation="by hand",
            link=Link(
                older=identities[{"hub": 0, "chain": number - 1, "between": number // 3}[shape]].name,
                newer=identities[number].name,
                kind="manual",
                at_ms=number * DAY_MS,
            ),
        )
        for number in range(1, count)
    ]
    return Person(name=identities[0].name, identities=tuple(identities), verdicts=tuple(verdicts))


@pytest.mark.parametrize("shape", ["hub", "chain", "between"])
@pytest.mark.parametrize("count", [2, 5, 20, 80, 200])
def test_up_to_two_hundred_identities_are_all_drawn(count, shape):
    """
    A person of two hundred identities is drawn whole, whatever their shape, and every text can be read.
    """
    text = draw(grown(count, shape=shape)).svg

    assert len(names(text)) == count
    assert_readable(text)
    assert float(parsed(text).get("width")) < 1_600


@pytest.mark.parametrize("shape", ["hub", "chain", "between"])
def test_more_are_counted(shape):
    """
    Beyond, whole branches are counted in words.
    """
    text = draw(grown(1_000, shape=shape)).svg
    said = [one for one, _ in texts(parsed(text)) if one.startswith("and ")]

    assert len(names(text)) == 200
    assert sum(int(re.match(r"and ([\d,]+) e-mail address", one)[1].replace(",", "")) for one in said) == 800
    assert_readable(text)


def family() -> IdentityGraph:
    graph = IdentityGraph()
    graph.generated("phone")
    graph.link("phone", "ann@x.example", kind="first_identify", at_ms=DAY_MS)
    graph.link("phone", "ann@x.example", kind="first_identify", at_ms=2 * DAY_MS)
    graph.link("phone", "bob@x.example", kind="first_identify", at_ms=3 * DAY_MS)
    graph.link("null", "ann@x.example", at_ms=4 * DAY_MS)
    graph.link("ann@x.example", "4711", at_ms=5 * DAY_MS)
    return graph


def test_kinds_and_verdicts_look_different():
    """
    Each kind of identity has its shape, a held link is dashed, a refused one crossed out, and the legend says so.
    """
    text = draw(family().person("ann@x.example")).svg
    said = [one for one, _ in texts(parsed(text))]

    shapes = {"generated", "email", "account", "placeholder", "guest"}
    assert shapes | {"merged", "held", "refused", "cross"} <= classes(text)
    assert "first identify, 2 Jan 1970" in said
    assert "hold: second identity, 4 Jan 1970 · somebody else" in said
    assert {"held", "refused", "joined", "e-mail address", "made up for a device"} <= set(said)
    outline = {
        one.get("class").split()[1]: one.find(f"{SVG}path").get("d")[:1]
        for one in parsed(text).iter(f"{SVG}g")
        if one.get("class", "").startswith("node")
    }
    assert outline.keys() >= shapes - {"guest"}


def test_sorts_that_the_caller_told_have_their_shapes():
    """
    A telephone number looks like one, and a sort of the caller's own like none of the others.
    """
    policy = MergePolicy.guarded(identifiers=Identifiers(patterns={"member": r"M-\d+"}))
    graph = IdentityGraph(policy=policy)
    graph.link("M-17", "+49 171 234567", kind="manual", at_ms=DAY_MS)
    text = draw(graph.person("M-17")).svg

    assert {"phone", "other"} <= classes(text)
    assert not {"account", "email"} & classes(text)


def test_older_links_come_first():
    """
    Under one identity, time runs downwards.
    """
    rows = names(draw(grown(30, shape="hub")).svg)

    assert rows == [f"ann{number}@x.example" for number in range(30)]


def test_a_drawing_says_what_it_shows():
    """
    For those who do not see it, a drawing has a title and a description, and the roles that say so.
    """
    picture = parsed(draw(family().person("ann@x.example")).svg)
    title, about = picture.find(f"{SVG}title"), picture.find(f"{SVG}desc")

    assert picture.get("role") == "img"
    assert picture.get("aria-labelledby").split() == [title.get("id"), about.get("id")]
    assert title.text == "4711: 3 identities"
    assert about.text == ("The identity graph of 4711. Links by verdict: 2 merge, 1 hold, 1 refuse.")


def test_a_drawing_is_for_light_and_dark():
    """
    A drawing brings its own colours, and others where the reader prefers a dark page.
    """
    text = draw(family().person("ann@x.example")).svg

    assert "@media (prefers-color-scheme:dark)" in text
    assert "url(" not in text
    assert "<script" not in text


HOSTILE = [
    "<script>alert(1)</script>",
    "a\x00b\x1b[2J",
    "\u202egnp.exe",
    "]]>",
    "&lt;",
    "x" * 255,
    "\ud7ff",
    "漢字" * 40,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_do_no_harm(name):
    """
    A name that is markup, or has characters that XML forbids, is text; a long one loses its middle.
    """
    graph = IdentityGraph()
    graph.link(name, "ann@x.example", at_ms=DAY_MS)
    text = draw(graph.person(name)).svg

    assert_readable(text)
    assert "<script" not in text
    assert shortened(name) in names(text)


def test_somebody_unknown_is_drawn_alone():
    """
    A person of whom nothing is known is one box.
    """
    assert names(draw(IdentityGraph().person("nobody@x.example")).svg) == ["nobody@x.example"]


def test_notebooks_show_drawings():
    """
    A drawing is shown by notebooks, as SVG and as HTML.
    """
    drawing = draw(family().person("ann@x.example"))

    assert drawing._repr_svg_() == drawing.svg
    assert drawing.svg in drawing._repr_html_()


def test_a_squished_person_is_drawn_in_parts():
    """
    Each part has its frame, and the links to blame are crossed out and told.
    """
    found = audit(
        [
            Link(older="device-1", newer=f"ann{number}@x.example", kind="import", at_ms=number * DAY_MS)
            for number in range(9)
        ]
    )
    text = draw_squished(found.squished[0]).svg
    said = [one for one, _ in texts(parsed(text))]

    assert_readable(text)
    assert said[:2] == [
        "9 people in one: 'ann0@x.example'",
        "Each frame would be one person without what is crossed out; 3 more are not shown.",
    ]
    assert sum(one.startswith("a shared device, ") for one in said) == 5
    assert {"frame", "blamed", "cross"} <= classes(text)


def test_times_without_a_date_are_no_trouble():
    """
    A time that no calendar has is said to be none.
    """
    assert [day(0), day(10**18), day(-(10**18))] == ["1 Jan 1970", "no date", "no date"]
