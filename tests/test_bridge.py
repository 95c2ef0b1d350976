"""
The bridge as a backend embeds it.
"""

import inspect
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time
from segment.analytics.client import Client

from identity import StoreError
from sdkbridge import Bridge, BridgeClosed, InvalidCall
from sdkbridge.kissmetrics.people import Person
from sdkbridge.pytest_plugin import RunningKissmetrics


def people(kissmetrics: RunningKissmetrics) -> list[Person]:
    return kissmetrics.people


@pytest.mark.parametrize("method", ["identify", "track", "alias", "group", "page", "screen"])
def test_server_side_methods_take_what_segments_library_takes(method: str) -> None:
    """
    Same names, same order, same defaults: switching is a change of import.
    """
    ours, theirs = inspect.signature(getattr(Bridge, method)), inspect.signature(getattr(Client, method))

    assert [(p.name, p.default, p.kind) for p in ours.parameters.values()] == [
        (p.name, p.default, p.kind) for p in theirs.parameters.values()
    ]


class TestSegmentsPage:
    """
    What Segment's page on Kissmetrics says of identities, from the calls to the people.
    """

    def test_automatic_alias_on_the_first_identify_and_only_then(
        self, bridge: Bridge, kissmetrics: RunningKissmetrics
    ) -> None:
        """
        As from the iOS SDK: the events from before the name and after it are one person's.
        """
        phone = bridge.device("iphone")
        phone.track("App Opened")
        for _ in range(3):
            phone.identify("ann", {"plan": "pro"})
        phone.track("Signed Up")
        bridge.flush()
        (person,) = people(kissmetrics)

        assert person.event_counts == {"App Opened": 1, "Signed Up": 1}
        assert sum(request.path == "/a" for request in kissmetrics.requests) == 1

    def test_merging_identities_after_an_email_change(
        self, bridge: Bridge, kissmetrics: RunningKissmetrics
    ) -> None:
        """
        Old and new address are one person, with the history of both.
        """
        bridge.identify("ann@old.example", {"plan": "free"}, timestamp="2026-03-01T10:00:00Z")
        bridge.track("ann@old.example", "Signed Up")
        bridge.alias("ann@old.example", "ann@new.example")
        bridge.identify("ann@new.example", {"plan": "pro"}, timestamp="2026-03-02T10:00:00Z")
        bridge.track("ann@new.example", "Paid")
        bridge.flush()
        (person,) = people(kissmetrics)

        assert set(person.visible_identities) == {"ann@old.example", "ann@new.example"}
        assert person.event_counts == {"Signed Up": 1, "Paid": 1}
        assert (person.properties["plan"].first, person.properties["plan"].last) == ("free", "pro")

    def test_aliasing_new_users_server_side_together_with_client_side_tracking(
        self, bridge: Bridge, kissmetrics: RunningKissmetrics
    ) -> None:
        """
        An anonymous identity handed over from a browser joins the account made on the server.
        """
        bridge.page(anonymous_id="browser-1", name="Landing")
        bridge.alias("browser-1", "12345")
        bridge.identify("12345", {"plan": "pro"})
        bridge.track("12345", "Registered")
        bridge.flush()
        (person,) = people(kissmetrics)

        assert set(person.identities) == {"browser-1", "12345"}
        assert person.event_counts == {"Viewed Landing Page": 1, "Registered": 1}

    def test_aliasing_new_users_exclusively_server_side(
        self, bridge: Bridge, kissmetrics: RunningKissmetrics
    ) -> None:
        """
        alias, identify, track: the identity that only the alias names is joined, but not shown.
        """
        bridge.alias("92fh49fqh9849hf", "12345")
        bridge.identify("12345")
        bridge.track("12345", "Registered")
        bridge.flush()
        (person,) = people(kissmetrics)

        assert set(person.identities) == {"92fh49fqh9849hf", "12345"}
        assert person.visible_identities == ("12345",)


def test_a_device_survives_a_restart(tmp_path: Path, kissmetrics: RunningKissmetrics) -> None:
    """
    The anonymous identity, the name and the once-only marks are in the file.
    """
    seen = []
    for _ in range(2):
        with Bridge(tmp_path / "b.db", api_key="k", url=kissmetrics.url) as bridge:
            phone = bridge.device("iphone")
            phone.track("App Installed", once="install")
            phone.set_distinct({"App Version": "4.2", "Build": 812})
            seen.append(phone.anonymous_id)
            bridge.flush()
    requests = [(r.path, r.parameters.get("_n")) for r in kissmetrics.requests]

    assert seen[0] == seen[1]
    assert requests == [("/e", "App Installed"), ("/s", None)]


def test_set_distinct_sends_only_what_changed(bridge: Bridge) -> None:
    """
    Of several properties, those whose text is new are sent.
    """
    phone = bridge.device("iphone")
    receipts = [
        phone.set_distinct(values) for values in ({"a": 1, "b": True}, {"a": 1.0, "b": False}, {"b": False})
    ]

    assert [[r.properties for r in receipt.requests] for receipt in receipts] == [
        [(("a", "1"), ("b", "true"))],
        [(("b", "false"),)],
        [],
    ]


def test_once_per_identity_begins_anew_after_a_reset(bridge: Bridge) -> None:
    """
    The same event is sent once for each person on the device.
    """
    phone = bridge.device("iphone")
    sent = [len(phone.track("Welcomed", once="identity").requests) for _ in range(2)]
    phone.reset()
    sent.append(len(phone.track("Welcomed", once="identity").requests))

    assert sent == [1, 0, 1]


def test_traits_and_state_can_be_read(bridge: Bridge) -> None:
    """
    A device tells who it is, and what was said of the person.
    """
    phone = bridge.device("iphone")
    before = (phone.is_anonymous, phone.identity == phone.anonymous_id)
    phone.identify("Ann@Example.com", {"plan": "pro"})

    assert before == (True, True)
    assert (phone.is_anonymous, phone.identity, phone.traits) == (False, "ann@example.com", {"plan": "pro"})


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ([], "message"),
        ("track", "message"),
        (None, "message"),
        ({}, "type"),
        ({"type": "delete", "userId": "A"}, "type"),
        ({"type": "track", "userId": "A"}, "event"),
        ({"type": "track", "userId": "A", "event": ""}, "event"),
        ({"type": "track", "userId": "A", "event": 7}, "event"),
        ({"type": "track", "userId": "A", "event": "E" * 256}, "event"),
        ({"type": "track", "userId": True, "event": "E"}, "userId"),
        ({"type": "track", "userId": ["A"], "event": "E"}, "userId"),
        ({"type": "track", "userId": "A\ud800", "event": "E"}, "userId"),
        ({"type": "track", "userId": "A", "event": "E", "properties": []}, "properties"),
        ({"type": "identify", "userId": "A", "traits": "x"}, "traits"),
        ({"type": "group", "userId": "A"}, "groupId"),
        ({"type": "track", "userId": "A", "event": "E", "context": 1}, "context"),
        ({"type": "track", "userId": "A", "event": "E", "messageId": 1}, "messageId"),
        ({"type": "track", "device": "", "event": "E"}, "device"),
        ({"type": "track", "device": 5, "event": "E"}, "device"),
        ({"type": "track", "device": "phone", "event": "E", "once": "twice"}, "once"),
    ],
)
def test_a_call_that_cannot_be_taken_names_its_field_and_leaves_nothing(
    message: Any, field: str, bridge: Bridge
) -> None:
    """
    One exception type, the member that is wrong, and nothing half-done.
    """
    with pytest.raises(InvalidCall) as caught:
        bridge.accept(message)

    assert caught.value.field == field
    assert str(caught.value).startswith(field)
    assert bridge.status().outbox.waiting == 0
    assert bridge.graph.counts().identities == 0


def test_a_refused_call_can_be_sent_again_when_it_is_mended(bridge: Bridge) -> None:
    """
    A message id is only taken up by a call that was accepted.
    """
    with pytest.raises(InvalidCall):
        bridge.track("A", None, message_id="m-1")

    assert not bridge.track("A", "Paid", message_id="m-1").repeated


def test_numbers_are_taken_as_ids(bridge: Bridge) -> None:
    """As Segment's library does: 12345 and "12345" are one identity, however long the number."""
    receipts = [bridge.track(user_id, "Paid") for user_id in (12345, "12345", 90071992547409931234)]

    assert [receipt.requests[0].identity for receipt in receipts] == ["12345", "12345", "90071992547409931234"]


@pytest.mark.parametrize("key", ["", "  "])
def test_a_bridge_without_a_key_is_not_made(tmp_path: Path, key: str) -> None:
    """
    A missing key is found at once: Kissmetrics itself would answer 200 to everything.
    """
    with pytest.raises(ValueError, match="api_key"):
        Bridge(tmp_path / "b.db", api_key=key)

    assert not (tmp_path / "b.db").exists()


def test_a_closed_bridge_says_so(bridge: Bridge) -> None:
    """
    Every use after close raises BridgeClosed; closing again does nothing.
    """
    phone = bridge.device("phone")
    bridge.close()
    bridge.close()
    for use in (
        lambda: bridge.track("A", "Paid"),
        lambda: bridge.device("phone"),
        lambda: phone.track("Paid"),
        bridge.flush,
        bridge.status,
    ):
        with pytest.raises(BridgeClosed):
            use()


def test_what_was_not_delivered_waits_for_the_next_bridge(tmp_path: Path, kissmetrics: RunningKissmetrics) -> None:
    """
    A bridge whose Kissmetrics is away keeps everything; the next one delivers it.
    """
    with Bridge(tmp_path / "b.db", api_key="k", url="http://127.0.0.1:9") as bridge:
        bridge.track("A", "Paid")
        left = bridge.flush(timeout=0.2)
        error = bridge.status().last_error
    with Bridge(tmp_path / "b.db", api_key="k", url=kissmetrics.url) as bridge:
        after = bridge.flush(timeout=20)

    assert (left.waiting, error) == (1, "no answer (ConnectError)")
    assert (after.waiting, after.delivered) == (0, 1)


def test_calls_are_delivered_without_being_asked(bridge: Bridge, kissmetrics: RunningKissmetrics) -> None:
    """
    A backend that never flushes still delivers.
    """
    bridge.track("A", "Paid")
    deadline = time.monotonic() + 20
    while not people(kissmetrics) and time.monotonic() < deadline:
        time.sleep(0.01)

    assert people(kissmetrics)[0].event_counts == {"Paid": 1}


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """
    A folder that is missing, or a file that is no database, is a StoreError with the path.
    """
    (tmp_path / "notes.txt").write_text("no database " * 100)
    for path in (tmp_path / "missing" / "b.db", tmp_path / "notes.txt"):
        with pytest.raises(StoreError, match=path.name):
            Bridge(path, api_key="k")


def test_threads_share_a_bridge(bridge: Bridge, kissmetrics: RunningKissmetrics) -> None:
    """
    Eight threads on one bridge and one anonymous identity: every event arrives, and one alias.
    """

    def work(number: int) -> None:
        for n in range(10):
            bridge.track("ann", f"Event {number}", {"n": n}, anonymous_id="X")
            bridge.identify("ann", anonymous_id="X")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bridge.flush(timeout=30).waiting == 0
    (person,) = people(kissmetrics)

    assert person.event_counts == {f"Event {number}": 10 for number in range(8)}
    assert sum(request.path == "/a" for request in kissmetrics.requests) == 1


@freeze_time("2026-03-01T12:00:00Z")
def test_a_call_without_a_time_happened_now(bridge: Bridge) -> None:
    """
    The bridge's clock is the system's, so that frozen time reaches it.
    """
    assert bridge.track("A", "Paid").requests[0].second == 1_772_366_400


def test_the_clock_can_be_handed_in(tmp_path: Path) -> None:
    """
    Simulated time needs no patching.
    """
    with Bridge(tmp_path / "b.db", api_key="k", clock=lambda: 1_700_000_000.9, deliver=False) as bridge:
        assert bridge.track("A", "Paid").requests[0].second == 1_700_000_000


def test_an_unknown_argument_of_a_device_call_is_a_mistake(bridge: Bridge) -> None:
    """
    A misspelt keyword is not silently dropped.
    """
    with pytest.raises(TypeError, match="contxt"):
        bridge.device("phone").track("Paid", contxt={})  # type: ignore[call-arg]
