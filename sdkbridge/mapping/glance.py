"""
Properties as nearly all are, taken at a glance.

Their names came together before and can be sent as they are, and of their values there is little to say. What is
answered here is what `sdkbridge.mapping.properties` answers one by one, which takes twice as long, and that is
where to read what is meant.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from itertools import compress
from typing import Any

from sdkbridge.kissmetrics.requests import EncodedProperties
from sdkbridge.mapping.names import Naming
from sdkbridge.options import MappingOptions
from sdkbridge.remarks import Problem, Remarks
from sdkbridge.values.arrays import Allowance, TooManyValuesError, array_text, usual_array_text
from sdkbridge.values.flattening import LONGEST_NAME, LONGEST_VALUE
from sdkbridge.values.javascript import DECIMAL
from sdkbridge.values.plain import usual_text, written_date

MOST_AT_A_GLANCE = 200
"""Values of a call, and again members of each array among them."""

DEEPEST_AT_A_GLANCE = 8


class NeedsACloserLookError(Exception):
    """
    There is more to say of something than can be seen at a glance.
    """


def at_a_glance(
    values: Mapping[Any, Any],
    own: Mapping[str, str],
    *,
    naming: Naming,
    options: MappingOptions,
    remarks: Remarks,
    none_of: AbstractSet[str] = frozenset(),
) -> EncodedProperties | None:
    """
    Return the properties that are sent for an object, or None if they need a closer look.

    Args:
        values: what the caller said.
        own: what the call itself says, sent as it is.
        naming: how they are named.
        options: how values are written.
        remarks: where problems are noted, if it is not None that is returned.
        none_of: names of members, in small letters, any of which needs a closer look.
    """
    members = _single_values(values, options)
    if members is None:
        return None
    shape = naming.shape((*own, *members) if own else tuple(members))
    if shape is None or not shape.members.isdisjoint(none_of):
        return None
    names, heads = shape.names, shape.heads
    try:
        texts, numbers, silent = _texts(own.values(), members.values(), options)
        if silent:
            said = [place not in silent for place in range(len(texts))]
            names, heads = tuple(compress(names, said)), tuple(compress(heads, said))
            texts = list(compress(texts, said))
        properties = EncodedProperties.written(names, heads, texts)
    except (NeedsACloserLookError, UnicodeEncodeError):
        return None
    if len(properties.query) > LONGEST_VALUE and max(map(len, texts)) > LONGEST_VALUE:
        return None
    for place in numbers:
        remarks.add(Problem.NUMBER_AS_TEXT, shape.names[place])
    return properties


def _single_values(values: Mapping[Any, Any], options: MappingOptions) -> dict[Any, Any] | None:
    """
    Return every single value and array in an object by the names on the way to it, joined by dots.
    """
    if type(values) is not dict or len(values) > MOST_AT_A_GLANCE:
        return None
    if dict not in map(type, values.values()):
        return values
    if (options.flatten_objects, options.nested_null, options.nested_dates) != ("deep", "drop", "unix"):
        return None
    single: dict[str, Any] = {}
    return single if _flatten(values, "", single, DEEPEST_AT_A_GLANCE) else None


def _flatten(values: dict[Any, Any], way: str, single: dict[str, Any], deeper: int) -> bool:
    # Of an empty object nothing would be left by which to see that it was there, under a name that means more.
    if not values or len(way) > LONGEST_NAME or len(values) + len(single) > MOST_AT_A_GLANCE:
        return False
    for key, value in values.items():
        if type(key) is not str:
            return False
        name = way + key
        if type(value) is dict:
            if not deeper or not key.isascii() or not _flatten(value, f"{name}.", single, deeper - 1):
                return False
        elif name in single:
            return False
        else:
            single[name] = value
    return True


def _texts(
    own: Iterable[str], values: Iterable[Any], options: MappingOptions
) -> tuple[list[str], list[int], list[int]]:
    """
    Return all texts, the places of numbers that came as texts, and the places of what says nothing.
    """
    texts: list[str] = [*own]
    numbers: list[int] = []
    silent: list[int] = []
    for value in values:
        if type(value) is not str:
            text = usual_text(value, options) or _closer(value, options)
        elif value >= ":":
            # Neither empty, nor a number or a date: those begin before the letters.
            texts.append(value)
            continue
        elif value[4:5] == "-" and (dated := written_date(value, options, nested=False)) is not None:
            text = dated
        else:
            text = value
            if DECIMAL.fullmatch(value):
                numbers.append(len(texts))
        if text is None or (not text and not options.send_empty):
            silent.append(len(texts))
        texts.append(text or "")
    return texts, numbers, silent


def _closer(value: object, options: MappingOptions) -> str | None:
    """
    Return the text of what is no usual value, None for nothing at all.

    Raises:
        NeedsACloserLookError: there is more to say of it.
    """
    if value is None:
        return None
    if type(value) is list and len(value) <= MOST_AT_A_GLANCE:
        usual = usual_array_text(value, options)
        if usual is not None:
            return usual
        try:
            array = array_text(value, options, Allowance(MOST_AT_A_GLANCE))
        except TooManyValuesError:
            raise NeedsACloserLookError from None
        if not array.problems:
            return array.text
    elif type(value) is datetime or type(value) is date:
        dated = written_date(value, options, nested=False)
        if dated is not None:
            return dated
    raise NeedsACloserLookError
