"""
Objects become single values: every one under the names on the way to it, joined by dots.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import Factory, define, frozen

from sdkbridge.arrays import ARRAYS, Allowance, TooManyValuesError, array_text
from sdkbridge.options import MappingOptions
from sdkbridge.plain import Unusable, member_name, plain, written_property
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

    What says nothing (null, NaN, an empty text, array or object) has no text. Not recursive, and ends for
    every structure: a way that is longer than any name may be is not followed.
    """
    return _Flattening(options).leaves(values)


@frozen
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
    reached: str = ""

    def leaves(self, values: Mapping[Any, Any]) -> Iterator[Leaf]:
        try:
            yield from self._walk(values)
        except TooManyValuesError:
            yield Leaf(self.reached, None, (Problem.TOO_MANY_VALUES,))

    def _walk(self, values: Mapping[Any, Any]) -> Iterator[Leaf]:
        levels = [_Level("", values, iter(values.items()))]
        while levels:
            member = next(levels[-1].members, None)
            if member is None:
                levels.pop()
                continue
            key, value = member
            name = member_name(key, self.options)
            self.reached = f"{levels[-1].way}{_shown(key) if isinstance(name, Unusable) else name}"
            self.allowance.take()
            if isinstance(name, Unusable):
                yield Leaf(self.reached, None, (name.problem,))
            elif not isinstance(value, Mapping):
                yield self._leaf(self.reached, value)
            elif any(value is level.values for level in levels):
                yield Leaf(self.reached, None, (Problem.CONTAINS_ITSELF,))
            elif len(self.reached) > LONGEST_NAME:
                yield Leaf(self.reached, None, (Problem.NAME_TOO_LONG,))
            else:
                levels.append(_Level(f"{self.reached}.", value, iter(value.items())))

    def _leaf(self, name: str, value: object) -> Leaf:
        if isinstance(value, ARRAYS):
            array = array_text(value, self.options, self.allowance)
            return Leaf(name, array.text or None, array.problems)
        single = plain(value)
        if isinstance(single, Unusable):
            return Leaf(name, None, (single.problem,))
        return Leaf(name, written_property(single, self.options) or None)


def _shown(key: object) -> str:
    return key if isinstance(key, str) else f"({type(key).__name__})"
