"""
Any order of merges, refusals by Kissmetrics, retries, drops, plans and decisions: no alias is sent twice, none
against a decision, and none is forgotten.
"""

from collections import Counter
from contextlib import suppress
from typing import Any

from dead_alias_world import World
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from identity import InvalidDecision
from sdkbridge import InvalidCall, Plan
from sdkbridge.delivery.lanes import Lane
from sdkbridge.delivery.outbox_worker import OutboxWorker

PAIRS = [("X", "A"), ("A", "B"), ("X", "B")]
ANY_PAIR = st.sampled_from(PAIRS)
WORKERS = st.integers(0, 1)
STATUSES = st.sampled_from([400, 400, 400, 500, 200])

Pair = frozenset[str]


class DeadAliases(RuleBasedStateMachine):
    """
    One bridge, and two workers whose aliases are answered as Hypothesis likes.

    Attributes:
        arrived: pairs whose alias Kissmetrics took.
        unknown: pairs whose alias was tried, and may have arrived for all that the worker knows.
    """

    @initialize(grace_s=st.sampled_from([0, 60]), statuses=st.sampled_from([[400], [500, 400]]))
    def open(self, grace_s: float, statuses: list[int]) -> None:
        self.world = World(":memory:", grace_s=grace_s)
        self.workers: list[tuple[OutboxWorker, list[Lane]]] = [(self.world.worker(), []) for _ in range(2)]
        self.looked_at: Plan | None = None
        self.arrived: set[Pair] = set()
        self.unknown: set[Pair] = set()
        self.meet()
        for status in statuses:
            self.deliver(status)

    def meet(self) -> None:
        """
        Join all three identities, as far as nobody decided against it.
        """
        self.world.bridge.identify("A", anonymous_id="X")
        with suppress(InvalidCall):
            self.world.bridge.alias("A", "B")

    @rule(pair=ANY_PAIR, beside=st.booleans())
    def link(self, pair: tuple[str, str], beside: bool) -> None:
        """
        Say that two are one, by a call or beside the bridge.
        """
        if beside:
            self.world.bridge.graph.link(*pair, kind="import")
        else:
            with suppress(InvalidCall):
                self.world.bridge.alias(*pair)

    @rule(pair=ANY_PAIR)
    def approve(self, pair: tuple[str, str]) -> None:
        with suppress(InvalidDecision):
            self.world.bridge.approve(pair, by="kim")

    @rule(pair=ANY_PAIR, beside=st.booleans())
    def retract(self, pair: tuple[str, str], beside: bool) -> None:
        """
        Take a merge back, through the bridge or beside it, which knows nothing of dead letters.
        """
        if beside:
            with suppress(InvalidDecision):
                self.world.bridge.graph.retract(pair, by="kim")
                self.unknown.discard(frozenset(pair))
            return
        possible, problem = self.world.bridge.can_retract(pair), ""
        try:
            self.world.bridge.retract(pair, by="kim")
        except InvalidDecision as error:
            problem = error.reason

        assert possible == (problem != "told")
        assert problem or frozenset(pair) not in self.unknown

    @rule(look=st.booleans())
    def plan(self, look: bool) -> None:
        """
        Look at the plan, or send the one that was looked at last, however old it is.
        """
        if look:
            self.looked_at = self.world.bridge.plan()
        else:
            self.world.bridge.send(self.looked_at or self.world.bridge.plan())

    @precondition(lambda self: self.world.bridge.dead_letters.numbers())
    @rule(what=st.sampled_from(["retry", "retry the oldest", "drop"]))
    def deal_with_what_is_dead(self, what: str) -> None:
        numbers = self.world.bridge.dead_letters.numbers()
        if what == "drop":
            rows = self.world.database.rows("SELECT identity, other_identity FROM dead_letter")
            # Whoever drops them has looked whether they arrived.
            self.unknown -= {frozenset(row) for row in rows}
            self.world.drop()
        else:
            some = numbers if what == "retry" else numbers[:1]
            self.world.bridge.dead_letters.retry(some, now_ms=self.world.now_ms)

    @rule(status=STATUSES)
    def deliver(self, status: int) -> None:
        """
        As soon as all graces are over.
        """
        self.wait()
        self.claim(0)
        self.answer(0, status)

    @rule(which=WORKERS)
    def claim(self, which: int) -> None:
        worker, held = self.workers[which]
        held += self.world.claim(worker)

    @rule(which=WORKERS, status=STATUSES)
    def answer(self, which: int, status: int) -> None:
        worker, held = self.workers[which]
        if status == 500:
            for lane in held:
                aliases = [request.number for request in lane.requests if request.path == "/a"]
                self.unknown |= {self.pair_of(number) for number in aliases[:1]}
        self.world.settle(worker, held, lambda: status)
        held.clear()
        came = Counter(frozenset(pair) for pair in self.world.arrived)
        self.world.arrived.clear()

        assert set(came.values()) <= {1}
        assert not self.arrived & set(came), "an alias that had arrived was sent again"
        self.arrived |= set(came)

    def pair_of(self, number: int) -> Pair:
        row = self.world.database.row("SELECT identity, other_identity FROM outbox WHERE request = ?", (number,))
        assert row is not None
        return frozenset(row)

    @rule()
    def wait(self) -> None:
        """
        Until all graces are over, unless a worker would lose what it holds.
        """
        if not any(held for _, held in self.workers):
            self.world.now_s += 61

    @precondition(lambda self: not any(held for _, held in self.workers))
    @rule()
    def forget_and_meet_again(self) -> None:
        for one in self.world.bridge.forget("X").identities:
            self.world.bridge.graph.readmit(one)
            for pairs in (self.arrived, self.unknown):
                pairs -= {pair for pair in pairs if one in pair}
        self.meet()

    @invariant()
    def nothing_leaves_twice_or_against_a_decision(self) -> None:
        """
        An alias waits once, or has arrived; and it is that of a link that stands.
        """
        queued = Counter(frozenset(pair) for pair in self.world.queued())
        standing = {frozenset(pair) for pair in self.links("merge", "known")}

        assert set(queued.values()) <= {1}
        assert not set(queued) & self.arrived
        assert set(queued) | self.arrived <= standing

    @invariant()
    def nothing_is_forgotten(self) -> None:
        """
        The plan holds every merge of which Kissmetrics does not know and will not hear, and no other.
        """
        due_ms = self.world.now_ms - int(self.world.grace_s * 1000)
        on_their_way = {frozenset(pair) for pair in self.world.queued()} | self.arrived
        waiting = {frozenset(row) for row in self.world.database.rows("SELECT identity, name FROM waiting_alias")}
        merged = {frozenset(pair) for pair in self.links("merge", decided_by_ms=due_ms)}

        assert {frozenset(pair) for pair in self.world.planned()} == merged - on_their_way - waiting

    def links(self, *outcomes: str, decided_by_ms: int = 2**62) -> list[tuple[str, str]]:
        return [
            (older, newer)
            for older, newer, outcome, decided_ms in self.world.database.rows(
                """
                SELECT older, newer, link.outcome, max(decided_ms)
                FROM link JOIN decision ON decision.link = link.link
                GROUP BY link.link, older, newer, link.outcome
                """
            )
            if outcome in outcomes and decided_ms <= decided_by_ms
        ]

    def teardown(self) -> None:
        self.world.bridge.close()


DeadAliases.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestDeadAliases: Any = DeadAliases.TestCase
