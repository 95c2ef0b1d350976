"""
What the graph answers: one person, or how much it holds.
"""

from attrs import frozen

from identity.links import Outcome, Verdict
from identity.store import KnownIdentity


@frozen(kw_only=True)
class Person:
    """
    The identities that accepted links join, first seen first.

    Attributes:
        name: the identity that stands for the person: the first named one, else the first one.
        identities: all of them.
        verdicts: the newest verdict on each link that touches one of them, oldest link first.
    """

    name: str
    identities: tuple[KnownIdentity, ...]
    verdicts: tuple[Verdict, ...]


@frozen(kw_only=True)
class GraphCounts:
    """
    How much the graph holds.

    Attributes:
        identities: identities ever seen.
        people: persons that they make up.
        links: number of links by their newest verdict.
    """

    identities: int
    people: int
    links: dict[Outcome, int]
