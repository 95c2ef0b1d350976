"""
A sketch as SVG: one picture that stands alone, in light and dark.
"""

import hashlib
from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, tostring

from identity.drawing.forest import forest
from identity.drawing.lanes import LANE, lanes
from identity.drawing.legend import draw_legend
from identity.drawing.outlines import outline
from identity.drawing.rows import BOX, WORDS_SIZE, Box, Line, Rows, Words, place, reading_order
from identity.drawing.sketch import Sketch, Stroke, Tie
from identity.drawing.style import CLASS, STYLE
from identity.drawing.text import printable, width

MOST_NODES = 200
MARGIN = 20.0
TITLE_SIZE = 15.0
HEAD = 58.0
GROUP_TITLE = 30.0
GROUP_GAP = 16.0
NARROWEST = 420.0
CORNER = 6.0


def svg(sketch: Sketch, *, most: int = MOST_NODES) -> str:
    """
    Return a sketch as SVG text.

    Args:
        sketch: what to draw.
        most: how many nodes to show; the others are counted.

    Raises:
        ImportError: networkx is not installed.
    """
    try:
        return _Picture(sketch, most).drawn()
    except ModuleNotFoundError as error:
        if error.name != "networkx":
            raise
        raise ImportError("drawings need networkx: pip install sdkbridge[charts]") from error


class _Picture:
    def __init__(self, sketch: Sketch, most: int) -> None:
        self._sketch = sketch
        self._rows = Rows()
        self._frames: list[tuple[str, float, float]] = []
        nodes = sum(len(group.nodes) for group in sketch.groups)
        self._forests = []
        for group in sketch.groups:
            share = most if nodes <= most else max(1, most * len(group.nodes) // nodes)
            self._forests.append(forest(group.nodes, sketch.ties, most=share))

    def drawn(self) -> str:
        self._place()
        ways, count = lanes(self._rows.calls, self._rows.boxes, left=-MARGIN / 2 - (10 if self._frames else 0))
        left = MARGIN + (count * LANE + 10 if count else 0) + (12 if self._frames else 0)
        content = max(self._rows.right + left + MARGIN + 8, NARROWEST)
        right = max(content, _head_width(self._sketch) + 2 * MARGIN)
        picture = _canvas(self._sketch)
        body = SubElement(picture, "g", {"transform": f"translate({left:g} {HEAD:g})"})
        for title, top, bottom in self._frames:
            _frame(body, title, top, bottom, right - left - MARGIN + 12)
        for line in [*self._rows.lines, *ways]:
            _line(body, line)
        for box in self._rows.boxes:
            _box(body, box)
        for words in self._rows.words:
            _words(body, words)
        bottom = draw_legend(picture, self._sketch, self._rows.bottom + HEAD + 16, right, MARGIN)
        picture.set("viewBox", f"0 0 {right:.0f} {bottom:.0f}")
        picture.set("width", f"{right:.0f}")
        picture.set("height", f"{bottom:.0f}")
        return tostring(picture, encoding="unicode")

    def _place(self) -> None:
        calls = self._calls()
        for group, trees in zip(self._sketch.groups, self._forests, strict=True):
            top = self._rows.bottom
            if group.title:
                self._rows.bottom += GROUP_TITLE
            place(trees.roots, calls, self._rows)
            if group.title:
                self._rows.bottom += 8
                self._frames.append((group.title, top, self._rows.bottom))
                self._rows.bottom += GROUP_GAP

    def _calls(self) -> dict[str, list[tuple[Tie, str]]]:
        """
        Return by node the links to tell under it: those that are in no tree, under the later row of their ends.
        """
        branches = [branch for trees in self._forests for branch in reading_order(trees.roots)]
        order = {branch.node.name: number for number, branch in enumerate(branches)}
        in_trees = {id(branch.tie) for branch in branches if branch.tie is not None}
        found: dict[str, list[tuple[Tie, str]]] = {}
        for tie in sorted(self._sketch.ties, key=lambda tie: tie.at_ms):
            if id(tie) not in in_trees and tie.older in order and tie.newer in order and tie.older != tie.newer:
                early, late = sorted((tie.older, tie.newer), key=lambda name: order[name])
                found.setdefault(late, []).append((tie, early))
        return found


def _canvas(sketch: Sketch) -> Element:
    mark = hashlib.sha256(repr((sketch.title, sketch.description)).encode()).hexdigest()[:8]
    names = {"class": CLASS, "role": "img", "aria-labelledby": f"title-{mark} about-{mark}"}
    picture = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **names})
    SubElement(picture, "title", {"id": f"title-{mark}"}).text = printable(sketch.title)
    SubElement(picture, "desc", {"id": f"about-{mark}"}).text = printable(sketch.description)
    SubElement(picture, "style").text = STYLE
    SubElement(picture, "rect", {"class": "paper", "width": "100%", "height": "100%", "rx": "8"})
    _write(picture, printable(sketch.title), (MARGIN, 26), "head")
    _write(picture, _about(sketch), (MARGIN, 45), "words")
    return picture


def _about(sketch: Sketch) -> str:
    return printable(sketch.about or "Each identity is under the one that it was linked with, the oldest first.")


def _head_width(sketch: Sketch) -> float:
    return max(width(printable(sketch.title), TITLE_SIZE), width(_about(sketch), WORDS_SIZE))


def _frame(body: Element, title: str, top: float, bottom: float, width_: float) -> None:
    place = {"x": "-12", "y": f"{top:g}", "width": f"{width_:.1f}", "height": f"{bottom - top:g}", "rx": "8"}
    SubElement(body, "rect", {"class": "frame", **place})
    _write(body, printable(title), (0, top + 17), "group")


def _line(body: Element, line: Line) -> None:
    stroke = line.stroke.value if line.stroke is not None else "bus"
    SubElement(body, "path", {"class": f"line {stroke}", "d": _rounded(line.points)})
    if line.crossed and line.stroke in {Stroke.REFUSED, Stroke.BLAMED}:
        # A lane has its cross before it turns up to its node.
        (x1, y1), (x2, y2) = line.points[-3:-1] if len(line.points) > 3 else line.points[-2:]
        _cross(body, (x1 + x2) / 2, (y1 + y2) / 2, stroke)


def _cross(body: Element, x: float, y: float, stroke: str) -> None:
    d = f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8"
    SubElement(body, "path", {"class": f"cross {stroke}", "d": d})


def _rounded(points: Iterable[tuple[float, float]]) -> str:
    """
    Return a path through some points with round corners.
    """
    (x, y), *rest = points
    path = f"M{x:.1f} {y:.1f}"
    for number, (x2, y2) in enumerate(rest):
        if number == len(rest) - 1:
            return f"{path}L{x2:.1f} {y2:.1f}"
        x3, y3 = rest[number + 1]
        reach = min(CORNER, (abs(x2 - x) + abs(y2 - y)) / 2, (abs(x3 - x2) + abs(y3 - y2)) / 2)
        before = x2 - reach * _sign(x2 - x), y2 - reach * _sign(y2 - y)
        after = x2 + reach * _sign(x3 - x2), y2 + reach * _sign(y3 - y2)
        path += f"L{before[0]:.1f} {before[1]:.1f}Q{x2:.1f} {y2:.1f} {after[0]:.1f} {after[1]:.1f}"
        x, y = x2, y2
    return path


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


def _box(body: Element, box: Box) -> None:
    guest = " guest" if box.node.guest else ""
    group = SubElement(body, "g", {"class": f"node {box.node.shape.value}{guest}"})
    SubElement(group, "title").text = f"{printable(box.node.name)} ({box.node.shape.value})"
    SubElement(group, "path", {"d": outline(box.node.shape, box.x, box.y - BOX / 2, box.width, BOX)})
    _write(group, box.label, (box.x + box.width / 2, box.y), "name", anchor="middle")


def _words(body: Element, words: Words) -> None:
    stroke = f" {words.stroke.value}" if words.stroke is not None else ""
    _write(body, words.text, (words.x, words.y), f"words{stroke}")


def _write(parent: Element, text: str, place_: tuple[float, float], kind: str, *, anchor: str = "start") -> None:
    x, y = place_
    style = {"class": kind, "x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    SubElement(parent, "text", {**style, "dominant-baseline": "central"}).text = text
