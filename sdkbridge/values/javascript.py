"""
Numbers as JavaScript writes them.

Segment's servers and libraries are JavaScript: what they turn into text, Kissmetrics has always received in
this form, and a person's history must not change its spelling because the sender did.
"""

import math
import re
from decimal import Decimal
from numbers import Integral, Number, Real

DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
"""How a number is written; Segment's libraries read one so, and Kissmetrics takes a text of this form for one."""

LARGEST_SAFE_INTEGER = 2**53
"""Beyond this magnitude a JavaScript number no longer holds every whole number."""

LONGEST_PLAIN_INTEGER = 21
LEADING_ZEROS = 6
"""Digits before the point, and zeros after it, up to which JavaScript writes a number without an exponent."""

MOST_ID_DIGITS = 300
"""No system takes longer identities, and Python refuses to write numbers of many thousand digits."""


def number_text(value: float) -> str:
    """
    Write a number exactly as JavaScript does: ``1``, ``1e+21``, ``1e-7``, ``0`` for minus zero.

    A whole number beyond 2**53 becomes the nearest one that JavaScript has. What is not finite is written
    ``NaN`` or ``Infinity``, which is for the caller to leave out.

    Source: ECMAScript, Number::toString.
    """
    if isinstance(value, int) and abs(value) <= LARGEST_SAFE_INTEGER:
        return str(int(value))
    double = _nearest_double(value)
    if math.isnan(double):
        return "NaN"
    if double == 0:
        return "0"
    sign = "-" if double < 0 else ""
    if math.isinf(double):
        return f"{sign}Infinity"
    text = repr(abs(double))
    if "e" not in text:
        return sign + text.removesuffix(".0")
    return sign + _written(text)


def id_text(value: Number) -> str | None:
    """
    Write a number that serves as an identity, whole numbers with every digit; None if it cannot be one.

    Unlike measurements, identities that differ in the last digit are two people.
    """
    if isinstance(value, Integral):
        return str(int(value)) if abs(int(value)) < 10**MOST_ID_DIGITS else None
    if isinstance(value, Decimal):
        if not value.is_finite() or value.adjusted() >= MOST_ID_DIGITS:
            return None
        if value == value.to_integral_value():
            return str(int(value))
    if not isinstance(value, Real | Decimal):
        return None
    double = _nearest_double(value)
    return number_text(double) if math.isfinite(double) else None


def _nearest_double(value: Real | Decimal | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return -math.inf if value < 0 else math.inf


def _written(text: str) -> str:
    """
    Write a positive double that Python writes with an exponent.

    The two agree on the digits, but not on where to put the point: JavaScript begins with exponents later.
    """
    _, digit_values, exponent = Decimal(text).normalize().as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - the double is finite
    digits = "".join(map(str, digit_values))
    before_point = len(digits) + exponent
    if len(digits) <= before_point <= LONGEST_PLAIN_INTEGER:
        return digits + "0" * (before_point - len(digits))
    if 0 < before_point <= LONGEST_PLAIN_INTEGER:
        return f"{digits[:before_point]}.{digits[before_point:]}"
    if -LEADING_ZEROS < before_point <= 0:
        return f"0.{'0' * -before_point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{before_point - 1:+d}"
