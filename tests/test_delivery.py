"""
Delivery: in order, again and again, and never twice.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty_server import FaultyServer, faulty_server
from hypothesis import given
from hypothesis import strategies as st

from identity.database import Database
from sdkbridge import Bridge
from sdkbridge.delivery import LONGEST_WAIT_S, Delivery, is_gone, retry_wait_s, worker_name
from sdkbridge.kissmetrics.client import Answer, KissmetricsClient, Undelivered
from sdkbridge.kissmetrics.requests import Request, WireRequest
from sdkbridge.outbox import ALIAS_WAIT_MS, LEASE_MS, Outbox

KEY = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def sink() -> Iterator[FaultyServer]:
    with faulty_server() as server:
        yield server


class Clock:
    """
    Time that a test sets.
    """

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(Database(tmp_path / "outbox.db"))


@pytest.fixture
def client(sink: FaultyServer) -> Iterator[KissmetricsClient]:
    client = KissmetricsClient(sink.url)
    yield client
    client.close()


@pytest.fixture
def delivery(outbox: Outbox, client: KissmetricsClient, clock: Clock) -> Delivery:
    return Delivery(outbox, client, api_key=KEY, clock=clock)


def add(
    outbox: Outbox, identity: str, *, lane: str | None = None, path: str = "/e", other: str | None = None
) -> None:
    request = Request(path=path, identity=identity, name="Seen", second=None if path == "/a" else 5)  # type: ignore[arg-type]
    outbox.add(request, lane=lane or identity, other_lane=other, call="m", at_ms=1_700_000_000_000)


def test_requests_of_one_lane_arrive_in_order(outbox: Outbox, delivery: Delivery, sink: FaultyServer) -> None:
    """
    What was queued first arrives first.
    """
    for identity in ("1", "2", "3"):
        add(outbox, identity, lane="phone")
    report = delivery.run_once()

    assert sink.identities() == ["1", "2", "3"]
    assert (report.delivered, outbox.counts().waiting, outbox.counts().delivered) == (3, 0, 3)


@pytest.mark.parametrize("status", [0, 301, 401, 403, 408, 429, 500, 503])
def test_a_failed_request_keeps_its_place_and_blocks_nobody_else(
    status: int, outbox: Outbox, delivery: Delivery, sink: FaultyServer, clock: Clock
) -> None:
    """
    Its lane waits behind it, other lanes go on; later the same bytes are sent again.
    """
    sink.answers = [(status, {"Location": "http://127.0.0.1:9/"} if status == 301 else {})]
    add(outbox, "first", lane="phone")
    add(outbox, "second", lane="phone")
    add(outbox, "other")
    delivery.run_once()
    assert sink.identities() == ["first", "other"]
    assert delivery.run_once().delivered == 0

    clock.now += LONGEST_WAIT_S
    delivery.run_once()

    assert sink.identities() == ["first", "other", "first", "second"]
    assert sink.raw[0] == sink.raw[2]


@pytest.mark.parametrize("status", [200, 202, 304])
def test_delivered_statuses(status: int, outbox: Outbox, delivery: Delivery, sink: FaultyServer) -> None:
    """
    2xx and 304 are delivered, as for Kissmetrics' own SDKs.
    """
    sink.answers = [(status, {})]
    add(outbox, "A")

    assert delivery.run_once().delivered == 1
    assert outbox.counts().waiting == 0


@pytest.mark.parametrize("status", [400, 404, 410, 413, 414, 431])
def test_what_can_never_succeed_is_buried_and_its_lane_goes_on(
    status: int, outbox: Outbox, delivery: Delivery, sink: FaultyServer
) -> None:
    """
    A request refused for good becomes a dead letter with its reason.
    """
    sink.answers = [(status, {})]
    add(outbox, "first", lane="phone")
    add(outbox, "second", lane="phone")
    report = delivery.run_once()

    assert (report.dead, report.delivered) == (1, 1)
    assert (outbox.counts().waiting, outbox.counts().dead) == (0, 1)


def test_retry_after_is_honoured(outbox: Outbox, delivery: Delivery, sink: FaultyServer, clock: Clock) -> None:
    """
    A 429 that asks for two minutes gets them.
    """
    sink.answers = [(429, {"Retry-After": "120"})]
    add(outbox, "A")
    delivery.run_once()
    clock.now += 119
    delivery.run_once()
    assert sink.identities() == ["A"]

    clock.now += 2
    delivery.run_once()

    assert sink.identities() == ["A", "A"]


@given(attempts=st.integers(0, 10_000), jitter=st.floats(0, 1), asked=st.none() | st.floats(0, 1e9))
def test_waits_grow_and_are_bounded(attempts: int, jitter: float, asked: float | None) -> None:
    """
    However often it failed and whatever was asked, a wait is at least an eighth of a second, at most five minutes.
    """
    wait = retry_wait_s(attempts, jitter=jitter, retry_after_s=asked)

    assert 0.125 <= wait <= LONGEST_WAIT_S
    assert wait <= retry_wait_s(attempts + 2, jitter=jitter, retry_after_s=asked)


def test_an_alias_waits_for_its_other_side_but_not_for_ever(
    outbox: Outbox, delivery: Delivery, sink: FaultyServer, clock: Clock
) -> None:
    """
    While the other side fails, the alias and what is behind it wait; after a minute they go.
    """
    sink.failing = {"web"}
    add(outbox, "web")
    add(outbox, "alias", lane="phone", path="/a", other="web")
    add(outbox, "after", lane="phone")
    delivery.run_once()
    assert sink.identities() == ["web"]

    clock.now += ALIAS_WAIT_MS / 1000 + 1
    delivery.run_once()

    assert sink.identities() == ["web", "web", "alias", "after"]


def test_a_lease_keeps_others_away_until_it_runs_out(outbox: Outbox) -> None:
    """
    Two workers never hold one request; a worker that never comes back loses what it held.
    """
    add(outbox, "A")
    add(outbox, "B", lane="A")
    now = 1_700_000_000_000
    first = outbox.claim("elsewhere/1/a", now_ms=now, limit=1)

    assert [request.number for request in first] == [1]
    assert outbox.claim("elsewhere/2/b", now_ms=now, limit=10) == []
    taken_over = outbox.claim("elsewhere/2/b", now_ms=now + LEASE_MS, limit=10)
    assert [request.number for request in taken_over] == [1, 2]


def test_what_a_dead_process_held_is_free_at_once(outbox: Outbox, client: KissmetricsClient, clock: Clock) -> None:
    """
    After kill -9, the next worker on the same machine does not wait for the lease.
    """
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    host, _, chance = worker_name().rsplit("/", 2)
    add(outbox, "A")
    outbox.claim(f"{host}/{ended.pid}/{chance}", now_ms=1_700_000_000_000, limit=1)
    report = Delivery(outbox, client, api_key=KEY, clock=clock).run_once()

    assert report.delivered == 1


def test_a_worker_knows_who_is_gone() -> None:
    """
    This process is not gone, an earlier one of the same number is, and of other hosts nothing is known.
    """
    mine = worker_name()
    host, process, _ = mine.rsplit("/", 2)

    assert not is_gone(mine)
    assert is_gone(f"{host}/{process}/{'0' * 16}")
    assert not is_gone("another-host/1/abc")
    assert not is_gone(f"{host}/1/abc")


class Recording:
    """
    A transport that keeps what it was given.
    """

    def __init__(self) -> None:
        self.sent: list[WireRequest] = []

    def send(self, request: WireRequest) -> Answer:
        self.sent.append(request)
        return Answer(200)

    def close(self) -> None:
        """
        Nothing to give back.
        """


def test_another_transport_can_be_handed_in(tmp_path: Path) -> None:
    """
    Whoever has a better way to send implements one method.
    """
    transport = Recording()
    with Bridge(tmp_path / "b.db", api_key=KEY, transport=transport) as bridge:
        bridge.track("A", "Seen")
        bridge.flush()

    assert [request.path for request in transport.sent] == ["/e"]


class TestClient:
    """
    The HTTP client.
    """

    def test_a_long_request_is_posted(self, client: KissmetricsClient, sink: FaultyServer) -> None:
        """
        The same text goes as a form instead of a query.
        """
        client.send(WireRequest("POST", "/e", "_k=K&_p=A&x=%20y"))
        client.send(WireRequest("GET", "/e", "_k=K&_p=A&x=%20y"))

        assert [method for method, _, _ in sink.got] == ["POST", "GET"]
        assert sink.raw == ["_k=K&_p=A&x=%20y"] * 2

    def test_nobody_there(self) -> None:
        """
        A refused connection is undelivered, and the error does not hold the URL.
        """
        client = KissmetricsClient("http://127.0.0.1:9", timeout_s=1)
        with pytest.raises(Undelivered) as caught:
            client.send(WireRequest("GET", "/e", f"_k={KEY}&_p=A"))
        client.close()

        assert str(caught.value) == "ConnectError"

    @pytest.mark.parametrize("url", ["", "ftp://example.com", "trk.kissmetrics.io", "http://"])
    def test_what_is_no_url_is_refused(self, url: str) -> None:
        """
        A wrong URL is found when the client is made, not when the first call is lost.
        """
        with pytest.raises(ValueError, match="url"):
            KissmetricsClient(url)

    @pytest.mark.parametrize(
        ("header", "expected"),
        [("7", 7.0), ("soon", None), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0), (None, None)],
    )
    def test_retry_after_in_both_forms(
        self, client: KissmetricsClient, sink: FaultyServer, header: str | None, expected: float | None
    ) -> None:
        """
        Seconds or a date; anything else is ignored.
        """
        sink.answers = [(503, {} if header is None else {"Retry-After": header})]
        answer = client.send(WireRequest("GET", "/e", "_k=K&_p=A"))

        assert answer == Answer(503, expected)


def test_the_key_is_nowhere_but_on_the_wire(
    tmp_path: Path, sink: FaultyServer, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Not in the file, not in a log at any level, not in a repr, not in an error.
    """
    caplog.set_level(0)
    sink.answers = [(500, {})]
    with Bridge(tmp_path / "b.db", api_key=KEY, url=sink.url) as bridge:
        bridge.device("phone").identify("A", {"x": "y" * 3000})
        bridge.flush(timeout=5)
        shown = repr(bridge) + repr(bridge.status()) + repr(bridge.device("phone"))

    assert KEY in sink.raw[0]
    assert KEY not in shown + caplog.text
    assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.iterdir())
