"""
Aliases that Kissmetrics refused for good: planned, retried, dropped or retracted; never sent twice, or against a
decision.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner
from dead_alias_world import World

from identity import InvalidDecision
from identity.copying import copy_rows
from identity.database import Database
from sdkbridge.cli import main
from sdkbridge.delivery import DeliverySettings
from sdkbridge.delivery.lanes import Lane
from sdkbridge.delivery.outbox_worker import OutboxWorker
from sdkbridge.schema import make_tables

ANN = ("X", "ann@example.com")
ALIAS = ("ann@example.com", "X")
"""The same as `_p` and `_n`."""


@pytest.fixture
def world(store_url: str) -> World:
    """
    A bridge on each kind of store in turn, whose only alias Kissmetrics has refused for good.
    """
    world = World(store_url)
    world.bridge.identify("ann@example.com", {"plan": "pro"}, anonymous_id="X")
    world.deliver(aliases=400)
    assert (world.queued(), len(world.bridge.dead_letters.numbers())) == ([], 1)
    return world


def contents(database: Database) -> dict[str, list[tuple]]:
    return {
        table: sorted(database.rows(f'SELECT {", ".join(columns)} FROM "{table}"'), key=repr)
        for table, columns in database.tables().items()
    }


def test_it_is_planned_and_looking_at_the_plan_changes_nothing(world: World) -> None:
    """
    However often somebody looks.
    """
    before = contents(world.database)

    assert [world.planned(), world.planned()] == [[ANN], [ANN]]
    assert contents(world.database) == before


@pytest.mark.parametrize("looked", [False, True], ids=["at once", "after a look at the plan"])
def test_what_is_retried_is_not_planned_and_leaves_once(world: World, looked: bool) -> None:
    """
    Not even with a plan from before.
    """
    plan = world.bridge.plan() if looked else None
    retried = world.retry()
    stale = 0 if plan is None else world.bridge.send(plan)
    told = (world.planned(), world.send(), world.queued())
    world.deliver()

    assert (retried, stale, told) == (1, 0, ([], 0, [ALIAS]))
    assert (world.arrived, world.planned(), world.retry()) == ([ALIAS], [], 0)


def test_what_the_plan_sent_is_not_retried(world: World) -> None:
    """
    It is no dead letter any more.
    """
    numbers = world.bridge.dead_letters.numbers()
    plan = world.bridge.plan()
    sent = [world.bridge.send(plan), world.bridge.send(plan)]
    retried = world.bridge.dead_letters.retry(numbers, now_ms=world.now_ms)
    world.deliver()

    assert (sent, retried, world.arrived, world.planned()) == ([1, 0], 0, [ALIAS], [])


@pytest.mark.parametrize("again", [World.retry, World.send], ids=["retried", "planned"])
def test_what_dies_again_is_planned_again(world: World, again: Callable[[World], int]) -> None:
    """
    And can be retried again; it leaves once.
    """
    for _ in range(2):
        assert again(world) == 1
        world.deliver(aliases=404)

        assert (world.planned(), len(world.bridge.dead_letters.numbers())) == ([ANN], 1)
    assert again(world) == 1
    world.deliver()

    assert world.arrived == [ALIAS]


@pytest.mark.parametrize("looked", [False, True], ids=["at once", "after a look at the plan"])
def test_what_is_retracted_never_leaves(world: World, looked: bool) -> None:
    """
    Its dead letter is gone, so that nobody retries it later.
    """
    numbers = world.bridge.dead_letters.numbers()
    plan = world.bridge.plan() if looked else None
    possible = world.bridge.can_retract(ANN)
    world.bridge.retract(ANN, by="kim")
    left = world.bridge.dead_letters.numbers()
    sent = 0 if plan is None else world.bridge.send(plan)
    retried = world.bridge.dead_letters.retry(numbers, now_ms=world.now_ms)
    world.deliver()

    assert (possible, left, sent, retried) == (True, [], 0, 0)
    assert (world.arrived, world.planned(), world.bridge.graph.are_one(*ANN)) == ([], [], False)


def test_what_is_retried_can_be_retracted_until_it_is_tried(world: World) -> None:
    """
    The try that was refused does not count; one since does.
    """
    world.retry()
    before = world.bridge.can_retract(ANN)
    worker = world.worker()
    lanes = world.claim(worker)
    claimed = world.bridge.can_retract(ANN)
    world.settle(worker, lanes, lambda: 500)
    tried = world.bridge.can_retract(ANN)
    with pytest.raises(InvalidDecision, match="has left"):
        world.bridge.retract(ANN, by="kim")
    world.deliver()

    assert (before, claimed, tried, world.arrived) == (True, False, False, [ALIAS])


def test_what_was_retried_and_retracted_never_leaves(world: World) -> None:
    """
    It is withdrawn from the queue.
    """
    world.planned()
    world.retry()
    world.bridge.retract(ANN, by="kim")
    world.deliver()

    assert (world.arrived, world.planned(), world.retry()) == ([], [], 0)


def test_a_link_that_the_graph_retracted_by_itself_does_not_leave_either(world: World) -> None:
    """
    A notebook on the same database knows nothing of dead letters; a retry drops what it decided against.
    """
    world.bridge.graph.retract(ANN, by="kim")
    retried = world.retry()
    world.deliver()

    assert (retried, world.arrived, world.bridge.dead_letters.numbers()) == (0, [], [])


def test_a_link_that_is_only_known_by_now_has_no_alias_to_retry(store_url: str) -> None:
    """
    Its two identities are one person by others, each of which has an alias of its own.
    """
    world = World(store_url)
    world.bridge.identify("A", anonymous_id="X")
    world.bridge.alias("A", "B")
    world.deliver(400)
    world.bridge.graph.retract(("X", "A"), by="kim")
    world.bridge.alias("X", "B")
    world.bridge.alias("X", "A")
    retried = world.retry()
    queued = [frozenset(pair) for pair in world.queued()]

    assert retried == 1
    assert sorted(map(sorted, queued)) == [["A", "B"], ["B", "X"]]


def test_a_plan_from_before_does_not_bring_a_retracted_link_back(world: World) -> None:
    """
    Not even if the two were joined by others in the meantime.
    """
    plan = world.bridge.plan()
    world.bridge.retract(ANN, by="kim")
    world.bridge.alias("ann@example.com", "ann@new.example")
    world.bridge.graph.link("X", "ann@new.example", kind="manual")

    assert world.bridge.graph.are_one(*ANN)
    assert (world.bridge.send(plan), world.planned()) == (0, [("X", "ann@new.example")])


def test_what_is_approved_after_it_was_retracted_leaves_once(world: World) -> None:
    """
    A second decision is a second alias, and the first one is gone.
    """
    world.bridge.retract(ANN, by="kim")
    world.bridge.approve(ANN, by="kim", why="they are one after all")
    retried, planned = world.retry(), world.planned()
    world.deliver()

    assert (retried, planned, world.arrived) == (0, [], [ALIAS])


def test_what_is_dropped_is_in_the_plan_and_can_be_retracted(world: World) -> None:
    """
    Kissmetrics was never told, so nothing has left.
    """
    dropped = world.drop()
    planned = world.planned()
    world.bridge.retract(ANN, by="kim")
    world.deliver()

    assert (dropped, planned, world.planned(), world.arrived) == (1, [ANN], [], [])


def test_what_is_dropped_is_sent_by_the_plan_once(world: World) -> None:
    """
    As a new request.
    """
    world.drop()
    sent = (world.send(), world.send())
    world.deliver()

    assert (sent, world.arrived) == ((1, 0), [ALIAS])


def test_calls_that_say_the_same_again_queue_nothing(world: World) -> None:
    """
    The two are one person here, whatever became of the alias.
    """
    receipt = world.bridge.identify("ann@example.com", anonymous_id="X")
    world.bridge.alias("X", "ann@example.com")

    assert [verdict.outcome.value for verdict in receipt.verdicts] == ["known"]
    assert (world.queued(), world.planned(), world.retry()) == ([], [ANN], 1)


def test_what_was_tried_in_vain_before_it_was_refused_may_have_arrived(store_url: str) -> None:
    """
    So its link cannot be retracted, be it dead, retried or sent by a plan, until somebody drops it.
    """
    world = World(store_url)
    world.bridge.identify("ann@example.com", anonymous_id="X")
    world.deliver(aliases=500)
    world.deliver(aliases=400)
    for again in (World.retry, World.send):
        with pytest.raises(InvalidDecision, match="may have left") as caught:
            world.bridge.retract(ANN, by="kim")
        possible = [world.bridge.can_retract(ANN)]
        again(world)
        possible.append(world.bridge.can_retract(ANN))
        world.deliver(aliases=400)

        assert (caught.value.reason, possible, world.planned()) == ("told", [False, False], [ANN])
    assert world.bridge.graph.are_one(*ANN)
    world.drop()
    world.bridge.retract(ANN, by="kim", why="Kissmetrics says that it has two people")

    assert world.planned() == []


@pytest.mark.parametrize("side", ANN)
def test_a_person_who_is_forgotten_takes_it_along(world: World, side: str) -> None:
    """
    By either side; should they come back, one alias leaves.
    """
    plan = world.bridge.plan()
    forgotten = world.bridge.forget(side)
    retried = world.retry() + world.bridge.send(plan)
    for one in ANN:
        world.bridge.graph.readmit(one)
    world.bridge.identify("ann@example.com", anonymous_id="X")
    queued = world.queued()
    world.deliver()

    assert (forgotten.requests, retried, queued, world.arrived) == (1, 0, [ALIAS], [ALIAS])
    assert world.planned() == []


def test_two_that_died_of_one_pair_leave_once(store_url: str) -> None:
    """
    As where each identify aliases; a second retry of what one told is dropped.
    """
    world = World(store_url, auto_alias="always")
    for _ in range(2):
        world.bridge.identify("ann@example.com", anonymous_id="X")
    world.deliver(aliases=400)
    dead, planned, retried = len(world.bridge.dead_letters.numbers()), world.planned(), world.retry()
    queued = world.queued()
    world.deliver()

    assert (dead, planned, retried, queued) == (2, [ANN], 1, [ALIAS])
    assert (world.arrived, world.planned(), world.bridge.dead_letters.numbers()) == ([ALIAS], [], [])


class TestGrace:
    """
    Bridges whose aliases wait.
    """

    @pytest.fixture
    def patient(self, store_url: str) -> World:
        """
        A bridge whose aliases wait for a minute, and whose only one Kissmetrics has refused for good.
        """
        world = World(store_url, grace_s=60)
        world.bridge.identify("ann@example.com", anonymous_id="X")
        world.now_s += 61
        world.deliver(aliases=400)
        return world

    def test_a_grace_that_is_over_is_planned_by_nobody(self, store_url: str) -> None:
        """
        It leaves by itself; looking at the plan does not queue it.
        """
        world = World(store_url, grace_s=60)
        world.bridge.identify("ann@example.com", anonymous_id="X")
        world.now_s += 61
        before = contents(world.database)
        plan = world.bridge.plan()

        assert (len(plan), plan.waiting, contents(world.database)) == (0, 1, before)
        world.deliver()
        assert (world.arrived, world.bridge.plan().waiting) == ([ALIAS], 0)

    def test_what_is_retracted_and_approved_leaves_once_after_its_second_grace(self, patient: World) -> None:
        """
        Nothing of the first alias can be retried meanwhile.
        """
        numbers = patient.bridge.dead_letters.numbers()
        patient.bridge.retract(ANN, by="kim")
        patient.bridge.approve(ANN, by="kim")
        retried = patient.bridge.dead_letters.retry(numbers, now_ms=patient.now_ms)
        patient.deliver()
        early = list(patient.arrived)
        patient.now_s += 61
        patient.deliver()

        assert (retried, early, patient.arrived, patient.planned()) == (0, [], [ALIAS], [])

    def test_nor_if_the_graph_retracted_it_by_itself(self, patient: World) -> None:
        """
        What waits anew takes the place of what was given up.
        """
        patient.bridge.graph.retract(ANN, by="kim")
        patient.bridge.approve(ANN, by="kim")
        retried = patient.retry()
        patient.now_s += 61
        patient.deliver()

        assert (retried, patient.arrived) == (0, [ALIAS])

    def test_what_the_graph_retracted_in_its_grace_and_somebody_approved_leaves_once(self, store_url: str) -> None:
        """
        And not once each way round.
        """
        world = World(store_url, grace_s=60)
        world.bridge.alias("ann", "bob")
        world.bridge.graph.retract(("ann", "bob"), by="kim")
        world.bridge.approve(("ann", "bob"), by="kim")
        world.now_s += 121
        world.deliver()

        assert len(world.arrived) == 1

    def test_what_the_graph_retracted_in_its_grace_never_leaves(self, store_url: str) -> None:
        """
        Whoever retracts it, and by whichever door.
        """
        world = World(store_url, grace_s=60)
        world.bridge.identify("ann@example.com", anonymous_id="X")
        world.bridge.graph.retract(ANN, by="kim")
        world.now_s += 61
        world.deliver()

        assert (world.arrived, world.bridge._core.aliases.waiting()) == ([], 0)


@pytest.mark.parametrize("kinds", [("sqlite", "postgres"), ("postgres", "sqlite")], ids="-".join)
def test_it_is_moved_with_its_database(
    kinds: tuple[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """
    Planned, retried and sent there as here.
    """
    addresses = {"sqlite": str(tmp_path / "one.db"), "postgres": request.getfixturevalue("postgres_url")}
    here = World(addresses[kinds[0]])
    here.bridge.identify("ann@example.com", anonymous_id="X")
    here.deliver(aliases=400)
    target = Database(addresses[kinds[1]])
    make_tables(target)
    copy_rows(here.database, target)
    there = World(addresses[kinds[1]])

    assert there.planned() == [ANN]
    assert there.retry() == 1
    assert there.planned() == []
    there.deliver()
    assert there.arrived == [ALIAS]


class TestOlderDatabases:
    """
    What an earlier version left behind.
    """

    @staticmethod
    def as_before(world: World, *, dead_is_told: bool) -> None:
        """
        Undo the last step of the outbox's migrations, as if it was never taken.
        """
        applied = "_sqlite_migrations" if world.database.one_writer else "migration_step"

        def undo() -> None:
            with world.database.transaction() as connection:
                connection.execute(f"DELETE FROM {applied} WHERE name = '4_dead_aliases'")
                connection.execute("DROP INDEX dead_alias")
                if dead_is_told:
                    connection.execute(
                        "INSERT INTO told SELECT other_identity, identity, 1, request FROM dead_letter"
                    )
                else:
                    connection.execute("DELETE FROM told")

        world.database.write(undo)
        world.bridge.close()

    def test_what_is_dead_there_is_planned(self, store_url: str, world: World) -> None:
        """
        It was told until somebody looked at the plan.
        """
        self.as_before(world, dead_is_told=True)
        now = World(store_url)

        assert (now.planned(), now.bridge.can_retract(ANN), now.retry(), now.planned()) == ([ANN], True, 1, [])

    def test_what_was_retried_there_is_not_sent_by_the_plan(self, store_url: str, world: World) -> None:
        """
        Nor lost: nobody had noted that it is about to be told.
        """
        world.retry()
        self.as_before(world, dead_is_told=False)
        now = World(store_url)
        sent = (now.planned(), now.send())
        now.deliver()

        assert (sent, now.arrived) == (([], 0), [ALIAS])

    def test_what_a_worker_of_before_gives_up_can_be_retried(self, world: World) -> None:
        """
        As while machines are updated one by one: it leaves the alias told, under its own number.
        """
        world.retry()
        lanes = world.claim(world.worker())
        (number,) = [request.number for lane in lanes for request in lane.requests]
        told = world.database.rows("SELECT older, newer, at_ms, reference FROM told")
        world.settle(world.worker(), lanes, lambda: 400)
        with world.database.transaction() as connection:
            connection.executemany("INSERT INTO told VALUES (?, ?, ?, ?)", told)

        assert world.bridge.dead_letters.numbers() == [number]
        assert (world.retry(), world.queued()) == (1, [ALIAS])


class TestTwoWorkers:
    """
    Workers that lost a lane to another one, and report what they did.
    """

    @staticmethod
    def with_two_workers(store_url: str) -> tuple[World, list[tuple[OutboxWorker, list[Lane]]]]:
        """
        Return a world in which two workers sent the same alias.
        """
        world = World(store_url)
        world.bridge.identify("ann@example.com", anonymous_id="X")
        took = []
        for _ in range(2):
            worker = world.worker()
            took.append((worker, world.claim(worker)))
            world.now_s += DeliverySettings().lease_s + 1
        assert [len(lanes) for _, lanes in took] == [1, 1]
        return world, took

    @pytest.mark.parametrize("statuses", [(400, 200), (200, 400)], ids=["dead first", "delivered first"])
    def test_what_one_delivered_and_the_other_gave_up_is_told(
        self, store_url: str, statuses: tuple[int, int]
    ) -> None:
        """
        Whoever says so first: it is no dead letter, in no plan, and cannot be retracted.
        """
        world, took = self.with_two_workers(store_url)
        for (worker, lanes), status in zip(took, statuses, strict=True):
            world.settle(worker, lanes, lambda status=status: status)

        assert (world.planned(), world.retry(), world.queued()) == ([], 0, [])
        assert not world.bridge.can_retract(ANN)

    def test_what_both_gave_up_is_one_dead_letter(self, store_url: str) -> None:
        """
        And planned once.
        """
        world, took = self.with_two_workers(store_url)
        for worker, lanes in took:
            world.settle(worker, lanes, lambda: 400)

        assert (world.planned(), len(world.bridge.dead_letters.numbers())) == ([ANN], 1)


def test_whoever_retries_at_once_with_others_sends_nothing_twice(store_url: str) -> None:
    """
    Two workers, and others who retry, drop, send plans and retract at the same time, each on its own connection.
    """
    names = [f"user-{number}" for number in range(12)]
    world = World(store_url)
    for name in names:
        world.bridge.identify(name, anonymous_id=f"X-{name}")
    arrived: list[str] = []
    retracted: set[str] = set()
    ended = threading.Event()

    def deliver(mine: World, chance: random.Random) -> None:
        worker = mine.worker()
        mine.settle(worker, mine.claim(worker), lambda: chance.choice([400, 400, 400, 200]))

    def retry(mine: World, _: random.Random) -> None:
        mine.retry()

    def plan(mine: World, chance: random.Random) -> None:
        if chance.random() < 0.8:
            mine.send()
        else:
            mine.drop()

    def retract(mine: World, chance: random.Random) -> None:
        name = chance.choice(names[:6])
        with suppress(InvalidDecision):
            mine.bridge.retract((f"X-{name}", name), by="kim")
            retracted.add(name)

    def again_and_again(act: Callable[[World, random.Random], None], seed: int) -> None:
        mine, chance = World(store_url), random.Random(seed)
        while not ended.is_set():
            act(mine, chance)
        mine.bridge.close()
        arrived.extend(name for name, _ in mine.arrived)

    with ThreadPoolExecutor() as threads:
        acting = [
            threads.submit(again_and_again, act, seed)
            for seed, act in enumerate([deliver, deliver, retry, plan, retract])
        ]
        ended.wait(1.5)
        ended.set()
        for each in acting:
            each.result()
    world.retry()
    world.send()
    queued = Counter(world.queued())
    world.deliver()
    arrived += [name for name, _ in world.arrived]

    assert set(queued.values()) <= {1}
    assert Counter(arrived) == Counter({*names} - retracted)
    assert world.planned() == []


def test_a_retry_by_number_says_what_it_left_out(tmp_path: Path) -> None:
    """
    With exit code 1, as for a number that is none.
    """
    world = World(tmp_path / "bridge.db")
    world.bridge.identify("ann@example.com", anonymous_id="X")
    world.deliver(aliases=400)
    world.bridge.graph.retract(ANN, by="kim")
    (number,) = world.bridge.dead_letters.numbers()
    world.bridge.close()
    said = CliRunner().invoke(main, ["outbox", "retry", "--db", str(tmp_path / "bridge.db"), str(number)])

    assert said.exit_code == 1
    assert "1 number is not among what was given up, or is an alias that must not leave any more" in said.output
