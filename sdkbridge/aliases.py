"""
The aliases that the graph owes Kissmetrics: in their grace, queued, withdrawn, or erased.

With a grace an alias first waits here, in no lane, so that nothing waits for it. Whoever takes a call or delivers
next queues it when it is due. Until somebody has tried to send it, its link can be retracted.
"""

from collections.abc import Callable, Sequence
from functools import partial

from attrs import evolve

from identity.clock import Clock
from identity.database import Database, Migrations
from identity.errors import InvalidDecision
from identity.forgetting import Forgotten
from identity.graph import IdentityGraph
from identity.links import LinkLike, Outcome, Verdict, checked_ends
from identity.plan import Plan
from sdkbridge.acceptance.accepted import AcceptedCalls
from sdkbridge.acceptance.stamping import device_lane, identity_lane
from sdkbridge.kissmetrics.requests import ALIAS, Request
from sdkbridge.outbox.dead_aliases import DeadAliases
from sdkbridge.outbox.dead_letters import DeadLetters
from sdkbridge.outbox.queue import Outbox
from sdkbridge.refused import RefusedCalls
from sdkbridge.sessions.described import Described
from sdkbridge.sessions.store import SessionStore

MIGRATIONS: Migrations = {
    "1_waiting_aliases": (
        """
        CREATE TABLE waiting_alias (
            identity TEXT NOT NULL, -- as _p
            name TEXT NOT NULL, -- as _n
            lane TEXT NOT NULL, -- that it joins when it is due
            other_lane TEXT,
            call TEXT NOT NULL,
            due_ms INTEGER NOT NULL,
            PRIMARY KEY (identity, name)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX waiting_alias_due ON waiting_alias (due_ms)",
    ),
}

PLANNED = "plan"
"""What stands for a call's message id where no call brought an alias."""


class Aliases:
    """
    What becomes of aliases between the graph and the outbox, and of what people decide about them.

    Args:
        database: where everything is kept.
        graph: what decides about links; its grace is that of every alias.
        outbox: the queue.
        clock: the time in seconds since 1970 UTC.
    """

    def __init__(self, database: Database, graph: IdentityGraph, outbox: Outbox, *, clock: Clock) -> None:
        self._database = database
        self._graph = graph
        self._outbox = outbox
        self._clock = clock
        self._letters = DeadLetters(database)
        self._dead = DeadAliases(database)
        self._sessions = SessionStore(database)
        self._accepted = AcceptedCalls(database)
        self._described = Described(database)
        self._refused = RefusedCalls(database, clock=clock)
        database.migrate("sdkbridge.aliases", MIGRATIONS)

    def owe(self, request: Request, *, lane: str, other_lane: str | None, call: str) -> bool:
        """
        Queue an alias, or let it wait for its grace; return whether it was queued.
        """
        if not self._graph.alias_grace:
            self._queue(request, lane=lane, other_lane=other_lane, call=call)
            return True
        due_ms = self._now_ms() + int(self._graph.alias_grace * 1000)
        with self._database.transaction() as connection:
            self._dead.drop(request.identity, request.name or "")
            # Of a merge that was undone beside the bridge, and is made again the other way round.
            connection.execute(
                "DELETE FROM waiting_alias WHERE identity = ? AND name = ?", (request.name, request.identity)
            )
            connection.execute(
                """
                INSERT INTO waiting_alias (identity, name, lane, other_lane, call, due_ms)
                VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (identity, name) DO NOTHING
                """,
                (request.identity, request.name, lane, other_lane, call, due_ms),
            )
        return False

    def _queue(self, request: Request, *, lane: str, other_lane: str | None, call: str) -> None:
        now_ms = self._now_ms()
        number = self._outbox.add(request, lane=lane, other_lane=other_lane, call=call, at_ms=now_ms)
        self._graph.told((request.name or "", request.identity), at_ms=now_ms, reference=number)

    def release(self) -> int:
        """
        Queue the aliases whose grace is over, unless their link was refused since; return how many graces ended.
        """
        # Looked at first without the write lock: there is seldom any.
        if not self._due():
            return 0
        return self._database.write(self._release)

    def _release(self) -> int:
        due = self._due()
        for identity, name, lane, other_lane, call in due:
            request = Request(path=ALIAS, identity=identity, name=name)
            # The graph may have been asked by itself to undo the merge; or a plan was sent that had it.
            if self._dead.may_leave(identity, name) and self._graph.telling((name, identity)) is None:
                self._queue(request, lane=lane, other_lane=other_lane, call=call)
            self._wait_no_more(identity, name)
        return len(due)

    def _due(self) -> list[tuple[str, str, str, str | None, str]]:
        return [
            (identity, name, lane, other_lane, call)
            for identity, name, lane, other_lane, call in self._database.rows(
                """
                SELECT identity, name, lane, other_lane, call FROM waiting_alias
                WHERE due_ms <= ? ORDER BY due_ms, identity, name
                """,
                (self._now_ms(),),
            )
        ]

    def _wait_no_more(self, one: str, other: str) -> None:
        with self._database.transaction() as connection:
            for pair in ((one, other), (other, one)):
                connection.execute("DELETE FROM waiting_alias WHERE identity = ? AND name = ?", pair)

    def waiting(self) -> int:
        """
        Return how many aliases are in their grace.
        """
        row = self._database.row("SELECT count(*) FROM waiting_alias")
        return 0 if row is None else int(row[0])

    def are_due(self) -> bool:
        """
        Tell whether the grace of any alias is over that was not queued yet.
        """
        return bool(self._due())

    def _pairs_waiting(self) -> set[frozenset[str]]:
        return {frozenset(pair) for pair in self._database.rows("SELECT identity, name FROM waiting_alias")}

    def approve(self, link: LinkLike, *, by: str, why: str = "") -> Verdict:
        """
        Join what was held or refused, as `IdentityGraph.approve` does, and owe its alias.
        """

        def approve() -> Verdict:
            verdict = self._graph.approve(link, by=by, why=why)
            if verdict.outcome is Outcome.MERGE:
                self._owe_for(verdict)
            return verdict

        return self._database.write(approve)

    def approve_all(self, links: Sequence[LinkLike], *, by: str, why: str = "") -> list[Verdict]:
        """
        Approve those of some links that are held still, all in one commit or none of them.
        """
        return self._database.write(partial(self._all_held, self.approve, links, by, why))

    def reject_all(self, links: Sequence[LinkLike], *, by: str, why: str = "") -> list[Verdict]:
        """
        Reject those of some links that are held still, all in one commit or none of them.
        """
        return self._database.write(partial(self._all_held, self.reject, links, by, why))

    def _all_held(
        self, decide: Callable[..., Verdict], links: Sequence[LinkLike], by: str, why: str
    ) -> list[Verdict]:
        # One at a time, since approving one can make another known.
        return [decide(link, by=by, why=why) for link in links if self._graph.is_held(link)]

    def _owe_for(self, verdict: Verdict) -> None:
        request, lane, other_lane = _as_request(verdict)
        self.owe(request, lane=lane, other_lane=other_lane, call=verdict.link.call or PLANNED)

    def reject(self, link: LinkLike, *, by: str, why: str = "") -> Verdict:
        """
        Refuse what was held, as `IdentityGraph.reject` does.
        """
        return self._graph.reject(link, by=by, why=why)

    def retract(self, link: LinkLike, *, by: str, why: str = "") -> Verdict:
        """
        Undo a merge, as `IdentityGraph.retract` does, whose alias waits, was never tried, or was given up.
        """

        def retract() -> Verdict:
            ends = checked_ends(link)
            if self._dead.may_have_arrived(*ends):
                raise InvalidDecision(
                    "told", "it cannot be retracted: its alias was tried before it was given up, and may have left"
                )
            self._wait_no_more(*ends)
            telling = self._graph.telling(link)
            number = None if telling is None else telling.reference
            if number is not None and self._outbox.withdraw(number, now_ms=self._now_ms()):
                self._graph.untold(link)
            verdict = self._graph.retract(link, by=by, why=why)
            self._dead.drop(*ends)
            return verdict

        return self._database.write(retract)

    def plan(self) -> Plan:
        """
        Return the aliases that Kissmetrics lacks: those of merges that nobody queued, or whose alias was given up.

        It only reads; `send` looks again.
        """
        # What waits is read first: what leaves its grace in between is told, and not planned either.
        return self._graph.plan(waiting=self._pairs_waiting())

    def send(self, plan: Plan) -> int:
        """
        Queue the aliases of a plan that are still due; return how many those are.

        One that was given up takes its old place, as in `DeadLetters.retry`.
        """

        def send() -> int:
            queued, waiting = 0, self._pairs_waiting()
            for alias in plan.aliases:
                told = frozenset(alias.ends) in waiting or self._graph.telling(alias.verdict) is not None
                if told or not self._dead.may_leave(*alias.ends) or not self._graph.are_one(*alias.ends):
                    continue
                if dead := self._dead.between(*alias.ends):
                    queued += self._letters.retry(dead, now_ms=self._now_ms())
                    continue
                request, lane, other_lane = _as_request(alias.verdict)
                self._queue(request, lane=lane, other_lane=other_lane, call=alias.verdict.link.call or PLANNED)
                queued += 1
            return queued

        return self._database.write(send)

    def forget(self, identity: str) -> Forgotten:
        """
        Erase a person, as `IdentityGraph.forget` does, with their sessions and all that waits to be sent of them.
        """

        def forget() -> Forgotten:
            forgotten = self._graph.forget(identity)
            self._sessions.forget(forgotten.identities)
            self._accepted.forget(forgotten.identities)
            self._refused.forget(forgotten.identities)
            for name in forgotten.identities:
                self._described.forget(name)
            with self._database.transaction() as connection:
                named = [(name, name) for name in forgotten.identities]
                connection.executemany("DELETE FROM waiting_alias WHERE identity = ? OR name = ?", named)
            return evolve(forgotten, requests=self._outbox.forget(forgotten.identities))

        return self._database.write(forget)

    def can_retract(self, link: LinkLike) -> bool:
        """
        Tell whether a merge could be retracted now, as far as its alias goes.
        """
        if self._dead.may_have_arrived(*checked_ends(link)):
            return False
        telling = self._graph.telling(link)
        if telling is None:
            return True
        return telling.reference is not None and self._outbox.untried(telling.reference, now_ms=self._now_ms())

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _as_request(verdict: Verdict) -> tuple[Request, str, str]:
    """
    Return the alias of a merge, the lane whose order it keeps, and that of its other side.
    """
    link = verdict.link
    lane = identity_lane(link.older) if link.device is None else device_lane(link.device)
    return Request(path=ALIAS, identity=link.newer, name=link.older), lane, identity_lane(link.newer)
