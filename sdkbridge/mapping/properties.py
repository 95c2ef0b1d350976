"""
Values become properties: named, and checked against what Kissmetrics makes of names and values.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from attrs import Factory, define

from sdkbridge.kissmetrics.requests import NEVER_TAKEN, RESERVED
from sdkbridge.mapping.glance import at_a_glance
from sdkbridge.mapping.names import Naming, compared_name, fitting_name, remark_on_name
from sdkbridge.options import MappingOptions
from sdkbridge.remarks import Problem, Remarks
from sdkbridge.values.brackets import bracketed
from sdkbridge.values.flattening import LONGEST_VALUE, Walk
from sdkbridge.values.plain import is_writable

Properties = tuple[tuple[str, str], ...]


def key_of(values: Mapping[Any, Any], name: str) -> str | None:
    """
    Return the key under which an object has a name, whatever its case, as Segment's libraries look names up.
    """
    if name in values:
        return name
    return _other_spelling(tuple(values), name) if len(values) <= MOST_NAMES_REMEMBERED else _spelt(values, name)


def _spelt(keys: Iterable[Any], name: str) -> str | None:
    size = len(name)
    for key in keys:
        if isinstance(key, str) and len(key) == size and key.lower() == name:
            return key
    return None


MOST_NAMES_REMEMBERED = 64
_other_spelling = lru_cache(maxsize=1024)(_spelt)
"""The names of a call's properties come together again and again."""


def properties_of(
    values: Mapping[Any, Any],
    *,
    own: Mapping[str, str],
    naming: Naming,
    options: MappingOptions,
    remarks: Remarks,
    clean: bool = True,
) -> Properties:
    """
    Return the properties that are sent for an object.

    Args:
        values: what the caller said.
        own: what the call itself says, sent as it is; it takes the place of what the caller calls the same.
        naming: how they are named.
        options: how values are written.
        remarks: where problems are noted, by name.
        clean: whether nested values are flattened; otherwise they go in brackets.
    """
    glanced = at_a_glance(values, own, naming=naming, options=options, remarks=remarks) if clean else None
    return (
        properties_one_by_one(values, own=own, naming=naming, options=options, remarks=remarks, clean=clean)
        if glanced is None
        else glanced
    )


def properties_one_by_one(
    values: Mapping[Any, Any],
    *,
    own: Mapping[str, str],
    naming: Naming,
    options: MappingOptions,
    remarks: Remarks,
    clean: bool = True,
) -> Properties:
    """
    Return the same, whatever the properties are.
    """
    sheet = _Sheet(naming, options, remarks)
    for name, text in own.items():
        sheet.add_own(name, text)
    if clean:
        Walk(options, sheet.add).through(values)
    else:
        for leaf in bracketed(values, options):
            sheet.add(*leaf)
    return tuple(sheet.texts.items())


@define
class _Sheet:
    naming: Naming
    options: MappingOptions
    remarks: Remarks
    texts: dict[str, str] = Factory(dict)
    own: dict[str, str] = Factory(dict)
    taken: set[str] = Factory(set)

    def add_own(self, name: str, text: str) -> None:
        """
        Take what the call itself says: a text already, so an identity that looks like a date stays what it is.
        """
        if not is_writable(text):
            self.add(name, None, (Problem.HALF_CHARACTER,), ())
            return
        full = self.add(name, text, (), ())
        if full is not None:
            self.own[compared_name(full)] = text

    def add(
        self, said: str, text: str | None, problems: tuple[Problem, ...], notes: tuple[Problem, ...]
    ) -> str | None:
        """
        Take a value; return its full name if it is sent.
        """
        name = self.naming.name(said)
        for problem in problems:
            self.remarks.add(problem, name.full)
        if text is None:
            return None
        if not name.is_usual:
            sent = self._add_unusual(said, name.full, text)
        elif name.compared in self.taken:
            sent = self._add_again(name.full, name.compared, text)
        else:
            self.taken.add(name.compared)
            sent = self._put(name.full, text)
        if notes and sent is not None:
            for note in notes:
                self.remarks.add(note, sent)
        return sent

    def _put(self, name: str, text: str) -> str:
        if len(text) > LONGEST_VALUE:
            self.remarks.add(Problem.LONG_VALUE, name)
        self.texts[name] = text
        return name

    def _add_again(self, name: str, compared: str, text: str) -> str | None:
        """
        Take a value under a name that, to Kissmetrics, was there before.
        """
        if compared not in self.own:
            self.remarks.add(Problem.SAME_NAME_TWICE, name)
            return self._put(name, text)
        if self.own[compared] != text:
            self.remarks.add(Problem.REPLACED_PROPERTY, name)
        return None

    def _add_unusual(self, said: str, full: str, text: str) -> str | None:
        """
        Take a value under a name that needs a closer look.
        """
        name = self._usable(said, full)
        if name is None:
            return None
        compared = compared_name(name)
        if compared in self.taken and self._add_again(name, compared, text) is None:
            return None
        self.taken.add(compared)
        remark_on_name(name, self.remarks)
        return self._put(name, text)

    def _usable(self, said: str, full: str) -> str | None:
        """
        Return a name as it is sent, or None if it cannot be.
        """
        if not said:
            self.remarks.add(Problem.EMPTY_NAME)
            return None
        if full.lower() in RESERVED:
            taken = self.options.allow_reserved and full.lower() not in NEVER_TAKEN
            self.remarks.add(Problem.RESERVED_SENT if taken else Problem.RESERVED_NAME, full)
            return full if taken else None
        return fitting_name(full, self.options, self.remarks)
