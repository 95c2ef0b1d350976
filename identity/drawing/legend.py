"""
What the shapes and strokes of a drawing mean: those that it has.
"""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement

from identity.drawing.outlines import outline
from identity.drawing.sketch import Shape, Sketch, Stroke
from identity.drawing.text import width

SHAPES = {
    Shape.ACCOUNT: "account or name",
    Shape.EMAIL: "e-mail address",
    Shape.PHONE: "telephone number",
    Shape.ANONYMOUS: "anonymous",
    Shape.GENERATED: "made up for a device",
    Shape.PLACEHOLDER: "placeholder",
    Shape.OTHER: "another sort of name",
}
STROKES = {
    Stroke.MERGED: "joined",
    Stroke.KNOWN: "known already",
    Stroke.HELD: "held",
    Stroke.REFUSED: "refused",
    Stroke.BLAMED: "to blame",
}
LINE = 22.0
SIZE = 11.5
MARK = 24.0


def draw_legend(picture: Element, sketch: Sketch, top: float, right: float, margin: float) -> float:
    """
    Draw the legend below everything else, and return where the picture ends.
    """
    x, y = margin, top
    for mark, text in _entries(sketch):
        needs = MARK + 7 + width(text, SIZE) + 18
        if x > margin and x + needs > right - margin:
            x, y = margin, y + LINE
        _draw(picture, mark, x, y)
        words = {"class": "words", "x": f"{x + MARK + 7:.1f}", "y": f"{y:.1f}", "dominant-baseline": "central"}
        SubElement(picture, "text", words).text = text
        x += needs
    return y + LINE


def _entries(sketch: Sketch) -> Iterator[tuple[Shape | Stroke, str]]:
    shapes = {node.shape for group in sketch.groups for node in group.nodes}
    strokes = {tie.stroke for tie in sketch.ties}
    yield from ((shape, text) for shape, text in SHAPES.items() if shape in shapes)
    yield from ((stroke, text) for stroke, text in STROKES.items() if stroke in strokes)


def _draw(picture: Element, mark: Shape | Stroke, x: float, y: float) -> None:
    if isinstance(mark, Shape):
        group = SubElement(picture, "g", {"class": f"node {mark.value}"})
        SubElement(group, "path", {"d": outline(mark, x, y - 7, MARK, 14)})
        return
    SubElement(picture, "path", {"class": f"line {mark.value}", "d": f"M{x:.1f} {y:.1f}h{MARK:g}"})
    if mark in {Stroke.REFUSED, Stroke.BLAMED}:
        cross = f"M{x + MARK / 2 - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8"
        SubElement(picture, "path", {"class": f"cross {mark.value}", "d": cross})
