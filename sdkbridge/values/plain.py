"""
One single value: from whatever the caller handed in to the text that Kissmetrics gets.

Taken is what Segment's Python library takes: what JSON knows, and dates, decimals, UUIDs, enumerations and
UTF-8 bytes besides.
"""

import math
from datetime import date
from decimal import Decimal
from enum import Enum
from numbers import Real
from typing import cast
from uuid import UUID

from attrs import frozen

from sdkbridge.options import MappingOptions
from sdkbridge.remarks import Problem
from sdkbridge.values.javascript import LARGEST_SAFE_INTEGER, number_text
from sdkbridge.values.times import iso_text, strict_date, unix_second

Plain = str | bool | int | float | None
"""A single value as JSON knows it; None for what says nothing."""


@frozen
class Unusable:
    """
    A value that no text can be made of.
    """

    problem: Problem


def plain(value: object) -> Plain | Unusable:
    """
    Return a single value as JSON knows it; a date becomes seconds since 1970 UTC, and NaN is nothing.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Real | Decimal):
        return _number(value)
    return _beyond_json(value)


def usual_text(value: object, options: MappingOptions) -> str | None:
    """
    Return the text of a value as nearly all are, or None for one that needs a closer look.

    Most of the time of mapping goes by here; whatever is answered, `plain` and `written` answer too.
    """
    kind = type(value)
    if kind is str:
        text = cast("str", value)
        # A date's year is followed by a dash.
        return text if text[4:5] != "-" and (text.isascii() or is_writable(text)) else None
    if kind is int:
        return str(value) if -LARGEST_SAFE_INTEGER <= cast("int", value) <= LARGEST_SAFE_INTEGER else None
    if kind is float:
        digits = repr(value)
        # JavaScript agrees on these, but not on zeros, exponents, and what is no number (nan, inf).
        return digits.removesuffix(".0") if value and "e" not in digits and "n" not in digits else None
    if kind is bool and options.bool_style == "text":
        return "true" if value else "false"
    return None


def written(value: Plain, options: MappingOptions) -> str:
    """
    Return the text of a plain value, as JavaScript writes it; nothing is an empty text.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        if options.bool_style == "int":
            return "1" if value else "0"
        return "true" if value else "false"
    return value if isinstance(value, str) else number_text(value)


def written_date(value: object, options: MappingOptions, *, nested: bool) -> str | None:
    """
    Return the text of a date that is a property by itself, or None for what is no date.

    Args:
        value: a date, or a text; a text that is a date counts as one unless the options keep such texts.
        options: how dates are written.
        nested: whether it stands inside an object.
    """
    moment = strict_date(value) if isinstance(value, str) and options.iso_dates == "unix" else value
    if not isinstance(moment, date):
        return None
    if nested and options.nested_dates == "iso":
        return iso_text(moment)
    second = unix_second(moment)
    return None if second is None else str(second)


def member_name(key: object, options: MappingOptions) -> str | Unusable:
    """
    Return the name that an object's key stands for; keys that are numbers count, as in JSON.
    """
    name = plain(key)
    if isinstance(name, Unusable):
        return name
    return Unusable(Problem.UNSUPPORTED_VALUE) if name is None else written(name, options)


def is_writable(text: str) -> bool:
    """
    Tell whether a text can be encoded: half of a surrogate pair is no character.
    """
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(value: str) -> str | Unusable:
    # Exactly a text: an enumeration that is one would show its own name where it is put into another.
    return str.__str__(value) if is_writable(value) else Unusable(Problem.HALF_CHARACTER)


def _beyond_json(value: object) -> Plain | Unusable:
    if isinstance(value, date):
        second = unix_second(value)
        return Unusable(Problem.UNSUPPORTED_VALUE) if second is None else second
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes | bytearray):
        # What is not UTF-8 becomes half characters, and is refused as such.
        return _text(value.decode("utf-8", "surrogateescape"))
    if isinstance(value, Enum) and not isinstance(value.value, Enum):
        return plain(value.value)
    return Unusable(Problem.UNSUPPORTED_VALUE)


def _number(value: Real | Decimal) -> int | float | Unusable | None:
    if isinstance(value, int) and abs(value) <= LARGEST_SAFE_INTEGER:
        return int(value)
    try:
        double = float(value)
    except (OverflowError, ValueError):  # larger than any double; a signalling NaN
        return Unusable(Problem.UNSUPPORTED_VALUE)
    if math.isnan(double):
        return None
    return double if math.isfinite(double) else Unusable(Problem.UNSUPPORTED_VALUE)
