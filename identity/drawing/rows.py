"""
Where everything goes: each identity has a row, under the one it was linked with, the oldest first.

One child of a node goes straight on below it and all others are indented, so that a chain of any length stays
narrow. Many leaves of one node stand in columns. A link that is in no tree is told in a line under the later of
its ends, and drawn in a lane on the left. So nothing that is written can overlap.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import ceil

from attrs import Factory, define, frozen

from identity.drawing.forest import Branch
from identity.drawing.sketch import Node, Shape, Stroke, Tie
from identity.drawing.text import LONGEST_WORDS, shortened, width

ROW = 38.0
BOX = 28.0
INDENT = 46.0
BUS = 16.0
LINE = 21.0
GAP = 10.0
NAME_SIZE, WORDS_SIZE = 13.0, 11.5
LEAVES_IN_COLUMNS_FROM = 9
LEAVES_IN_A_COLUMN = 12
MOST_COLUMNS = 3

_PLURALS = {
    Shape.ACCOUNT: ("account", "accounts"),
    Shape.EMAIL: ("e-mail address", "e-mail addresses"),
    Shape.PHONE: ("telephone number", "telephone numbers"),
    Shape.ANONYMOUS: ("anonymous identity", "anonymous identities"),
    Shape.GENERATED: ("made-up identity", "made-up identities"),
    Shape.PLACEHOLDER: ("placeholder", "placeholders"),
    Shape.OTHER: ("other identity", "other identities"),
}


@frozen
class Box:
    """
    An identity in its place; ``y`` is the middle.
    """

    node: Node
    x: float
    y: float
    label: str
    width: float


@frozen
class Words:
    """
    A text in its place; ``y`` is the middle.
    """

    text: str
    x: float
    y: float
    stroke: Stroke | None = None

    @property
    def right(self) -> float:
        """
        Where it ends.
        """
        return self.x + width(self.text, WORDS_SIZE)


@frozen
class Line:
    """
    A line through some points, with a link's stroke or, where links share a way, none.

    Attributes:
        points: from one end to the other.
        stroke: how it is drawn.
        crossed: whether this is where a link that is crossed out has its cross.
    """

    points: tuple[tuple[float, float], ...]
    stroke: Stroke | None = None
    crossed: bool = True


@frozen
class Call:
    """
    A line of words about a link that has a lane, and the node at the lane's other end.

    Attributes:
        tie: the link.
        anchor: the node at the other end.
        x: where the lane turns up to the node above the words.
        y: the middle of the words.
        top: the lower edge of that node.
    """

    tie: Tie
    anchor: str
    x: float
    y: float
    top: float


@define
class Rows:
    """
    Everything that has a place, from the top left on.

    Attributes:
        boxes: identities.
        words: texts beside them.
        lines: links.
        calls: links that need a lane.
        bottom: where the next row begins.
    """

    boxes: list[Box] = Factory(list)
    words: list[Words] = Factory(list)
    lines: list[Line] = Factory(list)
    calls: list[Call] = Factory(list)
    bottom: float = 0.0

    @property
    def right(self) -> float:
        """
        How far to the right something stands.
        """
        return max([0.0, *(box.x + box.width for box in self.boxes), *(words.right for words in self.words)])


def reading_order(roots: Iterable[Branch]) -> list[Branch]:
    """
    Return all branches in the order of their rows.
    """
    order: list[Branch] = []
    stack = list(roots)[::-1]
    while stack:
        branch = stack.pop()
        order.append(branch)
        stack += _children(branch)[::-1]
    return order


def _children(branch: Branch) -> list[Branch]:
    """
    Return the children in the order of their rows: leaves in columns first, and what goes straight on last.
    """
    columns = _in_columns(branch)
    others = [child for child in branch.children if child not in columns and child is not branch.trunk]
    return columns + others + ([branch.trunk] if branch.trunk is not None else [])


def _in_columns(branch: Branch) -> list[Branch]:
    leaves = [child for child in branch.children if not (child.children or child.hidden)]
    return leaves if len(leaves) >= LEAVES_IN_COLUMNS_FROM else []


def place(roots: Sequence[Branch], calls: Mapping[str, Sequence[tuple[Tie, str]]], rows: Rows) -> None:
    """
    Give every branch its row, below what is there.

    Args:
        roots: the trees.
        calls: by node, the links to tell under it, each with the node at its other end.
        rows: what is placed so far.
    """
    order = reading_order(roots)
    placing = _Placing(rows, calls, {child: branch for branch in order for child in branch.children})
    for branch in order:
        if branch not in placing.left:
            placing.branch(branch)


@define
class _Placing:
    """
    A walk down the rows.

    Attributes:
        rows: what is placed so far.
        calls: by node, the links to tell under it.
        parents: of every branch but the roots.
        left: the left edge of each branch that has its place.
        ends: where the bus of a branch ends, as far as its children have theirs.
        waiting: how many children of a branch have no place yet.
    """

    rows: Rows
    calls: Mapping[str, Sequence[tuple[Tie, str]]]
    parents: Mapping[Branch, Branch]
    left: dict[Branch, float] = Factory(dict)
    ends: dict[Branch, float] = Factory(dict)
    waiting: dict[Branch, int] = Factory(dict)

    def branch(self, branch: Branch) -> None:
        """
        Give a branch its row, and its leaves theirs if they stand in columns.
        """
        x, y = self._indent(branch), self.rows.bottom + ROW / 2
        self.left[branch], self.ends[branch] = x, y + BOX / 2
        parent = self.parents.get(branch)
        if parent is not None:
            _tie(self.rows, branch, self.left[parent] + BUS, self.ends[parent], (x, y))
            self.ends[parent] = y
        _row(self.rows, branch, x, y)
        calls = self.calls.get(branch.node.name, ())
        _calls(self.rows, calls, x)
        leaves = [leaf for leaf in _in_columns(branch) if leaf.node.name not in self.calls]
        if leaves:
            self.ends[branch] = _columns(self.rows, leaves, x, self.ends[branch])
            self.left.update(dict.fromkeys(leaves, x))
        self.waiting[branch] = len(branch.children) - len(leaves)
        self._finish(branch)

    def _indent(self, branch: Branch) -> float:
        parent = self.parents.get(branch)
        if parent is None:
            return 0.0
        return self.left[parent] + (0.0 if branch is parent.trunk else INDENT)

    def _finish(self, branch: Branch) -> None:
        """
        Tell what is hidden under each node whose last child now has its row.
        """
        current: Branch | None = branch
        while current is not None and self.waiting[current] == 0:
            if current.hidden:
                x, y = self.left[current], self.rows.bottom + LINE / 2
                way = ((x + BUS, self.ends[current]), (x + BUS, y), (x + INDENT - 4, y))
                self.rows.lines.append(Line(way))
                self.rows.words.append(Words(_hidden(current.hidden), x + INDENT, y))
                self.rows.bottom += LINE + 6
            current = self.parents.get(current)
            if current is not None:
                self.waiting[current] -= 1


def _hidden(hidden: Counter[str]) -> str:
    counts = [f"{count:,} {_PLURALS[Shape(shape)][count != 1]}" for shape, count in hidden.most_common()]
    return f"and {', '.join(counts)} more"


def _row(rows: Rows, branch: Branch, x: float, y: float) -> None:
    box = _box(branch, x, y)
    rows.boxes.append(box)
    said = _said(branch)
    if said:
        stroke = None if branch.tie is None else branch.tie.stroke
        rows.words.append(Words(said, x + box.width + GAP, y, stroke))
    rows.bottom += ROW


def _box(branch: Branch, x: float, y: float) -> Box:
    label = shortened(branch.node.name)
    return Box(branch.node, x, y, label, width(label, NAME_SIZE) + 26)


def _said(branch: Branch) -> str:
    words = branch.tie.words if branch.tie is not None else ""
    return shortened(" · ".join(filter(None, (words, branch.node.note))), LONGEST_WORDS)


def _tie(rows: Rows, branch: Branch, bus: float, start: float, place: tuple[float, float]) -> None:
    stroke = branch.tie.stroke if branch.tie is not None else None
    x, y = place
    if x < bus:
        rows.lines.append(Line(((bus, start), (bus, y - BOX / 2)), stroke))
        return
    rows.lines.append(Line(((bus, start), (bus, y))))
    rows.lines.append(Line(((bus, y), (x, y)), stroke))


def _calls(rows: Rows, calls: Sequence[tuple[Tie, str]], x: float) -> None:
    top = rows.bottom - (ROW - BOX) / 2
    for tie, anchor in calls:
        y = rows.bottom + LINE / 2 - 4
        text = f"{tie.words} · with {shortened(anchor)}"
        rows.words.append(Words(shortened(text, LONGEST_WORDS), x + BUS + 18, y, tie.stroke))
        rows.calls.append(Call(tie, anchor, x + BUS + 8, y, top))
        rows.bottom += LINE


def _columns(rows: Rows, leaves: Sequence[Branch], x: float, start: float) -> float:
    """
    Place leaves in columns, the oldest first, and return where the bus ends.
    """
    columns = min(MOST_COLUMNS, ceil(len(leaves) / LEAVES_IN_A_COLUMN))
    height = ceil(len(leaves) / columns)
    cell = max(_box(leaf, 0, 0).width + width(_said(leaf), WORDS_SIZE) for leaf in leaves) + GAP + INDENT + 14
    top = rows.bottom
    if columns > 1:
        # The ways to the other columns, above the first row.
        top += 8
        far = x + BUS + cell * (ceil(len(leaves) / height) - 1)
        rows.lines.append(Line(((x + BUS, start), (x + BUS, top), (far, top))))
        start = top
    end = start
    for place, leaf in enumerate(leaves):
        column, row = divmod(place, height)
        left, y = x + column * cell, top + row * ROW + ROW / 2
        before = y - ROW if row else top if column else start
        _tie(rows, leaf, left + BUS, before, (left + INDENT, y))
        rows.bottom = y - ROW / 2
        _row(rows, leaf, left + INDENT, y)
        end = y if column == 0 else end
    rows.bottom = top + height * ROW
    return end
