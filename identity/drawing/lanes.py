"""
Lanes on the left for links that are in no tree: one for each node that they lead to.
"""

from collections.abc import Iterable, Mapping, Sequence

from attrs import define

from identity.drawing.rows import Box, Call, Line

LANE = 13.0
MOST_LANES = 12


@define
class _Lane:
    anchor: Box
    calls: list[Call]

    @property
    def top(self) -> float:
        return min(self.anchor.y, *(call.y for call in self.calls))

    @property
    def bottom(self) -> float:
        return max(self.anchor.y, *(call.y for call in self.calls))


def lanes(calls: Iterable[Call], boxes: Iterable[Box], *, left: float) -> tuple[Sequence[Line], int]:
    """
    Return the lines of all lanes, and how many stand side by side.

    Args:
        calls: where the links are told.
        boxes: where the nodes are.
        left: the right edge of the innermost lane.
    """
    places: Mapping[str, Box] = {box.node.name: box for box in boxes}
    ways: dict[str, _Lane] = {}
    for call in calls:
        ways.setdefault(call.anchor, _Lane(places[call.anchor], [])).calls.append(call)
    lines: list[Line] = []
    # Where each lane, from the innermost on, is free from.
    free: list[float] = []
    for way in sorted(ways.values(), key=lambda way: way.bottom - way.top):
        number = next((n for n, bottom in enumerate(free) if way.top > bottom), len(free))
        if number == MOST_LANES:
            # The words tell it.
            continue
        free[number : number + 1] = [way.bottom]
        lines += _drawn(way, left - LANE * number)
    return lines, len(free)


def _drawn(way: _Lane, x: float) -> Iterable[Line]:
    for call in way.calls:
        stroke = call.tie.stroke
        yield Line(((x, way.anchor.y), (x, call.y), (call.x, call.y), (call.x, call.top)), stroke)
    yield Line(((way.anchor.x, way.anchor.y), (x, way.anchor.y)), way.calls[0].tie.stroke, crossed=False)
