"""
Objects become single values: every one under the names on the way to it, joined by dots.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import Factory, define, frozen

from sdkbridge.arrays import ARRAYS, Allowance, TooManyValuesError, array_text, object_text
from sdkbridge.options import MappingOptions
from sdkbridge.plain import Unusable, member_name, plain, written, written_date
from sdkbridge.remarks import Problem

LONGEST_NAME = 255
"""Characters of an event's or property's name (Kissmetrics' technical limitations)."""


@frozen
class Leaf:
    """
    A single value somewhere in an object.

    Attributes:
        name: where it stands, such as ``address.city``.
        text: its text, or None if it is left out: it says nothing, or cannot be sent.
        problems: why it, or a part of it, is left out; none if it just says nothing.
    """

    name: str
    text: str | None
    problems: tuple[Problem, ...] = ()


def flatten(values: Mapping[Any, Any], options: MappingOptions) -> Iterator[Leaf]:
    """
    Find every single value in an object, in order, under the names on the way to it joined by dots.

    What says nothing (null, NaN, an empty text, array or object) has no text, unless the options send it. Not
    recursive, and ends for every structure: a way that is longer than any name may be is not followed.
    """
    return _Flattening(options).leaves(values)


@define
class _Level:
    """
    An object that is being looked through, and the way to it.
    """

    way: str
    values: Mapping[Any, Any]
    members: Iterator[tuple[Any, Any]]


@define
class _Flattening:
    options: MappingOptions
    allowance: Allowance = Factory(Allowance)
    levels: list[_Level] = Factory(list)
    reached: str = ""

    def leaves(self, values: Mapping[Any, Any]) -> Iterator[Leaf]:
        self._enter("", values)
        try:
            while self.levels:
                member = next(self.levels[-1].members, None)
                if member is None:
                    self.levels.pop()
                    continue
                self.allowance.take()
                yield from self._member(*member)
        except TooManyValuesError:
            yield Leaf(self.reached, None, (Problem.TOO_MANY_VALUES,))

    def _member(self, key: object, value: object) -> Iterator[Leaf]:
        name = self._reach(key)
        if isinstance(name, Unusable):
            yield Leaf(self.reached, None, (name.problem,))
        elif not isinstance(value, Mapping):
            yield self._leaf(value)
        elif any(value is level.values for level in self.levels):
            yield Leaf(self.reached, None, (Problem.CONTAINS_ITSELF,))
        elif len(self.reached) > LONGEST_NAME:
            yield Leaf(self.reached, None, (Problem.NAME_TOO_LONG,))
        elif self._is_nested and value and self.options.flatten_objects == "one_level":
            whole = object_text(value, self.options, self.allowance)
            yield Leaf(self.reached, whole.text, whole.problems)
        else:
            way = self.reached
            if self._is_nested and value and self.options.flatten_objects == "first_branch":
                yield from self._lose_the_rest()
            self._enter(f"{way}.", value)

    @property
    def _is_nested(self) -> bool:
        return len(self.levels) > 1

    def _enter(self, way: str, values: Mapping[Any, Any]) -> None:
        self.levels.append(_Level(way, values, iter(values.items())))

    def _reach(self, key: object) -> str | Unusable:
        name = member_name(key, self.options)
        self.reached = f"{self.levels[-1].way}{_shown(key) if isinstance(name, Unusable) else name}"
        return name

    def _lose_the_rest(self) -> Iterator[Leaf]:
        """
        Go past what Segment's browser integration never came back to.
        """
        for key, _ in self.levels[-1].members:
            self.allowance.take()
            self._reach(key)
            yield Leaf(self.reached, None, (Problem.LOST_SIBLING,))

    def _leaf(self, value: object) -> Leaf:
        if isinstance(value, ARRAYS):
            array = array_text(value, self.options, self.allowance)
            return Leaf(self.reached, self._unless_empty(array.text), array.problems)
        dated = written_date(value, self.options, nested=self._is_nested)
        if dated is not None:
            return Leaf(self.reached, dated)
        single = plain(value)
        if isinstance(single, Unusable):
            return Leaf(self.reached, None, (single.problem,))
        if single is None:
            return Leaf(self.reached, "" if self._is_nested and self.options.nested_null == "empty" else None)
        return Leaf(self.reached, self._unless_empty(written(single, self.options)))

    def _unless_empty(self, text: str | None) -> str | None:
        return text if self.options.send_empty else text or None


def _shown(key: object) -> str:
    return key if isinstance(key, str) else f"({type(key).__name__})"
