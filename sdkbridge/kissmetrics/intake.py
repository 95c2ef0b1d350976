"""
What one tracking request says, by Kissmetrics' rules: from its parameters to an event, properties or an alias.

Source: Kissmetrics' API specifications and technical limitations pages. Where they are silent, as on a time in
milliseconds or an alias to nobody, the request is handled as said here and a remark is left, because Kissmetrics
itself answers the same to a right request and a wrong one.
"""

import math
import re
from collections.abc import Mapping

from attrs import Factory, define, frozen

from sdkbridge.kissmetrics.requests import ALIAS, RECORD, SET

PATHS = frozenset({RECORD, SET, ALIAS})
DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
CUSTOMER_ID = "customer id"
"""Kissmetrics' own name for an identity, not to be sent as a property (its e-commerce and SaaS guides)."""


@frozen(kw_only=True)
class Limits:
    """
    What Kissmetrics takes, in characters, seconds since 1970 UTC and names.

    Attributes:
        longest_name: of an event or a property; the rest is cut off.
        longest_identity: the rest is cut off.
        usual_value: the current limit of a property's value; beyond it a remark is left.
        longest_value: the limit of 2016, 8 KB; the rest is cut off.
        most_names: of events, and again of properties, in one product; beyond it a remark is left.
        earliest_second: 2009-01-01; what is said to be older is dropped.
        milliseconds_from: a time this large can only be meant in milliseconds.
    """

    longest_name: int = 255
    longest_identity: int = 255
    usual_value: int = 512
    longest_value: int = 8192
    most_names: int = 65_535
    earliest_second: int = 1_230_768_000
    milliseconds_from: int = 100_000_000_000


CURRENT = Limits()


@frozen
class Remark:
    """
    Something about a request that its sender should look at.

    Attributes:
        reason: one word for programs, such as ``time_in_future``.
        field: the parameter that it is about; empty if it is about the request as a whole.
    """

    reason: str
    field: str = ""


@frozen
class Name:
    """
    The name of an event or property: what it is known by, and how it was spelt.
    """

    key: str
    spelling: str


@frozen(kw_only=True)
class Record:
    """
    An event, properties, or both, of one identity at one second.
    """

    identity: str
    event: Name | None
    second: int
    properties: tuple[tuple[Name, str], ...] = ()


@frozen(kw_only=True)
class Alias:
    """
    Two identities that are said to be one person.
    """

    identity: str
    other: str
    second: int


@frozen(kw_only=True)
class Reading:
    """
    What came of reading a request: content, or else a rejection.
    """

    content: Record | Alias | None = None
    rejection: Remark | None = None
    notes: tuple[Remark, ...] = ()


def number(text: str) -> float | None:
    """
    Return the number that a text is, or None: Kissmetrics takes "39.95" as a number, negative ones too.
    """
    value = float(text) if DECIMAL.fullmatch(text) else math.inf
    return value if math.isfinite(value) else None


def writable(text: str) -> str:
    """
    Return a text that can be written as UTF-8: bytes that were not UTF-8 arrive as lone surrogates.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def read(path: str, parameters: Mapping[str, str], *, received: int, limits: Limits = CURRENT) -> Reading:
    """
    Read one request that came in at the second ``received``.
    """
    reader = _Reader(parameters, received, limits)
    try:
        return Reading(content=reader.content(path), notes=tuple(reader.notes))
    except _RejectedError as error:
        return Reading(rejection=error.remark)


class _RejectedError(Exception):
    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.remark = Remark(reason, field)


@define
class _Reader:
    parameters: Mapping[str, str]
    received: int
    limits: Limits
    notes: list[Remark] = Factory(list)

    def content(self, path: str) -> Record | Alias:
        if path not in PATHS:
            raise _RejectedError("unknown_path")
        self._require("_k", "no_key")
        for name, value in self.parameters.items():
            if writable(name) != name or writable(value) != value:
                raise _RejectedError("not_utf8", _shown(name))
        self._require("_p", "no_identity")
        return self._alias() if path == ALIAS else self._record(path)

    def _require(self, field: str, reason: str) -> None:
        # Kissmetrics' pages on squished people count an alias to a space among the mistakes.
        if not self.parameters.get(field, "").strip():
            raise _RejectedError(reason, field)

    def _alias(self) -> Alias:
        self._require("_n", "no_other_identity")
        alias = Alias(identity=self._identity("_p"), other=self._identity("_n"), second=self._second())
        if alias.identity == alias.other:
            raise _RejectedError("alias_to_itself", "_n")
        return alias

    def _record(self, path: str) -> Record:
        # A record without an event is a property set: so do Kissmetrics' JavaScript and Ruby libraries.
        event = self.parameters.get("_n", "") if path == RECORD else ""
        record = Record(
            identity=self._identity("_p"),
            event=self._name(event, "_n") if event else None,
            second=self._second(),
            properties=self._properties(),
        )
        if record.event is None and not record.properties:
            raise _RejectedError("nothing_to_record")
        return record

    def _identity(self, field: str) -> str:
        identity = self.parameters[field]
        if len(identity) > self.limits.longest_identity:
            self._note("identity_too_long", field)
        return identity[: self.limits.longest_identity]

    def _name(self, text: str, field: str) -> Name:
        spelling = text.replace(",", " ").replace(":", " ")
        if spelling != text:
            self._note("comma_or_colon", field)
        if len(spelling) > self.limits.longest_name:
            self._note("name_too_long", field)
            spelling = spelling[: self.limits.longest_name]
        return Name(spelling.lower(), spelling)

    def _second(self) -> int:
        # Without _d=1 a time only makes the address unique (Kissmetrics' earliest specification).
        if self.parameters.get("_d") != "1" or "_t" not in self.parameters:
            return self.received
        moment = number(self.parameters["_t"])
        if moment is None or moment >= self.limits.milliseconds_from:
            self._note("time_unreadable" if moment is None else "time_in_milliseconds", "_t")
            return self.received
        second = math.floor(moment)
        if second < self.limits.earliest_second:
            raise _RejectedError("before_2009", "_t")
        if second > self.received:
            self._note("time_in_future", "_t")
        return second

    def _properties(self) -> tuple[tuple[Name, str], ...]:
        found: dict[str, tuple[Name, str]] = {}
        for parameter, value in self.parameters.items():
            if parameter.startswith("_"):
                continue
            if not parameter:
                self._note("property_without_name", "")
                continue
            name = self._name(parameter, parameter)
            if name.key in found:
                self._note("same_name_twice", parameter)
            if name.key == CUSTOMER_ID:
                self._note("customer_id", parameter)
            found[name.key] = (name, self._value(parameter, value))
        return tuple(found.values())

    def _value(self, parameter: str, value: str) -> str:
        if len(value) > self.limits.longest_value:
            self._note("value_cut", parameter)
        elif len(value) > self.limits.usual_value:
            self._note("value_too_long", parameter)
        return value[: self.limits.longest_value]

    def _note(self, reason: str, field: str) -> None:
        self.notes.append(Remark(reason, _shown(field)))


def _shown(parameter: str) -> str:
    return writable(parameter)[: CURRENT.longest_name]
