"""
Who is who, and why: the one door through which every alias passes.
"""

from pathlib import Path
from typing import Self

from attrs import evolve

from identity.clock import Clock, system_clock
from identity.database import Database
from identity.ids import IdentityKind, checked, is_email
from identity.ledger import Ledger, StoredLink
from identity.links import Link, LinkKind, Outcome, Verdict
from identity.person import GraphCounts, Person
from identity.policy import SECOND_IDENTITY, SHARED_DEVICE, MergePolicy, Proposal, Side, first_meeting
from identity.store import PeopleStore

POLICY = "policy"
"""Who decided, when nobody was asked."""


class IdentityGraph:
    """
    Identities, the links between them, and the verdicts on those links.

    Args:
        database: a file, ``":memory:"``, or an open `Database` whose transactions the graph joins: what the
            caller writes within ``database.transaction()`` commits with the graph's rows, or not at all.
        policy: what decides about links.
        clock: the time in seconds since 1970 UTC, for links that come without one.

    Raises:
        StoreError: the file cannot be used.
    """

    def __init__(
        self,
        database: Database | str | Path = ":memory:",
        *,
        policy: MergePolicy | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self._database = database if isinstance(database, Database) else Database(database)
        self._people = PeopleStore(self._database)
        self._ledger = Ledger(self._database)
        self._policy = policy or MergePolicy.guarded()
        self._clock = clock

    def generated(self, identity: str) -> None:
        """
        Note that an identity was made up for a device: it is anonymous, and stays so whatever is said of it.
        """
        name = checked(identity, "identity")
        with self._database.transaction():
            if self._people.side(name) is None:
                self._people.add_identity(name, IdentityKind.GENERATED, at_ms=self._now_ms(), records=0)

    def seen(self, identity: str, kind: IdentityKind | str, *, at_ms: int | None = None, records: int = 1) -> None:
        """
        Note that something was recorded under an identity.

        An identity that was anonymous becomes named once it is seen as a name; never the other way round.

        Args:
            identity: who it was.
            kind: anonymous or named.
            at_ms: when, in milliseconds since 1970 UTC; now by default.
            records: how many calls.
        """
        name = checked(identity, "identity")
        when = self._now_ms() if at_ms is None else at_ms

        def note() -> None:
            if not self._people.touch_identity(name, at_ms=when, records=records):
                self._people.add_identity(name, IdentityKind(kind), at_ms=when, records=records)
            elif IdentityKind(kind) is IdentityKind.NAMED:
                self._name(name)

        self._database.write(note)

    def _name(self, identity: str) -> None:
        side = self._people.side(identity)
        if side is not None and side.kind is IdentityKind.ANONYMOUS:
            self._people.give_name(identity)

    def link(
        self,
        older: str,
        newer: str,
        *,
        kind: LinkKind | str | None = None,
        at_ms: int | None = None,
        call: str | None = None,
        device: str | None = None,
    ) -> Verdict:
        """
        Propose that two identities are one person, and return what was decided.

        ``merge`` is returned once for two persons, and they are one from then on; the caller owes Kissmetrics
        exactly one alias for it, and none for any other verdict.

        Args:
            older: the identity that was there before.
            newer: the identity that it is said to belong to.
            kind: where the evidence comes from; by default a caller's wish, `IDENTITY_CHANGE` if the older
                identity is known as a named one (or is an e-mail address), else `SERVER_ALIAS`.
            at_ms: when, in milliseconds since 1970 UTC; now by default.
            call: the message id of the call that brought it.
            device: the device that it was seen on.

        Raises:
            InvalidIdentity: an identity is no text, or is empty.
            StoreError: it could not be written; nothing was.
        """
        older, newer = checked(older, "older"), checked(newer, "newer")

        def decide() -> Verdict:
            link = Link(
                older=older,
                newer=newer,
                kind=self._asked_kind(older) if kind is None else LinkKind(kind),
                at_ms=self._now_ms() if at_ms is None else at_ms,
                call=call,
                device=device,
            )
            for name in _named_by(link):
                self._name(name)
            proposal = self._proposal(link)
            verdict = self._policy.decide(proposal)
            self._record(verdict)
            if verdict.outcome is Outcome.MERGE:
                merged = self._people.merge(self._kept(proposal.older, link), self._kept(proposal.newer, link))
                self._settle(merged, by=link)
            elif verdict.outcome is Outcome.HOLD or verdict.reason == SHARED_DEVICE:
                # Both are kept, so that a rival is remembered although nothing was recorded under it yet.
                self._kept(proposal.older, link)
                self._kept(proposal.newer, link)
            if verdict.reason == SHARED_DEVICE:
                self._refuse_open_holds(proposal, verdict)
            return verdict

        return self._database.write(decide)

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def _asked_kind(self, older: str) -> LinkKind:
        known = self._people.side(older)
        named = is_email(older) if known is None else known.kind is IdentityKind.NAMED
        return LinkKind.IDENTITY_CHANGE if named else LinkKind.SERVER_ALIAS

    def _proposal(self, link: Link) -> Proposal:
        strangers = first_meeting(link)
        older = self._people.side(link.older) or strangers.older
        newer = self._people.side(link.newer) or strangers.newer
        return Proposal(link=link, older=older, newer=newer, rivals=self._rivals(older, newer))

    def _rivals(self, older: Side, newer: Side) -> int:
        """
        Count the people that an owned anonymous identity was said to belong to before, besides these two.
        """
        rivals: set[int | None] = set()
        for taken in (older, newer):
            if taken.belongs_to_somebody:
                for stored in self._ledger.links_at(taken.name):
                    if stored.verdict.outcome in {Outcome.HOLD, Outcome.REFUSE}:
                        rivals |= self._people_at(stored)
        return len(rivals - {older.person, newer.person, None})

    def _people_at(self, stored: StoredLink) -> set[int | None]:
        link = stored.verdict.link
        sides = (self._people.side(link.older), self._people.side(link.newer))
        return {None if side is None else side.person for side in sides}

    def _record(self, verdict: Verdict) -> None:
        """
        Keep a verdict, unless the same was decided about the same two identities before.
        """
        before = self._ledger.link_between(verdict.link.older, verdict.link.newer)
        if before is None:
            self._ledger.add_link(verdict, decided_by=POLICY)
            return
        told = (before.verdict.outcome, before.verdict.reason)
        still_one = verdict.outcome is Outcome.KNOWN and before.verdict.outcome is Outcome.MERGE
        if told != (verdict.outcome, verdict.reason) and not still_one:
            self._ledger.add_decision(before.number, verdict, decided_by=POLICY)

    def _kept(self, side: Side, link: Link) -> int:
        """
        Return the person at one end of a link, kept from now on if it was never seen before.
        """
        if side.person is not None:
            return side.person
        return self._people.add_identity(side.name, side.kind, at_ms=link.at_ms, records=0)

    def _settle(self, person: int, *, by: Link) -> None:
        """
        Close the held links that a merge has made known.
        """
        for stored in self._ledger.links_of(person):
            if stored.verdict.outcome is Outcome.HOLD and self._people_at(stored) == {person}:
                settled = evolve(
                    stored.verdict,
                    outcome=Outcome.KNOWN,
                    reason="one_person",
                    explanation=f"{by.older!r} and {by.newer!r} were joined, and so are these.",
                    link=evolve(stored.verdict.link, kind=by.kind, at_ms=by.at_ms, call=by.call, device=by.device),
                )
                self._ledger.add_decision(stored.number, settled, decided_by=POLICY)

    def _refuse_open_holds(self, proposal: Proposal, verdict: Verdict) -> None:
        taken = proposal.older if proposal.older.belongs_to_somebody else proposal.newer
        for stored in self._ledger.links_at(taken.name):
            if stored.verdict.outcome is Outcome.HOLD and stored.verdict.reason == SECOND_IDENTITY:
                held, by = stored.verdict.link, verdict.link
                link = evolve(by, older=held.older, newer=held.newer)
                self._ledger.add_decision(stored.number, evolve(verdict, link=link), decided_by=POLICY)

    def resolve(self, identity: str) -> str:
        """
        Return the identity that stands for the person: the first named one, else the first one.

        An identity that was never seen stands for itself.
        """
        name = checked(identity, "identity")
        side = self._people.side(name)
        if side is None or side.person is None:
            return name
        return side.owner or self._people.identities(side.person)[0].name

    def are_one(self, one: str, other: str) -> bool:
        """
        Tell whether two identities are one person.
        """
        return self.resolve(one) == self.resolve(other)

    def person(self, identity: str) -> Person:
        """
        Return the person that an identity belongs to; one never seen is a person without links.
        """
        name = checked(identity, "identity")
        side = self._people.side(name)
        if side is None or side.person is None:
            return Person(name=name, identities=(), verdicts=())
        identities = self._people.identities(side.person)
        return Person(
            name=side.owner or identities[0].name,
            identities=tuple(identities),
            verdicts=tuple(stored.verdict for stored in self._ledger.links_of(side.person)),
        )

    def held(self) -> list[Verdict]:
        """
        Return the verdicts that wait for a human, oldest first.
        """
        return [stored.verdict for stored in self._ledger.links_with(Outcome.HOLD)]

    def close(self) -> None:
        """
        Let go of the file; a second call does nothing.
        """
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def counts(self) -> GraphCounts:
        """
        Return how much the graph holds.
        """
        identities, people = self._people.counts()
        return GraphCounts(identities=identities, people=people, links=self._ledger.counts())


def _named_by(link: Link) -> tuple[str, ...]:
    """
    Return the ends of a link that it says are names.
    """
    if link.kind is LinkKind.IDENTITY_CHANGE:
        return link.older, link.newer
    return (link.newer,) if link.kind in {LinkKind.FIRST_IDENTIFY, LinkKind.SERVER_ALIAS} else ()
