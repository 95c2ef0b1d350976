"""
One line of a Kissmetrics export, read: an event, properties or an alias.

Source: Kissmetrics' pages on the data export and on JSON import, which share the form, and lines of real exports,
some of which spell text that is not ASCII as octal escapes of its UTF-8 bytes, which no JSON reader takes.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NoReturn

from attrs import field, frozen

from sdkbridge.kissmetrics.intake import moment, writable

ESCAPE = re.compile(rb"(?:\\[0-3][0-7][0-7])+|\\.", re.DOTALL)
OCTAL = re.compile(rb"\\([0-3][0-7][0-7])")
OWN = frozenset({"_p", "_t", "_n", "_p2"})
MILLISECONDS_FROM = 100_000_000_000
"""The number from which Kissmetrics' own address builder takes a time for milliseconds."""


class InvalidExportLine(ValueError):
    """
    A line that is not one of an export.

    Attributes:
        reason: one word for programs, such as ``no_identity``.
        field: the member that it is about; empty if it is about the line as a whole.
    """

    def __init__(self, reason: str, problem: str, *, field: str = "") -> None:
        super().__init__(f"{field} {problem}" if field else problem)
        self.reason = reason
        self.field = field


@frozen(kw_only=True)
class ExportLine:
    """
    What one line says.

    Attributes:
        identity: under which it was recorded (``_p``), not the person it belongs to.
        second: when, in whole seconds since 1970 UTC (``_t``).
        event: its name (``_n``); nothing on property sets and aliases.
        other: the second identity (``_p2``); only on aliases.
        properties: names and values as they stand there; a number is the text of the number.
        metadata: what else begins with ``_``, such as ``_c`` and ``_server_timestamp``.
        repaired: whether octal escapes had to be made UTF-8 before it could be read.
    """

    identity: str
    second: int
    event: str | None = None
    other: str | None = None
    properties: Mapping[str, str] = field(factory=dict)
    metadata: Mapping[str, str] = field(factory=dict)
    repaired: bool = False

    def members(self) -> dict[str, str]:
        """
        Return everything in it, as texts.
        """
        own = {"_p": self.identity, "_t": str(self.second), "_n": self.event, "_p2": self.other}
        return {name: text for name, text in own.items() if text is not None} | {
            **self.metadata,
            **self.properties,
        }


def parse_export_line(text: bytes) -> ExportLine:
    r"""
    Read one line of an export or of a JSON import.

    ``_p`` and ``_t`` are required, and one of ``_n``, ``_p2`` and a property. Values may be numbers. Octal escapes
    such as ``\303\241`` are read as the bytes of UTF-8 text.

    Raises:
        InvalidExportLine: it is none, with the first problem found and nothing of its content.
    """
    members, repaired = _members(text)
    line = ExportLine(
        identity=_text(members, "_p", "no_identity"),
        second=_second(members),
        event=members.get("_n") or None,
        other=_text(members, "_p2", "no_other_identity") if "_p2" in members else None,
        properties={name: value for name, value in members.items() if not name.startswith("_")},
        metadata={name: value for name, value in members.items() if name.startswith("_") and name not in OWN},
        repaired=repaired,
    )
    if line.other is not None and (line.event is not None or line.properties):
        raise InvalidExportLine("alias_with_data", "is on a line that records something, too", field="_p2")
    if line.other is None and line.event is None and not line.properties:
        raise InvalidExportLine("nothing_to_record", "the line has no event, property or second identity")
    return line


def second_of(text: str) -> int:
    """
    Return the whole second that a text says.

    Raises:
        InvalidExportLine: it is no time, or one in milliseconds.
    """
    second = moment(text.strip())
    if second is None:
        raise InvalidExportLine("time_unreadable", "is not a number of seconds", field="_t")
    if second >= MILLISECONDS_FROM:
        raise InvalidExportLine("time_in_milliseconds", "is in milliseconds, not in seconds", field="_t")
    return second


def _members(text: bytes) -> tuple[dict[str, str], bool]:
    try:
        try:
            # Without escapes, ASCII is sure to be writable.
            plain = text.isascii() and b"\\" not in text
            return _checked(_loaded(text), plain=plain), False
        except json.JSONDecodeError:
            whole = ESCAPE.sub(_unescaped, text)
            if whole == text:
                raise
            return _checked(_loaded(whole), plain=False), True
    except UnicodeDecodeError:
        raise InvalidExportLine("not_utf8", "the line is not UTF-8") from None
    except (json.JSONDecodeError, RecursionError):
        raise InvalidExportLine("not_json", "the line is not JSON") from None


def _loaded(text: bytes) -> Any:  # noqa: ANN401 - JSON is anything
    return _decoder().decode(text.decode("utf-8-sig"))


@cache
def _decoder() -> json.JSONDecoder:
    # A number stays as it was written, however long.
    return json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_not_a_number)


def _not_a_number(_: str) -> NoReturn:
    raise InvalidExportLine("not_json", "the line has a number that JSON does not have")


def _unescaped(found: re.Match[bytes]) -> bytes:
    # A backslash that is itself escaped is found first, so that its digits are never taken for an octal escape.
    characters = bytes(int(octal, 8) for octal in OCTAL.findall(found[0]))
    if not characters:
        return found[0]
    return b"".join(
        b"\\u%04x" % character if character < 0x20 or character in b'"\\' else bytes([character])
        for character in characters
    )


def _checked(members: object, *, plain: bool) -> dict[str, str]:
    if not isinstance(members, dict):
        raise InvalidExportLine("not_an_object", "the line is not a JSON object")
    for name, value in members.items():
        if not isinstance(value, str):
            raise InvalidExportLine("value_not_text", "is neither a text nor a number", field=_shown(name))
        if not plain and (writable(name) != name or writable(value) != value):
            raise InvalidExportLine("not_utf8", "is not UTF-8", field=_shown(name))
    return members


def _text(members: dict[str, str], name: str, reason: str) -> str:
    text = members.get(name, "")
    if not text.strip():
        raise InvalidExportLine(reason, "is missing or blank", field=name)
    return text


def _second(members: dict[str, str]) -> int:
    if "_t" not in members:
        raise InvalidExportLine("no_time", "is missing", field="_t")
    return second_of(members["_t"])


def _shown(name: str) -> str:
    return writable(name)[:255]
