"""
What Kissmetrics changed, dropped or confused, seen in one line of its export.
"""

import json
from collections.abc import Iterator

from identity.database import Database
from identity.ids import is_placeholder
from sdkbridge.acceptance.spellings import Spellings
from sdkbridge.kissmetrics.export_lines import ExportLine, InvalidExportLine, parse_export_line
from sdkbridge.kissmetrics.intake import read
from sdkbridge.kissmetrics.requests import ALIAS, RECORD, SET, Request
from sdkbridge.mapping.names import compared_name
from sdkbridge.remarks import SENTENCES, Problem

# The local Kissmetrics' words → the bridge's, where they mean the same.
_CODES = {
    "comma_or_colon": Problem.NAME_CHANGED.value,
    "value_too_long": Problem.LONG_VALUE.value,
    "value_cut": Problem.LONG_VALUE.value,
    "same_name_twice": Problem.SAME_NAME_TWICE.value,
    "time_in_future": "future_time",
    "time_in_milliseconds": "milliseconds",
    "time_unreadable": "unreadable_time",
}


def is_export_line(text: bytes) -> bool:
    """
    Tell whether a line is one of an export rather than a call, which may hold ``_p`` among its properties.
    """
    if b'"_p"' not in text:
        return False
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        # Real exports have escapes that are not JSON.
        return True
    return isinstance(members, dict) and "_p" in members


class ExportLint:
    """
    A look at the lines of an export, one after another.

    Args:
        database: where the names are kept that were met.
    """

    def __init__(self, database: Database) -> None:
        self._spellings = Spellings(database)
        self._seconds: set[int] = set()

    def findings(self, text: bytes, *, received: float) -> Iterator[tuple[str, str]]:
        """
        Yield the code and the sentence of each thing that is wrong with a line.

        Args:
            text: the line.
            received: now, in seconds since 1970 UTC.
        """
        try:
            line = parse_export_line(text)
        except InvalidExportLine as error:
            yield _CODES.get(error.reason, error.reason), str(error)
            return
        yield from _placeholders(line)
        path, parameters = _as_request(line)
        reading = read(path, parameters, received=int(received))
        remarks = [*reading.notes, *([reading.rejection] if reading.rejection else [])]
        for remark in remarks:
            code = _CODES.get(remark.reason, remark.reason)
            yield code, f"{_sentence(code)}: {remark.field!r}"
        for warning in self._spellings.remarks((_named(line),)):
            yield warning.code, warning.message
        if line.event is not None and self._is_second(line):
            yield Problem.SAME_SECOND.value, f"another event of this name is in the same second: {line.event!r}"

    def _is_second(self, line: ExportLine) -> bool:
        # A hash each: a file of millions of lines must fit.
        seen = hash((line.identity, compared_name(line.event or ""), line.second))
        if seen in self._seconds:
            return True
        self._seconds.add(seen)
        return False


def _sentence(code: str) -> str:
    return SENTENCES[Problem(code)] if code in set(Problem) else code.replace("_", " ")


def _placeholders(line: ExportLine) -> Iterator[tuple[str, str]]:
    for identity in (line.identity, line.other):
        if identity is not None and is_placeholder(identity):
            yield "placeholder", f"{identity!r} stands for nobody"


def _named(line: ExportLine) -> Request:
    """
    Return a request with the same names.
    """
    path = SET if line.event is None else RECORD
    return Request(path=path, identity=line.identity, name=line.event, properties=tuple(line.properties.items()))


def _as_request(line: ExportLine) -> tuple[str, dict[str, str]]:
    parameters = {"_k": "lint", "_p": line.identity, "_t": str(line.second), "_d": "1", **line.properties}
    if line.other is not None:
        return ALIAS, {**parameters, "_n": line.other}
    return (SET, parameters) if line.event is None else (RECORD, {**parameters, "_n": line.event})
