"""
Who is who, and why: the one door through which every alias passes.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from attrs import evolve

from identity.clock import Clock, system_clock
from identity.counting import count_one_as_it_is
from identity.database import Connection, Database
from identity.decisions import Decisions, Judgement
from identity.forgetting import Forgetting, Forgotten
from identity.identifiers import checked_sort
from identity.ids import IdentityKind, checked
from identity.linking import Linking
from identity.links import Link, LinkKind, LinkLike, Verdict, Verdicts, checked_ends
from identity.planning import PlanningGraph
from identity.policy import MergePolicy
from identity.seeing import Seeing
from identity.sightings import Sighting


class IdentityGraph(PlanningGraph):
    """
    Identities, the links between them, and the verdicts on those links.

    Args:
        database: a file, ``":memory:"``, or an open `Database` whose transactions the graph joins: what the
            caller writes within ``database.transaction()`` commits with the graph's rows, or not at all.
        policy: what decides about links.
        clock: the time in seconds since 1970 UTC, for links that come without one.
        alias_grace: how many seconds an alias waits before it leaves, and its link can be retracted.

    Raises:
        StoreError: the file cannot be used.
    """

    def __init__(
        self,
        database: Database | str | Path = ":memory:",
        *,
        policy: MergePolicy | None = None,
        clock: Clock = system_clock,
        alias_grace: float = 0.0,
    ) -> None:
        super().__init__(database, policy=policy or MergePolicy.guarded(), clock=clock)
        self.alias_grace = alias_grace
        self._linking = Linking(self._database, self._people, self._ledger, self._tombstones, self.policy)
        self._seeing = Seeing(
            self._people, self._known, self._ledger, self._tombstones, self._linking, self.policy
        )
        self._decisions = Decisions(self._linking, self._known, self._told)

    def generated(self, identity: str) -> None:
        """
        Note that an identity was made up for a device: it is anonymous, and stays so whatever is said of it.
        """
        self.seen(identity, IdentityKind.GENERATED, records=0)

    def seen(
        self,
        identity: str,
        kind: IdentityKind | str,
        *,
        at_ms: int | None = None,
        records: int = 1,
        sort: str | None = None,
    ) -> None:
        """
        Note that something was recorded under an identity.

        An identity that was anonymous becomes named once it is seen as a name; never the other way round. One that
        was forgotten stays so.

        Args:
            identity: who it was.
            kind: anonymous or named.
            at_ms: when, in milliseconds since 1970 UTC; now by default.
            records: how many calls.
            sort: what sort of name it is, such as ``"email"`` or a word of one's own; by its looks by default.

        Raises:
            InvalidIdentity: the identity is no text, or is empty.
            StoreError: it could not be written; nothing was.
        """
        name, kind = checked(identity, "identity"), IdentityKind(kind)
        sort = None if sort is None else checked_sort(sort)
        when = self._now_ms() if at_ms is None else at_ms

        sighting = Sighting(name, kind, when, when, records, sort)

        def note() -> None:
            with self._database.transaction() as connection:
                self._seeing.note(connection, sighting)

        self._database.write(note)

    def seen_again(self, identity: str, kind: IdentityKind, *, at_ms: int, within: Connection) -> bool:
        """
        Note a record under an identity that was seen before and stays what it is; return whether it was and does.

        Who is known was not forgotten, so that after this nobody has to ask.

        Args:
            identity: the identity, folded.
            kind: whether it was used as a name.
            at_ms: when, in milliseconds since 1970 UTC.
            within: the connection of a transaction that it joins.
        """
        return count_one_as_it_is(within, identity, kind, at_ms=at_ms)

    def seen_all(self, sightings: Sequence[Sighting], *, within: Connection | None = None) -> None:
        """
        Note what was recorded under several identities, in fewer statements than one by one.

        Args:
            sightings: what was recorded.
            within: the connection of a transaction that it joins; one by itself by default.

        Raises:
            InvalidIdentity: an identity is no text, or is empty; nothing was written.
            StoreError: it could not be written; nothing was.
        """
        given = [_checked_sighting(sighting) for sighting in sightings]
        if within is not None:
            self._seeing.note_all(within, given)
            return

        def note() -> None:
            with self._database.transaction() as connection:
                self._seeing.note_all(connection, given)

        self._database.write(note)

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
                identity is known as a named one (or looks like an e-mail address or a telephone number), else
                `SERVER_ALIAS`.
            at_ms: when, in milliseconds since 1970 UTC; now by default.
            call: the message id of the call that brought it.
            device: the device that it was seen on.

        Raises:
            InvalidIdentity: an identity is no text, or is empty.
            ValueError: there is no such kind.
            StoreError: it could not be written; nothing was.
        """
        older, newer = checked(older, "older"), checked(newer, "newer")
        asked = None if kind is None else LinkKind(kind)
        when = self._now_ms() if at_ms is None else at_ms

        def decide() -> Verdict:
            with self._database.transaction() as connection:
                kind = self._linking.asked_kind(older) if asked is None else asked
                link = Link(older=older, newer=newer, kind=kind, at_ms=when, call=call, device=device)
                return self._linking.decide(connection, link)

        return self._database.write(decide)

    def link_many(self, links: Iterable[Link]) -> Verdicts:
        """
        Decide about several links in their order, and commit all of them together.

        Raises:
            InvalidIdentity: an identity is no text, or is empty; nothing was written.
            StoreError: they could not be written; nothing was.
        """
        given = [_checked(link) for link in links]

        def decide() -> Verdicts:
            with self._database.transaction() as connection:
                return Verdicts(self._linking.decide(connection, link) for link in given)

        return self._database.write(decide)

    def approve(self, link: LinkLike, *, by: str, why: str = "") -> Verdict:
        """
        Join what was held or refused, because a person says so.

        What stands for nobody, is too long or is one identity twice cannot be approved. Two that are one person
        already are ``known``.

        Args:
            link: a verdict, a link, or its two identities.
            by: who decides.
            why: for what reason.

        Raises:
            InvalidDecision: there is no such link, or it cannot be approved.
        """
        return self._judged(self._decisions.approve, link, by, why)

    def reject(self, link: LinkLike, *, by: str, why: str = "") -> Verdict:
        """
        Refuse what was held, because a person says so.

        The same two identities are refused from then on, whatever calls say, until a person approves them or links
        them with the kind ``manual``. Other links can still make them one person.

        Args:
            link: a verdict, a link, or its two identities.
            by: who decides.
            why: for what reason.

        Raises:
            InvalidDecision: there is no such link, or its identities are one person.
        """
        return self._judged(self._decisions.reject, link, by, why)

    def retract(self, link: LinkLike, *, by: str, why: str = "") -> Verdict:
        """
        Undo a merge whose alias has not left, because a person says so; all that was merged since stays.

        The person falls into the two that it would be without this link. What was known only because of it is held
        again. As after `reject`, the same two identities are refused from then on.

        Args:
            link: a verdict, a link, or its two identities.
            by: who decides.
            why: for what reason.

        Raises:
            InvalidDecision: there is no such link, it merged nothing, or its alias has left.
        """
        return self._judged(self._decisions.retract, link, by, why)

    def _judged(
        self, decide: Callable[[Connection, Judgement], Verdict], link: LinkLike, by: str, why: str
    ) -> Verdict:
        judgement = Judgement(ends=checked_ends(link), by=checked(by, "by"), why=why, at_ms=self._now_ms())

        def judge() -> Verdict:
            with self._database.transaction() as connection:
                return decide(connection, judgement)

        return self._database.write(judge)

    def forget(self, identity: str) -> Forgotten:
        """
        Erase the person that an identity belongs to, and return what to hand to Kissmetrics for deletion.

        All that is kept is a keyed hash of each identity, by which a late call is recognised: `link` refuses it
        with the reason ``forgotten`` and keeps nothing of it, and `seen` does nothing.

        Raises:
            StoreError: it could not be written; nobody was forgotten.
        """
        name, when = checked(identity, "identity"), self._now_ms()
        forgetting = Forgetting(self._people, self._known, self._ledger, self._told, self._tombstones)

        def forget() -> Forgotten:
            with self._database.transaction() as connection:
                return forgetting.forget(connection, name, at_ms=when)

        return self._database.write(forget)

    def readmit(self, identity: str) -> bool:
        """
        Let an identity that was forgotten be known again, because its owner is back; return whether it was.
        """
        name = checked(identity, "identity")

        def readmit() -> bool:
            with self._database.transaction() as connection:
                return self._tombstones.remove(connection, name)

        return self._database.write(readmit)


def _checked_sighting(sighting: Sighting) -> Sighting:
    name = checked(sighting.name, "identity")
    return sighting if name == sighting.name else evolve(sighting, name=name)


def _checked(link: Link) -> Link:
    older, newer = checked(link.older, "older"), checked(link.newer, "newer")
    return link if (older, newer) == link.ends else evolve(link, older=older, newer=newer)
