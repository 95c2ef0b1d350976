"""
Arrays: Kissmetrics knows none, so each becomes one text.

An array of single values is joined as JavaScript joins it: commas without spaces, nested arrays run together,
nothing in the place of null. One with objects in it becomes JSON. The walk is not recursive: what a caller nests
or loops must not exhaust the stack.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Literal, cast

from attrs import Factory, define, frozen

from sdkbridge.options import MappingOptions
from sdkbridge.remarks import Problem
from sdkbridge.values.plain import Plain, Unusable, member_name, plain, usual_text, written
from sdkbridge.values.times import javascript_date_text, strict_date

ARRAYS = (list, tuple, set, frozenset)
"""What is taken for an array, as Segment's Python library does."""

MOST_VALUES = 65_535
"""Values that are looked at in one call: as many as Kissmetrics keeps property names in a whole product."""

OBJECT = "[object Object]"
"""What JavaScript writes for an object in a joined array."""


class TooManyValuesError(Exception):
    """
    The allowance of a call is used up.
    """


@define
class Allowance:
    """
    How many more values of a call are looked at: a few shared lists can stand for more than fit in memory.
    """

    left: int = MOST_VALUES

    def take(self) -> None:
        """
        Count one more value.

        Raises:
            TooManyValuesError: it was one too many.
        """
        self.left -= 1
        if self.left < 0:
            raise TooManyValuesError


@frozen
class ArrayText:
    """
    The text of an array, or None if it is left out; and what was wrong with it or with parts of it.
    """

    text: str | None
    problems: tuple[Problem, ...] = ()


def array_text(array: Iterable[Any], options: MappingOptions, allowance: Allowance) -> ArrayText:
    """
    Return the one text of an array; the place of a part that cannot be sent stays empty.

    Raises:
        TooManyValuesError: the allowance was used up.
    """
    if type(array) is list and len(array) <= allowance.left:
        usual = usual_array_text(array, options)
        if usual is not None:
            allowance.left -= len(array)
            return ArrayText(usual)
    walk = _Walk(options, allowance, into_objects=options.object_array == "json")
    steps = list(walk.through(array))
    if not walk.met_object:
        text: str | None = _joined(steps, options)
    elif options.object_array == "json":
        text = _json(steps, options)
    elif options.object_array == "js":
        text = _joined(steps, options)
    else:
        return ArrayText(None, (Problem.OBJECT_ARRAY,))
    return ArrayText(text, tuple(walk.problems))


def usual_array_text(array: list[Any], options: MappingOptions) -> str | None:
    """
    Return the text of an array of single values as nearly all are, or None for one that needs a closer look.
    """
    texts = [usual_text(member, options) for member in array]
    return None if None in texts else ",".join(cast("list[str]", texts))


def object_text(values: Mapping[Any, Any], options: MappingOptions, allowance: Allowance) -> ArrayText:
    """
    Return the one text of an object that is not flattened, as it would be in an array.

    Raises:
        TooManyValuesError: the allowance was used up.
    """
    if options.object_array == "js":
        return ArrayText(OBJECT)
    if options.object_array == "drop":
        return ArrayText(None, (Problem.OBJECT_ARRAY,))
    return json_text(values, options, allowance)


def json_text(values: Iterable[Any], options: MappingOptions, allowance: Allowance) -> ArrayText:
    """
    Return an array or object as JSON.

    Raises:
        TooManyValuesError: the allowance was used up.
    """
    walk = _Walk(options, allowance, into_objects=True)
    text = _json(list(walk.through(values)), options)
    return ArrayText(text, tuple(walk.problems))


@frozen
class _Step:
    """
    A container that begins or ends, or a single value; with its name if it stands in an object.
    """

    kind: Literal["begin", "end", "value"]
    name: str | None
    value: Any


@frozen
class _Level:
    """
    An array or object that is being looked through.
    """

    container: Iterable[Any]
    members: Iterator[tuple[Any, Any]]


@define
class _Walk:
    options: MappingOptions
    allowance: Allowance
    into_objects: bool
    met_object: bool = False
    problems: dict[Problem, None] = Factory(dict)

    def through(self, array: Iterable[Any]) -> Iterator[_Step]:
        levels = [_Level(array, _members(array))]
        around = {id(array)}
        yield _Step("begin", None, array)
        while levels:
            container = levels[-1].container
            member = next(levels[-1].members, None)
            if member is None:
                levels.pop()
                around.discard(id(container))
                yield _Step("end", None, container)
                continue
            self.allowance.take()
            key, value = member
            name = self._name(key) if isinstance(container, Mapping) else None
            if isinstance(container, Mapping) and name is None:
                continue
            if id(value) in around:
                self.problems[Problem.CONTAINS_ITSELF] = None
                yield _Step("value", name, None)
            elif self._is_entered(value):
                levels.append(_Level(value, _members(value)))
                around.add(id(value))
                yield _Step("begin", name, value)
            else:
                yield _Step("value", name, self._single(value))

    def _name(self, key: object) -> str | None:
        name = member_name(key, self.options)
        if isinstance(name, Unusable):
            self.problems[name.problem] = None
            return None
        return name

    def _is_entered(self, value: object) -> bool:
        if isinstance(value, Mapping):
            self.met_object = True
            return self.into_objects
        return isinstance(value, ARRAYS)

    def _single(self, value: object) -> Plain:
        single = OBJECT if isinstance(value, Mapping) else self._date(value) or plain(value)
        if isinstance(single, Unusable):
            self.problems[single.problem] = None
            return None
        return single

    def _date(self, value: object) -> str | None:
        if self.options.array_dates == "keep":
            return None
        moment = strict_date(value) if isinstance(value, str) and self.options.iso_dates == "unix" else value
        return javascript_date_text(moment) if isinstance(moment, date) else None


def _members(container: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    if isinstance(container, Mapping):
        return iter(container.items())
    if isinstance(container, set | frozenset):
        # Sets have no order, and the same call must give the same text each time.
        container = sorted(container, key=lambda member: str(plain(member)))
    return ((None, member) for member in container)


def _joined(steps: list[_Step], options: MappingOptions) -> str:
    texts = []
    for step in steps:
        if step.kind == "value":
            texts.append(written(step.value, options))
        elif step.kind == "begin" and not step.value:
            texts.append("")
    return ",".join(texts)


def _json(steps: list[_Step], options: MappingOptions) -> str:
    parts = []
    first = True
    for step in steps:
        if step.kind == "end":
            parts.append("}" if isinstance(step.value, Mapping) else "]")
            first = False
            continue
        if not first:
            parts.append(",")
        if step.name is not None:
            parts.append(f"{_quoted(step.name)}:")
        first = step.kind == "begin"
        if first:
            parts.append("{" if isinstance(step.value, Mapping) else "[")
        else:
            parts.append(_json_value(step.value, options))
    return "".join(parts)


def _json_value(value: Plain, options: MappingOptions) -> str:
    if value is None:
        return "null"
    return _quoted(value) if isinstance(value, str) else written(value, options)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
