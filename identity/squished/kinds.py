"""
What sort of identity a text is, told from its looks: an export says nothing of it.
"""

import re
from collections.abc import Callable, Sequence
from enum import StrEnum

from attrs import frozen

from identity.identifiers import LOOKS, MADE_UP, PHONE
from identity.ids import is_email, is_placeholder


class Kind(StrEnum):
    """
    What an identity says of its owner.
    """

    ACCOUNT = "account"
    """A name that one customer has: a number, a user name. Nobody has two of one form."""
    EMAIL = "email"
    """An address; it may change, and so a customer has a history of them."""
    PHONE = "phone"
    """A telephone number, which says too little to tell two people apart."""
    ANONYMOUS = "anonymous"
    """Made up by an SDK for one device or browser."""
    PLACEHOLDER = "placeholder"
    """Stands for nobody, such as ``null``."""


_PHONE = re.compile(LOOKS[PHONE])
_FORM = re.compile(r"([A-Za-z]{1,12}[-_:.#])(?=.*\d)")


@frozen
class Pattern:
    """
    What a caller knows of their own identities.

    Attributes:
        kind: one of `Kind`, or a word of one's own for a name of which nobody has two.
        regex: what such an identity looks like as a whole.
    """

    kind: str
    regex: re.Pattern[str]


def kind_of(name: str) -> str:
    """
    Tell the kind of an identity from its looks.

    What looks like nothing else is an account: the caller of an SDK must have given it.
    """
    if is_placeholder(name):
        return Kind.PLACEHOLDER
    if is_email(name):
        return Kind.EMAIL
    if MADE_UP.fullmatch(name):
        return Kind.ANONYMOUS
    return Kind.PHONE if _PHONE.fullmatch(name) else Kind.ACCOUNT


def by_patterns(patterns: Sequence[Pattern], *, otherwise: Callable[[str], str] = kind_of) -> Callable[[str], str]:
    """
    Return a function that tells an identity's kind by the first pattern that fits, else by ``otherwise``.
    """

    def told(name: str) -> str:
        return next((one.kind for one in patterns if one.regex.fullmatch(name)), None) or otherwise(name)

    return told if patterns else otherwise


def rivalry(name: str, kind: str) -> str | None:
    """
    Return what a person has only one of, if the identity is such a thing: two in one person are two people.

    Accounts rival those of their own form only, since a customer may well have a number, a user name and a number
    of the shop besides: 4711 rivals 4712, and ``user-1`` rivals ``user-2``.
    """
    if kind in {Kind.ANONYMOUS, Kind.PHONE, Kind.PLACEHOLDER}:
        return None
    return f"{kind} {_form(name)}" if kind == Kind.ACCOUNT else kind


def _form(name: str) -> str:
    if name.isdecimal():
        return "number"
    prefix = _FORM.match(name)
    if prefix:
        return prefix[1].lower()
    return "mixed" if any(one.isdecimal() for one in name) else "word"
