"""
A person as a drawing: who is joined, and by what; of a squished one also what is to blame.

Needs networkx: ``pip install sdkbridge[charts]``.
"""

from attrs import frozen

from identity.drawing.sketch import Group, Node, Shape, Sketch, Stroke, Tie
from identity.drawing.svg import MOST_NODES, svg
from identity.drawing.text import day, shortened
from identity.identifiers import ACCOUNT_ID, ANONYMOUS, EMAIL, PHONE
from identity.ids import IdentityKind, is_email, is_placeholder
from identity.known import KnownIdentity
from identity.links import Outcome, Verdict
from identity.person import Person
from identity.squished import Kind, Part, SquishedPerson
from identity.squished.words import HEADINGS, counted, heading

MOST_PARTS = 6
MOST_IN_A_PART = 12

_STROKES = {
    Outcome.MERGE: Stroke.MERGED,
    Outcome.KNOWN: Stroke.KNOWN,
    Outcome.HOLD: Stroke.HELD,
    Outcome.REFUSE: Stroke.REFUSED,
}

_KINDS = {IdentityKind.GENERATED: Shape.GENERATED, IdentityKind.ANONYMOUS: Shape.ANONYMOUS}
_SORTS = {ACCOUNT_ID: Shape.ACCOUNT, EMAIL: Shape.EMAIL, PHONE: Shape.PHONE}


@frozen
class Drawing:
    """
    A picture that notebooks show by themselves.

    Attributes:
        svg: the picture as SVG text; it needs nothing else, and may be a part of a page.
    """

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return f'<div style="overflow-x:auto">{self.svg}</div>'


def draw(person: Person, *, most: int = MOST_NODES) -> Drawing:
    """
    Draw a person: each identity in its shape, under the one that it was linked with, and each link with its words.

    A held link is dashed, a refused one crossed out. Identities of other people appear where such a link reaches
    them, with a dotted outline.

    Args:
        person: whom to draw.
        most: how many identities to show; beyond, whole branches are counted in words.

    Raises:
        ImportError: networkx is not installed.
    """
    return Drawing(svg(_person(person), most=most))


def draw_squished(person: SquishedPerson) -> Drawing:
    """
    Draw a squished person: each part that it would be in a frame of its own, and the links to blame crossed out.

    The largest parts are shown, and of each the best known identities.

    Raises:
        ImportError: networkx is not installed.
    """
    return Drawing(svg(_squished(person)))


def _person(person: Person) -> Sketch:
    nodes = {known.name: _known(known) for known in person.identities}
    for verdict in person.verdicts:
        for end in (verdict.link.older, verdict.link.newer):
            nodes.setdefault(end, _guest(end))
    nodes = nodes or {person.name: Node(name=person.name, shape=_shape_of(person.name))}
    count = counted(len(person.identities), "identity", "identities")
    outcomes = [verdict.outcome for verdict in person.verdicts]
    states = [f"{outcomes.count(outcome)} {outcome.value}" for outcome in Outcome if outcome in outcomes]
    return Sketch(
        title=f"{shortened(person.name)}: {count}",
        description=f"The identity graph of {person.name}. Links by verdict: {', '.join(states) or 'none'}.",
        groups=(Group(nodes=tuple(nodes.values())),),
        ties=tuple(map(_decided, person.verdicts)),
    )


def _guest(name: str) -> Node:
    shape = _shape_of(name)
    return Node(
        name=name, shape=shape, guest=True, note="nobody" if shape is Shape.PLACEHOLDER else "somebody else"
    )


def _records(count: int) -> str:
    return counted(count, "record", "records") if count else ""


def _known(known: KnownIdentity) -> Node:
    shape = _KINDS.get(known.kind) or _SORTS.get(known.sort)
    if shape is None:
        shape = _shape_of(known.name) if known.sort == ANONYMOUS else Shape.OTHER
    return Node(name=known.name, shape=shape, at_ms=known.first_ms, note=_records(known.records))


def _shape_of(name: str) -> Shape:
    if is_placeholder(name):
        return Shape.PLACEHOLDER
    return Shape.EMAIL if is_email(name) else Shape.ACCOUNT


def _decided(verdict: Verdict) -> Tie:
    link = verdict.link
    said = link.kind.value if verdict.outcome is Outcome.MERGE else f"{verdict.outcome.value}: {verdict.reason}"
    return Tie(
        older=link.older,
        newer=link.newer,
        at_ms=link.at_ms,
        words=f"{said.replace('_', ' ')}, {day(link.at_ms)}",
        stroke=_STROKES[verdict.outcome],
    )


def _squished(person: SquishedPerson) -> Sketch:
    shared = [part for part in person.parts if part.nobody]
    others = [part for part in person.parts if not part.nobody]
    shown = [*shared[:MOST_PARTS], *others[:MOST_PARTS]]
    more = len(person.parts) - len(shown)
    more_people = f"; {more:,} more are not shown" if more else ""
    blamed = {(one.link.older, one.link.newer): one for one in person.blamed}
    ties = []
    for link in person.links:
        found = blamed.get((link.older, link.newer))
        said = f"{HEADINGS[found.cause]}, " if found is not None else ""
        times = f", {link.count:,} times" if link.count > 1 else ""
        stroke = Stroke.MERGED if found is None else Stroke.BLAMED
        words = f"{said}{day(link.at_ms)}{times}"
        ties.append(Tie(older=link.older, newer=link.newer, at_ms=link.at_ms, words=words, stroke=stroke))
    return Sketch(
        title=heading(person),
        description=person.explanation,
        groups=tuple(map(_group, shown)),
        ties=tuple(ties),
        about=f"Each frame would be one person without what is crossed out{more_people}.",
    )


def _group(part: Part) -> Group:
    shown = part.identities[:MOST_IN_A_PART]
    more = len(part.identities) - len(shown)
    who = "nobody" if part.nobody else shortened(part.name)
    title = ", ".join(filter(None, (who, _records(part.records))))
    return Group(
        title=f"{title}, and {more:,} identities not shown" if more else title,
        nodes=tuple(
            Node(
                name=one.name,
                shape=Shape(one.kind) if one.kind in set(Kind) else Shape.OTHER,
                at_ms=one.activity.first_ms,
                note=_records(one.activity.records),
            )
            for one in shown
        ),
    )
