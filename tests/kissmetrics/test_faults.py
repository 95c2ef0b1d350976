"""
What is to go wrong goes wrong, is seen by a real client, and harms no bridge.
"""

import http.client
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdkbridge import Bridge
from sdkbridge.delivery import DeliverySettings
from sdkbridge.kissmetrics import server as server_module
from sdkbridge.kissmetrics.faults import KINDS, Fault, Faults, InvalidFault, fault_from
from sdkbridge.pytest_plugin import RunningKissmetrics

KEY = "f1d2d2f924e986ac86fdf7b36c94bcdf32beec15"
VISITED = f"/e?{urlencode({'_k': KEY, '_p': 'ann', '_n': 'Visited', '_d': 1, '_t': 1_700_000_000})}"
AN_HOUR_S = 3600.0
A_MOMENT_S = 0.2


def address(kissmetrics: RunningKissmetrics) -> tuple[str, int]:
    host, port = kissmetrics.url.removeprefix("http://").split(":")
    return host, int(port)


def sent(kissmetrics: RunningKissmetrics, target: str = VISITED, *, method: str = "GET", body: str = ""):
    """
    Send one request, and return the connection to read the answer from.
    """
    connection = http.client.HTTPConnection(*address(kissmetrics), timeout=10)
    try:
        connection.request(method, target, body or None)
    except OSError:
        connection.close()
        raise
    return connection


def asked(kissmetrics: RunningKissmetrics, target: str = VISITED, **options) -> tuple[int, dict[str, str], bytes]:
    connection = sent(kissmetrics, target, **options)
    try:
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()
    finally:
        connection.close()


def taken(kissmetrics: RunningKissmetrics) -> int:
    return len(kissmetrics.requests)


class TestDecision:
    """
    Which requests a fault meets.
    """

    @given(times=st.integers(1, 20), requests=st.integers(0, 40), share=st.floats(0.01, 1), seed=st.integers())
    def test_no_more_than_were_asked_for(self, times: int, requests: int, share: float, seed: int) -> None:
        """
        However many requests come, a fault meets at most its number of them, and all up to it without a share.
        """
        faults = Faults()
        faults.add(Fault(500, times=times, share=share, seed=seed))
        met = [faults.strike("/e") is not None for _ in range(requests)]

        assert sum(met) <= times
        assert faults.report()[0]["met"] == sum(met)
        if share == 1:
            assert met == [place < times for place in range(requests)]

    def test_a_share_is_chosen_by_chance_and_the_same_each_time(self) -> None:
        """
        About a fifth of many requests, not every fifth, and again the same ones with the same seed.
        """
        runs = []
        for seed in (1, 1, 2):
            faults = Faults()
            faults.add(Fault("reset", share=0.2, seed=seed))
            runs.append([faults.strike("/e") is not None for _ in range(1000)])

        assert runs[0] == runs[1] != runs[2]
        assert 150 < sum(runs[0]) < 250

    def test_one_after_the_other(self) -> None:
        """
        The fault that was asked for first comes first; one for another path is passed by.
        """
        faults = Faults()
        faults.add(Fault(500, times=1))
        faults.add(Fault(429, times=1, path="/a"))
        faults.add(Fault("hang", times=1))
        struck = [faults.strike(path) for path in ("/e", "/s", "/a", "/e")]

        assert [strike.fault.what if strike else None for strike in struck] == [500, "hang", 429, None]

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"what": "sabotage"}, "what"),
            ({"what": 199}, "what"),
            ({"what": 600}, "what"),
            ({"what": True}, "what"),
            ({"what": []}, "what"),
            ({}, "what"),
            ({"what": 500, "times": 0}, "times"),
            ({"what": 500, "times": 1.5}, "times"),
            ({"what": 500, "share": 0}, "share"),
            ({"what": 500, "share": 1.1}, "share"),
            ({"what": 500, "share": float("nan")}, "share"),
            ({"what": 500, "seed": "x"}, "seed"),
            ({"what": 500, "path": "/people"}, "path"),
            ({"what": 500, "path": ["/e"]}, "path"),
            ({"what": 500, "seconds": 1}, "seconds"),
            ({"what": "hang", "seconds": -1}, "seconds"),
            ({"what": "reset", "retry_after_s": 1}, "retry_after_s"),
            ({"what": 429, "retry_after_s": -1}, "retry_after_s"),
            ({"what": 500, "tmies": 3}, "a fault"),
            (["reset"], "a fault"),
        ],
    )
    def test_a_fault_that_cannot_be_is_refused(self, wrong: object, field: str) -> None:
        """
        The argument that is wrong is named.
        """
        with pytest.raises(InvalidFault) as caught:
            fault_from(wrong)

        assert caught.value.field == field


class TestSeenByAClient:
    """
    Each fault over a real socket.
    """

    @pytest.mark.parametrize(
        ("status", "recorded"),
        [(200, 1), (202, 1), (204, 1), (304, 1), (302, 0), (400, 0), (429, 0), (500, 0), (503, 0), (599, 0)],
    )
    def test_a_status(self, kissmetrics: RunningKissmetrics, status: int, recorded: int) -> None:
        """
        It is answered as asked; what senders take for delivered is recorded, and nothing else.
        """
        kissmetrics.fail(status, times=1)
        first = asked(kissmetrics)[0]
        between = taken(kissmetrics)

        assert (first, between) == (status, recorded)
        assert asked(kissmetrics)[0] == 200

    def test_a_connection_goes_on_after_a_status(self, kissmetrics: RunningKissmetrics) -> None:
        """
        The body of a refused request is read, so that the next one is understood.
        """
        kissmetrics.fail(503, times=1)
        kissmetrics.fail(304, times=1)
        connection, statuses = sent(kissmetrics, "/e", method="POST", body=VISITED[3:]), []
        for _ in range(3):
            statuses.append((answer := connection.getresponse()).status)
            answer.read()
            connection.request("POST", "/e", VISITED[3:])
        connection.close()

        assert statuses == [503, 304, 200]

    def test_retry_after(self, kissmetrics: RunningKissmetrics) -> None:
        """
        A 429 says when to come back.
        """
        kissmetrics.fail(429, times=1, retry_after_s=7)

        assert asked(kissmetrics)[1]["Retry-After"] == "7"

    @pytest.mark.parametrize(("what", "recorded"), [("reset", 0), ("lost_answer", 1)])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_a_reset(self, kissmetrics: RunningKissmetrics, what: str, recorded: int, method: str) -> None:
        """
        The client sees a reset, not an end; the request counts only where its answer is what was lost.
        """
        kissmetrics.fail(what, times=1)
        target, body = (VISITED, "") if method == "GET" else ("/e", VISITED[3:])
        with pytest.raises(ConnectionResetError) as caught:
            asked(kissmetrics, target, method=method, body=body)

        # http.client's own error for an end without an answer is a kind of reset, too.
        assert type(caught.value) is ConnectionResetError
        assert taken(kissmetrics) == recorded
        assert asked(kissmetrics)[0] == 200

    def test_garbage(self, kissmetrics: RunningKissmetrics) -> None:
        """
        The client finds no HTTP in the answer.
        """
        kissmetrics.fail("garbage", times=1)
        with pytest.raises(http.client.BadStatusLine) as caught:
            asked(kissmetrics)

        assert type(caught.value) is http.client.BadStatusLine
        assert taken(kissmetrics) == 0

    def test_latency(self, kissmetrics: RunningKissmetrics) -> None:
        """
        Nothing comes until the time is up or the server healed; then the answer does, and the request counts.
        """
        kissmetrics.fail("latency", times=1, seconds=AN_HOUR_S)
        connection = sent(kissmetrics)
        connection.sock.settimeout(A_MOMENT_S)
        with pytest.raises(TimeoutError):
            connection.sock.recv(1)
        connection.sock.settimeout(10)
        kissmetrics.heal()
        status = connection.getresponse().status
        connection.close()

        assert (status, taken(kissmetrics)) == (200, 1)

    def test_latency_ends_by_itself(self, kissmetrics: RunningKissmetrics) -> None:
        """
        A short one is only late.
        """
        kissmetrics.fail("latency", times=1, seconds=A_MOMENT_S)
        start = time.monotonic()

        assert asked(kissmetrics)[0] == 200
        assert time.monotonic() - start >= A_MOMENT_S

    def test_a_hang(self, kissmetrics: RunningKissmetrics) -> None:
        """
        No byte ever comes; once healed, the connection ends and others are served.
        """
        kissmetrics.fail("hang")
        connection = sent(kissmetrics)
        connection.sock.settimeout(A_MOMENT_S)
        with pytest.raises(TimeoutError):
            connection.sock.recv(1)
        connection.sock.settimeout(10)
        kissmetrics.heal()
        rest = connection.sock.recv(1)
        connection.close()

        assert (rest, taken(kissmetrics)) == (b"", 0)
        assert asked(kissmetrics)[0] == 200

    def test_a_hang_of_some_seconds(self, kissmetrics: RunningKissmetrics) -> None:
        """
        A limited hang ends without an answer.
        """
        kissmetrics.fail("hang", times=1, seconds=A_MOMENT_S)
        with pytest.raises(http.client.RemoteDisconnected):
            asked(kissmetrics)

    def test_a_client_that_gives_up_is_not_waited_for(self, kissmetrics: RunningKissmetrics) -> None:
        """
        A hanging connection ends with its client: a long test run does not collect them.
        """
        kissmetrics.fail("hang")
        for _ in range(5):
            sent(kissmetrics).close()
        deadline = time.monotonic() + 20
        while kissmetrics._server._listener._open and time.monotonic() < deadline:
            time.sleep(0.02)

        assert not kissmetrics._server._listener._open

    def test_a_drip(self, kissmetrics: RunningKissmetrics) -> None:
        """
        The answer begins and goes on byte by byte; healed, the rest comes at once.
        """
        kissmetrics.fail("drip", times=1, seconds=AN_HOUR_S)
        connection = sent(kissmetrics)
        first = connection.sock.recv(1000)
        kissmetrics.heal()
        rest = b""
        while not rest.endswith(b";"):
            rest += connection.sock.recv(1000)
        connection.close()

        assert first == b"H"
        assert (first + rest).startswith(b"HTTP/1.1 200 OK\r\n")
        assert taken(kissmetrics) == 1

    @pytest.mark.parametrize("what", ["hang", "latency", "drip"])
    def test_a_server_stops_whatever_hangs(
        self, kissmetrics: RunningKissmetrics, what: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Stopping ends what would take hours, without waiting for its own patience to run out.
        """
        monkeypatch.setattr(server_module, "STOP_TIMEOUT_S", AN_HOUR_S)
        kissmetrics.fail(what, seconds=AN_HOUR_S)
        connections = [sent(kissmetrics) for _ in range(3)]
        while kissmetrics.faults[0]["met"] < 3:
            time.sleep(0.01)
        stopping = threading.Thread(target=kissmetrics._server.stop, daemon=True)
        stopping.start()
        stopping.join(30)

        assert not stopping.is_alive()
        for connection in connections:
            connection.close()

    def test_pages_are_never_met(self, kissmetrics: RunningKissmetrics) -> None:
        """
        Whatever goes wrong, what we want to know of it can be asked.
        """
        kissmetrics.fail("reset")
        pages = ("/people", "/export", "/diagnostics", "/requests", "/faults", "/m/trk")

        assert [asked(kissmetrics, page)[0] for page in pages] == [200] * len(pages)


def told(kissmetrics: RunningKissmetrics, method: str, body: object = None) -> tuple[int, dict[str, object]]:
    text = body if isinstance(body, str) else json.dumps(body) if body is not None else ""
    status, _, answer = asked(kissmetrics, "/faults", method=method, body=text)
    return status, json.loads(answer)


class TestOverHTTP:
    """
    Faults for tests in other languages.
    """

    def test_asked_for_seen_and_healed(self, kissmetrics: RunningKissmetrics) -> None:
        """
        POST adds one, GET tells how many requests it met, DELETE ends all.
        """
        added = told(kissmetrics, "POST", {"what": 500, "times": 2, "path": "/e"})
        failed = asked(kissmetrics)[0]
        seen = told(kissmetrics, "GET")
        healed = told(kissmetrics, "DELETE")
        fault = {"what": 500, "times": 2, "share": 1.0, "seed": None, "path": "/e", "seconds": None}
        fault |= {"retry_after_s": None}

        assert added == (200, {"faults": [{**fault, "met": 0}]})
        assert (failed, seen) == (500, (200, {"faults": [{**fault, "met": 1}]}))
        assert healed == (200, {"faults": []})
        assert asked(kissmetrics)[0] == 200

    @pytest.mark.parametrize(
        ("body", "problem"),
        [
            ("not JSON", "a fault must be a JSON object"),
            ("[" * 100_000, "a fault must be a JSON object"),
            ("\ud800", "a fault must be a JSON object"),
            ('"reset"', "a fault must be a JSON object"),
            ({"times": 3}, "what is required"),
            ({"what": "reset", "times": "3"}, "times must be a whole number above 0"),
        ],
    )
    def test_a_mistake_is_explained(self, kissmetrics: RunningKissmetrics, body: object, problem: str) -> None:
        """
        400 and what is wrong; nothing is broken by it.
        """
        if body == "\ud800":
            request = urllib.request.Request(f"{kissmetrics.url}/faults", data=b"\xff")
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(request, timeout=10)
            answer = caught.value.code, json.loads(caught.value.read())
            caught.value.close()
        else:
            answer = told(kissmetrics, "POST", body)

        assert answer == (400, {"error": problem})
        assert asked(kissmetrics)[0] == 200

    def test_nothing_else_can_be_deleted(self, kissmetrics: RunningKissmetrics) -> None:
        """
        DELETE is for faults only.
        """
        assert asked(kissmetrics, "/people", method="DELETE")[0] == 501


FAULTS = [
    *({"what": what} for what in KINDS),
    *({"what": status} for status in (500, 503, 304, 202, 302)),
    {"what": 429, "retry_after_s": 1},
    {"what": "lost_answer", "path": "/a"},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: "-".join(map(str, fault.values())))
def test_the_bridge_delivers_exactly_once(fault: dict[str, object], kissmetrics, tmp_path) -> None:
    """
    Whatever goes wrong with two of its requests: every call counts, and none twice.
    """
    kissmetrics.fail(**fault, times=1 if "path" in fault or fault["what"] == 429 else 2)
    patience = DeliverySettings(timeout_s=0.5)
    with Bridge(tmp_path / "bridge.db", api_key=KEY, url=kissmetrics.url, delivery=patience) as bridge:
        for name in ("ann", "bob"):
            phone = bridge.device(f"phone of {name}")
            phone.track("Opened")
            phone.identify(f"{name}@example.com", {"plan": "pro"})
            for _ in range(3):
                phone.track("Bought", {"revenue": 5})
        waiting = bridge.flush(timeout=60).waiting

    assert [one["met"] for one in kissmetrics.faults] == [1 if "path" in fault or fault["what"] == 429 else 2]
    assert waiting == 0
    assert [dict(person.event_counts) for person in kissmetrics.people] == [{"Bought": 3, "Opened": 1}] * 2
    assert [len(person.identities) for person in kissmetrics.people] == [2, 2]
    assert kissmetrics.local.diagnostics()["stored"] == {"events": 8, "property_sets": 2, "aliases": 2}


def test_the_bridge_outlasts_a_bad_day(kissmetrics, tmp_path) -> None:
    """
    With a third of all requests going wrong in every way at once, everything arrives once.
    """
    for seed, what in enumerate(("reset", "lost_answer", 500, "garbage", 503)):
        kissmetrics.fail(what, share=0.08, seed=seed)
    with Bridge(tmp_path / "bridge.db", api_key=KEY, url=kissmetrics.url) as bridge:
        for place in range(40):
            bridge.track(f"user-{place}", "Bought")
        waiting = bridge.flush(timeout=60).waiting

    assert sum(one["met"] for one in kissmetrics.faults) > 5
    assert waiting == 0
    assert [dict(person.event_counts) for person in kissmetrics.people] == [{"Bought": 1}] * 40


def test_a_stopped_server_forgets_its_faults(kissmetrics) -> None:
    """
    Started again, it is well.
    """
    kissmetrics.fail("reset")
    kissmetrics._server.stop()
    kissmetrics._server.start()

    assert kissmetrics.faults == []
    assert asked(kissmetrics)[0] == 200


def test_a_fault_needs_no_whole_request(kissmetrics: RunningKissmetrics) -> None:
    """
    A reset comes as soon as the headers are there: what follows is not waited for.
    """
    kissmetrics.fail("reset", times=1)
    with socket.create_connection(address(kissmetrics), timeout=10) as client:
        client.sendall(b"POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n_k=")
        with pytest.raises(ConnectionResetError):
            client.recv(1)
