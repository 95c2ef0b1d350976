"""
One person's graph as a drawing: who is joined, by what, and what was held or refused.

Needs networkx and numpy for the layout: ``pip install sdkbridge[notebooks]``.
"""

from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, tostring

from attrs import frozen

from identity.ids import IdentityKind
from identity.links import Outcome, Verdict
from identity.person import Person

WIDTH, HEIGHT = 760.0, 420.0
MARGIN_X, MARGIN_Y = 130.0, 50.0
LONGEST_LABEL = 24

COLOURS = {
    Outcome.MERGE: "#2f7d4f",
    Outcome.KNOWN: "#8a8f98",
    Outcome.HOLD: "#b7791f",
    Outcome.REFUSE: "#b83232",
}
MADE_UP = frozenset({IdentityKind.ANONYMOUS, IdentityKind.GENERATED})
FILLS: dict[IdentityKind | None, str] = {
    **dict.fromkeys(MADE_UP, "#eef0f3"),
    IdentityKind.NAMED: "#dcebfb",
    None: "#fbe3e3",
}

Point = tuple[float, float]


@frozen
class Drawing:
    """
    A picture that notebooks show by themselves.

    Attributes:
        svg: the picture as SVG text.
    """

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg


def draw(person: Person) -> Drawing:
    """
    Draw a person: named identities as boxes, anonymous ones as pills, links with their kind.

    A held link is dashed; a refused one is dotted, and its reason is written beside it. Identities of other
    people appear where a link reaches them.

    Raises:
        ImportError: networkx or numpy is not installed.
    """
    kinds: dict[str, IdentityKind | None] = {known.name: known.kind for known in person.identities}
    for verdict in person.verdicts:
        for end in (verdict.link.older, verdict.link.newer):
            kinds.setdefault(end, None if verdict.reason == "placeholder" else IdentityKind.NAMED)
    if not kinds:
        kinds[person.name] = None
    places = _layout(list(kinds), person.verdicts)
    members = {known.name for known in person.identities}
    picture = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH:g} {HEIGHT:g}",
            "width": f"{WIDTH:g}",
            "font-family": "system-ui, sans-serif",
            "font-size": "12",
            "role": "img",
            "aria-label": f"The identities of {person.name}",
        },
    )
    SubElement(picture, "rect", {"width": "100%", "height": "100%", "fill": "white"})
    for verdict in person.verdicts:
        _draw_link(picture, verdict, places)
    for name, kind in kinds.items():
        _draw_identity(picture, name, kind, places[name], member=name in members)
    return Drawing(tostring(picture, encoding="unicode"))


def _layout(names: list[str], verdicts: tuple[Verdict, ...]) -> Mapping[str, Point]:
    """
    Return the middle of each identity, spread over the picture.
    """
    import networkx as nx  # noqa: PLC0415 - an extra that only drawings need

    graph = nx.Graph()
    graph.add_nodes_from(names)
    graph.add_edges_from((verdict.link.older, verdict.link.newer) for verdict in verdicts)
    if len(names) == 1:
        return {names[0]: (WIDTH / 2, HEIGHT / 2)}
    places = nx.spring_layout(graph, seed=7, k=2.5 / len(names) ** 0.5, iterations=200)
    lows = [min(float(place[axis]) for place in places.values()) for axis in (0, 1)]
    highs = [max(float(place[axis]) for place in places.values()) for axis in (0, 1)]

    def spread(place: Point, axis: int, size: float, margin: float) -> float:
        extent = highs[axis] - lows[axis]
        share = 0.5 if extent < 1e-9 else (float(place[axis]) - lows[axis]) / extent
        return margin + share * (size - 2 * margin)

    return {
        name: (spread(place, 0, WIDTH, MARGIN_X), spread(place, 1, HEIGHT, MARGIN_Y))
        for name, place in places.items()
    }


def _draw_link(picture: Element, verdict: Verdict, places: Mapping[str, Point]) -> None:
    (x1, y1), (x2, y2) = places[verdict.link.older], places[verdict.link.newer]
    dashes = {Outcome.HOLD: "7 5", Outcome.REFUSE: "2 5"}.get(verdict.outcome, "none")
    colour = COLOURS[verdict.outcome]
    SubElement(
        picture,
        "line",
        {
            "x1": f"{x1:.1f}",
            "y1": f"{y1:.1f}",
            "x2": f"{x2:.1f}",
            "y2": f"{y2:.1f}",
            "stroke": colour,
            "stroke-width": "2",
            "stroke-dasharray": dashes,
        },
    )
    kind = verdict.link.kind.replace("_", " ")
    words = kind if verdict.outcome is Outcome.MERGE else f"{verdict.outcome}: {verdict.reason.replace('_', ' ')}"
    _write(picture, words, ((x1 + x2) / 2, (y1 + y2) / 2), colour=colour, halo=True)


def _draw_identity(picture: Element, name: str, kind: IdentityKind | None, place: Point, *, member: bool) -> None:
    label = name if len(name) <= LONGEST_LABEL else name[: LONGEST_LABEL - 1] + "…"
    width, height = 7.2 * len(label) + 26, 30.0
    box = SubElement(
        picture,
        "rect",
        {
            "x": f"{place[0] - width / 2:.1f}",
            "y": f"{place[1] - height / 2:.1f}",
            "width": f"{width:.1f}",
            "height": f"{height:.1f}",
            "rx": "15" if kind in MADE_UP else "4",
            "fill": FILLS[kind],
            "stroke": "#33475b" if member else "#a0a7b0",
            "stroke-dasharray": "none" if member else "3 3",
        },
    )
    SubElement(box, "title").text = name
    _write(picture, label, place, colour="#1f2a37", halo=False)


def _write(picture: Element, words: str, place: Point, *, colour: str, halo: bool) -> None:
    style = {
        "x": f"{place[0]:.1f}",
        "y": f"{place[1]:.1f}",
        "fill": colour,
        "text-anchor": "middle",
        "dominant-baseline": "central",
    }
    if halo:
        style |= {"stroke": "white", "stroke-width": "5", "paint-order": "stroke", "font-size": "11"}
    SubElement(picture, "text", style).text = words
