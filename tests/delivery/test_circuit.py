"""
The circuit breaker and the pace, as pure rules.
"""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdkbridge.delivery import DeliverySettings
from sdkbridge.delivery.circuit import LANES_TO_OPEN, LONGEST_PROBE_WAIT_S, Circuit
from sdkbridge.delivery.pace import Pace


def opened(*, now: float = 100.0, retry_after_s: float | None = None) -> Circuit:
    circuit = Circuit(lambda: 1.0)
    for lane in range(LANES_TO_OPEN):
        circuit.failed(lane, now=now, retry_after_s=retry_after_s)
    return circuit


def test_one_lane_that_always_fails_never_opens_it() -> None:
    """
    A poisoned lane is that lane's own trouble.
    """
    circuit = Circuit(lambda: 1.0)
    for number in range(1000):
        circuit.failed(7, now=float(number))

    assert circuit.lets_through(1000.0)


def test_an_answer_in_between_keeps_it_closed() -> None:
    """
    Whoever answers one request is not down.
    """
    circuit = Circuit(lambda: 1.0)
    for lane in range(1000):
        circuit.failed(lane, now=0.0)
        if lane % (LANES_TO_OPEN - 1) == 0:
            circuit.answered()

    assert not circuit.is_open


def test_an_open_circuit_lets_one_probe_through_at_a_time() -> None:
    """
    Nobody before its time, and nobody beside the probe; an answer to it lets everybody through.
    """
    circuit = opened()
    assert not circuit.lets_through(100.0)
    assert circuit.wait_s(100.0) == pytest.approx(0.25)

    assert circuit.lets_through(100.25)
    assert not circuit.lets_through(200.0)
    assert circuit.wait_s(200.0) is None
    circuit.answered()

    assert circuit.lets_through(200.0)


def test_probes_come_at_longer_and_longer_intervals_up_to_a_limit() -> None:
    """
    From a quarter of a second to half a minute; what was under way when it opened does not count.
    """
    circuit, now, waits = opened(now=0.0), 0.0, []
    for _ in range(12):
        circuit.failed(99, now=now)
        wait_s = circuit.wait_s(now) or 0.0
        waits.append(wait_s)
        now += wait_s
        assert circuit.lets_through(now)
        circuit.failed(1, now=now)

    assert waits[:3] == [0.25, 0.5, 1.0]
    assert waits[-1] == LONGEST_PROBE_WAIT_S


def test_retry_after_holds_for_the_probe() -> None:
    """
    A Kissmetrics that asks everybody for a minute gets it.
    """
    assert opened(retry_after_s=60.0).wait_s(100.0) == 60.0


def test_a_probe_that_was_not_sent_after_all_can_be_another_one() -> None:
    """
    The lane may have been taken over meanwhile.
    """
    circuit = opened()
    circuit.lets_through(101.0)
    circuit.not_sent()

    assert circuit.lets_through(101.0)


@given(
    per_second=st.floats(0.1, 10_000),
    gaps=st.lists(st.floats(0, 5, allow_nan=False), min_size=1, max_size=50),
)
def test_no_more_are_sent_in_any_time_than_the_pace_allows(per_second: float, gaps: list[float]) -> None:
    """
    Two that follow each other are as far apart as the pace asks for, however unevenly they come.
    """
    pace, now, moments = Pace(per_second), 0.0, []
    for gap in gaps:
        now += gap
        moments.append(now + pace.take(now))

    assert all(later - earlier >= 0.999 / per_second for earlier, later in pairwise(moments))
    assert Pace(None).take(5.0) == 0.0


@pytest.mark.parametrize(
    "wrong", [{"concurrency": 0}, {"pace": -1.0}, {"timeout_s": 0.0}, {"alias_wait_s": -1.0}, {"timeout_s": 31.0}]
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    """
    By the name of the one that is wrong.
    """
    with pytest.raises(ValueError, match=min(wrong)):
        DeliverySettings(**wrong)  # type: ignore[arg-type]
