"""
Objects become single values: every one under the names on the way to it, joined by dots.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from attrs import Factory, define

from sdkbridge.options import MappingOptions
from sdkbridge.remarks import Problem
from sdkbridge.values.arrays import ARRAYS, Allowance, TooManyValuesError, array_text, object_text
from sdkbridge.values.javascript import DECIMAL
from sdkbridge.values.plain import Unusable, member_name, plain, usual_text, written, written_date

OBJECTS = (dict, Mapping)
"""What is taken for an object; nearly all are dictionaries, which is quicker to tell."""

LONGEST_NAME = 255
"""Characters of an event's or property's name (Kissmetrics' technical limitations)."""


LONGEST_VALUE = 512
"""Characters of a property's value (Kissmetrics' current technical notes)."""


class Leaf(NamedTuple):
    """
    A single value somewhere in an object.

    Attributes:
        name: where it stands, such as ``address.city``.
        text: its text, or None if it is left out: it says nothing, or cannot be sent.
        problems: why it, or a part of it, is left out; none if it just says nothing.
        notes: what Kissmetrics makes of it, if it is sent.
    """

    name: str
    text: str | None
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()


Take = Callable[[str, str | None, tuple[Problem, ...], tuple[Problem, ...]], object]
"""Takes a leaf: its name, its text, its problems, the notes on it."""


def flatten(values: Mapping[Any, Any], options: MappingOptions) -> list[Leaf]:
    """
    Return every single value in an object, in order, under the names on the way to it joined by dots.

    What says nothing (null, NaN, an empty text, array or object) has no text, unless the options send it. Not
    recursive, and ends for every structure: a way that is longer than any name may be is not followed.
    """
    leaves: list[Leaf] = []
    Walk(options, lambda *leaf: leaves.append(Leaf(*leaf))).through(values)
    return leaves


@define
class _Level:
    """
    An object that is being looked through, and the way to it.
    """

    way: str
    values: Mapping[Any, Any]
    members: Iterator[tuple[Any, Any]]


@define
class Walk:
    """
    What finds every single value in an object, and hands over each.

    Attributes:
        options: how values are written.
        take: takes them.
        allowance: how many more are looked at.
        levels: the objects that are being looked through, the outermost first.
        around: which these are.
        reached: the name at which it is.
    """

    options: MappingOptions
    take: Take
    allowance: Allowance = Factory(Allowance)
    levels: list[_Level] = Factory(list)
    around: set[int] = Factory(set)
    reached: str = ""

    def through(self, values: Mapping[Any, Any]) -> None:
        """
        Hand over what is in an object.
        """
        self._enter("", values)
        try:
            while self.levels:
                self._go_on(self.levels[-1])
        except TooManyValuesError:
            self._leave_out(Problem.TOO_MANY_VALUES)

    def _leave_out(self, problem: Problem) -> None:
        self.take(self.reached, None, (problem,), ())

    def _go_on(self, level: _Level) -> None:
        """
        Look through an object up to the next object in it, or else to its end.
        """
        way, options, take = level.way, self.options, self.take
        for key, value in level.members:
            self.allowance.take()
            if type(key) is str and key.isascii():
                self.reached = name = way + key
                text = usual_text(value, options)
                if text:
                    take(name, text, (), notes_on(value))
                    continue
            elif not self._reach(key):
                continue
            if not isinstance(value, OBJECTS):
                self._leaf(value)
                continue
            self._object(value)
            if self.levels[-1] is not level:
                return
        self.levels.pop()
        self.around.discard(id(level.values))

    def _object(self, value: Mapping[Any, Any]) -> None:
        if id(value) in self.around:
            self._leave_out(Problem.CONTAINS_ITSELF)
        elif len(self.reached) > LONGEST_NAME:
            self._leave_out(Problem.NAME_TOO_LONG)
        elif self._is_nested and value and self.options.flatten_objects == "one_level":
            whole = object_text(value, self.options, self.allowance)
            self.take(self.reached, whole.text, whole.problems, ())
        else:
            way = self.reached
            if self._is_nested and value and self.options.flatten_objects == "first_branch":
                self._lose_the_rest()
            self._enter(f"{way}.", value)

    @property
    def _is_nested(self) -> bool:
        return len(self.levels) > 1

    def _enter(self, way: str, values: Mapping[Any, Any]) -> None:
        self.levels.append(_Level(way, values, iter(values.items())))
        self.around.add(id(values))

    def _reach(self, key: object) -> bool:
        """
        Take a member's name; return whether it can be one.
        """
        name = self._named(key)
        if isinstance(name, Unusable):
            self._leave_out(name.problem)
        return not isinstance(name, Unusable)

    def _named(self, key: object) -> str | Unusable:
        name = member_name(key, self.options)
        self.reached = f"{self.levels[-1].way}{_shown(key) if isinstance(name, Unusable) else name}"
        return name

    def _lose_the_rest(self) -> None:
        """
        Go past what Segment's browser integration never came back to.
        """
        for key, _ in self.levels[-1].members:
            self.allowance.take()
            self._named(key)
            self._leave_out(Problem.LOST_SIBLING)

    def _leaf(self, value: object) -> None:
        if isinstance(value, ARRAYS):
            array = array_text(value, self.options, self.allowance)
            self.take(self.reached, self._unless_empty(array.text), array.problems, ())
            return
        dated = written_date(value, self.options, nested=self._is_nested)
        if dated is not None:
            self.take(self.reached, dated, (), ())
            return
        single = plain(value)
        if isinstance(single, Unusable):
            self._leave_out(single.problem)
            return
        text = self._nothing() if single is None else self._unless_empty(written(single, self.options))
        self.take(self.reached, text, (), notes_on(single))

    def _nothing(self) -> str | None:
        return "" if self._is_nested and self.options.nested_null == "empty" else None

    def _unless_empty(self, text: str | None) -> str | None:
        return text if self.options.send_empty else text or None


def notes_on(value: object) -> tuple[Problem, ...]:
    """
    Return what Kissmetrics makes of a single value.
    """
    # Whatever begins a number comes before the letters, which is quicker to tell.
    if isinstance(value, str) and value[:1] <= "9" and DECIMAL.fullmatch(value):
        return (Problem.NUMBER_AS_TEXT,)
    return ()


def _shown(key: object) -> str:
    return key if isinstance(key, str) else f"({type(key).__name__})"
