"""
Claims: what may be sent follows from the queue alone, and costs the same however long it is.
"""

import random

import pytest
from attrs import define
from hypothesis import given
from hypothesis import strategies as st

from identity.database import Database
from sdkbridge.delivery import DeliverySettings
from sdkbridge.delivery.claims import LOOK_AGAIN_MS, REQUESTS_IN_A_TURN, Claims
from sdkbridge.delivery.lanes import Failure, Lane, LaneEnd, Settled
from sdkbridge.delivery.outbox_worker import OutboxWorker
from sdkbridge.kissmetrics.requests import Request
from sdkbridge.outbox.queue import Outbox, lane_key

NOW_MS = 1_700_000_000_000
LANES = ["a", "b", "c", "d"]
SETTINGS = DeliverySettings()


@pytest.fixture
def database(any_database: Database) -> Database:
    """
    An outbox on each kind of store in turn.
    """
    Outbox(any_database)
    return any_database


def add(database: Database, lane: str, *, other: str | None = None, times: int = 1, at_ms: int = NOW_MS) -> None:
    outbox = Outbox(database)
    path = "/a" if other else "/e"
    with database.transaction():
        for _ in range(times):
            request = Request(path=path, identity=lane, name="n", second=None if other else 5)  # type: ignore[arg-type]
            outbox.add(request, lane=lane, other_lane=other, call="m", at_ms=at_ms)


def claim(worker: OutboxWorker, *, limit: int = 100, now_ms: int = NOW_MS) -> list[Lane]:
    """
    Claim as a worker does, who comes again at once while there may be more.
    """
    exchanged = worker.exchange(Settled(), limit=limit, now_ms=now_ms)
    while exchanged.more and not exchanged.lanes:
        exchanged = worker.exchange(Settled(), limit=limit, now_ms=now_ms)
    return exchanged.lanes


def end(worker: OutboxWorker, lane: Lane, *, failed: bool = False, now_ms: int = NOW_MS) -> None:
    """
    Report that all requests of a lane were delivered, or all but the last, which failed.
    """
    done = lane.requests[:-1] if failed else lane.requests
    failure = Failure(lane.requests[-1], "answered 500", 60_000) if failed else None
    ended = LaneEnd(lane.key, progressed=bool(done), failure=failure)
    worker.exchange(Settled(delivered=list(done), ended=[ended]), limit=0, now_ms=now_ms)


@define
class Queued:
    """
    What the model knows of a request.
    """

    number: int
    lane: str
    other: str | None


def test_ten_thousand_requests_of_one_blocked_person_stop_nobody(database: Database) -> None:
    """
    A claim behind them takes the others, and looks at none of those that are blocked.
    """
    worker = OutboxWorker(database, SETTINGS)
    add(database, "blocked", times=10_000)
    (first,) = claim(worker)
    assert len(first.requests) == REQUESTS_IN_A_TURN
    end(worker, first, failed=True)
    add(database, "other")
    lanes = claim(worker)

    assert [lane.key for lane in lanes] == [lane_key("other")]


def test_a_long_lane_lets_others_have_their_turn(database: Database) -> None:
    """
    What is left of it after its turn goes behind all that waited in the meantime.
    """
    worker = OutboxWorker(database, SETTINGS)
    add(database, "long", times=100)
    add(database, "short", at_ms=NOW_MS + 1)
    (lane,) = claim(worker, limit=1)
    end(worker, lane, now_ms=NOW_MS + 2)
    order = [claim(worker, limit=1, now_ms=NOW_MS + 3)[0].key for _ in range(2)]

    assert order == [lane_key("short"), lane_key("long")]


def test_ready_lanes_and_those_due_again_share_a_claim(database: Database) -> None:
    """
    Neither a crowd of newcomers nor a crowd of failures keeps the others away.
    """
    worker = OutboxWorker(database, SETTINGS)
    for number in range(20):
        add(database, f"failed {number}")
    for lane in claim(worker):
        end(worker, lane, failed=True)
    for number in range(20):
        add(database, f"new {number}")
    keys = {lane.key for lane in claim(worker, limit=10, now_ms=NOW_MS + 60_000)}

    assert len(keys & {lane_key(f"new {number}") for number in range(20)}) == 5
    assert len(keys) == 10


def test_no_claim_reads_through_a_table() -> None:
    """
    SQLite looks everything up in an index, so that a claim is as quick with ten million requests as with ten.
    """
    asked: list[tuple[str, object]] = []

    class Watched(Database):
        def rows(self, sql, parameters=()):
            asked.append((sql, parameters))
            return super().rows(sql, parameters)

    watched = Watched()
    Outbox(watched)
    worker = OutboxWorker(watched, SETTINGS)
    add(watched, "a")
    add(watched, "b", other="a")
    asked.clear()
    for lane in claim(worker):
        end(worker, lane, failed=True)
    claim(worker, now_ms=NOW_MS + 60_000)
    plans = [
        row[-1] for sql, parameters in list(asked) for row in watched.rows("EXPLAIN QUERY PLAN " + sql, parameters)
    ]
    watched.close()
    reading = [plan for plan in plans if plan.startswith("SCAN") and plan != "SCAN claimed"]

    assert len(plans) > 10
    assert [plan for plan in reading if "INDEX" not in plan] == []
    assert [plan for plan in plans if "TEMP B-TREE" in plan] == []


def test_an_alias_is_woken_when_its_other_side_ends(database: Database) -> None:
    """
    It need not wait until it would look again by itself.
    """
    worker = OutboxWorker(database, SETTINGS)
    add(database, "web")
    add(database, "phone", other="web")
    (web,) = claim(worker)
    assert claim(worker, now_ms=NOW_MS + 1) == []
    end(worker, web)

    assert [lane.key for lane in claim(worker, now_ms=NOW_MS + 2)] == [lane_key("phone")]


def test_an_alias_looks_again_even_if_nobody_wakes_it(database: Database) -> None:
    """
    Whoever held its other side may have been killed, or was told to forget it.
    """
    worker = OutboxWorker(database, SETTINGS)
    add(database, "web")
    add(database, "phone", other="web")
    claim(worker)
    with database.transaction() as connection:
        connection.execute("DELETE FROM outbox WHERE lane = ?", (lane_key("web"),))

    assert [lane.key for lane in claim(worker, now_ms=NOW_MS + LOOK_AGAIN_MS)] == [lane_key("phone")]


@given(st.data())
def test_whatever_is_claimed_may_be_sent(data: st.DataObject) -> None:
    """
    However claims, deliveries and failures alternate: a lane is with one worker, from its first request on, and an
    alias never before what came before it on its other side, unless that fails for longer than it has to wait.
    """
    database = Database()
    workers = [OutboxWorker(database, SETTINGS) for _ in range(2)]
    Outbox(database)
    waiting: list[Queued] = []
    held: dict[str, tuple[OutboxWorker, Lane]] = {}
    failing: set[str] = set()
    names = {lane_key(lane): lane for lane in LANES}
    now_ms = NOW_MS
    for _ in range(data.draw(st.integers(1, 25))):
        step = data.draw(st.sampled_from(["add", "add", "alias", "claim", "end", "fail", "later"]))
        if step in {"add", "alias"}:
            lane, other = data.draw(st.permutations(LANES).map(lambda some: some[:2]))
            add(database, lane, other=other if step == "alias" else None, at_ms=now_ms)
            waiting.append(Queued(len(waiting), lane, other if step == "alias" else None))
        elif step == "claim":
            worker = data.draw(st.sampled_from(workers))
            for lane in claim(worker, limit=data.draw(st.integers(1, 4)), now_ms=now_ms):
                name = names[lane.key]
                assert name not in held
                held[name] = (worker, lane)
                first = [one.number for one in waiting if one.lane == name][: len(lane.requests)]
                assert [request.number - 1 for request in lane.requests] == first
                for alias in (waiting_at(waiting, number) for number in first):
                    if alias.other is not None and alias.other not in failing:
                        assert not any(one.lane == alias.other and one.number < alias.number for one in waiting)
        elif step in {"end", "fail"} and held:
            name = data.draw(st.sampled_from(sorted(held)))
            worker, lane = held.pop(name)
            end(worker, lane, failed=step == "fail", now_ms=now_ms)
            done = {request.number - 1 for request in lane.requests[: None if step == "end" else -1]}
            waiting = [one for one in waiting if one.number not in done] + [
                Queued(one.number, "", None) for one in waiting if one.number in done
            ]
            waiting.sort(key=lambda one: one.number)
            failing = failing | {name} if step == "fail" else failing - {name}
        elif step == "later":
            now_ms += 10_000  # well within any lease
            for worker in workers:
                worker.leases.renew(now_ms)
    database.close()


def waiting_at(waiting: list[Queued], number: int) -> Queued:
    return next(one for one in waiting if one.number == number)


def test_all_of_it_is_sent_in_the_end(database: Database) -> None:
    """
    Workers that claim, fail and let go by chance empty a queue of lanes and aliases, each lane in its order.
    """
    chance = random.Random(5)
    workers = [OutboxWorker(database, SETTINGS) for _ in range(3)]
    claims = Claims(database, "nobody", lease_ms=1, alias_wait_ms=1)
    for _ in range(300):
        lane, other = chance.sample(LANES, 2)
        add(database, lane, other=other if chance.random() < 0.3 else None)
    now_ms, arrived = NOW_MS, []
    for _ in range(2000):
        worker = chance.choice(workers)
        for lane in claim(worker, limit=2, now_ms=now_ms):
            failed = chance.random() < 0.3
            end(worker, lane, failed=failed, now_ms=now_ms)
            arrived += lane.requests[:-1] if failed else lane.requests
        now_ms += 1000
    by_lane = {key: [request.number for request in arrived if request.lane == key] for key in map(lane_key, LANES)}

    assert sorted(request.number for request in arrived) == list(range(1, 301))
    assert all(numbers == sorted(numbers) for numbers in by_lane.values())
    assert claims.claimable(limit=1, now_ms=now_ms) == []
