"""
What one learns about people by asking: the values that the local Kissmetrics answers with.
"""

from collections.abc import Mapping
from typing import Literal

from attrs import frozen

from sdkbridge.kissmetrics.intake import number
from sdkbridge.kissmetrics.log import Kind


@frozen
class PropertyHistory:
    """
    The first and the last value of a person's property, by time and then by order of receipt.
    """

    first: str
    last: str


@frozen(kw_only=True)
class PropertyValue:
    """
    One value that a person's property had.

    Attributes:
        second: since when, in seconds since 1970 UTC.
        value: as it was sent.
    """

    second: int
    value: str

    @property
    def number(self) -> float | None:
        """
        The number that the value is: Kissmetrics sums and averages "39.95", and exports it as text.
        """
        return number(self.value)


@frozen(kw_only=True)
class PropertyAnswer:
    """
    The first and the last value of one person's property, each with its time.
    """

    first: PropertyValue
    last: PropertyValue


@frozen(kw_only=True)
class Person:
    """
    Somebody whom Kissmetrics counts: the identities that aliases joined, and all that was recorded under them.

    Attributes:
        identities: all that are joined, sorted.
        visible_identities: those under which an event or property was recorded, sorted: the others are neither
            shown nor found in Kissmetrics.
        label: one visible identity, chosen by the rule ``label``; Kissmetrics does not say which one it shows.
        event_counts: how often each event happened.
        properties: the values of each property.
    """

    identities: tuple[str, ...]
    visible_identities: tuple[str, ...]
    label: str
    event_counts: Mapping[str, int]
    properties: Mapping[str, PropertyHistory]


@frozen(kw_only=True)
class Happening:
    """
    One thing that a person did, or that was said of them.

    Attributes:
        second: when, in seconds since 1970 UTC.
        kind: ``event``, ``properties`` or ``alias``.
        name: the event, the other identity of an alias, nothing for properties alone.
        identity: under which it was sent.
        properties: names and values that came with it.
    """

    second: int
    kind: Kind
    name: str | None
    identity: str
    properties: Mapping[str, str]


@frozen
class EventCount:
    """
    One event, how many people did it, and how often in all.
    """

    event: str
    people: int
    times: int


@frozen(kw_only=True)
class FunnelStep:
    """
    One event of a funnel, and how many people came as far as this.
    """

    event: str
    people: int


@frozen(kw_only=True)
class PropertyCount:
    """
    Who has one value of a property.

    Attributes:
        value: as it was sent; None for those without any, whom Kissmetrics shows as None/Direct.
        people: how many they are.
        events: how many events they did.
    """

    value: str | None
    people: int
    events: int


PropertyChoice = Literal["first", "last", "at_event"]
Occurrence = Literal["first", "last"]
