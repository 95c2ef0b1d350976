"""
What the local Kissmetrics shows, by address: for HTTP, and for whoever asks a file the same questions.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import attrs

from sdkbridge.kissmetrics.answers import Occurrence, PropertyChoice
from sdkbridge.kissmetrics.intake import number, writable
from sdkbridge.kissmetrics.people import LocalKissmetrics, Person

Parameters = Sequence[tuple[str, str]]
Answer = dict[str, Any] | Iterator[dict[str, Any]]
"""One JSON object, or a line of JSON for each of many."""

Choice = TypeVar("Choice", bound=str)

# The first of each is the usual one.
OCCURRENCES: Sequence[Occurrence] = ("last", "first")
CHOICES: Sequence[PropertyChoice] = ("last", "first", "at_event")
USUALLY_FOUND = 50
MOST_FOUND = 1000


class UnclearQuestion(ValueError):
    """
    A parameter that is missing or means nothing.

    Attributes:
        field: which one.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field = field


class NoSuchPage(LookupError):
    """
    An address at which nothing is shown.
    """


def show(kissmetrics: LocalKissmetrics, path: str, parameters: Parameters) -> Answer:
    """
    Answer a question.

    Args:
        kissmetrics: what is asked.
        path: such as ``/people``.
        parameters: names and values, decoded, in order; ``_k`` narrows to one product.

    Raises:
        NoSuchPage: nothing is shown there.
        UnclearQuestion: a parameter is missing or means nothing.
        StoreError: the database cannot be read.
    """
    page = PAGES.get(path)
    if page is None:
        raise NoSuchPage(path)
    return page(kissmetrics, _Question(parameters))


class _Question:
    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        for name, value in parameters:
            if writable(name) != name or writable(value) != value:
                raise UnclearQuestion("a parameter", "is not UTF-8")

    @property
    def key(self) -> str | None:
        return self.get("_k")

    def takes(self, *names: str) -> None:
        """
        Refuse other parameters: one that is misspelt would not narrow anything, and nobody would notice.
        """
        if any(name not in {*names, "_k"} for name, _ in self._parameters):
            raise UnclearQuestion("this address", f"takes only {', '.join([*names, '_k'])}")

    def all(self, name: str) -> list[str]:
        return [value for one, value in self._parameters if one == name]

    def get(self, name: str) -> str | None:
        return next(iter(reversed(self.all(name))), None)

    def need(self, name: str) -> str:
        value = self.get(name)
        if not value:
            raise UnclearQuestion(name, "is required")
        return value

    def whole(self, name: str, *, least: int, most: int) -> int | None:
        text = self.get(name)
        if text is None:
            return None
        value = number(text)
        if value is None or not value.is_integer() or not least <= value <= most:
            raise UnclearQuestion(name, f"must be a whole number from {least} to {most}")
        return int(value)

    def one_of(self, name: str, choices: Sequence[Choice]) -> Choice:
        value = self.get(name) or choices[0]
        for choice in choices:
            if choice == value:
                return choice
        raise UnclearQuestion(name, f"must be one of {', '.join(choices)}")


def _people(kissmetrics: LocalKissmetrics, question: _Question) -> Answer:
    people = kissmetrics.people(question.get("identity"), api_key=question.key)
    return {"people": [_person(person) for person in people]}


def _search(kissmetrics: LocalKissmetrics, question: _Question) -> Answer:
    question.takes("text", "limit")
    limit = question.whole("limit", least=1, most=MOST_FOUND) or USUALLY_FOUND
    people = kissmetrics.search(question.need("text"), limit=limit + 1, api_key=question.key)
    return {"people": [_person(person) for person in people[:limit]], "more": len(people) > limit}


def _timeline(kissmetrics: LocalKissmetrics, question: _Question) -> Answer:
    question.takes("identity")
    happenings = kissmetrics.timeline(question.need("identity"), api_key=question.key)
    return (attrs.asdict(happening) for happening in happenings)


def _property(kissmetrics: LocalKissmetrics, question: _Question) -> Answer:
    question.takes("identity", "name", "event", "occurrence")
    identity, name, event = question.need("identity"), question.need("name"), question.get("event")
    if event is None:
        if question.get("occurrence") is not None:
            raise UnclearQuestion("occurrence", "goes only with event")
        history = kissmetrics.property_of(identity, name, api_key=question.key)
        return attrs.asdict(history) if history else {"first": None, "last": None}
    occurrence = question.one_of("occurrence", OCCURRENCES)
    value = kissmetrics.at_event(
        identity, name, question.need("event"), occurrence=occurrence, api_key=question.key
    )
    return {"at_event": attrs.asdict(value) if value else None}


def _funnel(kissmetrics: LocalKissmetrics, question: _Question) -> Answer:
    question.takes("event", "within")
    events = question.all("event")
    if not all(events) or not events:
        raise UnclearQuestion("event", "is required")
    within_s = question.whole("within", least=0, most=10**12)
    steps = kissmetrics.funnel(events, within_s=within_s, api_key=question.key)
    return {"steps": [attrs.asdict(step) for step in steps]}


def _counts(kissmetrics: LocalKissmetrics, question: _Question) -> Answer:
    question.takes("property", "event", "value")
    event, value = question.get("event"), question.one_of("value", CHOICES)
    if value == "at_event" and not event:
        raise UnclearQuestion("event", "is required with value=at_event")
    counts = kissmetrics.counts_by_property(
        question.need("property"), event=event, value=value, api_key=question.key
    )
    return {"counts": [attrs.asdict(count) for count in counts]}


def _export(kissmetrics: LocalKissmetrics, question: _Question) -> Answer:
    return kissmetrics.export(api_key=question.key)


def _requests(kissmetrics: LocalKissmetrics, _: _Question) -> Answer:
    return (attrs.asdict(request) for request in kissmetrics.requests())


def _diagnostics(kissmetrics: LocalKissmetrics, _: _Question) -> Answer:
    return kissmetrics.diagnostics()


def _person(person: Person) -> dict[str, Any]:
    return {
        "identities": person.identities,
        "visible_identities": person.visible_identities,
        "event_counts": person.event_counts,
        "properties": {name: attrs.asdict(history) for name, history in person.properties.items()},
    }


PAGES: Mapping[str, Callable[[LocalKissmetrics, _Question], Answer]] = {
    "/people": _people,
    "/search": _search,
    "/timeline": _timeline,
    "/property": _property,
    "/funnel": _funnel,
    "/counts": _counts,
    "/export": _export,
    "/diagnostics": _diagnostics,
    "/requests": _requests,
}
