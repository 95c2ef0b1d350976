"""
What there is to draw, before anything has a place.
"""

from enum import StrEnum

from attrs import frozen


class Shape(StrEnum):
    """
    The outline of an identity.
    """

    ACCOUNT = "account"
    EMAIL = "email"
    PHONE = "phone"
    ANONYMOUS = "anonymous"
    GENERATED = "generated"
    PLACEHOLDER = "placeholder"
    OTHER = "other"


class Stroke(StrEnum):
    """
    How a link is drawn.
    """

    MERGED = "merged"
    KNOWN = "known"
    HELD = "held"
    REFUSED = "refused"
    BLAMED = "blamed"


@frozen(kw_only=True)
class Node:
    """
    An identity.

    Attributes:
        name: what it is called.
        shape: its outline.
        at_ms: when it was first seen, in milliseconds since 1970 UTC, if that is known.
        note: a few words beside it.
        guest: whether it belongs to another person.
    """

    name: str
    shape: Shape
    at_ms: int | None = None
    note: str = ""
    guest: bool = False


@frozen(kw_only=True)
class Tie:
    """
    A link.

    Attributes:
        older: the name of the node that was there before.
        newer: the name of the other one.
        at_ms: when it was made.
        words: what it says.
        stroke: how it is drawn.
    """

    older: str
    newer: str
    at_ms: int
    words: str
    stroke: Stroke


@frozen(kw_only=True)
class Group:
    """
    Nodes that are drawn together.

    Attributes:
        title: a few words above them; without any, they have no frame.
        nodes: who they are.
    """

    title: str = ""
    nodes: tuple[Node, ...]


@frozen(kw_only=True)
class Sketch:
    """
    A picture to be.

    Attributes:
        title: what it shows.
        description: the same in a sentence or two, for those who do not see it.
        groups: from top to bottom.
        ties: the links between nodes of any groups.
        about: a line under the title.
    """

    title: str
    description: str
    groups: tuple[Group, ...]
    ties: tuple[Tie, ...]
    about: str = ""
