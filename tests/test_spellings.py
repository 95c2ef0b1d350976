"""
What a bridge remembers of names: nothing that its database may yet lose.
"""

from collections.abc import Callable
from itertools import count

import pytest

from sdkbridge import Bridge

TAKES: list[Callable[[Bridge, str], object]] = [
    lambda bridge, name: [bridge.track(who, name) for who in ("ann", "bob")],
    lambda bridge, name: bridge.accept_batch(
        [{"type": "track", "userId": who, "event": name} for who in ("ann", "bob")]
    ),
    lambda bridge, name: [
        bridge.accept_batch(
            [{"type": "track", "userId": who, "event": name}, {"type": "track", "userId": "x" * 300}]
        )
        for who in ("ann", "bob")
    ],
]


@pytest.mark.parametrize("take", TAKES, ids=["calls", "a batch", "batches with a refused call"])
def test_a_name_is_not_known_before_it_is_committed(store_url: str, take: Callable[[Bridge, str], object]) -> None:
    """
    Learned and met again in one transaction that is taken back, it is learned anew by the next call.
    """
    with Bridge(store_url, api_key="key", deliver=False) as bridge:
        with pytest.raises(LookupError), bridge._core.database.transaction():
            take(bridge, "Signed Up")
            raise LookupError
        take(bridge, "signed up")

        assert codes(bridge, "signed up") == []
        assert codes(bridge, "Signed Up") == ["other_spelling"]
    with Bridge(store_url, api_key="key", deliver=False) as again:
        assert codes(again, "Signed Up") == ["other_spelling"]


def test_a_name_is_known_once_it_was_met_after_its_commit(tmp_path) -> None:
    """
    And costs no look-up from then on.
    """
    asked: list[str] = []
    with Bridge(tmp_path / "bridge.db", api_key="key", deliver=False) as bridge:
        bridge.track("ann", "Signed Up")
        bridge.track("ann", "Signed Up")
        bridge._core.database._store._writer.connection().set_trace_callback(asked.append)
        bridge.track("ann", "Signed Up")

    assert asked
    assert not [statement for statement in asked if "spelling" in statement]


_seconds = count(1_772_000_000)


def codes(bridge: Bridge, name: str) -> list[str]:
    receipt = bridge.track("eve", name, timestamp=next(_seconds))
    return [warning.code for warning in receipt.warnings]
