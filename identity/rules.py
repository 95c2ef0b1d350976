"""
The rules that a merge policy is made of.

A rule is a plain function from a proposed merge to a decision, to a caution, or to nothing when it has no opinion.
"""

from identity.identifiers import Identifiers
from identity.ids import LONGEST_IDENTITY, IdentityKind
from identity.links import ASKED_FOR, LinkKind, Outcome
from identity.placeholders import Placeholders
from identity.proposal import Caution, Decision, Proposal, Rule, joined_when_one
from identity.tables import moment

SECOND_IDENTITY = "second_identity"
SHARED_DEVICE = "shared_device"
REJECTED = "rejected"
RETRACTED = "retracted"
FORGOTTEN = "forgotten"

IMPOSSIBLE = frozenset({"itself", "placeholder", "too_long", FORGOTTEN})
"""Reasons for which nobody can approve a link."""

DAY_MS = 86_400_000


def itself(proposal: Proposal) -> Decision | None:
    """
    Refuse to join an identity with itself.
    """
    if proposal.older.name != proposal.newer.name:
        return None
    return Decision.refuse("itself", f"{quoted(proposal.older.name)} is on both sides.")


def no_placeholders(placeholders: Placeholders) -> Rule:
    """
    Make the rule that refuses what stands for nobody: it would join everybody who ever carried it.
    """

    def placeholder(proposal: Proposal) -> Decision | None:
        for side in proposal.sides:
            if side.name in placeholders:
                return Decision.refuse(
                    "placeholder",
                    f"{quoted(side.name)} stands for nobody: an alias would join everybody who ever carried it.",
                )
        return None

    return placeholder


def too_long(proposal: Proposal) -> Decision | None:
    """
    Refuse identities that Kissmetrics would cut off, and so confuse with others.
    """
    for side in proposal.sides:
        if len(side.name) > LONGEST_IDENTITY:
            return Decision.refuse(
                "too_long", f"An identity of {len(side.name)} characters: Kissmetrics keeps {LONGEST_IDENTITY}."
            )
    return None


def already_one_person(proposal: Proposal) -> Decision | None:
    """
    Say nothing to Kissmetrics that it was told before.
    """
    older, newer = proposal.sides
    if older.person is None or older.person != newer.person:
        return None
    return Decision(
        Outcome.KNOWN, "one_person", f"{quoted(older.name)} and {quoted(newer.name)} are one person already."
    )


def decided_before(proposal: Proposal) -> Decision | None:
    """
    Refuse what a person rejected or retracted, until a person says otherwise.
    """
    earlier = proposal.earlier
    if earlier is None or earlier.reason not in {REJECTED, RETRACTED} or proposal.link.kind is LinkKind.MANUAL:
        return None
    return Decision.refuse(earlier.reason, earlier.explanation)


def belongs_to_another(proposal: Proposal) -> Decision | None:
    """
    Hold the second person on one anonymous identity; once others were named on it, refuse it as a shared device.
    """
    if not proposal.both_named:
        return None
    for taken, other in (proposal.sides, proposal.sides[::-1]):
        if not taken.belongs_to_somebody:
            continue
        if proposal.rivals and other.belongs_to_somebody:
            return Decision.refuse(
                SHARED_DEVICE,
                f"{quoted(taken.name)} belongs to {taken.owner!r} and {quoted(other.name)} to {other.owner!r}, "
                "and others were named on one of them, too: devices that people share.",
            )
        if proposal.rivals:
            return Decision.refuse(
                SHARED_DEVICE,
                f"{quoted(taken.name)} belongs to {taken.owner!r}, and others than {quoted(other.name)} were "
                "named on it, too: a device that people share.",
            )
        return Decision.hold(
            SECOND_IDENTITY,
            f"{quoted(taken.name)} belongs to {taken.owner!r}; is {quoted(other.name)} the same person, "
            "or somebody else on the same device?",
        )
    return None


def made_up_name(proposal: Proposal) -> Decision | None:
    """
    Hold a first identify that names nobody, but gives the made-up identity of another device.
    """
    if proposal.link.kind in ASKED_FOR or proposal.newer.kind is not IdentityKind.GENERATED:
        return None
    return Decision.hold(
        "made_up_name",
        f"{quoted(proposal.newer.name)} was made up for a device and names nobody; "
        "are the two devices one person's?",
    )


def named_unasked(proposal: Proposal) -> Decision | None:
    """
    Hold two named people whom nobody asked to join.
    """
    if not proposal.both_named or proposal.link.kind in ASKED_FOR:
        return None
    return Decision.hold(
        "not_asked_for", f"{_both(proposal)} are two named people, and nobody asked to join them."
    )


def named_to_named(proposal: Proposal) -> Decision | None:
    """
    Hold every two named people, asked for or not.
    """
    if not proposal.both_named:
        return None
    return Decision.hold("two_named_people", f"{_both(proposal)} are two named people; are they one?")


def history_on_both_sides(proposal: Proposal) -> Decision | None:
    """
    Hold an identity change onto an identity that has a history of its own, as the old one does.
    """
    older, newer = proposal.older, proposal.newer
    if older.records == 0 or newer.records == 0:
        return None
    if older.kind is not IdentityKind.NAMED or newer.kind is not IdentityKind.NAMED:
        return None
    return Decision.hold(
        "history_on_both_sides",
        f"{_both(proposal)} both have events or properties of their own; are they one person?",
    )


def one_of_each(identifiers: Identifiers) -> Rule:
    """
    Make the rule that holds what would give a person two identities of a sort of which nobody has two.
    """

    def second_of_a_sort(proposal: Proposal) -> Decision | None:
        both = set(proposal.older.sorts.split()) & set(proposal.newer.sorts.split()) & set(identifiers.unique)
        if not both:
            return None
        sort = min(both)
        return Decision.hold(
            f"second_{sort}", f"The person would have a second {sort.replace('_', ' ')}, and nobody has two."
        )

    # Without a sort that is unique there is nothing to look at, at each merge.
    return second_of_a_sort if identifiers.unique else _named(lambda _: None, "second_of_a_sort")


def at_most(*, identities: int, named: int) -> Rule:
    """
    Make the rule that holds what would give one person implausibly many identities.
    """

    def too_many(proposal: Proposal) -> Decision | None:
        older, newer = proposal.sides
        count = older.identities + newer.identities
        if count > identities:
            return _too_many("identities", count, identities)
        names = older.named + newer.named
        return _too_many("named identities", names, named) if proposal.both_named and names > named else None

    return too_many


def _too_many(what: str, count: int, limit: int) -> Decision:
    return Decision.hold(
        "too_many_" + what.replace(" ", "_"),
        f"The person would have {count} {what}; more than {limit} is seldom one person.",
    )


def at_most_lately(*, named: int, days: int) -> Rule:
    """
    Make the rule that holds what would give one person too many named identities within some days.

    Each counts from when it joined the person; the first one from when it was first named.
    """

    def too_many_lately(proposal: Proposal) -> Decision | None:
        if not proposal.both_named or proposal.older.named + proposal.newer.named <= named:
            return None
        link = proposal.link
        since_ms = link.at_ms - days * DAY_MS
        count = sum(
            int(joined_ms) > since_ms for joined_ms in joined_when_one(*proposal.sides, at_ms=link.at_ms).split()
        )
        if count <= named:
            return None
        return Decision.hold(
            "too_many_named_lately",
            f"The person would have {count} named identities since {moment(since_ms)[:10]}; "
            f"more than {named} within {days} days is seldom one person.",
        )

    return too_many_lately


def only_warn(rule: Rule) -> Rule:
    """
    Make a rule that warns where another one holds or refuses; the code is the other's reason.
    """

    def warn(proposal: Proposal) -> Caution | None:
        opinion = rule(proposal)
        return Caution(opinion.reason) if isinstance(opinion, Decision) else opinion

    return _named(warn, name_of(rule))


def name_of(rule: Rule) -> str:
    """
    Return the name by which a policy knows a rule: its function's.
    """
    return getattr(rule, "__name__", type(rule).__name__)


def _named(rule: Rule, name: str) -> Rule:
    rule.__name__ = name
    return rule


def _both(proposal: Proposal) -> str:
    return f"{quoted(proposal.older.name)} and {quoted(proposal.newer.name)}"


def quoted(name: str) -> str:
    """
    Return an identity as an explanation shows it: a long one is cut, since an explanation is one sentence.
    """
    return repr(name if len(name) <= 60 else name[:57] + "...")
