"""
How much money a text means.

Kissmetrics wants a plain number without a currency symbol. Segment's parser takes off ``$`` and lets JavaScript
read as far as it can, which makes 1 of "1,234.50"; here separators of thousands and decimal commas are
understood, and what is ambiguous beyond that is left alone.
"""

import math
import re
import unicodedata
from decimal import Decimal
from numbers import Real

from sdkbridge.values.javascript import DECIMAL

LONGEST_AMOUNT = 64
"""Characters; nobody writes an amount of money in more."""

_AMOUNT = re.compile(
    r"""
    (?P<before> [^\d.,]* (?:(?<=[^\W\d_])\.)? \s*)   # a sign, a currency; its abbreviation may end in a dot
    (?P<number> [.,]?\d (?:[\d.,'\u2019]|\s(?=\d{3}(?!\d)))* )
    (?P<after> [^\d\-]*)
    """,
    re.ASCII | re.VERBOSE,
)
_CURRENCY_CODE = re.compile(r"[^\W\d_]{0,3}\.?")
_COMMA_THOUSANDS = re.compile(r"[1-9]\d{0,2}(,\d{2,3})*,\d{3}", re.ASCII)
_DOT_THOUSANDS = re.compile(r"[1-9]\d{0,2}(\.\d{3})*\.\d{3}", re.ASCII)


def revenue_amount(value: object) -> float | None:
    """
    Return the amount that a revenue means, or None if it is no amount.

    A number is itself. In a text the last of two kinds of separators is the decimal one; a single comma is a
    decimal comma unless exactly three digits follow it; a single dot is always a decimal point, as for Segment.
    A minus anywhere before the number, or parentheses around it, make it negative.
    """
    if isinstance(value, str):
        return _finite(_read(value)) if len(value) <= LONGEST_AMOUNT else None
    if isinstance(value, Real | Decimal) and not isinstance(value, bool):
        try:
            return _finite(float(value))
        except (OverflowError, ValueError):
            return None
    return None


def segment_amount(value: object) -> float | None:
    """
    Return the amount as Segment's libraries read it.

    A number is itself; a text is read, dollar signs taken out, up to where it stops being a number, which makes
    1 of "1,234.50".

    Source: ``segmentio-facade``, ``currency``.
    """
    if not isinstance(value, str):
        return revenue_amount(value)
    match = DECIMAL.match(value.replace("$", "").lstrip())
    return None if match is None else _finite(float(match[0]))


def _finite(amount: float | None) -> float | None:
    return amount if amount is not None and math.isfinite(amount) else None


def _read(value: str) -> float | None:
    # Compatibility forms: full-width digits, and the spaces that do not break.
    text = unicodedata.normalize("NFKC", value).replace("\u2212", "-").strip()
    if DECIMAL.fullmatch(text):
        return float(text)
    match = _AMOUNT.fullmatch(text)
    if match is None or not _is_currency(match["before"]):
        return None
    size = _size(re.sub(r"[\s'\u2019]", "", match["number"]))
    if size is None:
        return None
    negative = "-" in match["before"] or ("(" in match["before"] and ")" in match["after"])
    return -size if negative else size


def _is_currency(text: str) -> bool:
    """
    Tell whether nothing but a sign, an opening parenthesis and a currency stands before a number.
    """
    letters = "".join(
        char for char in text if not char.isspace() and char not in "+-(" and unicodedata.category(char) != "Sc"
    )
    return text.count("-") <= 1 and _CURRENCY_CODE.fullmatch(letters) is not None


def _size(number: str) -> float | None:
    """
    Read digits with dots and commas.
    """
    number = number.rstrip(".,")
    commas, dots = number.count(","), number.count(".")
    decimal = max(",.", key=number.rfind)
    if commas and dots:
        whole, _, fraction = number.rpartition(decimal)
        thousands = _COMMA_THOUSANDS if decimal == "." else _DOT_THOUSANDS
        return float(f"{_digits(whole)}.{fraction}") if thousands.fullmatch(whole) else None
    if _COMMA_THOUSANDS.fullmatch(number) or (dots > 1 and _DOT_THOUSANDS.fullmatch(number)):
        return float(_digits(number))
    return float(number.replace(",", ".")) if commas + dots <= 1 else None


def _digits(number: str) -> str:
    return number.replace(",", "").replace(".", "")
