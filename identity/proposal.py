"""
What a rule is asked about, and what it may answer.
"""

from collections.abc import Callable

from attrs import frozen

from identity.identifiers import ANONYMOUS, EMAIL, IDENTIFIERS, PHONE, Identifiers
from identity.ids import IdentityKind
from identity.links import Link, LinkKind, Outcome, Verdict

MOST_RIVALS = 10
"""How many other people are counted that an anonymous identity was said to belong to."""

TIMES_KEPT = 20
"""Of how many named identities a person's row tells when they joined: the latest ones."""


@frozen(kw_only=True)
class Side:
    """
    One end of a proposed merge: an identity, and the person that it belongs to.

    Attributes:
        name: the identity.
        kind: generated, anonymous or named.
        sort: what sort of name it is, such as ``email``; ``anonymous`` if it is none.
        records: how many calls were recorded under this very identity.
        person: a number that all identities of one person share; None for an identity never seen.
        known_as: the identity that stands for the person.
        rank: the place of its sort in the priority; the lower one stands for a merged person.
        identities: how many identities the person has.
        named: how many of them are named.
        sorts: which sorts of name those are, with spaces between.
        joined: when the latest named ones joined, newest first, in milliseconds, with spaces between.
    """

    name: str
    kind: IdentityKind
    sort: str = ANONYMOUS
    records: int = 0
    person: int | None = None
    known_as: str = ""
    rank: int = 0
    identities: int = 1
    named: int = 0
    sorts: str = ""
    joined: str = ""

    @property
    def owner(self) -> str | None:
        """
        The named identity that the person is known by, if there is one.
        """
        return self.known_as if self.named else None

    @property
    def belongs_to_somebody(self) -> bool:
        """
        Whether this is an anonymous identity of a person with a name.
        """
        return self.named > 0 and self.kind is not IdentityKind.NAMED

    @property
    def joined_ms(self) -> tuple[int, ...]:
        """
        When the latest of the person's named identities joined, newest first; the first name joins as it is named.
        """
        return tuple(map(int, self.joined.split()))


@frozen(kw_only=True)
class Proposal:
    """
    A merge that a link proposes.

    Attributes:
        link: the evidence.
        older: the side that was there before.
        newer: the side that it is said to belong to.
        rivals: other people that the anonymous identity was said to belong to before, and did not join; counted
            up to ten.
        earlier: the newest verdict on the same two identities, if there is one.
    """

    link: Link
    older: Side
    newer: Side
    rivals: int = 0
    earlier: Verdict | None = None

    @property
    def sides(self) -> tuple[Side, Side]:
        """
        Both sides, the older one first.
        """
        return self.older, self.newer

    @property
    def both_named(self) -> bool:
        """
        Whether both are people with a name.
        """
        return self.older.named > 0 and self.newer.named > 0


@frozen
class Decision:
    """
    A rule's opinion.

    Attributes:
        outcome: ``merge``, ``hold`` or ``refuse``.
        reason: one word for programs.
        explanation: one sentence for people.
    """

    outcome: Outcome
    reason: str
    explanation: str

    @classmethod
    def merge(cls, reason: str, explanation: str) -> "Decision":
        """
        Join the two, whatever later rules would say.
        """
        return cls(Outcome.MERGE, reason, explanation)

    @classmethod
    def hold(cls, reason: str, explanation: str) -> "Decision":
        """
        Let a human decide.
        """
        return cls(Outcome.HOLD, reason, explanation)

    @classmethod
    def refuse(cls, reason: str, explanation: str) -> "Decision":
        """
        Take it for a mistake.
        """
        return cls(Outcome.REFUSE, reason, explanation)


@frozen
class Caution:
    """
    A rule's warning: the merge goes on, and its verdict carries the code.
    """

    code: str


Rule = Callable[[Proposal], Decision | Caution | None]


def first_meeting(link: Link, identifiers: Identifiers = IDENTIFIERS) -> Proposal:
    """
    Return the proposal for two identities that were never seen before.
    """
    older, newer = (end_never_seen(link, end, identifiers) for end in link.ends)
    return Proposal(link=link, older=older, newer=newer)


def end_never_seen(link: Link, name: str, identifiers: Identifiers) -> Side:
    """
    Return an end of a link that was never seen before.

    Where the kind of link does not tell whether it is a name, its looks do.
    """
    if name in named_by(link):
        kind = IdentityKind.NAMED
    elif link.kind in _ANONYMOUS_BEFORE:
        kind = IdentityKind.ANONYMOUS
    else:
        kind = identifiers.kind_of_stranger(name)
    return stranger(name, kind, identifiers, at_ms=link.at_ms)


_ANONYMOUS_BEFORE = frozenset({LinkKind.FIRST_IDENTIFY, LinkKind.SERVER_ALIAS})
_NAMES_NEWER = frozenset({LinkKind.FIRST_IDENTIFY, LinkKind.SERVER_ALIAS, LinkKind.IDENTITY_CHANGE})


def asked_kind(kind: IdentityKind | None, older: str, identifiers: Identifiers) -> LinkKind:
    """
    Return the kind of a link that a caller asked for without saying which.

    Args:
        kind: of the older identity; None if it was never seen, so that its looks tell.
        older: the older identity.
        identifiers: the sorts of names.
    """
    named = identifiers.of(older) in {EMAIL, PHONE} if kind is None else kind is IdentityKind.NAMED
    return LinkKind.IDENTITY_CHANGE if named else LinkKind.SERVER_ALIAS


def named_by(link: Link) -> tuple[str, ...]:
    """
    Return the ends of a link that it says are names.
    """
    if link.kind is LinkKind.IDENTITY_CHANGE:
        return link.ends
    return (link.newer,) if link.kind in _NAMES_NEWER else ()


def stranger(
    name: str, kind: IdentityKind, identifiers: Identifiers, *, at_ms: int, sort: str | None = None
) -> Side:
    """
    Return an identity that was never seen, as a person of its own.
    """
    if kind is not IdentityKind.NAMED:
        return Side(name=name, kind=kind, known_as=name, rank=identifiers.rank(ANONYMOUS), sort=ANONYMOUS)
    sort = sort or identifiers.of(name)
    return Side(
        name=name,
        kind=kind,
        sort=sort,
        known_as=name,
        rank=identifiers.rank(sort),
        named=1,
        sorts=sort,
        joined=str(at_ms),
    )


def joined_when_one(one: Side, other: Side, *, at_ms: int) -> str:
    """
    Return when the latest names of two persons join the one that they become, as `Side.joined` has it.

    The names of the person that has fewer of them join now; between equals, those that joined latest.
    """
    more, fewer = (one, other) if one.named >= other.named else (other, one)
    if not fewer.named:
        return more.joined
    if more.named == fewer.named and fewer.joined_ms < more.joined_ms:
        more, fewer = fewer, more
    now, before = [at_ms] * min(fewer.named, TIMES_KEPT), more.joined_ms
    times = [*now, *before] if before[0] <= at_ms else sorted((*now, *before), reverse=True)
    return " ".join(map(str, times[:TIMES_KEPT]))


def as_one(one: Side, other: Side, *, at_ms: int, elder: str | None = None) -> Side:
    """
    Return the person that two persons are together, as a side named by the first one's identity.

    Args:
        one: an identity of a person.
        other: an identity of another.
        at_ms: when they are joined.
        elder: which of the two identities that stand for them was kept first; needed if they rank the same.
    """
    leading = one if one.rank < other.rank or (one.rank == other.rank and one.known_as == elder) else other
    sorts = one.sorts or other.sorts
    if other.sorts not in {"", sorts}:
        sorts = " ".join(sorted({*one.sorts.split(), *other.sorts.split()}))
    return Side(
        name=one.name,
        kind=one.kind,
        sort=one.sort,
        records=one.records,
        person=one.person,
        known_as=leading.known_as,
        rank=leading.rank,
        identities=one.identities + other.identities,
        named=one.named + other.named,
        sorts=sorts,
        joined=joined_when_one(one, other, at_ms=at_ms),
    )
