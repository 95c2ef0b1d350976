"""
A local Kissmetrics: it takes tracking requests and tells which people Kissmetrics would make of them.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import Factory, define, frozen

from identity.clock import Clock, system_clock
from identity.database import Database
from sdkbridge.kissmetrics.intake import CURRENT, Alias, Limits, Reading, Record, Remark, number, read
from sdkbridge.kissmetrics.joined import JoinedIdentities
from sdkbridge.kissmetrics.log import Kind, LoggedRequest, Received, RequestLog
from sdkbridge.kissmetrics.records import Records


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
class Person:
    """
    Somebody whom Kissmetrics counts: the identities that aliases joined, and all that was recorded under them.

    Attributes:
        identities: all that are joined, sorted.
        visible_identities: those under which an event or property was recorded, sorted: the others are neither
            shown nor found in Kissmetrics.
        label: the visible identity with the latest data; Kissmetrics does not say which one it shows.
        event_counts: how often each event happened.
        properties: the values of each property.
    """

    identities: tuple[str, ...]
    visible_identities: tuple[str, ...]
    label: str
    event_counts: Mapping[str, int]
    properties: Mapping[str, PropertyHistory]


class LocalKissmetrics:
    """
    What trk.kissmetrics.io does with requests, and what the reports behind it would show.

    Args:
        database: where requests and what follows from them are kept; its tables are made if missing.
        clock: seconds since 1970 UTC, asked once for each request.
        limits: what is cut, dropped or remarked upon.
    """

    def __init__(self, database: Database, *, clock: Clock = system_clock, limits: Limits = CURRENT) -> None:
        self._database = database
        self._clock = clock
        self._limits = limits
        self._log = RequestLog(database)
        self._records = Records(database)
        self._joined = JoinedIdentities(self._records)
        self._joined.catch_up()

    def __repr__(self) -> str:
        return f"LocalKissmetrics({self._database!r})"

    def receive(self, path: str, parameters: Mapping[str, str]) -> Received:
        """
        Take one request, and keep it whatever it is worth.

        Args:
            path: ``/e`` for an event, ``/s`` for properties, ``/a`` for an alias.
            parameters: all that were sent, ``_k`` among them, decoded.

        Raises:
            StoreError: the database cannot be written; nothing of the request is kept.
        """
        with self._database.transaction():
            received_ms = self._now_ms()
            reading = read(path, parameters, received=received_ms // 1000, limits=self._limits)
            return self._keep(reading, path, parameters, received_ms)

    def reject(self, path: str, parameters: Mapping[str, str], reason: str) -> Received:
        """
        Keep a request that could not be read to its end, for a reason in one word.

        Raises:
            StoreError: the database cannot be written; nothing of the request is kept.
        """
        with self._database.transaction():
            return self._keep(Reading(rejection=Remark(reason)), path, parameters, self._now_ms())

    def people(self, identity: str | None = None, *, api_key: str | None = None) -> list[Person]:
        """
        Return the people as of now, by their identities; somebody without an event or property is not listed.

        Args:
            identity: only the person who is known by it; an empty list if there is none.
            api_key: only the people of that product; otherwise those of all products, one after the other.

        Raises:
            StoreError: the database cannot be read.
        """
        found: list[Person] = []
        with self._database.transaction():
            self._joined.catch_up()
            for product in self._products(api_key):
                members = [None] if identity is None else self._joined.members(product, identity)
                found += self._people_of(product, members)
        return found

    def history(self, identity: str, name: str, *, api_key: str | None = None) -> list[PropertyValue]:
        """
        Return every value that a person's property had, oldest first.

        Raises:
            StoreError: the database cannot be read.
        """
        values: list[PropertyValue] = []
        with self._database.transaction():
            self._joined.catch_up()
            for product in self._products(api_key):
                rows = [
                    row
                    for member in self._joined.members(product, identity)
                    for row in self._records.property_values(product, member, name)
                ]
                values += [PropertyValue(second=second, value=value) for second, _, value in sorted(rows)]
        return values

    def export(self, *, api_key: str | None = None) -> Iterator[dict[str, Any]]:
        """
        Yield the lines that Kissmetrics would export, in order of receipt, up to what is stored at the start.

        An event is ``{"_p", "_t", "_n", …properties}``, properties alone lack ``_n``, and an alias is
        ``{"_p", "_t", "_p2"}``; names are in lower case and values are texts, as in real exports. The database
        is free between two lines, so that a slow reader holds nobody up.

        Args:
            api_key: only the lines of that product; otherwise those of all products.

        Raises:
            StoreError: the database cannot be read.
        """
        last = self._log.last_number()
        if api_key is None:
            yield from self._records.lines(None, last=last)
        for product in [] if api_key is None else self._products(api_key):
            yield from self._records.lines(product, last=last)

    def requests(self) -> Iterator[LoggedRequest]:
        """
        Yield every request that was received, right or wrong, in order of receipt and without its key.

        Raises:
            StoreError: the database cannot be read.
        """
        return self._log.requests()

    def diagnostics(self) -> dict[str, Any]:
        """
        Return what Kissmetrics would not tell: how many requests were dropped or spoilt, why, and examples.

        ``received``; ``stored`` by kind (``events``, ``property_sets``, ``aliases``); ``duplicates``;
        ``rejected`` and ``notes`` by reason; ``examples``, the latest first, each with the ``number`` of the
        request, its ``path``, whether it is ``about`` a rejection, a duplicate or a note, the ``reason`` and
        the ``field``.

        Raises:
            StoreError: the database cannot be read.
        """
        return self._log.diagnostics()

    def _now_ms(self) -> int:
        return math.floor(self._clock() * 1000)

    def _products(self, api_key: str | None) -> list[int]:
        if api_key is None:
            return self._log.products()
        product = self._log.product(api_key)
        return [] if product is None else [product]

    def _keep(self, reading: Reading, path: str, parameters: Mapping[str, str], received_ms: int) -> Received:
        key, number = parameters.get("_k", ""), self._log.last_number() + 1
        product = self._log.ensure_product(key) if key.strip() else None
        if reading.content is None or product is None:
            received = Received(number=number, outcome="rejected", rejection=reading.rejection)
        else:
            received = self._store(number, product, reading.content, reading.notes)
        self._log.append(received, path, parameters, received_ms=received_ms, product=product)
        return received

    def _store(self, number: int, product: int, content: Record | Alias, notes: tuple[Remark, ...]) -> Received:
        kind = _kind(content)
        if not self._records.add(number, product, content):
            return Received(number=number, outcome="duplicate", kind=kind, notes=notes)
        if isinstance(content, Record):
            notes += tuple(self._learn_names(product, content))
        return Received(number=number, outcome="stored", kind=kind, notes=notes)

    def _learn_names(self, product: int, record: Record) -> Iterator[Remark]:
        events = [record.event] if record.event else []
        properties = [name for name, _ in record.properties]
        if (self._records.learn(product, "event", events) or 0) > self._limits.most_names:
            yield Remark("too_many_event_names", "_n")
        if (self._records.learn(product, "property", properties) or 0) > self._limits.most_names:
            yield Remark("too_many_property_names")

    def _people_of(self, product: int, identities: Iterable[str | None]) -> list[Person]:
        gathered: dict[str, _Gathered] = {}
        for identity in identities:
            for _, known_by, event, occurrences, second in self._records.event_counts(product, identity):
                one = gathered.setdefault(self._joined.representative(product, known_by), _Gathered())
                one.add_event(known_by, event, occurrences, second)
            for _, known_by, name, *ends in self._records.property_ends(product, identity):
                one = gathered[self._joined.representative(product, known_by)]
                one.add_property(name, tuple(ends[:3]), tuple(ends[3:]))
        people = [one.person(self._joined.members(product, root)) for root, one in gathered.items()]
        return sorted(people, key=lambda person: person.identities)


Moment = tuple[int, int, str]
"""Second, number of the request, value."""


@define
class _Gathered:
    """
    What was found of one person so far.
    """

    latest: dict[str, int] = Factory(dict)
    counts: dict[str, int] = Factory(dict)
    first: dict[str, Moment] = Factory(dict)
    last: dict[str, Moment] = Factory(dict)

    def add_event(self, identity: str, event: str | None, occurrences: int, second: int) -> None:
        self.latest[identity] = max(second, self.latest.get(identity, second))
        if event is not None:
            self.counts[event] = self.counts.get(event, 0) + occurrences

    def add_property(self, name: str, first: Moment, last: Moment) -> None:
        self.first[name] = min(first, self.first.get(name, first))
        self.last[name] = max(last, self.last.get(name, last))

    def person(self, identities: Iterable[str]) -> Person:
        return Person(
            identities=tuple(sorted(identities)),
            visible_identities=tuple(sorted(self.latest)),
            label=min(self.latest, key=lambda identity: (-self.latest[identity], identity)),
            event_counts=dict(sorted(self.counts.items())),
            properties={
                name: PropertyHistory(first=value, last=self.last[name][2])
                for name, (_, _, value) in sorted(self.first.items())
            },
        )


def _kind(content: Record | Alias) -> Kind:
    if isinstance(content, Alias):
        return "alias"
    return "event" if content.event else "properties"
