"""
Objects as they are, nested values in brackets: ``nest[a]``, ``list[0]``.

Source: ``qs`` 6, which writes what Segment's server integration hands on without flattening it: null as an empty
text, dates as ISO 8601, nothing for an empty array or object.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from attrs import define

from sdkbridge.options import MappingOptions
from sdkbridge.remarks import Problem
from sdkbridge.values.arrays import ARRAYS, Allowance, TooManyValuesError
from sdkbridge.values.flattening import LONGEST_NAME, Leaf, notes_on
from sdkbridge.values.plain import Unusable, member_name, plain, written
from sdkbridge.values.times import iso_text, strict_date


def bracketed(values: Mapping[Any, Any], options: MappingOptions) -> Iterator[Leaf]:
    """
    Find every single value in an object, in order, under its name and the keys on the way to it in brackets.

    Not recursive, and ends for every structure.
    """
    allowance = Allowance()
    levels = [_Level(None, values, _members(values))]
    reached = ""
    try:
        while levels:
            member = next(levels[-1].members, None)
            if member is None:
                levels.pop()
                continue
            allowance.take()
            key, value = member
            name = member_name(key, options)
            way = levels[-1].way
            if isinstance(name, Unusable):
                yield Leaf(f"{way or ''}({type(key).__name__})", None, (name.problem,))
                continue
            reached = name if way is None else f"{way}[{name}]"
            if not isinstance(value, (Mapping, *ARRAYS)):
                yield _leaf(reached, value, options)
            elif any(value is level.values for level in levels):
                yield Leaf(reached, None, (Problem.CONTAINS_ITSELF,))
            elif len(reached) > LONGEST_NAME:
                yield Leaf(reached, None, (Problem.NAME_TOO_LONG,))
            else:
                levels.append(_Level(reached, value, _members(value)))
    except TooManyValuesError:
        yield Leaf(reached, None, (Problem.TOO_MANY_VALUES,))


@define
class _Level:
    way: str | None  # None: the object itself, whose members have no brackets
    values: Any
    members: Iterator[tuple[Any, Any]]


def _members(values: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401 - an object, or any kind of array
    return iter(values.items()) if isinstance(values, Mapping) else enumerate(values)


def _leaf(name: str, value: object, options: MappingOptions) -> Leaf:
    moment = strict_date(value) if isinstance(value, str) and options.iso_dates == "unix" else value
    if isinstance(moment, date) and (text := iso_text(moment)) is not None:
        return Leaf(name, text)
    single = plain(value)
    if isinstance(single, Unusable):
        return Leaf(name, None, (single.problem,))
    return Leaf(name, written(single, options), notes=notes_on(single))
