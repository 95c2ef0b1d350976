"""
What is decided about a link: an ordered list of small rules.

A rule is a plain function from a proposed merge to a decision, or to nothing when it has no opinion. The
first opinion counts; when no rule has one, the two are merged.
"""

from collections.abc import Callable, Sequence

from attrs import frozen

from identity.ids import LONGEST_IDENTITY, IdentityKind, is_placeholder
from identity.links import ASKED_FOR, Link, LinkKind, Outcome, Verdict

SECOND_IDENTITY = "second_identity"
SHARED_DEVICE = "shared_device"


@frozen(kw_only=True)
class Side:
    """
    One end of a proposed merge.

    Attributes:
        name: the identity.
        kind: anonymous or named.
        person: a number that all identities of one person share.
        owner: the named identity that the person is known by, if there is one.
        identities: how many identities the person has.
        named: how many of them are named.
        records: how many calls were recorded under this very identity.
    """

    name: str
    kind: IdentityKind
    person: int | None = None
    owner: str | None = None
    identities: int = 1
    named: int = 0
    records: int = 0

    @property
    def belongs_to_somebody(self) -> bool:
        """
        Whether this is an anonymous identity of a person with a name.
        """
        return self.kind is not IdentityKind.NAMED and self.named > 0


@frozen(kw_only=True)
class Proposal:
    """
    A merge that a link proposes.

    Attributes:
        link: the evidence.
        older: the side that was there before.
        newer: the side that it is said to belong to.
        rivals: other people that the anonymous identity was said to belong to before, and did not join.
    """

    link: Link
    older: Side
    newer: Side
    rivals: int = 0


def first_meeting(link: Link) -> Proposal:
    """
    Return the proposal for two identities that were never seen before.
    """
    older_kind = IdentityKind.ANONYMOUS if link.kind in _ANONYMOUS_BEFORE else IdentityKind.NAMED
    return Proposal(
        link=link, older=_stranger(link.older, older_kind), newer=_stranger(link.newer, IdentityKind.NAMED)
    )


_ANONYMOUS_BEFORE = frozenset({LinkKind.FIRST_IDENTIFY, LinkKind.SERVER_ALIAS})


def _stranger(name: str, kind: IdentityKind) -> Side:
    named = kind is IdentityKind.NAMED
    return Side(name=name, kind=kind, owner=name if named else None, named=int(named))


@frozen
class Decision:
    """
    A rule's opinion.
    """

    outcome: Outcome
    reason: str
    explanation: str


Rule = Callable[[Proposal], Decision | None]


def itself(proposal: Proposal) -> Decision | None:
    """
    Refuse to join an identity with itself.
    """
    if proposal.older.name != proposal.newer.name:
        return None
    return Decision(Outcome.REFUSE, "itself", f"{_quoted(proposal.older)} is on both sides.")


def placeholder(proposal: Proposal) -> Decision | None:
    """
    Refuse what stands for nobody: it would join everybody who ever carried it.
    """
    for side in (proposal.older, proposal.newer):
        if is_placeholder(side.name):
            return Decision(
                Outcome.REFUSE,
                "placeholder",
                f"{_quoted(side)} stands for nobody: an alias would join everybody who ever carried it.",
            )
    return None


def too_long(proposal: Proposal) -> Decision | None:
    """
    Refuse identities that Kissmetrics would cut off, and so confuse with others.
    """
    for side in (proposal.older, proposal.newer):
        if len(side.name) > LONGEST_IDENTITY:
            return Decision(
                Outcome.REFUSE,
                "too_long",
                f"An identity of {len(side.name)} characters: Kissmetrics keeps {LONGEST_IDENTITY}.",
            )
    return None


def already_one_person(proposal: Proposal) -> Decision | None:
    """
    Say nothing to Kissmetrics that it was told before.
    """
    older, newer = proposal.older, proposal.newer
    if older.person is None or older.person != newer.person:
        return None
    return Decision(Outcome.KNOWN, "one_person", f"{_quoted(older)} and {_quoted(newer)} are one person already.")


def belongs_to_another(proposal: Proposal) -> Decision | None:
    """
    Hold the second person on one anonymous identity; from the third on, refuse it as a shared device.
    """
    for taken, other in ((proposal.older, proposal.newer), (proposal.newer, proposal.older)):
        if not taken.belongs_to_somebody or other.named == 0:
            continue
        if proposal.rivals:
            return Decision(
                Outcome.REFUSE,
                SHARED_DEVICE,
                f"{_quoted(taken)} belongs to {taken.owner!r}, and {_quoted(other)} is at least the third "
                "person on it: a device that people share.",
            )
        return Decision(
            Outcome.HOLD,
            SECOND_IDENTITY,
            f"{_quoted(taken)} belongs to {taken.owner!r}; is {_quoted(other)} the same person, "
            "or somebody else on the same device?",
        )
    return None


def made_up_name(proposal: Proposal) -> Decision | None:
    """
    Hold a first identify that names nobody, but gives the made-up identity of another device.
    """
    if proposal.link.kind in ASKED_FOR or proposal.newer.kind is not IdentityKind.GENERATED:
        return None
    return Decision(
        Outcome.HOLD,
        "made_up_name",
        f"{_quoted(proposal.newer)} was made up for a device and names nobody; are the two devices one person's?",
    )


def named_unasked(proposal: Proposal) -> Decision | None:
    """
    Hold two named people whom nobody asked to join.
    """
    both_named = proposal.older.named > 0 and proposal.newer.named > 0
    if not both_named or proposal.link.kind in ASKED_FOR:
        return None
    return Decision(
        Outcome.HOLD,
        "not_asked_for",
        f"{_quoted(proposal.older)} and {_quoted(proposal.newer)} are two named people, "
        "and nobody asked to join them.",
    )


def at_most(*, identities: int, named: int) -> Rule:
    """
    Make the rule that holds what would give one person implausibly many identities.
    """

    def too_many(proposal: Proposal) -> Decision | None:
        older, newer = proposal.older, proposal.newer
        for what, count, limit in (
            ("identities", older.identities + newer.identities, identities),
            ("named identities", older.named + newer.named, named),
        ):
            if count > limit:
                return Decision(
                    Outcome.HOLD,
                    "too_many_" + what.replace(" ", "_"),
                    f"The person would have {count} {what}; more than {limit} is seldom one person.",
                )
        return None

    return too_many


_MERGED_BECAUSE = {
    LinkKind.FIRST_IDENTIFY: "the first to be identified on {older}",
    LinkKind.IDENTITY_CHANGE: "the new identity of {older}, as asked",
    LinkKind.SERVER_ALIAS: "whom {older} was handed over to",
    LinkKind.IMPORT: "joined with {older} in the import",
    LinkKind.MANUAL: "joined with {older} by hand",
}


@frozen
class MergePolicy:
    """
    An ordered list of rules.
    """

    rules: Sequence[Rule]

    def decide(self, proposal: Proposal) -> Verdict:
        """
        Return the verdict of the first rule that has an opinion, else ``merge``.
        """
        for rule in self.rules:
            decision = rule(proposal)
            if decision is not None:
                return _verdict(proposal, decision)
        because = _MERGED_BECAUSE[proposal.link.kind].format(older=_quoted(proposal.older))
        merged = Decision(Outcome.MERGE, proposal.link.kind.value, f"{_quoted(proposal.newer)} is {because}.")
        return _verdict(proposal, merged, warnings=_history_on_both_sides(proposal))

    @classmethod
    def guarded(cls, *, identities: int = 100, named: int = 5) -> "MergePolicy":
        """
        Return the default policy: merge what is plain, hold what looks like two people, refuse mistakes.

        Args:
            identities: how many identities a person may have before a merge is held.
            named: how many of them may be named.
        """
        limit = at_most(identities=identities, named=named)
        return cls(
            (
                itself,
                placeholder,
                too_long,
                already_one_person,
                belongs_to_another,
                made_up_name,
                named_unasked,
                limit,
            )
        )


def _verdict(proposal: Proposal, decision: Decision, *, warnings: tuple[str, ...] = ()) -> Verdict:
    return Verdict(
        outcome=decision.outcome,
        reason=decision.reason,
        explanation=decision.explanation,
        link=proposal.link,
        warnings=warnings,
    )


def _history_on_both_sides(proposal: Proposal) -> tuple[str, ...]:
    sides = (proposal.older, proposal.newer)
    both = all(side.kind is IdentityKind.NAMED and side.records > 0 for side in sides)
    return ("history_on_both_sides",) if both else ()


def _quoted(side: Side) -> str:
    # A long text is cut: an explanation is one sentence for people.
    return repr(side.name if len(side.name) <= 60 else side.name[:57] + "...")
