"""
Delivery: in order, again and again, and never twice.
"""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from faulty_server import FaultyServer, faulty_server
from hypothesis import given
from hypothesis import strategies as st

from identity.database import Database
from sdkbridge import AsyncBridge, Bridge
from sdkbridge.delivery import Delivery, DeliverySettings
from sdkbridge.delivery.lanes import Failure, LaneEnd, Settled
from sdkbridge.delivery.outbox_worker import OutboxWorker
from sdkbridge.delivery.retries import LONGEST_WAIT_S, retry_wait_s
from sdkbridge.delivery.workers import is_gone, worker_name
from sdkbridge.kissmetrics.client import (
    Answer,
    KissmetricsClient,
    Undelivered,
    Unsendable,
)
from sdkbridge.kissmetrics.requests import Request, Sending, WireRequest
from sdkbridge.kissmetrics.transports import aiohttp_transport, httpx_transport
from sdkbridge.outbox.dead_letters import DeadLetters
from sdkbridge.outbox.queue import Outbox

KEY = "0123456789abcdef0123456789abcdef01234567"
NOW_MS = 1_700_000_000_000
ALIAS_WAIT_S = DeliverySettings().alias_wait_s
LEASE_MS = int(DeliverySettings().lease_s * 1000)


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
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "outbox.db")
    yield database
    database.close()


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database)


@pytest.fixture
def delivery(database: Database, sink: FaultyServer, clock: Clock) -> Delivery:
    # httpx's own transport: aiohttp tries a GET again by itself when the server hangs up.
    client = KissmetricsClient(sink.url, transport=lambda: httpx_transport("http"))
    return Delivery(database, client.connect, api_key=KEY, clock=clock)


def add(
    outbox: Outbox, identity: str, *, lane: str | None = None, path: str = "/e", other: str | None = None
) -> int:
    request = Request(path=path, identity=identity, name="Seen", second=None if path == "/a" else 5)  # type: ignore[arg-type]
    return outbox.add(request, lane=lane or identity, other_lane=other, call="m", at_ms=NOW_MS)


def worker(database: Database) -> OutboxWorker:
    return OutboxWorker(database, DeliverySettings())


def claimed(worker: OutboxWorker, *, now_ms: int = NOW_MS) -> list[list[int]]:
    """
    Claim all that can be, and return the numbers of the requests by lane.
    """
    lanes = worker.exchange(Settled(), limit=100, now_ms=now_ms).lanes
    return sorted([request.number for request in lane.requests] for lane in lanes)


def test_requests_of_one_lane_arrive_in_order(outbox: Outbox, delivery: Delivery, sink: FaultyServer) -> None:
    """
    What was queued first arrives first, also beyond one turn.
    """
    identities = [str(number) for number in range(70)]
    for identity in identities:
        add(outbox, identity, lane="phone")
    delivery.run_once()

    assert sink.identities() == identities
    assert (outbox.counts().waiting, outbox.counts().delivered) == (0, 70)


@pytest.mark.parametrize("status", [0, 301, 401, 403, 408, 429, 500, 503])
def test_a_failed_request_keeps_its_place_and_blocks_nobody_else(
    status: int, outbox: Outbox, delivery: Delivery, sink: FaultyServer, clock: Clock
) -> None:
    """
    Its lane waits behind it, other lanes go on; later the same bytes are sent again.
    """
    sink.answers = [(status, {"Location": "http://127.0.0.1:9/"} if status == 301 else {})]
    add(outbox, "first", lane="phone")
    delivery.run_once()
    add(outbox, "second", lane="phone")
    add(outbox, "other")
    delivery.run_once()
    assert sorted(sink.identities()) == ["first", "other"]

    clock.now += LONGEST_WAIT_S
    delivery.run_once()

    tries = [query for query, identity in zip(sink.raw, sink.identities(), strict=True) if identity == "first"]

    assert sink.identities()[2:] == ["first", "second"]
    assert tries[0] == tries[1]


@pytest.mark.parametrize("status", [200, 202, 304])
def test_delivered_statuses(status: int, outbox: Outbox, delivery: Delivery, sink: FaultyServer) -> None:
    """
    2xx and 304 are delivered, as for Kissmetrics' own SDKs.
    """
    sink.answers = [(status, {})]
    add(outbox, "A")
    delivery.run_once()

    assert (outbox.counts().waiting, outbox.counts().delivered) == (0, 1)


@pytest.mark.parametrize("status", [400, 404, 410, 413, 414, 431])
def test_what_can_never_succeed_is_buried_and_its_lane_goes_on(
    status: int, database: Database, outbox: Outbox, delivery: Delivery, sink: FaultyServer
) -> None:
    """
    A request refused for good becomes a dead letter with its reason.
    """
    sink.answers = [(status, {})]
    add(outbox, "first", lane="phone")
    add(outbox, "second", lane="phone")
    delivery.run_once()
    (letter,) = DeadLetters(database).oldest(limit=9)

    assert (letter.identity, letter.reason, letter.attempts) == ("first", f"answered {status}", 1)
    assert (outbox.counts().waiting, outbox.counts().delivered, outbox.counts().dead) == (0, 1, 1)


def test_what_is_too_long_for_a_url_is_buried(database: Database, outbox: Outbox, sink: FaultyServer) -> None:
    """
    With GET alone there are requests that no server can take; they hold up nobody.
    """
    add(outbox, "x" * 70_000, lane="phone")
    add(outbox, "second", lane="phone")
    client = KissmetricsClient(sink.url)
    Delivery(database, client.connect, api_key=KEY, sending=Sending(method="get")).run_once()

    assert sink.identities() == ["second"]
    assert [letter.reason for letter in DeadLetters(database).oldest(limit=9)] == ["too long for a URL"]


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
    delivery.run_once()
    add(outbox, "alias", lane="phone", path="/a", other="web")
    add(outbox, "after", lane="phone")
    delivery.run_once()
    assert sink.identities() == ["web"]

    clock.now += ALIAS_WAIT_S + 1
    delivery.run_once()

    assert sorted(sink.identities()[1:]) == ["after", "alias", "web"]
    assert sink.identities().index("alias") < sink.identities().index("after")


@pytest.mark.parametrize("ahead_s", [-2, 0.001, 2, 200, 3600])
def test_an_alias_waits_whatever_the_clock_of_another_machine_says(
    outbox: Outbox, delivery: Delivery, sink: FaultyServer, clock: Clock, ahead_s: float
) -> None:
    """
    It was taken by one whose clock is ahead of the delivering one's, or behind; or this one was set back since.
    """
    clock.now -= ahead_s
    sink.failing = {"web"}
    add(outbox, "web")
    delivery.run_once()
    add(outbox, "alias", lane="phone", path="/a", other="web")
    for _ in range(3):
        delivery.run_once()
        clock.now += ALIAS_WAIT_S / 4
    assert "alias" not in sink.identities()

    clock.now += ALIAS_WAIT_S + (ahead_s if ahead_s < LONGEST_WAIT_S else 0)
    delivery.run_once()

    assert "alias" in sink.identities()


def test_an_alias_waits_for_as_long_as_it_is_told_to(
    database: Database, outbox: Outbox, sink: FaultyServer, clock: Clock
) -> None:
    """
    Also for longer than anything else is put off.
    """
    client = KissmetricsClient(sink.url, transport=lambda: httpx_transport("http"))
    patient = DeliverySettings(alias_wait_s=10 * LONGEST_WAIT_S)
    delivery = Delivery(database, client.connect, api_key=KEY, clock=clock, settings=patient)
    sink.failing = {"web"}
    add(outbox, "web")
    add(outbox, "alias", lane="phone", path="/a", other="web")
    for _ in range(20):
        delivery.run_once()
        assert "alias" not in sink.identities()
        clock.now += LONGEST_WAIT_S / 2 - 0.1

    clock.now += LONGEST_WAIT_S
    delivery.run_once()

    assert "alias" in sink.identities()


def test_an_alias_waits_for_as_long_as_its_other_side_gets_on(
    outbox: Outbox, delivery: Delivery, sink: FaultyServer, clock: Clock
) -> None:
    """
    Queued long ago, after an hour without a network say, it still goes after all that came before it.
    """
    for number in range(100):
        add(outbox, f"web {number}", lane="web")
    add(outbox, "alias", lane="phone", path="/a", other="web")
    clock.now += 3600
    delivery.run_once()

    assert sink.identities()[-1] == "alias"


def test_aliases_that_wait_for_each_others_lanes_all_go(
    outbox: Outbox, delivery: Delivery, sink: FaultyServer
) -> None:
    """
    Waiting goes by age, so it has no circles.
    """
    for number in range(20):
        one, other = ("A", "B") if number % 2 else ("B", "A")
        add(outbox, f"{number}", lane=one, path="/a", other=other)
    delivery.run_once()

    assert sink.identities() == [str(number) for number in range(20)]


def test_a_lease_keeps_others_away_until_it_runs_out(database: Database, outbox: Outbox) -> None:
    """
    Two workers never hold one lane; a worker that never comes back loses what it held.
    """
    add(outbox, "A")
    add(outbox, "B", lane="A")
    first, second = worker(database), worker(database)

    assert claimed(first) == [[1, 2]]
    assert claimed(second) == []
    assert claimed(second, now_ms=NOW_MS + LEASE_MS) == [[1, 2]]


def test_a_worker_that_renews_keeps_what_it_holds(database: Database, outbox: Outbox) -> None:
    """
    However long a turn takes, as long as the worker says that it is still there.
    """
    add(outbox, "A")
    first, second = worker(database), worker(database)
    claimed(first)
    held = first.leases.renew(NOW_MS + LEASE_MS - 1)

    assert len(held) == 1
    assert claimed(second, now_ms=NOW_MS + LEASE_MS) == []


def test_a_worker_whose_lease_was_taken_over_changes_nothing(database: Database, outbox: Outbox) -> None:
    """
    It neither gives back nor puts off what another is sending.
    """
    add(outbox, "A")
    first, second = worker(database), worker(database)
    (lane,) = first.exchange(Settled(), limit=9, now_ms=NOW_MS).lanes
    claimed(second, now_ms=NOW_MS + LEASE_MS)
    late = Failure(lane.requests[0], "late", 1)
    for end in (LaneEnd(lane.key, progressed=True), LaneEnd(lane.key, progressed=False, failure=late)):
        first.exchange(Settled(ended=[end]), limit=0, now_ms=NOW_MS + LEASE_MS)

    assert database.rows("SELECT leased_by FROM outbox_lane") == [(second.name,)]
    assert database.rows("SELECT attempts FROM outbox") == [(0,)]


def test_what_a_dead_process_held_is_free_at_once(
    database: Database, outbox: Outbox, delivery: Delivery, sink: FaultyServer
) -> None:
    """
    After kill -9, the next worker on the same machine does not wait for the lease.
    """
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    host, _, chance = worker_name().rsplit("/", 2)
    add(outbox, "A")
    claimed(worker(database))
    with database.transaction() as connection:
        connection.execute("UPDATE outbox_lane SET leased_by = ?", (f"{host}/{ended.pid}/{chance}",))
    delivery.run_once()

    assert sink.identities() == ["A"]


@pytest.mark.parametrize("jump_s", [-3600, -86_400, 3600])
def test_a_clock_that_jumps_holds_up_nothing_for_long(
    jump_s: int, outbox: Outbox, delivery: Delivery, sink: FaultyServer, clock: Clock
) -> None:
    """
    What was put off by a clock that was an hour ahead is due at once.
    """
    sink.answers = [(500, {})]
    add(outbox, "A")
    delivery.run_once()
    clock.now += jump_s
    delivery.run_once()

    assert sink.identities() == ["A", "A"]


def test_a_withdrawn_request_is_not_sent(
    database: Database, outbox: Outbox, delivery: Delivery, sink: FaultyServer
) -> None:
    """
    As long as nobody has it in hand; an empty lane that is left is no harm.
    """
    taken_back, kept, tried = add(outbox, "A"), add(outbox, "B"), add(outbox, "C")
    holder = worker(database)
    outbox.withdraw(kept, now_ms=NOW_MS)
    claimed(holder)
    assert not outbox.withdraw(tried, now_ms=NOW_MS)
    holder.leases.release(holder.name)
    assert outbox.withdraw(taken_back, now_ms=NOW_MS)
    delivery.run_once()

    assert sink.identities() == ["C"]
    assert database.rows("SELECT count(*) FROM outbox_lane") == [(0,)]


def test_what_is_forgotten_is_not_sent(outbox: Outbox, delivery: Delivery, sink: FaultyServer) -> None:
    """
    Nor is an alias that would join somebody with whom is forgotten.
    """
    add(outbox, "A", lane="phone")
    add(outbox, "B", lane="phone")
    add(outbox, "C", lane="tablet", path="/a")  # joins C with "Seen"
    erased = outbox.forget(["A", "Seen", *(f"nobody {number}" for number in range(300))])
    delivery.run_once()

    assert (erased, sink.identities()) == (2, ["B"])


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


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells of such processes")
def test_a_killed_worker_whose_parent_does_not_care_is_gone() -> None:
    """
    In a container often nobody asks how a process ended, and its number stays taken.
    """
    host, _, _ = worker_name().rsplit("/", 2)
    with subprocess.Popen(["sleep", "60"]) as process:
        alive = is_gone(f"{host}/{process.pid}/abc")
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        unburied = is_gone(f"{host}/{process.pid}/abc")

    assert (alive, unburied) == (False, True)


def test_another_transport_can_be_handed_in(tmp_path: Path) -> None:
    """
    Any asynchronous transport of httpx will do, a proxy or a recorder; one is made for each connection.
    """
    sent: list[httpx.Request] = []

    def record(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    with Bridge(tmp_path / "b.db", api_key=KEY, transport=lambda: httpx.MockTransport(record)) as bridge:
        bridge.track("A B/+", "Seen", timestamp=1_700_000_000)
        bridge.flush()
    (request,) = sent

    assert (request.url.host, request.url.path) == ("trk.kissmetrics.io", "/e")
    assert dict(request.url.params) == {"_k": KEY, "_p": "A B/+", "_n": "Seen", "_d": "1", "_t": "1700000000"}


def test_a_flush_reports_what_happened_while_it_lasted(tmp_path: Path, sink: FaultyServer) -> None:
    """
    What the bridge delivered or gave up before by itself is in the status, and in no flush's report.
    """
    sink.answers = [(404, {})]
    with Bridge(tmp_path / "b.db", api_key=KEY, url=sink.url) as bridge:
        bridge.track("ann", "Paid")
        bridge.track("ann", "Left")
        while bridge.status().outbox.waiting:
            pass
        report, counts = bridge.flush(), bridge.status().outbox

    assert (report.delivered, report.dead, report.waiting) == (0, 0, 0)
    assert (counts.delivered, counts.dead, counts.waiting) == (1, 1, 0)


@pytest.mark.parametrize("transport", [httpx.HTTPTransport, lambda: None])
def test_a_transport_that_cannot_be_used_is_refused(transport: object, tmp_path: Path) -> None:
    """
    The mistake is found when the bridge is made, and no file is left behind.
    """
    with pytest.raises(TypeError, match="asynchronous httpx transport"):
        Bridge(tmp_path / "b.db", api_key=KEY, transport=transport)  # type: ignore[arg-type]

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bridge", [Bridge, AsyncBridge])
@pytest.mark.parametrize("on_error", ["nope", 7, [print]])
def test_an_on_error_that_cannot_be_called_is_refused(
    bridge: type[Bridge | AsyncBridge], on_error: object, tmp_path: Path
) -> None:
    """
    When the bridge is made, and not in the log once something goes wrong; nothing is left behind.
    """
    with pytest.raises(TypeError, match="on_error must be a callable"):
        bridge(tmp_path / "b.db", api_key=KEY, on_error=on_error)  # type: ignore[arg-type]

    assert list(tmp_path.iterdir()) == []


def sent(url: str, *requests: WireRequest, timeout_s: float = 20.0, transport: str = "http") -> list[Answer]:
    """
    Send requests over one connection.
    """
    make = {"httpx": httpx_transport, "aiohttp": aiohttp_transport}.get(transport)
    client = KissmetricsClient(url, timeout_s=timeout_s, transport=make and (lambda: make("http")))

    async def run() -> list[Answer]:
        connection = client.connect()
        try:
            return [await connection.send(request) for request in requests]
        finally:
            await connection.close()

    return asyncio.run(run())


AWKWARD = "_k=K&_p=%20y%2F%3A%2B%40%C3%A9%27%2C%7E-._%0D%0A%26%3D%23%25&x="


@pytest.mark.parametrize("transport", ["httpx", "aiohttp"])
class TestClient:
    """
    The HTTP client, over httpx's own transport and the faster one.
    """

    def test_the_bytes_are_those_that_were_encoded(self, transport: str, sink: FaultyServer) -> None:
        """
        No library writes a character in its own way; a long request goes as a form instead of a query.
        """
        queries = [f"{AWKWARD}{number}" for number in range(5)]
        methods = ["POST", "GET", "GET", "POST", "GET"]
        requests = [WireRequest(method, "/e", query) for method, query in zip(methods, queries, strict=True)]
        sent(sink.url, *requests, transport=transport)

        assert [method for method, _, _ in sink.got] == methods
        assert sink.raw == queries

    def test_nobody_there(self, transport: str) -> None:
        """
        A refused connection is undelivered, and the error does not hold the URL.
        """
        with pytest.raises(Undelivered) as caught:
            sent("http://127.0.0.1:9", WireRequest("GET", "/e", f"_k={KEY}&_p=A"), transport=transport)

        assert str(caught.value) == "ConnectError"

    def test_a_request_that_fits_no_url(self, transport: str, sink: FaultyServer) -> None:
        """
        It is not tried.
        """
        with pytest.raises(Unsendable):
            sent(sink.url, WireRequest("GET", "/e", "_p=" + "x" * 66_000), transport=transport)

        assert sink.got == []

    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("7", 7.0),
            ("soon", None),
            ("\u00b2", None),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
            ("Thursday, 01-Jan-70 00:00:00 GMT", 0.0),
            ("Thu Jan  1 00:00:00 1970", 0.0),
            ("Thu Jan  1 00:00:00", None),
            (None, None),
        ],
    )
    def test_retry_after_in_both_forms(
        self, transport: str, sink: FaultyServer, header: str | None, expected: float | None
    ) -> None:
        """
        Seconds or a date; anything else is ignored.
        """
        sink.answers = [(503, {} if header is None else {"Retry-After": header})]
        answers = sent(sink.url, WireRequest("GET", "/e", "_k=K&_p=A"), transport=transport)

        assert answers == [Answer(503, expected)]

    @pytest.mark.parametrize(
        "form", ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"]
    )
    def test_a_date_of_retry_after_is_in_utc(self, transport: str, sink: FaultyServer, form: str) -> None:
        """
        In each of the three forms that HTTP has for a date, also in the one that names no zone.
        """
        in_an_hour = datetime.now(UTC) + timedelta(hours=1)
        sink.answers = [(429, {"Retry-After": in_an_hour.strftime(form)})]
        (answer,) = sent(sink.url, WireRequest("GET", "/e", "_k=K&_p=A"), transport=transport)

        assert answer.retry_after_s == pytest.approx(3600, abs=60)

    def test_a_body_that_drips_is_not_waited_for(self, transport: str, sink: FaultyServer) -> None:
        """
        The status came; the rest of the answer is given up after the time for one request.
        """
        sink.drip_s = 0.05
        answers = sent(sink.url, WireRequest("GET", "/e", "_k=K&_p=A"), timeout_s=0.3, transport=transport)

        assert answers == [Answer(200)]

    def test_no_more_is_read_than_an_answer_should_have(self, transport: str, sink: FaultyServer) -> None:
        """
        A gigabyte that somebody answers is not taken in, and the next request is answered all the same.
        """
        sink.size = 2**24
        requests = [WireRequest("GET", "/e", "_k=K&_p=A")] * 2

        assert sent(sink.url, *requests, transport=transport) == [Answer(200)] * 2

    def test_an_answer_that_breaks_off_is_none(self, transport: str, sink: FaultyServer) -> None:
        """
        What came of the request is not known, so it will be repeated.
        """
        sink.size, sink.cut = 1000, 1
        with pytest.raises(Undelivered):
            sent(sink.url, WireRequest("GET", "/e", "_k=K&_p=A"), transport=transport)

    def test_redirects_are_not_followed_nor_proxies_used(
        self, transport: str, sink: FaultyServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        A request goes where the configuration says, and nowhere else.
        """
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        sink.answers = [(302, {"Location": "http://127.0.0.1:9/"})]

        assert sent(sink.url, WireRequest("GET", "/e", "_k=K&_p=A"), transport=transport) == [Answer(302)]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://a.example",
        "trk.kissmetrics.io",
        "http://",
        "http://h:abc",
        "http://[::1",
        "http://user:secret@h",
    ],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    """
    A wrong URL is found when the client is made, not when the first call is lost; nothing of a password is shown.
    """
    with pytest.raises(ValueError, match="url must begin with") as caught:
        KissmetricsClient(url)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("transport", [httpx_transport, aiohttp_transport])
def test_the_key_is_nowhere_but_on_the_wire(
    transport: object, tmp_path: Path, sink: FaultyServer, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Not in the file, not in a log of any library at any level, not in a repr, not in what on_error is told.
    """
    loggers = [logging.getLogger(name) for name in ("", "asyncio", "httpx", "httpcore", "aiohttp", "sdkbridge")]
    for logger in loggers:
        caplog.set_level(1, logger.name or None)
    told: list[object] = []
    sink.answers = [(500, {})]
    with Bridge(
        tmp_path / "b.db",
        api_key=KEY,
        url=sink.url,
        transport=lambda: transport("http"),  # type: ignore[operator]
        on_error=told.append,
    ) as bridge:
        bridge.device("phone").identify("A", {"x": "y" * 3000})
        report = bridge.flush(timeout=5)
        shown = repr(bridge) + repr(bridge.status()) + repr(bridge.device("phone")) + repr(report)

    assert KEY in sink.raw[0]
    assert KEY not in shown + caplog.text + repr(told)
    assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.iterdir())
