"""
Identities that stand for nobody, such as ``null`` or an all-zero UUID.

Everybody who carries one would be one person.

The list is the union of those that others publish; case, surrounding space and quotes are ignored.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from attrs import evolve, field, frozen

_QUOTES = "'\"`\u2018\u2019\u201c\u201d\u00ab\u00bb"

PUBLISHED = frozenset(
    {
        # Segment Unify's suggested blocked values.
        *("-1", "null", "anonymous"),
        # PostHog's illegal distinct ids.
        *("guest", "distinctid", "distinct_id", "id", "not_authenticated", "email", "undefined", "true"),
        *("false", "[object object]", "nan", "none", "0"),
        # Amplitude's invalid ids and Mixpanel's importer.
        *("nil", "n/a", "na", "unknown", "{}", "[]", "lmy47d", "anon", "<nil>"),
        # Kissmetrics' page on squished identities, Adobe's identity rules, Tealium's visitor stitching.
        *("missing", "invalid", "not set", "(not set)"),
        # A release of Segment's React Native library gave every install this anonymous id.
        "anonymousid",
        # The ANDROID_ID that many emulators and one maker's phones shared.
        "9774d56d682e549c",
        # The largest UUID, which test data likes.
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    }
)
"""Whole texts, in small letters."""

SHAPES = (
    # Segment Unify's pattern: zeros and dashes only, an all-zero UUID or advertising id among them.
    r"[0-]*",
    # Templates that nobody filled in.
    r"\{\{.*\}\}|\$\{.*\}|<[^<>]*>|%[sd]|\{[a-z_.]+\}",
    # One sign over and over: xxxx, ????, ----. Digits are left alone, since account 1111 comes after 1110; and a
    # text beyond 64 characters is no slip of a finger.
    r"([^\d])\1{3,63}",
)
"""Regular expressions for whole texts, in small letters."""


def plain(text: str) -> str:
    """
    Return a text as it is compared: in its compatible Unicode form, without space and quotes around it, small.
    """
    whole = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return whole.strip().strip(_QUOTES).strip().casefold()


def _all_plain(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(map(plain, texts))


@frozen(kw_only=True)
class Placeholders:
    """
    What stands for nobody.

    Attributes:
        values: whole texts, compared without case, quotes and surrounding space.
        patterns: regular expressions that the whole of such a text matches.
        allowed: texts that are somebody all the same.
    """

    values: frozenset[str] = field(default=PUBLISHED, converter=_all_plain)
    patterns: tuple[str, ...] = SHAPES
    allowed: frozenset[str] = field(default=frozenset(), converter=_all_plain)

    def __contains__(self, text: str) -> bool:
        """
        Tell whether a text stands for nobody.
        """
        compared = plain(text)
        if compared in self.values:
            return compared not in self.allowed
        # A loop costs half of what any() does, and this is asked twice for each link.
        for shape in _compiled(self.patterns):
            if shape.fullmatch(compared):
                return compared not in self.allowed
        return False

    def plus(self, *values: str, patterns: Iterable[str] = ()) -> "Placeholders":
        """
        Return these and more: the shared mailbox of a shop's own staff, say.

        Raises:
            re.error: a pattern is no regular expression.
        """
        more = tuple(patterns)
        _compiled(more)
        return evolve(self, values={*self.values, *values}, patterns=(*self.patterns, *more))

    def without(self, *texts: str) -> "Placeholders":
        """
        Return these but for some texts, whether a value or a pattern forbids them.
        """
        return evolve(self, allowed={*self.allowed, *texts})


@lru_cache(maxsize=64)
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)


PLACEHOLDERS = Placeholders()
"""Those that others publish."""

NO_PLACEHOLDERS = Placeholders(values=(), patterns=())
"""None at all."""
