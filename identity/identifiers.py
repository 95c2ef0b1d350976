"""
What sort of name an identity is: account id, e-mail address, telephone number, or a sort of the caller's own.

`IdentityKind` says who gave an identity its name: nobody yet (generated, anonymous), or the caller (named). What
is said here comes second: a named identity has a sort, recognised by its looks or told by the caller, and an
anonymous one has none.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache

from attrs import field, frozen

from identity.ids import IdentityKind

ANONYMOUS = "anonymous"
ACCOUNT_ID = "account_id"
EMAIL = "email"
PHONE = "phone"

LOOKS: Mapping[str, str] = {
    EMAIL: r"[^@\s]+@[^@\s]+\.[^@\s.]+",
    # E.164, with what people write between the digits. Without a plus it could be any number.
    PHONE: r"\+\d[\d ()./-]{5,20}\d",
}

MADE_UP = re.compile(
    r"""
      \{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?
    | (?-i:[A-Za-z0-9+/]{27}=)
    | (?=[0-9a-f]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{16,64}
    | (?:GA\d\.\d\.)?\d{6,10}\.\d{9,10}
    | (?:anon|anonymous|device|\$device|visitor|guest)[-_:.].+
    | .+-anonymous-\d+
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""
What an identity looks like that an SDK made up: UUIDs, 28 characters of base64 (Kissmetrics' JavaScript library),
long hexadecimal numbers (installation ids, advertising ids), two numbers with a dot (Google's client ids).
It counts only where nobody said that it is a name.
"""

_SORT = re.compile(r"[a-z][a-z0-9_]*")


def checked_sort(sort: str) -> str:
    """
    Return the name of a sort that a caller told.

    Raises:
        ValueError: it has other characters than small letters, digits and ``_``.
    """
    if not _SORT.fullmatch(sort) or sort == ANONYMOUS:
        raise ValueError(f"{sort!r} cannot name a sort of identifier: use small letters, digits and _")
    return sort


@lru_cache(maxsize=64)
def _compiled(patterns: tuple[tuple[str, str], ...]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((sort, re.compile(looks)) for sort, looks in patterns)


def _recognising(given: Mapping[str, str] | Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    patterns = tuple((checked_sort(sort), looks) for sort, looks in dict(given).items())
    _compiled(patterns)  # an expression that is none fails here, not at the first merge
    return patterns


@frozen(kw_only=True)
class Identifiers:
    """
    The sorts of named identities, and which of them come first.

    Attributes:
        patterns: regular expressions by the sort that they recognise; the whole text must match. They are tried
            before those for e-mail addresses and telephone numbers. What matches none is an ``account_id``.
        priority: sorts from the one that stands for a person first; those left out come after, and anonymous
            identities last. As Segment Unify has it, the account id leads: it is what changes least.
        unique: sorts of which nobody has two; a merge that would give a person two of one is held. None by
            default, since whatever looks like nothing else counts as an account id.

    Raises:
        ValueError: a sort's name has other characters than small letters, digits and ``_``.
        re.error: a pattern is no regular expression.
    """

    patterns: tuple[tuple[str, str], ...] = field(default=(), converter=_recognising)
    priority: Sequence[str] = (ACCOUNT_ID, EMAIL, PHONE)
    unique: Collection[str] = ()

    def of(self, name: str) -> str:
        """
        Return the sort of a named identity by its looks.
        """
        for sort, looks in _compiled((*self.patterns, *LOOKS.items())):
            if looks.fullmatch(name):
                return sort
        return ACCOUNT_ID

    def rank(self, sort: str) -> int:
        """
        Return the place of a sort in the priority, 0 for the first.
        """
        if sort == ANONYMOUS:
            return len(self.priority) + 1
        return self.priority.index(sort) if sort in self.priority else len(self.priority)

    def kind_of_stranger(self, name: str) -> IdentityKind:
        """
        Return whether an identity of which nothing is known looks made up by an SDK, or like a name.
        """
        return IdentityKind.ANONYMOUS if MADE_UP.fullmatch(name) else IdentityKind.NAMED


IDENTIFIERS = Identifiers()
"""Account ids, e-mail addresses and telephone numbers, in this order."""
