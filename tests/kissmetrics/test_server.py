"""
The local Kissmetrics answers over a real socket as trk.kissmetrics.io does.
"""

import http.client
import json
import socket
import threading
import urllib.request
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from identity.database import Database
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.kissmetrics.requests import encode, wire
from sdkbridge.kissmetrics.server import KissmetricsServer

KEY = "f1d2d2f924e986ac86fdf7b36c94bcdf32beec15"
NOW = 1_700_000_000
VISITED = {"_k": KEY, "_p": "ann", "_n": "Visited"}


@pytest.fixture
def database():
    database = Database()
    yield database
    database.close()


@pytest.fixture
def kissmetrics(database):
    return LocalKissmetrics(database, clock=lambda: NOW)


@pytest.fixture
def server(kissmetrics):
    with KissmetricsServer(kissmetrics, clock=lambda: NOW) as server:
        yield server


@pytest.fixture
def connection(server):
    connection = connect(server)
    yield connection
    connection.close()


def connect(server):
    return http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)


def ask(connection, method, target, body=None, headers=()):
    """
    Send one request over a connection that is kept; return status, headers and body.
    """
    connection.request(method, target, body=body, headers=dict(headers))
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def raw(server, *pieces):
    """
    Send bytes as they are, and return all that comes back until the server closes.
    """
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as client:
        for piece in pieces:
            client.sendall(piece)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b""))


def shown(server, page):
    with urllib.request.urlopen(server.url + page, timeout=30) as answer:
        return json.load(answer)


def lines(server, page):
    with urllib.request.urlopen(server.url + page, timeout=30) as answer:
        return [json.loads(line) for line in answer]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/e", VISITED),
        ("/s", {"_k": KEY, "_p": "ann", "plan": "pro"}),
        ("/a", {"_k": KEY, "_p": "ann", "_n": "anonymous"}),
        ("/e", {}),
    ],
)
def test_every_request_is_answered_with_an_image(connection, method, path, parameters):
    """
    By GET or POST, right or wrong, the answer is 200 and a transparent image that nobody may cache.
    """
    query = urlencode(parameters)
    target, body = (f"{path}?{query}", None) if method == "GET" else (path, query)
    status, headers, image = ask(connection, method, target, body)

    assert (status, headers["Content-Type"], headers["Content-Length"]) == (200, "image/gif", "43")
    assert (len(image), image[:6], image[-1:]) == (43, b"GIF89a", b";")
    assert "no-store" in headers["Cache-Control"]


@pytest.mark.parametrize(("note", "method"), [("short", "GET"), ("long" * 1000, "POST")])
def test_what_the_bridge_sends_arrives_as_it_was(kissmetrics, connection, note, method):
    """
    A request in the bridge's own encoding, short by GET or long by POST, is stored letter for letter.
    """
    odd = "!*'();:@&=+$,/?#[] <>%{}|\\^~` é 漢 🙂\n\0"
    parameters = {"_p": odd, "_n": "Bought +1", f"a{odd}": odd, "note": note}
    sent = wire("/e", encode(parameters), KEY)
    if sent.method == "GET":
        ask(connection, "GET", f"{sent.path}?{sent.query}")
    else:
        ask(connection, "POST", sent.path, sent.query)

    assert sent.method == method
    assert [logged.parameters for logged in kissmetrics.requests()] == [parameters]
    assert kissmetrics.people(odd)[0].event_counts == {"Bought +1": 1}


def test_query_and_body_are_read_as_forms(kissmetrics, connection):
    """
    Body wins over query, the last of two equal names wins, ``+`` and ``%20`` are spaces, blanks are kept.
    """
    query = f"_k={KEY}&_p=ann&_p=bob&_n=Signed+Up&a=query&blank="
    ask(connection, "POST", f"/e?{query}", b"a=body&b=one%20two&b=three%20four+five")

    assert [dict(logged.parameters) for logged in kissmetrics.requests()] == [
        {"_p": "bob", "_n": "Signed Up", "a": "body", "blank": "", "b": "three four five"}
    ]


@pytest.mark.parametrize("content_type", [None, "application/x-www-form-urlencoded", "text/plain"])
def test_a_body_is_a_form_whatever_it_says(server, kissmetrics, content_type):
    """
    The iOS SDK posts without a content type: the body counts all the same.
    """
    body = urlencode(VISITED).encode()
    head = f"POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    head += f"Content-Type: {content_type}\r\n\r\n" if content_type else "\r\n"
    raw(server, head.encode() + body)

    assert kissmetrics.people()[0].event_counts == {"Visited": 1}


@pytest.mark.parametrize(
    "target", [b"/e?_k=%s&_n=Visited&_p=%%ff", b"/e?_k=%s&_n=Visited&_p=\xff", b"/e?_k=%s&_n=a&_p=ann&\xa0=1"]
)
def test_what_is_not_utf8_is_answered_and_noted(server, kissmetrics, target):
    """
    Bytes that are no text, escaped or not, get the image and are found in the diagnostics.
    """
    answer = raw(server, b"GET " + target % KEY.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert kissmetrics.diagnostics()["rejected"] == {"not_utf8": 1}


def test_unescaped_utf8_is_read(server, kissmetrics):
    """
    An address whose letters ought to have been escaped, but are UTF-8, is understood.
    """
    raw(server, f"GET /e?_k={KEY}&_n=Visited&_p=à HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    assert kissmetrics.people()[0].identities == ("à",)


def test_a_body_that_is_too_large_is_noted(kissmetrics, connection):
    """
    A body over a megabyte gets the image, is not stored, and the connection goes on.
    """
    body = urlencode(VISITED | {"a": "x" * 1024 * 1024})
    first = ask(connection, "POST", "/e", body)
    second = ask(connection, "GET", f"/e?{urlencode(VISITED)}")

    assert (first[0], second[0]) == (200, 200)
    assert [logged.reason for logged in kissmetrics.requests()] == ["body_too_large", None]


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: -1",
        b"Content-Length: many",
        b"Content-Length: " + b"9" * 5000,
        b"Content-Length: 3\r\nContent-Length: 3",
        b"Transfer-Encoding: gzip",
        b"Transfer-Encoding: gzip, chunked",
        b"Content-Length: 3\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\n\r\nsome",
        b"Transfer-Encoding: chunked\r\n\r\n-1",
        b"Transfer-Encoding: chunked\r\n\r\n2;" + b"x" * 10_000,
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 200,
    ],
)
def test_a_body_without_a_length_is_noted(server, kissmetrics, headers):
    """
    Where a body ends must be known: otherwise it gets the image, is noted, and the connection ends.
    """
    query = urlencode(VISITED).encode()
    answer = raw(server, b"POST /e?" + query + b" HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Connection: close" in answer
    assert [logged.reason for logged in kissmetrics.requests()] == ["unreadable_body"]


def in_chunks(body, size, extension=b"", trailers=b""):
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    chunks = b"".join(b"%X%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in pieces)
    return chunks + b"0\r\n" + trailers + b"\r\n"


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("coding", [b"chunked", b"Chunked"])
def test_a_body_in_chunks_is_read(server, kissmetrics, size, coding):
    """
    Whoever streams a body sends it in chunks, with extensions and trailers or not; the next request is understood.
    """
    body = urlencode(VISITED).encode()
    head = b"POST /e HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + coding + b"\r\n\r\n"
    answer = raw(
        server,
        head + in_chunks(body, size, b";name=value", b"Checked: yes\r\n"),
        head + in_chunks(body.replace(b"ann", b"bob"), size),
    )

    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert [person.identities for person in kissmetrics.people()] == [("ann",), ("bob",)]


def test_a_body_in_chunks_that_is_too_large_is_noted(server, kissmetrics):
    """
    The limit holds however the body comes: nothing of it is stored, and the connection goes on.
    """
    head = b"POST /e HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = urlencode(VISITED | {"a": "x" * 1024 * 1024}).encode()
    answer = raw(server, head + in_chunks(body, 100_000), head + in_chunks(urlencode(VISITED).encode(), 10))

    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert [logged.reason for logged in kissmetrics.requests()] == ["body_too_large", None]


def test_a_client_that_asks_first_is_told_to_go_on(server, kissmetrics):
    """
    A client that waits for ``100 Continue``, as curl does with a large body, gets it before it sends the body.
    """
    host, port = server.url.removeprefix("http://").split(":")
    body = urlencode(VISITED).encode()
    with socket.create_connection((host, int(port)), timeout=30) as client:
        head = f"POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode())
        going_on = client.recv(1000)
        client.sendall(body)
        answer = client.recv(1000)

    assert going_on == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(kissmetrics.people()) == 1


@pytest.mark.parametrize("host", [b"Host: trk.kissmetrics.io\r\n", b"Host: et.kissmetrics.com:443\r\n", b""])
def test_any_host_is_served(server, kissmetrics, host):
    """
    Whoever sends the real name of Kissmetrics here is answered.
    """
    answer = raw(server, b"GET /e?" + urlencode(VISITED).encode() + b" HTTP/1.1\r\n" + host + b"\r\n")

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(kissmetrics.people()) == 1


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 1000\r\n\r\n_k=key&_p=ann&_n=Vis",
        b"Transfer-Encoding: chunked\r\n\r\n14\r\n_k=key&_p=ann&_n=Vis\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n14\r\n_k=key&_p=ann",
        b"Transfer-Encoding: chunked\r\n\r\n14\r\n_k=key&_p=ann&_n=Vis\r\n0\r\n",
    ],
)
def test_half_a_request_does_not_count(server, kissmetrics, rest):
    """
    A client that leaves in the middle of a body has sent nothing: its next try is the first.
    """
    answer = raw(server, b"POST /e HTTP/1.1\r\nHost: x\r\n" + rest)

    assert answer == b""
    assert list(kissmetrics.requests()) == []


@pytest.mark.parametrize(
    "garbage",
    [
        b"\0\1\2\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /e?_k=" + KEY.encode() + b" and more HTTP/1.1\r\n\r\n",
        b"GET /e?_k=" + KEY.encode() + b" HTTP/9.9\r\n\r\n",
        b"PUT /e?_k=" + KEY.encode() + b" HTTP/1.1\r\n\r\n",
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /e HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    ],
)
def test_what_is_not_http_harms_nobody(server, kissmetrics, garbage, capfd):
    """
    Garbage is answered without repeating it, printed nowhere, and the next client is served.
    """
    answer = raw(server, garbage)
    status, *_ = ask(connect(server), "GET", f"/e?{urlencode(VISITED)}", headers=[("Connection", "close")])

    assert KEY.encode() not in answer
    assert b" 200 OK" not in answer
    assert status == 200
    assert "".join(capfd.readouterr()) == ""


@pytest.mark.parametrize(
    ("host", "endpoint"),
    [("10.0.2.2:8080", "10.0.2.2:8080"), ("[::1]:8080", "[::1]:8080"), ("et.kissmetrics.io", "et.kissmetrics.io")],
)
def test_a_phone_may_track(server, host, endpoint):
    """
    ``/m/trk`` answers yes, at the address by which the phone came, until tomorrow: as the SDKs read it.
    """
    connection = connect(server)
    target = f"/m/trk?product_key={KEY}&install_uuid=4F1C"
    status, headers, body = ask(connection, "GET", target, headers=[("Host", host)])
    connection.close()

    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(body) == {"reason": "LOCAL", "tracking": True, "tracking_endpoint": endpoint}
    # The format that iOS is told to expect: EEE, dd MMM yyyy HH:mm:ss zzz.
    expires = datetime.strptime(headers["Expires"], "%a, %d %b %Y %H:%M:%S %Z").replace(tzinfo=UTC)
    assert expires.timestamp() == NOW + 24 * 60 * 60


@pytest.mark.parametrize("host", [b"", b"Host: \r\n", b'Host: ">\r\n'])
def test_a_phone_that_names_no_host_gets_the_servers(server, host):
    """
    Without a usable host, the address is the one at which the server was reached.
    """
    answer = raw(server, b"GET /m/trk HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n")

    assert f'"tracking_endpoint": "{server.url.removeprefix("http://")}"'.encode() in answer


def test_people_are_shown(server, connection):
    """
    ``/people`` lists everybody, and with an identity only that person.
    """
    for path, parameters in (
        ("/e", VISITED | {"plan": "free"}),
        ("/a", {"_k": KEY, "_p": "ann", "_n": "anonymous"}),
        ("/s", {"_k": KEY, "_p": "anonymous", "plan": "pro"}),
        ("/e", {"_k": KEY, "_p": "b & o", "_n": "Visited"}),
    ):
        ask(connection, "GET", f"{path}?{urlencode(parameters)}")

    ann = {
        "identities": ["ann", "anonymous"],
        "visible_identities": ["ann", "anonymous"],
        "event_counts": {"Visited": 1},
        "properties": {"plan": {"first": "free", "last": "pro"}},
    }
    bo = {
        "identities": ["b & o"],
        "visible_identities": ["b & o"],
        "event_counts": {"Visited": 1},
        "properties": {},
    }
    assert shown(server, "/people") == {"people": [ann, bo]}
    assert shown(server, "/people?identity=anonymous") == {"people": [ann]}
    assert shown(server, "/people?identity=b+%26%20o") == {"people": [bo]}
    assert shown(server, "/people?identity=nobody") == shown(server, "/people?identity=") == {"people": []}
    assert shown(server, f"/people?_k={KEY}") == {"people": [ann, bo]}
    assert shown(server, "/people?_k=another") == {"people": []}


def test_the_export_is_lines_of_json(server, connection):
    """
    ``/export`` streams Kissmetrics' own export lines, and ``/requests`` the log.
    """
    for parameters in (VISITED | {"Plan": "Pro"}, VISITED | {"Plan": "Pro"}, {"_k": KEY}):
        ask(connection, "GET", f"/e?{urlencode(parameters)}")
    _, headers, export = ask(connection, "GET", "/export")

    assert (headers["Content-Type"], headers["Transfer-Encoding"]) == ("application/x-ndjson", "chunked")
    assert [json.loads(line) for line in export.splitlines()] == [
        {"_p": "ann", "_t": NOW, "_n": "visited", "plan": "Pro"}
    ]
    assert [(logged["number"], logged["outcome"], logged["reason"]) for logged in lines(server, "/requests")] == [
        (1, "stored", None),
        (2, "duplicate", None),
        (3, "rejected", "no_identity"),
    ]
    assert lines(server, "/requests")[0] == {
        "number": 1,
        "received_ms": NOW * 1000,
        "path": "/e",
        "identity": "ann",
        "parameters": {"_p": "ann", "_n": "Visited", "Plan": "Pro"},
        "outcome": "stored",
        "reason": None,
    }


def test_an_old_client_gets_the_export_unchunked(server, connection):
    """
    HTTP/1.0 knows no chunks: there the lines end with the connection.
    """
    ask(connection, "GET", f"/e?{urlencode(VISITED)}")
    head, _, body = raw(server, b"GET /export HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")

    assert b"Transfer-Encoding" not in head
    assert json.loads(body) == {"_p": "ann", "_t": NOW, "_n": "visited"}


def test_diagnostics_are_shown(server, connection, kissmetrics):
    """
    ``/diagnostics`` gives the counts and examples as JSON.
    """
    ask(connection, "GET", "/e")

    assert shown(server, "/diagnostics") == kissmetrics.diagnostics()
    assert shown(server, "/diagnostics")["rejected"] == {"no_key": 1}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_page_is_not_found(connection, kissmetrics, method):
    """
    Any other path is a 404 in JSON, not a request that counts, and the connection goes on.
    """
    status, headers, body = ask(connection, method, "/e/", urlencode(VISITED))
    following, *_ = ask(connection, "GET", "/people")

    assert (status, headers["Content-Type"], json.loads(body)) == (
        404,
        "application/json",
        {"error": "no such page"},
    )
    assert following == 200
    assert list(kissmetrics.requests()) == []


def test_the_key_is_in_no_answer(server, connection, capfd):
    """
    Whatever is sent and asked for, no answer and no line of output holds the key.
    """
    requests = [
        f"/e?{urlencode(VISITED | {'a,b': 'x' * 600})}",
        f"/a?{urlencode({'_k': KEY, '_p': 'ann', '_n': 'ann'})}",
        f"/e?_k={KEY}&_p=%ff",
        f"/e?k={KEY}&_p=ann",
        f"/unknown?_k={KEY}",
        "/people",
        f"/people?_k={KEY}",
        "/export",
        "/diagnostics",
        "/requests",
    ]
    answers = [ask(connection, "GET", target) for target in requests]
    answers.append(ask(connection, "POST", "/e", json.dumps(VISITED)))
    answers.append(ask(connection, "GET", "/requests"))

    assert KEY not in "".join(f"{headers}{body!r}" for _, headers, body in answers)
    assert KEY not in "".join(capfd.readouterr())
    assert KEY not in repr(server)


def test_many_clients_at_once_lose_nothing(server, kissmetrics):
    """
    Requests from several connections at once are all stored, each once, and joined as they should be.
    """
    statuses = []

    def client(number):
        connection = connect(server)
        for place in range(50):
            event = {"_k": KEY, "_p": f"device-{number}", "_n": f"Event {place}"}
            statuses.append(ask(connection, "GET", f"/e?{urlencode(event)}")[0])
            alias = {"_k": KEY, "_p": f"device-{number}", "_n": "ann"}
            statuses.append(ask(connection, "POST", "/a", urlencode(alias))[0])
            statuses.append(ask(connection, "GET", "/people?identity=ann")[0])
        connection.close()

    threads = [threading.Thread(target=client, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (person,) = kissmetrics.people()
    assert statuses == [200] * 6 * 150
    assert person.identities == ("ann", *(f"device-{number}" for number in range(6)))
    assert person.event_counts == {f"Event {place}": 6 for place in range(50)}
    assert [logged.number for logged in kissmetrics.requests()] == list(range(1, 601))


def test_a_slow_reader_holds_nobody_up(server, kissmetrics, connection):
    """
    While one client does not read its export, others are served, and it gets all lines in the end.
    """
    for place in range(900):
        kissmetrics.receive("/s", {"_k": KEY, "_p": "ann", "text": f"{place:04}" * 2000})
    slow = connect(server)
    slow.request("GET", "/export")
    answer = slow.getresponse()
    first = answer.readline()
    for place in range(20):
        assert ask(connection, "GET", f"/e?{urlencode(VISITED | {'place': place})}")[0] == 200
    rest = answer.read().splitlines()
    slow.close()

    assert json.loads(first)["text"] == "0000" * 2000
    assert len(rest) == 899


def test_a_restart_on_the_same_file_shows_the_same_people(tmp_path):
    """
    What one server was sent, the next one on the same file shows, and it goes on from there.
    """
    answers = []
    for name in ("Visited", "Bought"):
        database = Database(tmp_path / "kissmetrics.db")
        with KissmetricsServer(LocalKissmetrics(database, clock=lambda: NOW)) as server:
            answers.append((shown(server, "/people"), lines(server, "/export")))
            client = connect(server)
            ask(client, "GET", f"/e?{urlencode(VISITED | {'_n': name})}")
            ask(client, "GET", f"/a?{urlencode({'_k': KEY, '_p': 'ann', '_n': 'anonymous'})}")
            client.close()
            answers.append((shown(server, "/people"), lines(server, "/export")))
        database.close()

    assert answers[0] == ({"people": []}, [])
    assert answers[1] == answers[2]
    assert answers[3][0]["people"][0]["event_counts"] == {"Bought": 1, "Visited": 1}


def test_what_cannot_be_kept_is_not_answered_as_kept(connection, kissmetrics, database):
    """
    When the disk is full the answer is an error, so that senders keep the request; they are served later.
    """
    large = urlencode(VISITED | {"text": "x" * 100_000})
    database.rows("PRAGMA max_page_count = 1")  # SQLite takes the present size for a smaller one
    full = ask(connection, "POST", "/e", large)
    database.rows("PRAGMA max_page_count = 1000000")
    later = ask(connection, "POST", "/e", large)

    assert (full[0], full[1]["Content-Type"], later[0]) == (500, "application/json", 200)
    assert KEY.encode() not in full[2]
    assert [logged.number for logged in kissmetrics.requests()] == [1]


def test_a_stopped_server_serves_nobody(kissmetrics):
    """
    Stopping ends open connections and the listening, can be repeated, and a new start is possible.
    """
    server = KissmetricsServer(kissmetrics).start()
    kept = connect(server)
    before = ask(kept, "GET", "/people")[0]
    server.stop()
    server.stop()
    rest = kept.sock.recv(1)
    kept.close()
    with pytest.raises(RuntimeError, match="before it is started"):
        server.url  # noqa: B018 - reading it is the test
    with server.start():
        after = shown(server, "/people")

    assert (before, rest, after) == (200, b"", {"people": []})


def test_a_port_in_use_is_an_error(server, kissmetrics):
    """
    Two servers cannot have one port: the second says so and can be tried again elsewhere.
    """
    port = int(server.url.rpartition(":")[2])
    second = KissmetricsServer(kissmetrics, port=port)
    with pytest.raises(OSError, match="in use"):
        second.start()

    assert repr(second) == "KissmetricsServer(stopped)"
