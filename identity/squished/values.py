"""
What an audit finds.
"""

from enum import StrEnum

from attrs import frozen

from identity.links import LinkKind


class Cause(StrEnum):
    """
    Why a link is to blame.
    """

    PLACEHOLDER = "placeholder"
    """One end stands for nobody."""
    HUB = "hub"
    """One end is linked with more people than anybody can be."""
    SHARED_DEVICE = "shared_device"
    """One end is a device on which somebody else was named before."""
    ADDRESS_CHANGE = "address_change"
    """A change of e-mail address to somebody else's."""
    TWO_ACCOUNTS = "two_accounts"
    """Two accounts were joined outright, or an address with a second account."""


class Severity(StrEnum):
    """
    How bad a squished person is.
    """

    CRITICAL = "critical"
    """Ten people or more count as one."""
    SERIOUS = "serious"
    """Three people or more."""
    MODERATE = "moderate"
    """Two people."""
    DOUBTFUL = "doubtful"
    """Perhaps one person after all: look before you drop anything."""


@frozen(kw_only=True)
class Activity:
    """
    What was recorded under one identity.

    Attributes:
        records: how many records.
        first_ms: the time of the earliest, in milliseconds since 1970 UTC.
        last_ms: the time of the latest.
    """

    records: int = 0
    first_ms: int | None = None
    last_ms: int | None = None


@frozen(kw_only=True)
class AuditedIdentity:
    """
    An identity of a squished person.

    Attributes:
        name: the identity.
        kind: what it was taken for: ``account``, ``email``, ``phone``, ``anonymous``, ``placeholder``, or a word
            of
            the caller's.
        activity: what was recorded under it, as far as is known.
    """

    name: str
    kind: str
    activity: Activity


@frozen(kw_only=True)
class AuditedLink:
    """
    A link of a squished person; links between the same two identities are one.

    Attributes:
        older: the identity that was there before, by the first of them.
        newer: the other one.
        at_ms: when the first was made, in milliseconds since 1970 UTC.
        count: how many there are.
        kind: where the first came from.
    """

    older: str
    newer: str
    at_ms: int
    count: int
    kind: LinkKind


@frozen(kw_only=True)
class BlamedLink:
    """
    A link to drop.

    Attributes:
        link: which one.
        cause: one word for programs.
        through: the identity to blame for it, where there is one.
        bridge: whether the person falls apart without this link alone.
        explanation: one sentence for people.
    """

    link: AuditedLink
    cause: Cause
    through: str | None
    bridge: bool
    explanation: str


@frozen(kw_only=True)
class Part:
    """
    One of those whom a squished person would be without the blamed links.

    Attributes:
        name: the identity that stands for it: the account or address with the most records.
        identities: all of them, the best known first.
        nobody: whether it is a placeholder or a hub, and so no person.
    """

    name: str
    identities: tuple[AuditedIdentity, ...]
    nobody: bool

    @property
    def records(self) -> int:
        """
        How many records it has.
        """
        return sum(identity.activity.records for identity in self.identities)


@frozen(kw_only=True)
class SquishedPerson:
    """
    Identities that count as one person, and should not.

    Attributes:
        name: the identity that stands for the person.
        severity: how bad it is.
        explanation: one sentence for people.
        blamed: the links to drop, oldest first; empty if no link is to blame.
        exact: whether no smaller set of links would do.
        parts: whom the person would be without them, the largest first.
        links: all links, oldest first.
    """

    name: str
    severity: Severity
    explanation: str
    blamed: tuple[BlamedLink, ...]
    exact: bool
    parts: tuple[Part, ...]
    links: tuple[AuditedLink, ...]

    @property
    def people(self) -> int:
        """
        How many people are in it.
        """
        return sum(not part.nobody for part in self.parts)

    @property
    def identities(self) -> int:
        """
        How many identities it has.
        """
        return sum(len(part.identities) for part in self.parts)

    @property
    def records(self) -> int:
        """
        How many records it has.
        """
        return sum(part.records for part in self.parts)

    @property
    def causes(self) -> tuple[Cause, ...]:
        """
        Why its links are to blame, the most frequent cause first.
        """
        causes = [blamed.cause for blamed in self.blamed]
        return tuple(sorted(set(causes), key=lambda cause: (-causes.count(cause), cause)))


@frozen(kw_only=True)
class Audit:
    """
    What was found.

    Attributes:
        identities: how many identities the links join.
        people: how many people they make.
        links: how many pairs of identities are linked.
        squished: the squished people, the worst first.
    """

    identities: int
    people: int
    links: int
    squished: tuple[SquishedPerson, ...]

    @property
    def blamed(self) -> tuple[BlamedLink, ...]:
        """
        All links to drop.
        """
        return tuple(blamed for person in self.squished for blamed in person.blamed)
