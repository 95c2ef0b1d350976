"""
What one can ask a local Kissmetrics: who there is, what they did, and how many did what.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from identity.database import Database
from sdkbridge.kissmetrics.answers import (
    EventCount,
    FunnelStep,
    Happening,
    Occurrence,
    Person,
    PropertyAnswer,
    PropertyChoice,
    PropertyCount,
    PropertyValue,
)
from sdkbridge.kissmetrics.funnel import people_at_each_step
from sdkbridge.kissmetrics.identities import Identities
from sdkbridge.kissmetrics.intake import identity_of, name_of, writable
from sdkbridge.kissmetrics.listing import Listing
from sdkbridge.kissmetrics.log import RequestLog
from sdkbridge.kissmetrics.names import NameKind, Names
from sdkbridge.kissmetrics.property_counts import count_by_property
from sdkbridge.kissmetrics.property_values import PropertyValues
from sdkbridge.kissmetrics.rules import Rules
from sdkbridge.kissmetrics.timeline import timeline


class Questions:
    """
    Questions to one database.

    Names of events and properties are compared without case; identities as the rules say. Every question can be
    narrowed to the product of one ``api_key``. Each is about one moment: an answer that comes in parts does not
    change while it is read. All of them raise `StoreError` if the database cannot be read.
    """

    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self._rules = rules
        self._log = RequestLog(database)
        self._identities = Identities(database)
        self._names = Names(database)
        self._listing = Listing(database, rules)

    def people(self, identity: str | None = None, *, api_key: str | None = None) -> list[Person]:
        """
        Return the people as of now, by their identities; somebody without an event or property is not listed.

        They are read a few hundred at a time, between which others can write.

        Args:
            identity: only the person who is known by it; an empty list if there is none.
            api_key: only the people of that product; otherwise those of all products, one after the other.
        """
        if identity is not None:
            return self._listing.some([person for _, person in self._persons(identity, api_key)])
        return [person for product in self._products(api_key) for person in self._listing.all_of(product)]

    def search(self, text: str, *, limit: int = 50, api_key: str | None = None) -> list[Person]:
        """
        Return the people with a visible identity that contains a text, case set aside.

        Those come first who have the very text as an identity, then those who have it in another case, then by
        the identity that was found. An identity that was only aliased is not found (Kissmetrics' specifications).

        Args:
            text: any part of an identity.
            limit: how many people at most.
            api_key: only those of that product.
        """
        if limit < 0:
            raise ValueError("limit must not be negative")
        found = self._identities.search(writable(text), self._products(api_key), limit=limit)
        return self._listing.some(found)

    def timeline(self, identity: str, *, api_key: str | None = None) -> Iterator[Happening]:
        """
        Yield what one person did, by time and then by order of receipt.

        Args:
            identity: any of the person's; nothing comes of one that is unknown.
            api_key: only what they did in that product; otherwise one product after the other.
        """
        for _, person in self._persons(identity, api_key):
            yield from timeline(self._database, person, history_limit=self._rules.history_limit)

    def history(self, identity: str, name: str, *, api_key: str | None = None) -> list[PropertyValue]:
        """
        Return every value that a person's property had, oldest first.
        """
        return [value for values in self._values(identity, name, api_key) for value in values.history()]

    def property_of(self, identity: str, name: str, *, api_key: str | None = None) -> PropertyAnswer | None:
        """
        Return what a person's property was first and last, by time and then by order of receipt.

        Args:
            identity: any of the person's.
            name: the property.
            api_key: in that product; otherwise in the oldest one that knows of such a value.

        Returns:
            None if the person never had a value.
        """
        answers = (values.ends() for values in self._values(identity, name, api_key))
        return next((answer for answer in answers if answer is not None), None)

    def at_event(
        self,
        identity: str,
        property: str,  # noqa: A002 - Kissmetrics' word
        event: str,
        *,
        occurrence: Occurrence = "last",
        api_key: str | None = None,
    ) -> PropertyValue | None:
        """
        Return what a person's property was when an event happened: the latest value up to that second.

        Args:
            identity: any of the person's.
            property: its name.
            event: its name.
            occurrence: whether the ``last`` or the ``first`` time it happened is meant.
            api_key: in that product; otherwise in the oldest one that knows of such a value.

        Returns:
            None if the event never happened to the person, or the property had no value then.
        """
        for product, person in self._persons(identity, api_key):
            name, happened = self._name(product, "property", property), self._name(product, "event", event)
            if name is not None and happened is not None:
                value = self._values_of(person, name).at_event(happened, occurrence)
                if value is not None:
                    return value
        return None

    def events(self, *, api_key: str | None = None) -> list[EventCount]:
        """
        Return how many people did each event and how often, the event of most people first.

        Reads all records once.

        Args:
            api_key: only the events of that product; otherwise those of all products, one after the other.
        """
        counts = [count for product in self._products(api_key) for count in self._listing.events(product)]
        return sorted(counts, key=lambda count: (-count.people, -count.times, count.event))

    def funnel(
        self, events: Sequence[str], *, within_s: int | None = None, api_key: str | None = None
    ) -> list[FunnelStep]:
        """
        Count the people who did events in an order, each in the second of the one before or later.

        An event named twice must have happened twice.

        Args:
            events: their names, in order.
            within_s: at most so many seconds from the first event to the last.
            api_key: only the people of that product.

        Returns:
            for each event, as it was named, the people who did it after all those before it.
        """
        if within_s is not None and within_s < 0:
            raise ValueError("within_s must not be negative")
        people = Counter[int]()
        for product in self._products(api_key):
            for step, count in enumerate(self._funnel(product, events, within_s)):
                people[step] += count
        return [FunnelStep(event=event, people=people[step]) for step, event in enumerate(events)]

    def counts_by_property(
        self,
        property: str,  # noqa: A002 - Kissmetrics' word
        *,
        event: str | None = None,
        value: PropertyChoice = "last",
        api_key: str | None = None,
    ) -> list[PropertyCount]:
        """
        Count people and their events by the value of a property, most people first.

        Args:
            property: its name.
            event: only people who did it, and only these events; otherwise all people and all events.
            value: whether a person's ``first`` or ``last`` value counts, or at each event the one that the
                property had ``at_event``, so that one person can be counted for several values.
            api_key: only the people of that product.

        Raises:
            ValueError: ``at_event`` without an event.
        """
        if value == "at_event" and event is None:
            raise ValueError("event is required for the value at_event")
        if value not in {"first", "last", "at_event"}:
            raise ValueError("value must be first, last or at_event")
        counts = [
            count for product in self._products(api_key) for count in self._counts(product, property, event, value)
        ]
        return _added(counts)

    def _products(self, api_key: str | None) -> list[int]:
        if api_key is None:
            return self._log.products()
        product = self._log.product(api_key)
        return [] if product is None else [product]

    def _persons(self, identity: str, api_key: str | None) -> list[tuple[int, int]]:
        """
        Return the product and the number of everybody who is known by an identity.
        """
        known_by = identity_of(writable(identity), self._rules)
        found = [(product, self._identities.person(product, known_by)) for product in self._products(api_key)]
        return [(product, person) for product, person in found if person is not None]

    def _name(self, product: int, kind: NameKind, name: str) -> int | None:
        return self._names.number(product, kind, name_of(writable(name), self._rules))

    def _values(self, identity: str, name: str, api_key: str | None) -> Iterator[PropertyValues]:
        for product, person in self._persons(identity, api_key):
            number = self._name(product, "property", name)
            if number is not None:
                yield self._values_of(person, number)

    def _values_of(self, person: int, name: int) -> PropertyValues:
        return PropertyValues(self._database, person, name, history_limit=self._rules.history_limit)

    def _funnel(self, product: int, events: Sequence[str], within_s: int | None) -> list[int]:
        steps: list[int] = []
        for event in events:
            number = self._name(product, "event", event)
            if number is None:
                # Nobody came past an event that never happened.
                break
            steps.append(number)
        limit = self._rules.history_limit
        return people_at_each_step(self._database, steps, within_s=within_s, history_limit=limit)

    def _counts(self, product: int, name: str, event: str | None, choice: PropertyChoice) -> list[PropertyCount]:
        happened = None if event is None else self._name(product, "event", event)
        if event is not None and happened is None:
            return []
        return count_by_property(
            self._database,
            product=product,
            # Without a number nobody has a value, and everybody lacks one.
            property_=self._name(product, "property", name),
            event=happened,
            choice=choice,
            history_limit=self._rules.history_limit,
        )


def _added(counts: Sequence[PropertyCount]) -> list[PropertyCount]:
    people, events = Counter[str | None](), Counter[str | None]()
    for count in counts:
        people[count.value] += count.people
        events[count.value] += count.events
    added = [PropertyCount(value=value, people=people[value], events=events[value]) for value in people]
    return sorted(added, key=lambda one: (-one.people, -one.events, one.value is None, one.value or ""))
