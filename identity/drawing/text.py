"""
Texts in a drawing: how wide they are, and what cannot be shown of them.
"""

import unicodedata
from datetime import UTC, datetime

NARROW = frozenset("fijlrtI.,:;'|!()[]{}-/\\ ")
WIDE = frozenset("mwMW@%")
LONGEST_NAME = 30
LONGEST_WORDS = 90


def width(text: str, size: float) -> float:
    """
    Return how many pixels a text takes at most, in the fonts that browsers use for interfaces.
    """
    return size * sum(map(_em, text))


def _em(one: str) -> float:
    if unicodedata.east_asian_width(one) in "WF":
        return 1.05
    if one in NARROW:
        return 0.4
    if one in WIDE:
        return 0.98
    return 0.71 if one.isupper() else 0.61


def printable(text: str) -> str:
    """
    Return a text with everything spelt out that has no shape of its own, such as line ends.
    """
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def shortened(text: str, longest: int = LONGEST_NAME) -> str:
    """
    Return a text without its middle, where it is too long.
    """
    shown = printable(text)
    if len(shown) <= longest:
        return shown
    tail = longest // 3
    return f"{shown[: longest - tail - 1]}…{shown[-tail:]}"


def day(at_ms: int) -> str:
    """
    Return a time as a day in UTC.
    """
    try:
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return "no date"
    return f"{at.day} {at:%b} {at.year}"
