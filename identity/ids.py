"""
What an identity is: anonymous or named, folded to one spelling, and never a placeholder.
"""

import re
import unicodedata
from enum import StrEnum

from identity.errors import InvalidIdentity

LONGEST_IDENTITY = 255
"""Characters that Kissmetrics keeps of an identity (its API specifications)."""


class IdentityKind(StrEnum):
    """
    Who gave an identity its name.
    """

    GENERATED = "generated"
    """Made up here for a device's session: anonymous, and never a name, whatever is said of it."""
    ANONYMOUS = "anonymous"
    """Made up by an SDK or a browser before anybody said who they are, as far as is known."""
    NAMED = "named"
    """Given by the caller: an account id, an e-mail address."""


_PLACEHOLDERS = frozenset(
    {
        # Segment Unify's suggested blocked values.
        *("-1", "null", "anonymous"),
        # PostHog's illegal distinct ids.
        *("guest", "distinctid", "distinct_id", "id", "not_authenticated", "email", "undefined", "true"),
        *("false", "[object object]", "nan", "none", "0"),
        # Amplitude's invalid ids and Mixpanel's importer.
        *("nil", "n/a", "na", "unknown", "{}", "[]", "lmy47d", "anon", "<nil>"),
        # Kissmetrics' page on squished identities, and Adobe's identity rules.
        *("missing", "invalid"),
        # A release of Segment's React Native library gave every install this anonymous id.
        "anonymousid",
        # The ANDROID_ID that many emulators and one maker's phones shared.
        "9774d56d682e549c",
    }
)

_PLACEHOLDER_SHAPES = (
    # Segment Unify's pattern: zeros and dashes only, an all-zero UUID or advertising id among them.
    re.compile(r"[0-]*"),
    # Templates that nobody filled in.
    re.compile(r"\{\{.*\}\}|\$\{.*\}|<[^<>]*>|%[sd]"),
)

_QUOTES = "'\"`\u2018\u2019\u201c\u201d"

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


def is_placeholder(text: str) -> bool:
    """
    Tell whether a text stands for nobody, such as ``null`` or an all-zero UUID.

    Case, surrounding space and quotes are ignored. Sources: the lists that Segment Unify, PostHog, Amplitude,
    Mixpanel's importer, Adobe and Kissmetrics publish.
    """
    plain = unicodedata.normalize("NFKC", text).strip().strip(_QUOTES).strip().casefold()
    return plain in _PLACEHOLDERS or any(shape.fullmatch(plain) for shape in _PLACEHOLDER_SHAPES)


def fold(text: str) -> str:
    """
    Return the one spelling under which an identity is kept and sent.

    E-mail addresses are trimmed and lower-cased, since Kissmetrics compares identities letter by letter. All
    other texts stay as they are.
    """
    trimmed = text.strip()
    return trimmed.lower() if _EMAIL.fullmatch(trimmed) else text


def is_email(text: str) -> bool:
    """
    Tell whether a text looks like an e-mail address.
    """
    return _EMAIL.fullmatch(text.strip()) is not None


def checked(text: str, field: str) -> str:
    """
    Return the folded identity, or say why it cannot be one.

    Raises:
        InvalidIdentity: it is no text, or empty, or holds half of a surrogate pair.
    """
    if not isinstance(text, str):
        raise InvalidIdentity(field, f"must be a text, not {type(text).__name__}")
    if not text.strip():
        raise InvalidIdentity(field, "must not be empty")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidIdentity(field, "holds half of a surrogate pair, which is no character") from None
    return fold(text)
