"""
The outbox: numbers are given once, and what is failing is found without reading through what waits.
"""

from collections.abc import Callable, Iterable
from itertools import count

import pytest

from identity.database import Database
from sdkbridge.delivery import DeliverySettings
from sdkbridge.delivery.lanes import Failure, LaneEnd, Settled
from sdkbridge.delivery.outbox_worker import OutboxWorker
from sdkbridge.kissmetrics.requests import Request
from sdkbridge.outbox.dead_letters import DeadLetters
from sdkbridge.outbox.placing import AT_ONCE, QueuedRow
from sdkbridge.outbox.queue import Outbox, lane_key, queued_row

NOW_MS = 1_700_000_000_000


def queued(lane: str) -> QueuedRow:
    request = Request(path="/e", identity=lane, name="Paid", second=5)
    return queued_row(request, lane=lane, other_lane=None, call="m", at_ms=NOW_MS)


def fail(database: Database, errors: list[str], *, at_ms: int) -> None:
    """
    Claim a lane for each error, and fail its first request by it.
    """
    worker = OutboxWorker(database, DeliverySettings())
    lanes = worker.exchange(Settled(), limit=len(errors), now_ms=at_ms).lanes
    ended = [
        LaneEnd(lane.key, progressed=False, failure=Failure(lane.requests[0], error, 600_000))
        for lane, error in zip(lanes, errors, strict=True)
    ]
    worker.exchange(Settled(ended=ended), limit=0, now_ms=at_ms)


def queue(database: Database, lanes: Iterable[str]) -> None:
    with database.transaction() as connection:
        Outbox(database).add_all(connection, [queued(lane) for lane in lanes])


def test_the_error_told_is_of_the_lane_that_has_been_failing_for_longest(any_database: Database) -> None:
    """
    A lane that fails later, or whose requests were erased meanwhile, is not the one to look at.
    """
    outbox = Outbox(any_database)
    assert (outbox.last_error(), outbox.being_retried()) == (None, 0)
    for number, lane in enumerate(("erased", "first", "second")):
        queue(any_database, [lane] * 3)
        fail(any_database, [f"{lane}'s error"], at_ms=NOW_MS + number)
    queue(any_database, ["in order"])
    outbox.forget(["erased"])

    assert outbox.last_error() == "first's error"
    assert outbox.being_retried() == 2


@pytest.mark.parametrize(
    "look",
    [Outbox.last_error, Outbox.being_retried, Outbox.oldest_ms, Outbox.ends],
    ids=lambda look: look.__name__,
)
def test_looking_takes_as_many_steps_however_much_waits(look: Callable[[Outbox], object]) -> None:
    """
    SQLite finds the answer by as many instructions among three thousand requests as among thirty.
    """

    def steps(lanes: int) -> int:
        database = Database()
        outbox = Outbox(database)
        queue(database, [f"lane {number}" for number in range(lanes)] * 3)
        fail(database, ["answered 500"] * 3, at_ms=NOW_MS)
        taken = count()

        def step() -> int:
            next(taken)
            return 0

        with database.transaction() as connection:
            assert look(outbox) is not None
            connection.set_progress_handler(step, 1)  # type: ignore[attr-defined]
            look(outbox)
            connection.set_progress_handler(None, 0)  # type: ignore[attr-defined]
        database.close()
        return next(taken)

    few = steps(10)

    assert few > 5
    assert steps(1000) == few


def deliver(database: Database) -> list[int]:
    """
    Claim all that waits and report it as delivered; return the numbers in the order in which they were claimed.
    """
    worker = OutboxWorker(database, DeliverySettings())
    numbers: list[int] = []
    more = True
    while more:
        exchanged = worker.exchange(Settled(), limit=100, now_ms=NOW_MS)
        more = exchanged.more or bool(exchanged.lanes)
        for lane in exchanged.lanes:
            numbers += [request.number for request in lane.requests]
            ended = [LaneEnd(lane.key, progressed=True)]
            worker.exchange(Settled(delivered=[*lane.requests], ended=ended), limit=0, now_ms=NOW_MS)
    return numbers


def test_what_waits_is_put_in_its_lanes_by_parts(any_database: Database) -> None:
    """
    Each lane in its order, however much of others' came in between, and nothing is left behind.
    """
    lanes = [f"lane {number % 7}" for number in range(2 * AT_ONCE + 5)]
    queue(any_database, lanes)
    numbers = deliver(any_database)
    first = min(numbers)
    by_lane = {lane: [number for number in numbers if lanes[number - first] == lane] for lane in lanes}

    assert sorted(numbers) == list(range(first, first + len(lanes)))
    assert all(found == sorted(found) for found in by_lane.values())
    assert Outbox(any_database).ends() is None


def test_who_has_waited_for_longest_has_the_first_turn(any_database: Database) -> None:
    """
    Counted from the first of a lane's requests, also where they are put in their lanes together.
    """
    with any_database.transaction() as connection:
        outbox = Outbox(any_database)
        for lane, waited_ms in (("first", 3), ("second", 2), ("first", 1)):
            request = Request(path="/e", identity=lane, name="Paid", second=5)
            row = queued_row(request, lane=lane, other_lane=None, call="m", at_ms=NOW_MS - waited_ms)
            outbox.add_all(connection, [row])
    worker = OutboxWorker(any_database, DeliverySettings())

    assert [worker.exchange(Settled(), limit=1, now_ms=NOW_MS).lanes[0].key for _ in range(2)] == [
        lane_key("first"),
        lane_key("second"),
    ]


def test_what_is_queued_behind_what_was_erased_is_delivered(any_database: Database) -> None:
    """
    Even in one transaction, as when a signal handler erases somebody in the middle of a batch.
    """
    outbox = Outbox(any_database)
    with any_database.transaction() as connection:
        outbox.add_all(connection, [queued("ann")] * 3)
        assert outbox.forget(["ann"]) == 3
        outbox.add_all(connection, [queued("bob")] * 2)
    queue(any_database, ["bob"])

    assert len(deliver(any_database)) == 3


def test_all_of_a_persons_many_requests_are_erased(any_database: Database) -> None:
    """
    However many identities the person has; what is another's stays.
    """
    names = [f"ann{number}" for number in range(1_001)]
    queue(any_database, ["bob", *names])

    assert Outbox(any_database).forget(names) == len(names)
    assert len(deliver(any_database)) == 1


def test_a_number_is_given_once(any_database: Database) -> None:
    """
    Whatever became of the requests before: an alias that was queued is remembered by its number, as is what was
    was given up.
    """
    outbox, dead = Outbox(any_database), DeadLetters(any_database)
    given: list[int] = []

    def ask() -> int:
        with any_database.transaction():
            request = Request(path="/a", identity="ann", name="bob")
            given.append(outbox.add(request, lane="ann", other_lane=None, call="m", at_ms=NOW_MS))
        return given[-1]

    def bury() -> None:
        worker = OutboxWorker(any_database, DeliverySettings())
        (lane,) = worker.exchange(Settled(), limit=1, now_ms=NOW_MS).lanes
        ended = [LaneEnd(lane.key, progressed=True)]
        buried = [(request, "answered 400") for request in lane.requests]
        worker.exchange(Settled(dead=buried, ended=ended), limit=0, now_ms=NOW_MS)

    ask()
    assert deliver(any_database) == given
    assert outbox.withdraw(ask(), now_ms=NOW_MS)
    ask()
    assert outbox.forget(["ann"]) == 1
    ask()
    bury()
    assert dead.drop(dead.numbers()) == 1
    ask()
    bury()
    ask()
    assert dead.retry(dead.numbers(), now_ms=NOW_MS) == 1
    ask()

    assert given == sorted(set(given))
    assert deliver(any_database) == given[-3:]
