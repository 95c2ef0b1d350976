"""
A whole bridge in trouble, from the call to Kissmetrics: what was accepted arrives, what was refused does not.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from small_disk import small_disk

from identity import StoreError
from identity.database import Database
from sdkbridge import Bridge
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.kissmetrics.server import KissmetricsServer
from sdkbridge.pytest_plugin import RunningKissmetrics

DOWN_S = 10.0
PEOPLE = 7


@contextmanager
def nobody_listens(port: int) -> Iterator[None]:
    """
    Keep a port, so that nobody else takes it, and refuse whoever connects.
    """
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        yield


def arrived(kissmetrics: LocalKissmetrics) -> dict[str, list[str]]:
    """
    Return the names of each identity's events, in the order in which they first arrived.
    """
    events: dict[str, dict[str, None]] = {}
    for request in kissmetrics.requests():
        if request.path == "/e":
            events.setdefault(request.parameters["_p"], {}).setdefault(request.parameters["_n"])
    return {identity: list(names) for identity, names in events.items()}


def test_a_kissmetrics_that_is_down_for_ten_seconds_loses_nothing(tmp_path: Path) -> None:
    """
    Calls are taken all the while, and arrive in order once it listens again: more tries than other SDKs make.
    """
    with closing(Database(":memory:")) as database:
        kissmetrics = LocalKissmetrics(database)
        with KissmetricsServer(kissmetrics) as server:
            url, port = server.url, urlsplit(server.url).port or 0
            bridge = Bridge(tmp_path / "bridge.db", api_key="k", url=url)
            phone = bridge.device("phone")
            phone.track("Before")
            assert bridge.flush(timeout=30).waiting == 0
        numbers, over = count(), threading.Event()
        with nobody_listens(port):
            timer = threading.Timer(DOWN_S, over.set)
            timer.start()
            while not over.wait(0.05):
                number = next(numbers)
                phone.track(f"Event {number}")
                bridge.track(f"person {number % PEOPLE}", f"Event {number}")
        phone.identify("ann@example.com")
        with KissmetricsServer(kissmetrics, port=port):
            report = bridge.flush(timeout=60)
            bridge.close()
        names = [f"Event {number}" for number in range(next(numbers))]
        ann = next(person for person in kissmetrics.people() if "ann@example.com" in person.identities)

        assert (report.waiting, report.dead) == (0, 0)
        assert arrived(kissmetrics) == {
            min(set(ann.identities) - {"ann@example.com"}): ["Before", *names],
            **{f"person {number}": names[number::PEOPLE] for number in range(PEOPLE)},
        }
        assert dict(ann.event_counts) == dict.fromkeys(["Before", *names], 1)


def test_on_a_full_disk_calls_are_refused_and_what_was_accepted_arrives(
    tmp_path: Path, kissmetrics: RunningKissmetrics
) -> None:
    """
    Each call that returned is delivered once there is room, in order, and none that raised an error.
    """
    kissmetrics.fail(503)
    accepted: list[int] = []
    with (
        small_disk(tmp_path, megabytes=2) as (disk, make_room),
        Bridge(disk / "bridge.db", api_key="k", url=kissmetrics.url) as bridge,
    ):
        with pytest.raises(StoreError, match=r"its disk failed|does not fit on its disk"):
            for number in count():
                bridge.track(f"person {number % PEOPLE}", f"Event {number}", {"text": "x" * 3000})
                accepted.append(number)
        with pytest.raises(StoreError):
            bridge.track("person 0", "Refused, too", {"text": "x" * 100_000})
        make_room()
        bridge.track("person 0", "Afterwards")
        kissmetrics.heal()
        report = bridge.flush(timeout=60)

    assert len(accepted) > 2 * PEOPLE
    assert (report.waiting, report.dead) == (0, 0)
    names = [f"Event {number}" for number in accepted]
    expected = {f"person {number}": names[number::PEOPLE] for number in range(PEOPLE)}
    expected["person 0"].append("Afterwards")
    assert arrived(kissmetrics.local) == expected
    assert all(set(person.event_counts.values()) == {1} for person in kissmetrics.people)
