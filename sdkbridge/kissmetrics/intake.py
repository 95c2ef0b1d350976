"""
What one tracking request says, by Kissmetrics' rules: from its parameters to an event, properties or an alias.

Source: Kissmetrics' API specifications and technical limitations pages. Where they are silent, as on a time in
milliseconds or an alias to nobody, the request is handled as said here and a remark is left, because Kissmetrics
itself answers the same to a right request and a wrong one.
"""

import math
from collections.abc import Mapping

from attrs import Factory, define, frozen

from sdkbridge.kissmetrics.requests import ALIAS, RECORD, SET
from sdkbridge.kissmetrics.rules import DEFAULT, Rules
from sdkbridge.values.javascript import DECIMAL

PATHS = frozenset({RECORD, SET, ALIAS})
CUSTOMER_ID = "customer id"
"""Kissmetrics' own name for an identity, not to be sent as a property (its e-commerce and SaaS guides)."""


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

    Attributes:
        identity: under which it was recorded.
        event: its name; nothing if only properties were set.
        second: when, in seconds since 1970 UTC.
        properties: names and values, each name once.
        dated: whether its sender said when; otherwise the second is that of its receipt.
    """

    identity: str
    event: Name | None
    second: int
    properties: tuple[tuple[Name, str], ...] = ()
    dated: bool = False


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


def moment(text: str) -> int | None:
    """
    Return the whole second that a text says, its fraction cut off, or None.
    """
    value = number(text)
    return None if value is None else math.floor(value)


def name_of(text: str, rules: Rules = DEFAULT) -> Name:
    """
    Return what the name of an event or property becomes: ``,`` and ``:`` are spaces, and case does not count.
    """
    spelling = _without_separators(text)[: rules.longest_name]
    # Some letters become longer in lower case.
    return Name(spelling.lower()[: rules.longest_name], spelling)


def identity_of(text: str, rules: Rules = DEFAULT) -> str:
    """
    Return what an identity becomes: cut at its limit, and changed as the rules say.
    """
    text = _without_separators(text) if rules.replace_in_identities else text
    return (text.lower() if rules.fold_identities else text)[: rules.longest_identity]


def _without_separators(text: str) -> str:
    return text.replace(",", " ").replace(":", " ")


def writable(text: str) -> str:
    """
    Return a text that can be written as UTF-8: bytes that were not UTF-8 arrive as lone surrogates.
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def read(path: str, parameters: Mapping[str, str], *, received: int, rules: Rules = DEFAULT) -> Reading:
    """
    Read one request that came in at the second ``received``.
    """
    reader = _Reader(parameters, received, rules)
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
    rules: Rules
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
        identity, other = self._identity("_p"), self._identity("_n")
        if identity == other:
            raise _RejectedError("alias_to_itself", "_n")
        second, _ = self._second()
        return Alias(identity=identity, other=other, second=second)

    def _record(self, path: str) -> Record:
        # A record without an event is a property set: so do Kissmetrics' JavaScript and Ruby libraries.
        event = self.parameters.get("_n", "") if path == RECORD else ""
        identity = self._identity("_p")
        named = self._name(event, "_n") if event else None
        second, dated = self._second()
        properties = self._properties()
        if named is None and not properties:
            raise _RejectedError("nothing_to_record")
        return Record(identity=identity, event=named, second=second, properties=properties, dated=dated)

    def _identity(self, field: str) -> str:
        sent = self.parameters[field]
        if len(sent) > self.rules.longest_identity:
            self._note("identity_too_long", field)
        identity = identity_of(sent, self.rules)
        if not identity.strip():
            raise _RejectedError("no_identity" if field == "_p" else "no_other_identity", field)
        return identity

    def _name(self, text: str, field: str) -> Name:
        if "," in text or ":" in text:
            self._note("comma_or_colon", field)
        if len(text) > self.rules.longest_name:
            self._note("name_too_long", field)
        return name_of(text, self.rules)

    def _second(self) -> tuple[int, bool]:
        """
        Return when it happened, and whether its sender said so.
        """
        # Without _d=1 a time only makes the address unique (Kissmetrics' earliest specification).
        if self.parameters.get("_d") != "1" or "_t" not in self.parameters:
            return self.received, False
        second = moment(self.parameters["_t"])
        unusable = self._unusable(second)
        if second is None or unusable:
            self._note(unusable or "time_unreadable", "_t")
            return self.received, False
        if second < self.rules.earliest_second:
            raise _RejectedError("before_2009", "_t")
        if second > self.received:
            self._note("time_in_future", "_t")
        return second, True

    def _unusable(self, second: int | None) -> str | None:
        if second is None:
            return "time_unreadable"
        if second >= self.rules.milliseconds_from:
            return "time_in_milliseconds"
        ahead = self.rules.max_future_s
        return "time_too_far_ahead" if ahead is not None and second > self.received + ahead else None

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
        if len(value) > self.rules.longest_value:
            self._note("value_cut", parameter)
        elif len(value) > self.rules.usual_value:
            self._note("value_too_long", parameter)
        return value[: self.rules.longest_value]

    def _note(self, reason: str, field: str) -> None:
        self.notes.append(Remark(reason, _shown(field)))


def _shown(parameter: str) -> str:
    return writable(parameter)[: DEFAULT.longest_name]
