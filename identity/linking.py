"""
One link: both sides are looked up, the policy decides, and the tables follow.
"""

from collections.abc import Mapping

from attrs import evolve, frozen

from identity.database import Connection, Database
from identity.ids import IdentityKind
from identity.ledger import Ledger
from identity.links import Link, LinkKind, Outcome, Verdict
from identity.people import People
from identity.policy import MergePolicy
from identity.proposal import MOST_RIVALS, Proposal, Side, asked_kind, end_never_seen, named_by, stranger
from identity.rules import FORGOTTEN, SECOND_IDENTITY, SHARED_DEVICE
from identity.stored_links import StoredLink
from identity.tombstones import Tombstones


@frozen
class Linking:
    """
    What decides about links, over the tables of one database.
    """

    database: Database
    people: People
    ledger: Ledger
    tombstones: Tombstones
    policy: MergePolicy

    def decide(self, connection: Connection, link: Link) -> Verdict:
        """
        Decide about a link, keep the verdict and do what it says.
        """
        older, newer = self.sides(connection, link)
        if self.is_forgotten(older) or self.is_forgotten(newer):
            return _forgotten(link)
        # Two that are kept may be linked already; of others only a refusal can be on record.
        both_kept = older.person is not None and newer.person is not None
        earlier = self.ledger.link_between(*link.ends) if both_kept else None
        proposal = Proposal(
            link=link,
            older=older,
            newer=newer,
            rivals=self._rivals(older, newer),
            earlier=None if earlier is None else earlier.verdict,
        )
        verdict = self.policy.decide(proposal)
        if earlier is None and not both_kept and verdict.outcome is not Outcome.MERGE:
            earlier = self.ledger.link_between(*link.ends)
        self._record(connection, verdict, earlier)
        if verdict.outcome is Outcome.MERGE:
            self.merge(connection, proposal, verdict)
        elif verdict.outcome is Outcome.HOLD or verdict.reason == SHARED_DEVICE:
            # Both are kept, so that a rival is remembered although nothing was recorded under it yet.
            self._keep(connection, older, at_ms=link.at_ms)
            self._keep(connection, newer, at_ms=link.at_ms)
        if verdict.reason == SHARED_DEVICE:
            self._refuse_open_holds(connection, proposal, verdict)
        return verdict

    def asked_kind(self, older: str) -> LinkKind:
        """
        Return the kind of a link that a caller asks for without saying which.
        """
        known = self.people.side(older)
        return asked_kind(None if known is None else known.kind, older, self.policy.identifiers)

    def sides(self, connection: Connection, link: Link) -> tuple[Side, Side]:
        """
        Return both sides of a link as they are now, those that it says are names as named ones.
        """
        found = self.people.sides(connection, *link.ends)
        for name in named_by(link):
            if name in found and found[name].kind is IdentityKind.ANONYMOUS:
                self.name(connection, found[name], at_ms=link.at_ms)
                found = self.people.sides(connection, *link.ends)
        return self._met(found, link)

    def sides_as_kept(self, connection: Connection, link: Link) -> tuple[Side, Side]:
        """
        Return both sides of a link as they are, whatever it says of them.
        """
        return self._met(self.people.sides(connection, *link.ends), link)

    def _met(self, found: Mapping[str, Side], link: Link) -> tuple[Side, Side]:
        older, newer = (
            found[end] if end in found else end_never_seen(link, end, self.policy.identifiers) for end in link.ends
        )
        return older, newer

    def name(self, connection: Connection, side: Side, *, at_ms: int, sort: str | None = None) -> None:
        """
        Count an anonymous identity as a named one from now on.
        """
        named = stranger(side.name, IdentityKind.NAMED, self.policy.identifiers, at_ms=at_ms, sort=sort)
        self.people.give_name(connection, side, named, at_ms=at_ms)

    def is_forgotten(self, side: Side) -> bool:
        """
        Tell whether an identity that is not known was forgotten.
        """
        return side.person is None and side.name in self.tombstones

    def _rivals(self, older: Side, newer: Side) -> int:
        """
        Count the people that an owned anonymous identity was said to belong to before, besides these two.
        """
        if not older.named or not newer.named or (older.person is not None and older.person == newer.person):
            return 0
        rivals: set[int] = set()
        for taken in (older, newer):
            if taken.belongs_to_somebody:
                besides = (older.person, newer.person)
                rivals |= self.ledger.claimants(taken.name, besides=besides, most=MOST_RIVALS)
        return min(len(rivals), MOST_RIVALS)

    def _record(self, connection: Connection, verdict: Verdict, earlier: StoredLink | None) -> None:
        """
        Keep a verdict, unless the same was decided about the same two identities before.
        """
        if earlier is None:
            self.ledger.add_link(connection, verdict)
            return
        before = earlier.verdict
        still_one = verdict.outcome is Outcome.KNOWN and before.outcome is Outcome.MERGE
        if not still_one and (before.outcome, before.reason) != (verdict.outcome, verdict.reason):
            self.ledger.add_decision(connection, earlier.number, verdict)

    def merge(self, connection: Connection, proposal: Proposal, verdict: Verdict) -> None:
        """
        Make one person of a proposal's two, and close the held links that this makes known.
        """
        older, newer = proposal.sides
        held = []
        if older.person is not None and newer.person is not None:
            # From the smaller one, which has fewer links.
            (_, near), (_, far) = sorted([(older.identities, older.person), (newer.identities, newer.person)])
            held = self.ledger.held_between(near, far)
        self.people.join(connection, older, newer, at_ms=verdict.decided_ms)
        by = verdict.link
        for stored in held:
            if set(stored.verdict.link.ends) == set(by.ends):
                continue
            settled = Verdict(
                outcome=Outcome.KNOWN,
                reason="one_person",
                explanation=f"{by.older!r} and {by.newer!r} were joined, and so are these.",
                link=stored.verdict.link,
                decided_ms=verdict.decided_ms,
            )
            self.ledger.add_decision(connection, stored.number, settled)

    def _refuse_open_holds(self, connection: Connection, proposal: Proposal, verdict: Verdict) -> None:
        taken = proposal.older if proposal.older.belongs_to_somebody else proposal.newer
        for stored in self.ledger.held_at(taken.name):
            if stored.verdict.reason == SECOND_IDENTITY:
                self.ledger.add_decision(connection, stored.number, evolve(verdict, link=stored.verdict.link))

    def _keep(self, connection: Connection, side: Side, *, at_ms: int) -> None:
        if side.person is None:
            self.people.add(connection, side, seen_ms=(at_ms, at_ms))


def _forgotten(link: Link) -> Verdict:
    """
    Return the verdict on a link to somebody who was forgotten; it is not kept, since it names them.
    """
    return Verdict(
        outcome=Outcome.REFUSE,
        reason=FORGOTTEN,
        explanation="One of the two was forgotten, as somebody asked; nothing is kept of this.",
        link=link,
    )
