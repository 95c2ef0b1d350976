"""
Signal handlers that use a bridge in the middle of a write: what they were told is kept is kept.
"""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from identity import InvalidDecision
from sdkbridge import Bridge, BridgeClosed, InvalidCall
from sdkbridge.receipt import Receipt

GOOD = {"type": "track", "userId": "ann", "event": "Good"}
HANDLED = GOOD | {"userId": "bob", "event": "Handled"}
REFUSED = HANDLED | {"event": "y" * 300}
TOO_LONG = GOOD | {"device": "phone", "event": "x" * 300}
AT_NINE = GOOD | {"timestamp": "2026-03-01T09:00:00Z"}


@pytest.fixture
def quiet(tmp_path: Path):
    """
    A bridge that delivers nothing.
    """
    with Bridge(tmp_path / "bridge.db", api_key="key", deliver=False) as bridge:
        yield bridge


class Interrupting(dict[str, Any]):
    """
    A message in the middle of which a signal comes.
    """

    def get(self, name: str, default: object = None) -> Any:
        if name == "event":
            signal.raise_signal(signal.SIGUSR1)
        return super().get(name, default)


def one(bridge: Bridge) -> list[Receipt]:
    return [bridge.track("bob", "Handled")]


def batch_with_a_refused_one(bridge: Bridge) -> list[Receipt]:
    return [
        receipt for receipt in bridge.accept_batch([HANDLED, REFUSED, HANDLED]) if isinstance(receipt, Receipt)
    ]


@pytest.mark.parametrize("take", [one, batch_with_a_refused_one], ids=lambda take: take.__name__)
@pytest.mark.parametrize(
    ("before", "batch"),
    [
        ([AT_NINE], [AT_NINE]),
        ([], [GOOD, TOO_LONG]),
        ([AT_NINE], [AT_NINE, TOO_LONG]),
        ([], [TOO_LONG]),
    ],
    ids=["a crowded second", "a call that left something", "both", "that call itself"],
)
def test_what_a_signal_handler_takes_stays_when_what_it_interrupted_is_taken_back(
    quiet: Bridge,
    before: list[dict[str, Any]],
    batch: list[dict[str, Any]],
    take: Callable[[Bridge], list[Receipt]],
) -> None:
    """
    Its receipt was out by then; it is taken once, though its message id was made up.
    """
    receipts: list[Receipt] = []

    def handler(number: int, frame: object) -> None:
        receipts.extend(take(quiet))

    quiet.accept_batch(before)
    with handled(signal.SIGUSR1, handler):
        quiet.accept_batch([Interrupting(call) for call in batch])

    assert len(receipts) >= len(batch)
    check_that_bob_has(receipts, quiet)


class InterruptingClock:
    """
    A clock that lets a signal come once, when it is looked at for the so manieth time from now.
    """

    looks_left = 0

    def __call__(self) -> float:
        if self.looks_left:
            self.looks_left -= 1
            if not self.looks_left:
                signal.raise_signal(signal.SIGUSR1)
        return 1_772_355_600.0


@pytest.fixture
def clock() -> InterruptingClock:
    """
    A clock that lets no signal come until it is told to.
    """
    return InterruptingClock()


@pytest.fixture
def timed(tmp_path: Path, clock: InterruptingClock):
    """
    A bridge on that clock that delivers nothing.
    """
    with Bridge(tmp_path / "bridge.db", api_key="key", deliver=False, clock=clock, alias_grace=60) as bridge:
        yield bridge


@pytest.mark.parametrize("take", [one, batch_with_a_refused_one], ids=lambda take: take.__name__)
def test_what_a_signal_handler_takes_stays_when_the_call_that_it_interrupted_is_refused(
    timed: Bridge, clock: InterruptingClock, take: Callable[[Bridge], list[Receipt]]
) -> None:
    """
    A call by itself, whose own transaction is taken back.
    """
    receipts: list[Receipt] = []
    with handled(signal.SIGUSR1, lambda number, frame: receipts.extend(take(timed))):
        clock.looks_left = 1
        with pytest.raises(InvalidCall, match="event"):
            timed.accept(TOO_LONG)

    assert receipts
    check_that_bob_has(receipts, timed)


def track(bridge: Bridge) -> None:
    bridge.track("ann", "Seen")


def batch(bridge: Bridge) -> None:
    bridge.accept_batch([AT_NINE, TOO_LONG, AT_NINE])


def new_device(bridge: Bridge) -> None:
    bridge.device("tablet").track("Opened")


def check(bridge: Bridge) -> None:
    bridge._core.check()


def approve(bridge: Bridge) -> None:
    bridge.approve(("a-1", "dan"), by="kim")


def reject(bridge: Bridge) -> None:
    bridge.reject(("a-1", "dan"), by="kim")


def retract(bridge: Bridge) -> None:
    bridge.retract(("a-1", "ann"), by="kim")


def send(bridge: Bridge) -> None:
    bridge.send(bridge.plan())


def forget(bridge: Bridge) -> None:
    bridge.forget("ann")


def decide_in_vain(bridge: Bridge) -> None:
    with suppress(InvalidDecision):
        bridge.approve(("a-1", "ann"), by="kim")


WRITES = [track, batch, new_device, check, approve, reject, retract, send, forget, decide_in_vain]


@pytest.mark.parametrize("take", [one, batch_with_a_refused_one], ids=lambda take: take.__name__)
@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)
def test_what_a_signal_handler_takes_before_it_ends_the_program_stays(
    timed: Bridge,
    clock: InterruptingClock,
    write: Callable[[Bridge], None],
    take: Callable[[Bridge], list[Receipt]],
) -> None:
    """
    The usual one for SIGTERM, wherever it comes: what it interrupted is taken back.
    """
    receipts: list[Receipt] = []

    def handler(number: int, frame: object) -> None:
        receipts.extend(take(timed))
        sys.exit(0)

    timed.identify("ann", anonymous_id="a-1")
    timed.identify("dan", anonymous_id="a-1")
    with handled(signal.SIGUSR1, handler):
        came = 0
        while clock.looks_left == 0:
            clock.looks_left = came + 1
            try:
                write(timed)
            except SystemExit:
                came += 1
    clock.looks_left = 0

    assert came > 0
    assert len(receipts) >= came
    check_that_bob_has(receipts, timed)


@pytest.mark.parametrize("ends", [True, False], ids=["and ends", "and goes on"])
@pytest.mark.parametrize("interrupted", [one, batch_with_a_refused_one], ids=lambda take: take.__name__)
def test_what_a_signal_handler_takes_before_it_closes_the_bridge_stays(
    tmp_path: Path, interrupted: Callable[[Bridge], list[Receipt]], ends: bool
) -> None:
    """
    The file is let go of once the write that it interrupted has ended.
    """
    tried = 0
    while True:
        clock = InterruptingClock()
        path = tmp_path / f"{tried}.db"
        bridge = Bridge(path, api_key="key", deliver=False, clock=clock)
        receipts: list[Receipt] = []

        def handler(
            number: int, frame: object, bridge: Bridge = bridge, receipts: list[Receipt] = receipts
        ) -> None:
            receipts.append(bridge.track("ann", "Handled"))
            bridge.close()
            if ends:
                sys.exit(0)

        clock.looks_left = tried + 1
        with handled(signal.SIGUSR1, handler), suppress(SystemExit, BridgeClosed):
            interrupted(bridge)
        clock.looks_left = 0
        bridge.close()
        if not receipts:
            break
        tried += 1
        with Bridge(path, api_key="key", deliver=False) as again:
            assert again._core.database.rows("SELECT call FROM outbox WHERE identity = 'ann'") == [
                (receipts[0].message_id,)
            ]

    assert tried > 0


def test_what_a_handler_takes_in_the_middle_of_another_one_stays_too(quiet: Bridge) -> None:
    """
    Though what both interrupted is taken back.
    """
    receipts: list[Receipt] = []

    def outer(number: int, frame: object) -> None:
        with handled(signal.SIGUSR1, lambda number, frame: receipts.extend(one(quiet))):
            (receipt,) = quiet.accept_batch([Interrupting(HANDLED)])
        assert isinstance(receipt, Receipt)
        receipts.append(receipt)

    quiet.accept_batch([AT_NINE])
    with handled(signal.SIGUSR1, outer):
        quiet.accept_batch([Interrupting(AT_NINE)])

    assert len(receipts) > 1
    check_that_bob_has(receipts, quiet)


@contextmanager
def handled(number: int, handler: Callable[[int, Any], object]) -> Iterator[None]:
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def check_that_bob_has(receipts: list[Receipt], bridge: Bridge) -> None:
    database = bridge._core.database
    queued = database.rows("SELECT call FROM outbox WHERE identity = 'bob'")

    assert sorted(call for (call,) in queued) == sorted(receipt.message_id for receipt in receipts)
    assert database.rows("SELECT records FROM identity WHERE name = 'bob'") == [(len(receipts),)]
    # Of what a handler gave, two were accepted for each that was refused.
    assert len(bridge.refused.of(["bob"], limit=1000)) in {0, len(receipts) // 2}
