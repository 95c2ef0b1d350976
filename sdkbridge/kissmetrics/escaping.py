"""
Texts as they stand in a query.

Letters, digits and ``-_.~`` stay, all else is percent-escaped UTF-8, a space is ``%20`` (the test vectors of both
Kissmetrics SDKs).
"""

import re
from collections.abc import Sequence
from functools import lru_cache

_UNRESERVED = re.compile(r"[A-Za-z0-9\-_.~]*")
_BETWEEN = "\0"

# With every byte in it: one that is missing takes several times as long.
_ESCAPES = {byte: chr(byte) if _UNRESERVED.fullmatch(chr(byte)) else f"%{byte:02X}" for byte in range(256)}
_ESCAPES_BUT_BETWEEN = _ESCAPES | {ord(_BETWEEN): _BETWEEN}

LONGEST_REMEMBERED = 256
"""Characters of a text whose escaped form is kept in mind."""


def escaped(text: str) -> str:
    """
    Return a text as it stands in a query.
    """
    if _UNRESERVED.fullmatch(text):
        # Exactly a text: an enumeration that is one would be remembered in the place of what it equals.
        return str.__str__(text)
    # Each character of this stands for a byte of UTF-8.
    return text.encode().decode("latin-1").translate(_ESCAPES)


_before = lru_cache(maxsize=8192)(escaped)


def escaped_again(text: str) -> str:
    """
    Return the same of a text that comes again and again, as names and identities do.
    """
    return _before(text) if len(text) <= LONGEST_REMEMBERED else escaped(text)


def escaped_each(texts: Sequence[str]) -> Sequence[str]:
    """
    Return several texts as they stand in a query: at once, which takes a fraction of the time.
    """
    joined = _BETWEEN.join(texts)
    if joined.count(_BETWEEN) != len(texts) - 1:
        return [escaped(text) for text in texts]
    octets = joined if joined.isascii() else joined.encode().decode("latin-1")
    return octets.translate(_ESCAPES_BUT_BETWEEN).split(_BETWEEN)
