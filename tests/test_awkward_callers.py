"""
Callers that do not do as expected: unusual values, unusual orders, clocks that jump.
"""

import enum
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faulty_server import FaultyServer, faulty_server

from identity import StoreError
from identity.database import Database
from sdkbridge import Bridge, InvalidCall
from sdkbridge.kissmetrics.client import KissmetricsClient
from sdkbridge.outbox.queue import Outbox, lane_key

DAY_S = 86_400.0


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Bridge]:
    with Bridge(tmp_path / "bridge.db", api_key="k", url="http://127.0.0.1:9", deliver=False) as bridge:
        yield bridge


@pytest.fixture
def sink() -> Iterator[FaultyServer]:
    with faulty_server() as server:
        yield server


def aliases(tmp_path: Path) -> list[tuple[int, int]]:
    database = sqlite3.connect(tmp_path / "bridge.db")
    query = "SELECT lane, other_lane FROM outbox WHERE path = '/a' ORDER BY request"
    rows = database.execute(query).fetchall()
    database.close()
    return rows


class Named(str, enum.Enum):  # noqa: UP042 - as apps did before there was another way
    """
    An app's names, as many list them.
    """

    ANN = "ann"
    PHONE = "phone"
    PAID = "Paid"


def test_names_that_are_enumerations_are_their_texts(bridge: Bridge) -> None:
    """
    Wherever a call has a name, and for whoever sends the plain text after it; not ``Named.PAID``.
    """
    phone = bridge.device(Named.PHONE)
    receipts = [
        bridge.track(Named.ANN, Named.PAID, {Named.PAID: Named.PAID}),
        bridge.track("ann", "Paid", {"Paid": "Paid"}),
        phone.track(Named.PAID),
        phone.track("Paid"),
        bridge.group(Named.ANN, Named.PAID),
        bridge.page(Named.ANN, Named.PHONE, Named.PAID),
        bridge.alias(Named.ANN, Named.PHONE),
    ]

    assert "Named" not in repr(receipts)
    assert "Named" not in " ".join(request.query() for receipt in receipts for request in receipt.requests)
    assert "Named" not in "".join(map(str, bridge._core.database.rows("SELECT * FROM outbox")))


class TestIdentities:
    """
    Identities in places where they do not belong.
    """

    def test_two_customers_on_one_tablet_whose_first_id_was_an_address(self, bridge: Bridge) -> None:
        """
        A name that first came as an anonymousId is a name all the same.
        """
        bridge.track(anonymous_id="ann@example.org", event="Opened mail")
        ann = bridge.identify("ann@example.org", anonymous_id="shop-tablet")
        bob = bridge.identify("bob@example.org", anonymous_id="shop-tablet")

        assert [str(v.outcome) for receipt in (ann, bob) for v in receipt.verdicts] == ["merge", "hold"]

    def test_a_server_that_tracks_under_the_phones_own_identity(self, bridge: Bridge) -> None:
        """
        The phone's first identify still sends its one alias.
        """
        phone = bridge.device("phone")
        bridge.track(phone.identity, "Coupon Sent")

        assert [request.path for request in phone.identify("ann").requests] == ["/a", "/s"]

    def test_identify_without_a_name_proposes_nothing(self, bridge: Bridge) -> None:
        """
        Traits alone, and set_distinct, are not said to be known again.
        """
        phone = bridge.device("phone")
        phone.identify("ann")

        assert phone.identify(traits={"plan": "pro"}).verdicts == ()
        assert phone.set_distinct({"Build": 7}).verdicts == ()

    def test_a_placeholder_is_refused_after_a_switch_too(self, bridge: Bridge) -> None:
        """
        The verdict does not depend on who was named before.
        """
        phone = bridge.device("phone")
        phone.identify("ann")
        phone.identify("bob")

        assert [v.reason for v in phone.identify("null").verdicts] == ["placeholder"]

    @pytest.mark.parametrize("user_id", ["null", "A" * 300])
    def test_identities_in_a_devices_track_do_not_count(self, bridge: Bridge, user_id: str) -> None:
        """
        A device's events go under its session, whatever else the message says.
        """
        message = {"type": "track", "device": "phone", "event": "Seen", "userId": user_id, "anonymousId": "null"}
        receipt = bridge.accept(message)

        assert receipt.warnings == ()
        assert receipt.requests[0].identity == bridge.device("phone").anonymous_id


class TestOrder:
    """
    What waits for what.
    """

    def test_an_alias_waits_for_its_other_side(self, bridge: Bridge, tmp_path: Path) -> None:
        """
        From a device: the name's own lane; between two names: the lane of each.
        """
        phone = bridge.device("phone")
        phone.alias("B")
        phone.identify("A")
        bridge.accept({"type": "alias", "previousId": "P", "userId": "Q", "anonymousId": "W"})
        bridge.identify("C", anonymous_id="X")

        assert aliases(tmp_path) == [
            (lane_key("device phone"), lane_key("identity B")),
            (lane_key("identity P"), lane_key("identity Q")),
            (lane_key("identity X"), lane_key("identity C")),
        ]


class TestDelivery:
    """
    Delivery across restarts, and when time does not pass as it should.
    """

    def test_a_bridge_delivers_what_the_last_one_left_without_being_asked(
        self, tmp_path: Path, sink: FaultyServer
    ) -> None:
        """
        Opening the file is enough.
        """
        with Bridge(tmp_path / "b.db", api_key="k", url=sink.url, deliver=False) as bridge:
            bridge.track("A", "Paid")
        with Bridge(tmp_path / "b.db", api_key="k", url=sink.url):
            deadline = time.monotonic() + 20
            while not sink.got and time.monotonic() < deadline:
                time.sleep(0.01)

        assert sink.identities() == ["A"]

    def test_without_delivery_only_flush_delivers(self, tmp_path: Path, sink: FaultyServer) -> None:
        """
        A flush does not start anything that goes on after it.
        """
        with Bridge(tmp_path / "b.db", api_key="k", url=sink.url, deliver=False) as bridge:
            bridge.track("A", "Paid")
            bridge.flush()
            bridge.track("B", "Paid")
            time.sleep(0.2)
            waiting = bridge.status().outbox.waiting

        assert (sink.identities(), waiting) == (["A"], 1)

    def test_closing_in_the_middle_of_a_request_hands_it_to_the_next_bridge(
        self, tmp_path: Path, sink: FaultyServer
    ) -> None:
        """
        The next bridge, even in the same process, does not wait for a lease to run out.
        """
        sink.answers = [(0, {}), (503, {})]
        with Bridge(tmp_path / "b.db", api_key="k", url=sink.url) as bridge:
            for name in ("A", "B", "C"):
                bridge.track(name, "Paid")
            bridge.close(timeout=0.0)
        with Bridge(tmp_path / "b.db", api_key="k", url=sink.url) as bridge:
            left = bridge.flush(timeout=20)

        assert left.waiting == 0

    @pytest.mark.parametrize("url", ["http://h:abc", "http://[::1", "http://user:secret@h"])
    def test_urls_that_cannot_be_used(self, url: str) -> None:
        """
        One ValueError, and nothing of a password in it.
        """
        with pytest.raises(ValueError, match="url must begin with") as caught:
            KissmetricsClient(url)

        assert "secret" not in str(caught.value)


class TestValues:
    """
    Values that no JSON has.
    """

    @pytest.mark.parametrize(
        ("message", "field"),
        [
            ({"type": "reset", "device": "d", "messageId": {"a": 1}}, "messageId"),
            ({"type": "reset", "device": "d", "messageId": 5}, "messageId"),
            ({"type": "reset", "device": "d", "messageId": "\ud800"}, "messageId"),
            ({"type": "track", "device": "\ud800", "event": "x"}, "device"),
            ({"type": "track", "device": " ", "event": "x"}, "device"),
            ({"type": "track", "userId": 10**5000, "event": "x"}, "userId"),
        ],
    )
    def test_they_are_refused_by_name(self, bridge: Bridge, message: Any, field: str) -> None:
        """
        One exception type, whatever the caller hands in.
        """
        with pytest.raises(InvalidCall) as caught:
            bridge.accept(message)

        assert caught.value.field == field

    @pytest.mark.parametrize(("properties", "message_id"), [(None, {}), ([1], None), ({"a": 1}, 7)])
    def test_set_distinct_takes_an_object(self, bridge: Bridge, properties: Any, message_id: Any) -> None:
        """
        Anything else is refused.
        """
        with pytest.raises(InvalidCall):
            bridge.device("d").set_distinct(properties, message_id=message_id)

    def test_set_distinct_warns_of_what_cannot_be_sent(self, bridge: Bridge) -> None:
        """
        As every other call does.
        """
        receipt = bridge.device("d").set_distinct({"a": object(), "b": 1})

        assert [warning.code for warning in receipt.warnings] == ["unsupported_value"]

    def test_traits_of_any_shape_are_kept_as_they_are_sent(self, bridge: Bridge) -> None:
        """
        A structure that contains itself, is thousands of levels deep or has odd keys does no harm.
        """
        around: dict[str, Any] = {"plan": "pro"}
        around["self"] = around
        deep: dict[str, Any] = {}
        for _ in range(3000):
            deep = {"d": deep}
        phone = bridge.device("d")
        phone.identify("ann", {**around, "deep": deep, (1, 2): 3, "n": 1.0, "b": b"x"})

        assert phone.traits == {"plan": "pro", "self.plan": "pro", "n": "1", "b": "x"}


class TestFiles:
    """
    Files that are not ours.
    """

    def test_status_writes_nothing(self, tmp_path: Path) -> None:
        """
        Somebody else's database is left as it is, and said not to be a bridge's.
        """
        path = tmp_path / "foreign.db"
        other = sqlite3.connect(path)
        other.execute("CREATE TABLE notes (text)")
        other.commit()
        other.close()
        before = path.read_bytes()
        done = subprocess.run(
            [sys.executable, "-m", "sdkbridge", "status", "--db", path],
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 1
        assert "another program's file" in done.stderr
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]

    def test_reading_does_not_wait_for_a_writer(self, tmp_path: Path) -> None:
        """
        The status of a busy bridge is there at once.
        """
        Bridge(tmp_path / "b.db", api_key="k", deliver=False).close()
        other = sqlite3.connect(tmp_path / "b.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        counts = Outbox(Database(tmp_path / "b.db", read_only=True)).counts()
        other.execute("ROLLBACK")
        other.close()

        assert counts.waiting == 0

    def test_a_read_only_database_cannot_be_written(self, tmp_path: Path) -> None:
        """
        Trying says so, and changes nothing.
        """
        Bridge(tmp_path / "b.db", api_key="k", deliver=False).close()
        database = Database(tmp_path / "b.db", read_only=True)
        with pytest.raises(StoreError, match="read only"), database.transaction() as connection:
            connection.execute("DELETE FROM outbox")


def test_an_odd_line_does_not_end_a_replay(tmp_path: Path) -> None:
    """
    Each is refused with its reason, and the last line is accepted.
    """
    odd = [
        {"type": "reset", "device": "d", "messageId": {"a": 1}},
        {"type": "track", "device": "\ud800", "event": "x"},
        {"type": "track", "device": "d", "event": "x", "messageId": "\ud800"},
        {"type": "track", "device": "d", "event": "x"},
    ]
    file = tmp_path / "calls.ndjson"
    file.write_text("".join(json.dumps(line) + "\n" for line in odd))
    command = [
        "replay",
        str(file),
        "--db",
        str(tmp_path / "b.db"),
        "--url",
        "http://127.0.0.1:9",
        "--no-wait",
        "--json",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "sdkbridge", *command], capture_output=True, text=True, check=False
    )
    report = json.loads(done.stdout)

    assert done.returncode == 3
    assert (report["accepted"], [refusal["line"] for refusal in report["refused"]]) == (1, [1, 2, 3])
