"""
The graph as it was: each link with the verdict that it had at a time.
"""

from attrs import evolve

from identity.answers import Answers
from identity.identifiers import ANONYMOUS, Identifiers
from identity.ids import IdentityKind
from identity.known import KnownIdentities, KnownIdentity
from identity.links import Verdict, Verdicts
from identity.questions import Questions
from identity.tables import moment
from identity.walk import reach


class PastGraph(Questions):
    """
    A graph as it was at a time, made by `IdentityGraph.as_of`: it answers the same questions.

    What was decided until then counts, by the times that links came with and at which people decided. Records and
    last sightings are those of today, and whoever was forgotten since is not there.
    """

    def __init__(self, known: KnownIdentities, answers: Answers, identifiers: Identifiers, *, at_ms: int) -> None:
        self.at_ms = at_ms
        self._known = known
        self._answers = answers
        self._identifiers = identifiers

    def __repr__(self) -> str:
        return f"PastGraph({moment(self.at_ms)} UTC)"

    def _members(self, name: str) -> list[KnownIdentity]:
        """
        Return the identities of a person in the order in which they were first kept.
        """
        members = [self._then(known) for known in self._known.in_order_kept(reach(name, self._links_at))]
        seen = [known for known in members if known.first_ms <= self.at_ms]
        return members if len(members) > 1 else seen

    def _then(self, known: KnownIdentity) -> KnownIdentity:
        if known.named_ms is None or known.named_ms <= self.at_ms:
            return known
        return evolve(known, kind=IdentityKind.ANONYMOUS, sort=ANONYMOUS, named_ms=None)

    def _known_as(self, name: str) -> str:
        members = self._members(name)
        return min(members, key=lambda known: self._identifiers.rank(known.sort)).name if members else name

    def _identities(self, name: str) -> list[KnownIdentity]:
        return sorted(self._members(name), key=lambda known: known.first_ms)

    def _links_at(self, name: str) -> list[Verdict]:
        return [stored.verdict for stored in self._answers.links_at(name, then_ms=self.at_ms)]

    def _links_of(self, identities: list[KnownIdentity]) -> list[Verdict]:
        found = {
            stored.number: stored.verdict
            for known in identities
            for stored in self._answers.links_at(known.name, then_ms=self.at_ms)
        }
        return [found[number] for number in sorted(found)]

    def _decisions_at(self, name: str) -> list[Verdict]:
        return self._answers.decisions_at(name, then_ms=self.at_ms)

    def held(self) -> Verdicts:
        """
        Return the verdicts that waited for a human, oldest first.
        """
        return Verdicts(self._answers.held_then(self.at_ms))
