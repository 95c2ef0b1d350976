"""
Evidence that two identities are one person, and what is decided about it.
"""

from enum import StrEnum
from typing import Any

from attrs import Factory, field, frozen

from identity.ids import checked
from identity.tables import Table, moment, plain_values


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

    @classmethod
    def _missing_(cls, value: object) -> "LinkKind":
        raise ValueError(f"{value!r} is no kind of link: there are {', '.join(cls)}")


ASKED_FOR = frozenset({LinkKind.IDENTITY_CHANGE, LinkKind.SERVER_ALIAS, LinkKind.IMPORT, LinkKind.MANUAL})
"""Kinds of link that somebody asked for in so many words; a first identify is only inferred."""

POLICY = "policy"
"""Who decided, when nobody was asked."""


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

    @property
    def ends(self) -> tuple[str, str]:
        """
        Both identities.
        """
        return self.older, self.newer


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
        by: who decided: ``policy``, or the person that was asked.
        decided_ms: when, in milliseconds since 1970 UTC: the link's own time unless a person was asked later.
    """

    outcome: Outcome
    reason: str
    explanation: str
    link: Link
    warnings: tuple[str, ...] = ()
    by: str = POLICY
    decided_ms: int = Factory(lambda verdict: verdict.link.at_ms, takes_self=True)

    def __str__(self) -> str:
        return f"{self.outcome} ({self.reason}): {self.explanation}"

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as plain values, for JSON.
        """
        return plain_values(self)

    def _repr_html_(self) -> str:
        return Table(VERDICT_HEADINGS, [verdict_row(self)]).html()


VERDICT_HEADINGS = ("UTC", "older", "newer", "evidence", "verdict", "by", "why")


def verdict_row(verdict: Verdict) -> tuple[str, ...]:
    """
    Return a verdict as the cells of one row, under `VERDICT_HEADINGS`.
    """
    link = verdict.link
    return (
        moment(verdict.decided_ms),
        *link.ends,
        evidence(link),
        f"{verdict.outcome}: {verdict.reason}",
        verdict.by,
        " ".join((verdict.explanation, *(f"Warning: {warning}." for warning in verdict.warnings))),
    )


def evidence(link: Link) -> str:
    """
    Say where a link comes from: its kind, its device and its call.
    """
    told = [link.kind.replace("_", " ")]
    told += [f"on {link.device}"] if link.device else []
    told += [f"in call {link.call}"] if link.call else []
    return " ".join(told)


class Verdicts(list[Verdict]):
    """
    Verdicts in a list that notebooks show as a table.
    """

    def _repr_html_(self) -> str:
        return Table(VERDICT_HEADINGS, [verdict_row(verdict) for verdict in self]).html(empty="No verdicts.")


LinkLike = Link | Verdict | tuple[str, str]
"""A link, a verdict on it, or its two identities."""


def ends_of(link: LinkLike) -> tuple[str, str]:
    """
    Return the two identities of a link, however it is given.
    """
    if isinstance(link, Verdict):
        return link.link.ends
    return link.ends if isinstance(link, Link) else link


def checked_ends(link: LinkLike) -> tuple[str, str]:
    """
    Return the two identities of a link as they are kept, however it is given and they are spelt.

    Raises:
        InvalidIdentity: one of them is no text, or is empty.
    """
    older, newer = (checked(end, "link") for end in ends_of(link))
    return older, newer
