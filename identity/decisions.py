"""
What a person decides: approving, rejecting and retracting links.
"""

from attrs import evolve, frozen

from identity.database import Connection
from identity.errors import InvalidDecision
from identity.known import KnownIdentities
from identity.linking import Linking
from identity.links import Outcome, Verdict
from identity.proposal import Proposal
from identity.rules import IMPOSSIBLE, REJECTED, RETRACTED, already_one_person, quoted
from identity.splitting import people_of
from identity.stored_links import StoredLink
from identity.told import Told


@frozen(kw_only=True)
class Judgement:
    """
    Who decides what about two identities, and why.

    Attributes:
        ends: the identities.
        by: who decides.
        why: for what reason.
        at_ms: when, in milliseconds since 1970 UTC.
    """

    ends: tuple[str, str]
    by: str
    why: str
    at_ms: int

    def verdict(self, stored: StoredLink, outcome: Outcome, reason: str) -> Verdict:
        """
        Return the verdict that is now given on a link.
        """
        because = f": {self.why}" if self.why else "."
        return evolve(
            stored.verdict,
            outcome=outcome,
            reason=reason,
            explanation=f"{reason.capitalize()} by {self.by}{because}",
            warnings=(),
            by=self.by,
            decided_ms=self.at_ms,
        )


@frozen
class Decisions:
    """
    What a person decides, over the tables of one database.
    """

    linking: Linking
    known: KnownIdentities
    told: Told

    def approve(self, connection: Connection, judgement: Judgement) -> Verdict:
        """
        Merge what was held or refused; what is one person already is known, and nothing is kept of that.

        Raises:
            InvalidDecision: there is no such link, or it is impossible.
        """
        stored = self._stored(judgement)
        _check_possible(stored, "approved")
        older, newer = self.linking.sides_as_kept(connection, stored.verdict.link)
        proposal = Proposal(link=stored.verdict.link, older=older, newer=newer)
        if already_one_person(proposal) is not None:
            return judgement.verdict(stored, Outcome.KNOWN, "one_person")
        verdict = judgement.verdict(stored, Outcome.MERGE, "approved")
        self.linking.ledger.add_decision(connection, stored.number, verdict)
        self.linking.merge(connection, proposal, verdict)
        return verdict

    def reject(self, connection: Connection, judgement: Judgement) -> Verdict:
        """
        Refuse what was held, whatever later calls say.

        Raises:
            InvalidDecision: there is no such link, it is impossible, or its identities are one person.
        """
        stored = self._stored(judgement)
        _check_possible(stored, "rejected")
        if stored.verdict.outcome in {Outcome.MERGE, Outcome.KNOWN}:
            raise InvalidDecision(
                "merged", "it cannot be rejected: its identities are one person; retract it instead"
            )
        verdict = judgement.verdict(stored, Outcome.REFUSE, REJECTED)
        self.linking.ledger.add_decision(connection, stored.number, verdict)
        return verdict

    def retract(self, connection: Connection, judgement: Judgement) -> Verdict:
        """
        Undo a merge of which nobody was told, and hold again what was known only because of it.

        Raises:
            InvalidDecision: there is no such link, it merged nothing, or its alias has left.
        """
        stored = self._stored(judgement)
        if stored.verdict.outcome is not Outcome.MERGE:
            raise InvalidDecision(
                "not_merged", f"it cannot be retracted: it joined nobody ({stored.verdict.reason})"
            )
        if self.told.between(*judgement.ends) is not None:
            raise InvalidDecision("told", "it cannot be retracted: its alias has left, and no alias can be undone")
        verdict = judgement.verdict(stored, Outcome.REFUSE, RETRACTED)
        self.linking.ledger.add_decision(connection, stored.number, verdict)
        self._split(connection, verdict)
        return verdict

    def _stored(self, judgement: Judgement) -> StoredLink:
        stored = self.linking.ledger.link_between(*judgement.ends)
        if stored is None:
            raise InvalidDecision("unknown", "there is no link between these two identities")
        return stored

    def _split(self, connection: Connection, retracted: Verdict) -> None:
        """
        Work out anew the people that are left when a link no longer joins them.
        """
        people, ledger = self.linking.people, self.linking.ledger
        side = people.kept_side(retracted.link.older)
        assert side.person is not None  # noqa: S101 - a side that is kept has a person
        known = ledger.known_of(side.person)
        members = self.known.of_person(side.person)
        merges = [stored.verdict for stored in ledger.merges_of(side.person)]
        parts = people_of(members, merges, self.linking.policy.identifiers)
        # The larger part keeps the person's number, so that the fewest rows are written.
        parts.sort(key=lambda part: -part[0].identities)
        people.replace(connection, side.person, parts)
        part_of = {name: number for number, (_, names) in enumerate(parts) for name in names}
        for stored in known:
            older, newer = stored.verdict.link.ends
            if part_of[older] != part_of[newer]:
                ledger.add_decision(connection, stored.number, _reopened(stored.verdict, retracted))


def _check_possible(stored: StoredLink, what: str) -> None:
    if stored.verdict.reason in IMPOSSIBLE:
        raise InvalidDecision("impossible", f"it cannot be {what}: {stored.verdict.explanation}")


def _reopened(known: Verdict, retracted: Verdict) -> Verdict:
    older, newer = retracted.link.ends
    return Verdict(
        outcome=Outcome.HOLD,
        reason="reopened",
        explanation=f"They were one person through {quoted(older)} and {quoted(newer)}, which was retracted; "
        "are they one still?",
        link=known.link,
        decided_ms=retracted.decided_ms,
    )
