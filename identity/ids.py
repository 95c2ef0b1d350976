"""
What an identity is: anonymous or named, folded to one spelling, and never a placeholder.
"""

import re
from enum import StrEnum
from functools import lru_cache

from identity.errors import InvalidIdentity
from identity.placeholders import PLACEHOLDERS

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


KINDS = {kind.value: kind for kind in IdentityKind}
"""Kinds by the words that tables hold; an enumeration takes longer to look one up."""


_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


def is_placeholder(text: str) -> bool:
    """
    Tell whether a text stands for nobody, such as ``null`` or an all-zero UUID.

    The list is that of `identity.placeholders`; a policy may have one of its own.
    """
    return text in PLACEHOLDERS


def fold(text: str) -> str:
    """
    Return the one spelling under which an identity is kept and sent.

    E-mail addresses are trimmed and lower-cased, since Kissmetrics compares identities letter by letter. All
    other texts stay as they are.
    """
    if "@" not in text:
        return text
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
    if type(text) is not str:
        # An enumeration that is a text would show its own name in what is told of it.
        text = str.__str__(text)
    folded, problem = _looked_at_before(text) if len(text) <= LONGEST_IDENTITY else _looked_at(text)
    if problem is not None:
        raise InvalidIdentity(field, problem)
    return folded


def _looked_at(text: str) -> tuple[str, str | None]:
    """
    Return a text folded, and why it cannot be an identity, if it cannot.
    """
    if not text or text.isspace():
        return text, "must not be empty"
    try:
        text.encode()
    except UnicodeEncodeError:
        return text, "holds half of a surrogate pair, which is no character"
    return fold(text), None


# The same people do one thing after the other.
_looked_at_before = lru_cache(maxsize=8192)(_looked_at)
