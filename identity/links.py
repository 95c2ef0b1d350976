"""
Evidence that two identities are one person, and what is decided about it.
"""

from enum import StrEnum

from attrs import field, frozen


class LinkKind(StrEnum):
    """
    Where a link comes from.
    """

    FIRST_IDENTIFY = "first_identify"
    """Somebody anonymous said who they are."""
    IDENTITY_CHANGE = "identity_change"
    """A caller asked to join two named identities, after a change of e-mail address say."""
    SERVER_ALIAS = "server_alias"
    """A caller asked to join an identity that nobody is named by, handed over from a browser say."""
    IMPORT = "import"
    """An alias read from an export."""
    MANUAL = "manual"
    """A person decided."""


ASKED_FOR = frozenset({LinkKind.IDENTITY_CHANGE, LinkKind.SERVER_ALIAS, LinkKind.IMPORT, LinkKind.MANUAL})
"""Kinds of link that somebody asked for in so many words; a first identify is only inferred."""


class Outcome(StrEnum):
    """
    What is to be done about a link.
    """

    MERGE = "merge"
    """They are one person from now on: an alias leaves."""
    KNOWN = "known"
    """They were one person already: nothing leaves."""
    HOLD = "hold"
    """It looks like two people: a human decides, nothing leaves until then."""
    REFUSE = "refuse"
    """It can only be a mistake: nothing leaves."""


@frozen(kw_only=True)
class Link:
    """
    One piece of evidence that two identities are one person.

    Attributes:
        older: the identity that was there before.
        newer: the identity that it is said to belong to.
        kind: where the evidence comes from.
        at_ms: when, in milliseconds since 1970 UTC.
        call: the message id of the call that brought it, if one did.
        device: the device that it was seen on, if any.
    """

    older: str
    newer: str
    kind: LinkKind = field(converter=LinkKind)
    at_ms: int
    call: str | None = None
    device: str | None = None


@frozen(kw_only=True)
class Verdict:
    """
    What was decided about a link, and why.

    Attributes:
        outcome: ``merge``, ``known``, ``hold`` or ``refuse``.
        reason: one word for programs, such as ``second_identity``.
        explanation: one sentence for people.
        link: what it was decided about.
        warnings: what to look at although the link was merged, one word each.
    """

    outcome: Outcome
    reason: str
    explanation: str
    link: Link
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.outcome} ({self.reason}): {self.explanation}"
