"""
Which link leads to which identity: a spanning forest of the oldest links, and what is too much to show.

Needs networkx: ``pip install sdkbridge[charts]``.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from attrs import Factory, define, frozen

from identity.drawing.sketch import Node, Stroke, Tie

MOST_INDENTATIONS = 6

_SOLID = frozenset({Stroke.MERGED, Stroke.KNOWN})

Spanning = Mapping[str, Mapping[str, Mapping[str, Tie]]]

_FIRST_CHOICE = {Stroke.MERGED: 0, Stroke.KNOWN: 1, Stroke.HELD: 2, Stroke.REFUSED: 3, Stroke.BLAMED: 4}


@define(eq=False)
class Branch:
    """
    A node with what hangs on it.

    Attributes:
        node: the identity.
        tie: the link from its parent, if it has one.
        children: from the oldest link on.
        trunk: the child that goes straight on, if one does.
        size: how many nodes this is.
        hidden: how many nodes on it are not shown, by shape.
    """

    node: Node
    tie: Tie | None = None
    children: list["Branch"] = Factory(list)
    trunk: "Branch | None" = None
    size: int = 1
    hidden: Counter[str] = Factory(Counter)


@frozen
class Forest:
    """
    Trees, and the links that are in none of them.
    """

    roots: Sequence[Branch]
    shown: frozenset[str]


def forest(nodes: Sequence[Node], ties: Iterable[Tie], *, most: int) -> Forest:
    """
    Arrange nodes in trees, each from its oldest node on.

    Args:
        nodes: who they are.
        ties: the links among them; those between others are passed over.
        most: how many nodes to show. The others are whole branches, and counted where they hang.

    Raises:
        ImportError: networkx is not installed.
    """
    import networkx as nx  # noqa: PLC0415 - an extra that only drawings need

    graph = nx.Graph()
    places = {node.name: place for place, node in enumerate(nodes)}
    graph.add_nodes_from(places)
    for tie in sorted(ties, key=lambda tie: (_FIRST_CHOICE[tie.stroke], tie.at_ms)):
        inside = tie.older in places and tie.newer in places and tie.older != tie.newer
        if inside and not graph.has_edge(tie.older, tie.newer):
            graph.add_edge(tie.older, tie.newer, tie=tie, weight=graph.number_of_edges())
    spanning = nx.Graph(nx.minimum_spanning_edges(graph, data=True))
    spanning.add_nodes_from(places)
    by_name = {node.name: node for node in nodes}
    roots = [
        _tree(spanning, by_name, min(members, key=lambda name: _age(by_name[name], places[name])))
        for members in nx.connected_components(spanning)
    ]
    roots.sort(key=lambda root: _age(root.node, places[root.node.name]))
    shown = _prune(roots, most)
    for root in roots:
        _choose_trunks(root)
    return Forest(roots, shown)


def _age(node: Node, place: int) -> tuple[bool, bool, int, int]:
    return node.guest, node.at_ms is None, node.at_ms or 0, place


def _tree(spanning: Spanning, by_name: Mapping[str, Node], root: str) -> Branch:
    trunk = Branch(by_name[root])
    order = [(trunk, "")]
    for branch, parent in order:
        mates = [(mate, data["tie"]) for mate, data in spanning[branch.node.name].items() if mate != parent]
        for mate, tie in sorted(mates, key=lambda mate: mate[1].at_ms):
            child = Branch(by_name[mate], tie)
            branch.children.append(child)
            order.append((child, branch.node.name))
    for branch, _ in reversed(order):
        branch.size = 1 + sum(child.size for child in branch.children)
    return trunk


def _prune(roots: Sequence[Branch], most: int) -> frozenset[str]:
    """
    Take away what is too much, from the outside and the newest on; return the names that are left.
    """
    queue = list(roots)
    for branch in queue:
        queue += branch.children
    kept = set(queue[:most])
    for branch in queue[:most]:
        cut_off = [child for child in branch.children if child not in kept]
        branch.children = [child for child in branch.children if child in kept]
        branch.hidden = sum(map(_shapes, cut_off), Counter())
    return frozenset(branch.node.name for branch in kept)


def _shapes(branch: Branch) -> Counter[str]:
    below = [branch]
    for one in below:
        below += one.children
    return Counter(one.node.shape.value for one in below)


def _choose_trunks(root: Branch) -> None:
    """
    Choose which children go straight on: the newest, so that time runs downwards, or else the heaviest.

    The heaviest keep a tree narrow, however deep it is: each indentation is into half of what is left, or less.
    """
    branches = [root]
    for branch in branches:
        branches += branch.children
        branch.trunk = _newest(branch)
    if _deepest(branches) > MOST_INDENTATIONS:
        for branch in branches:
            branch.trunk = max(_going_on(branch), key=lambda child: child.size, default=None)


def _going_on(branch: Branch) -> list[Branch]:
    """
    Return the children that may go straight on: not what is held or refused, and no leaf among others.
    """
    if branch.hidden:
        return []
    alone = len(branch.children) == 1
    return [
        child
        for child in branch.children
        if (alone or child.children) and child.tie is not None and child.tie.stroke in _SOLID
    ]


def _newest(branch: Branch) -> Branch | None:
    going_on = _going_on(branch)
    return going_on[-1] if going_on and going_on[-1] is branch.children[-1] else None


def _deepest(branches: Sequence[Branch]) -> int:
    depths = dict.fromkeys(branches, 0)
    for branch in branches:
        for child in branch.children:
            depths[child] = depths[branch] + (child is not branch.trunk)
    return max(depths.values())
