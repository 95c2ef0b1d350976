"""
What is decided about a link: an ordered list of small rules.

The first decision of a rule counts; when no rule has one, the two are merged.
"""

from collections.abc import Sequence

from attrs import evolve, frozen

from identity.identifiers import IDENTIFIERS, Identifiers
from identity.links import LinkKind, Verdict
from identity.placeholders import NO_PLACEHOLDERS, PLACEHOLDERS, Placeholders
from identity.proposal import Caution, Decision, Proposal, Rule
from identity.rules import (
    already_one_person,
    at_most,
    at_most_lately,
    belongs_to_another,
    decided_before,
    history_on_both_sides,
    itself,
    made_up_name,
    name_of,
    named_to_named,
    named_unasked,
    no_placeholders,
    one_of_each,
    only_warn,
    quoted,
    too_long,
)

_CERTAIN = frozenset({"itself", "placeholder", "too_long", "already_one_person", "decided_before"})
"""Rules that do not guess; a user's own come after them."""

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

    Made by `guarded` (the default), `permissive` or `strict`, and changed by `with_rules` and `without`:

        MergePolicy.guarded().with_rules(my_rule).without("too_many_lately")

    Attributes:
        rules: plain functions from a `Proposal` to a `Decision`, a `Caution` or None; known by their names.
        placeholders: what stands for nobody, also where no merge is proposed.
        identifiers: the sorts of named identities; the first in their priority stands for a person.
    """

    rules: Sequence[Rule]
    placeholders: Placeholders = PLACEHOLDERS
    identifiers: Identifiers = IDENTIFIERS

    def __repr__(self) -> str:
        return f"MergePolicy({', '.join(self.names)})"

    @property
    def names(self) -> tuple[str, ...]:
        """
        The names of the rules, in order.
        """
        return tuple(name_of(rule) for rule in self.rules)

    def decide(self, proposal: Proposal) -> Verdict:
        """
        Return the verdict of the first rule that decides, else ``merge``, with the warnings of those before it.
        """
        warnings: tuple[str, ...] = ()
        for rule in self.rules:
            opinion = rule(proposal)
            if opinion is None:
                continue
            if isinstance(opinion, Caution):
                warnings += (opinion.code,)
                continue
            return _verdict(proposal, opinion, warnings)
        link = proposal.link
        because = _MERGED_BECAUSE[link.kind].format(older=quoted(link.older))
        merged = Decision.merge(link.kind.value, f"{quoted(link.newer)} is {because}.")
        return _verdict(proposal, merged, warnings)

    def with_rules(self, *rules: Rule, before: str | None = None) -> "MergePolicy":
        """
        Return a policy that asks one's own rules, too.

        Args:
            rules: in the order in which to ask them.
            before: the rule to ask them before; by default the first one that guesses, so that placeholders and
                what is one person already never reach them, and nothing that is decided later overrules them.

        Raises:
            ValueError: there is no such rule.
        """
        if before is not None:
            place = self._place(before)
        else:
            place = next((n for n, name in enumerate(self.names) if name not in _CERTAIN), len(self.rules))
        return evolve(self, rules=(*self.rules[:place], *rules, *self.rules[place:]))

    def without(self, *names: str) -> "MergePolicy":
        """
        Return a policy that lacks some rules.

        Raises:
            ValueError: there is no such rule.
        """
        gone = {self._place(name) for name in names}
        kept = tuple(rule for place, rule in enumerate(self.rules) if place not in gone)
        placeholders = NO_PLACEHOLDERS if "placeholder" in names else self.placeholders
        return evolve(self, rules=kept, placeholders=placeholders)

    def _place(self, name: str) -> int:
        if name not in self.names:
            raise ValueError(f"the policy has no rule {name!r}; it has {', '.join(self.names)}")
        return self.names.index(name)

    @classmethod
    def guarded(
        cls,
        *,
        identities: int = 100,
        named: int = 5,
        named_lately: int = 3,
        days: int = 30,
        placeholders: Placeholders = PLACEHOLDERS,
        identifiers: Identifiers = IDENTIFIERS,
    ) -> "MergePolicy":
        """
        Return the default policy: merge what is plain, hold what looks like two people, refuse mistakes.

        Args:
            identities: how many identities a person may have before a merge is held.
            named: how many of them may be named.
            named_lately: how many named ones may have joined within some days.
            days: how many days those are.
            placeholders: what stands for nobody.
            identifiers: the sorts of named identities, their priority, and of which nobody has two.
        """
        return cls(
            (
                *_certain(placeholders),
                belongs_to_another,
                made_up_name,
                named_unasked,
                one_of_each(identifiers),
                at_most(identities=identities, named=named),
                at_most_lately(named=named_lately, days=days),
                only_warn(history_on_both_sides),
            ),
            placeholders,
            identifiers,
        )

    @classmethod
    def strict(
        cls,
        *,
        identities: int = 100,
        named: int = 5,
        placeholders: Placeholders = PLACEHOLDERS,
        identifiers: Identifiers = IDENTIFIERS,
    ) -> "MergePolicy":
        """
        Return the policy that joins no two named people by itself: a human decides about each.
        """
        return cls(
            (
                *_certain(placeholders),
                belongs_to_another,
                made_up_name,
                named_unasked,
                one_of_each(identifiers),
                at_most(identities=identities, named=named),
                history_on_both_sides,
                named_to_named,
            ),
            placeholders,
            identifiers,
        )

    @classmethod
    def permissive(
        cls, *, placeholders: Placeholders = PLACEHOLDERS, identifiers: Identifiers = IDENTIFIERS
    ) -> "MergePolicy":
        """
        Return the policy that merges all but the impossible: what stands for nobody, is too long, or was undone.
        """
        return cls(_certain(placeholders), placeholders, identifiers)


def _certain(placeholders: Placeholders) -> tuple[Rule, ...]:
    return itself, no_placeholders(placeholders), too_long, already_one_person, decided_before


def _verdict(proposal: Proposal, decision: Decision, warnings: tuple[str, ...]) -> Verdict:
    return Verdict(
        outcome=decision.outcome,
        reason=decision.reason,
        explanation=decision.explanation,
        link=proposal.link,
        warnings=warnings,
    )
