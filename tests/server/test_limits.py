"""
What is too much, malformed or malicious gets a clear answer, and nothing of it is stored.
"""

import gzip
import json
import re
import socket
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from attrs import evolve
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from running_server import BASIC, Running

from sdkbridge.errors import InvalidCall
from sdkbridge.server import Limits, Project
from sdkbridge.server.answers import Refusal
from sdkbridge.server.bodies import inflated
from sdkbridge.server.decoding import checked, decode

TRACK = {"type": "track", "event": "Signed Up", "userId": "ann"}


def stored(running: Running) -> int:
    status = running.bridge.status()
    return status.outbox.waiting + status.graph.identities


def nested(levels: int) -> bytes:
    return b'{"event": "E", "userId": "u", "properties": ' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"


MALFORMED = {
    "nothing": b"",
    "no JSON": b"event=E&userId=u",
    "cut": b'{"event": "E", "userId": "u"',
    "something behind it": b'{"event": "E", "userId": "u"} {}',
    "a NaN": b'{"event": "E", "userId": "u", "properties": {"x": NaN}}',
    "an infinity": b'{"event": "E", "userId": "u", "properties": {"x": -Infinity}}',
    "a huge number": b'{"event": "E", "userId": "u", "properties": {"x": 1e999}}',
    "a number of 5,000 digits": b'{"event": "E", "userId": "u", "properties": {"x": ' + b"9" * 5000 + b"}}",
    "half a surrogate pair": rb'{"event": "E", "userId": "u", "properties": {"x": "\ud800"}}',
    "half a surrogate pair in a name": rb'{"event": "E", "userId": "u", "properties": {"\udc00": 1}}',
    "half a surrogate pair in an id": rb'{"event": "E", "userId": "\ud83d"}',
    "no UTF-8": b'{"event": "E", "userId": "u", "properties": {"x": "\xff"}}',
    "no UTF-8 in an id": b'{"event": "E", "userId": "\xc3\x28"}',
    "UTF-16": '{"event": "E", "userId": "u"}'.encode("utf-16"),
    "a member twice": b'{"event": "E", "userId": "u", "userId": "v"}',
    "a member twice, inside": b'{"event": "E", "userId": "u", "properties": {"x": 1, "x": 2}}',
    "a NUL": rb'{"event": "E", "userId": "u", "properties": {"x": "a\u0000b"}}',
    "a NUL in an id": rb'{"event": "E", "userId": "u\u0000v"}',
    "a raw NUL": b'{"event": "E\x00", "userId": "u"}',
    "a line break in an id": b'{"event": "E", "userId": "ann\\r\\nX-Injected: 1"}',
    "a line break in an anonymous id": b'{"event": "E", "anonymousId": "a\\nb"}',
    "a line break in a message id": b'{"event": "E", "userId": "u", "messageId": "a\\rb"}',
    "a long message id": b'{"event": "E", "userId": "u", "messageId": "' + b"m" * 300 + b'"}',
    "300 levels": nested(300),
    "2,000 levels": nested(2_000),
    "60,000 levels": nested(60_000),
    "60,000 arrays": b"[" * 60_000,
    "an array": b"[1, 2]",
    "a text": b'"text"',
    "null": b"null",
    "a call that is too large": json.dumps(TRACK | {"properties": {"x": "y" * 40_000}}).encode(),
    "a long event": json.dumps(TRACK | {"event": "y" * 300}).encode(),
    "a long id": json.dumps(TRACK | {"userId": "y" * 300}).encode(),
    "an object for an id": b'{"event": "E", "userId": {"$ne": null}}',
    "a list for properties": b'{"event": "E", "userId": "u", "properties": [1]}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_call_is_refused_and_nothing_is_stored(body: bytes, quiet: Running) -> None:
    """
    400, with a code and a message that hold nothing of the body.
    """
    answer = quiet.post("/v1/track", body)

    assert answer.status == 400
    assert answer.json["success"] is False
    assert answer.json["code"]
    assert answer.json["message"]
    assert "Injected" not in answer.json["message"]
    assert stored(quiet) == 0


GOOD = b'{"type": "track", "event": "Good", "userId": "ann"}'


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, body in MALFORMED.items()
        if body.startswith(b'{"')
        and name not in {"cut", "a raw NUL", "2,000 levels", "60,000 levels", "something behind it"}
    ],
)
def test_a_malformed_call_in_a_batch_costs_the_others_nothing(name: str, quiet: Running) -> None:
    """
    As long as it can be told where it ends: a NaN in one call must not cost a phone a hundred.
    """
    bad = MALFORMED[name].replace(b"{", b'{"type": "track", ', 1)
    answer = quiet.post("/v1/batch", b'{"batch": [' + GOOD + b", " + bad + b", " + GOOD + b"]}")

    assert (answer.status, answer.json) == (200, {"success": True})
    assert quiet.bridge.status().outbox.waiting == 2
    assert len(quiet.bridge.refused.latest()) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"batch": {}}',
        b'{"batch": null}',
        b'{"batch": "text"}',
        b"[]",
        json.dumps({"batch": [TRACK], "context": {"x": "y" * 40_000}}).encode(),
        b'{"batch": [' + GOOD + b'], "context": {"a": NaN}}',
        b'{"batch": [' + GOOD + b'], "context": {"a": 1, "a": 2}}',
    ],
)
def test_a_batch_that_is_none_is_refused(body: bytes, quiet: Running) -> None:
    """
    400, also if what it says of all its calls is malformed.
    """
    answer = quiet.post("/v1/batch", body)

    assert (answer.status, answer.json["success"]) == (400, False)
    assert stored(quiet) == 0


def test_a_member_twice_in_a_batch_itself_is_no_matter_if_it_holds_no_call(quiet: Running) -> None:
    """
    What counts is the calls.
    """
    assert quiet.post("/v1/batch", b'{"odd": 1, "odd": 2, "batch": [' + GOOD + b"]}").status == 200


def test_a_batch_of_too_many_calls_is_refused(quiet: Running) -> None:
    """
    2,500 are taken, as by Segment; 2,501 are not.
    """
    answer = quiet.post("/v1/batch", {"batch": [{}] * 2_501})

    assert (answer.status, answer.json["code"]) == (400, "too_many_calls")
    assert quiet.bridge.refused.latest() == []
    assert quiet.post("/v1/batch", {"batch": [{}] * 2_500}).status == 200


def test_a_body_that_is_too_large_is_refused_before_it_is_read(quiet: Running) -> None:
    """
    By its Content-Length, or when more comes than was said. 400, since Swift's SDK sends all else again for ever.
    """
    large = json.dumps({"batch": [TRACK], "padding": "x" * 600_000}).encode()
    answers = [
        quiet.post("/v1/batch", large),
        quiet.post("/v1/batch", b"", Content_Length="99999999999"),
    ]

    assert [(answer.status, answer.json["code"]) for answer in answers] == [(400, "too_large")] * 2
    assert stored(quiet) == 0


def test_a_body_without_a_length_is_cut_off_at_the_limit(quiet: Running) -> None:
    """
    A client that streams for ever is answered once it has sent too much.
    """
    with socket.create_connection(urlsplit(quiet.url).netloc.split(":")) as connection:
        connection.sendall(b"POST /v1/b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        answer = b""
        with suppress(ConnectionError):
            while True:
                connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        with suppress(ConnectionError):
            answer = connection.recv(65536)

    # The system may throw away an answer together with a connection that is cut.
    assert answer.startswith(b"HTTP/1.1 400") or not answer
    assert stored(quiet) == 0


@pytest.mark.parametrize(
    ("packed", "code"),
    [
        pytest.param(gzip.compress(bytes(100_000_000), 9), "too_large", id="a bomb"),
        pytest.param(gzip.compress(b"x" * 300_000) * 2, "too_large", id="two halves of one"),
        pytest.param(b"no gzip", "invalid_gzip", id="no gzip"),
        pytest.param(gzip.compress(b"{}")[:-5], "invalid_gzip", id="cut"),
        pytest.param(gzip.compress(b"{}") + b"behind it", "invalid_gzip", id="something behind it"),
        pytest.param(zlib.compress(b"{}"), "invalid_gzip", id="zlib"),
        pytest.param(b"", "invalid_json", id="nothing"),
    ],
)
def test_a_gzip_bomb_and_a_broken_gzip_are_refused(packed: bytes, code: str, quiet: Running) -> None:
    """
    Inflating stops at the limit, however much would come.
    """
    answer = quiet.post("/v1/b", packed, Content_Encoding="gzip")

    assert (answer.status, answer.json["code"]) == (400, code)
    assert stored(quiet) == 0


def test_inflating_takes_no_more_memory_than_the_limit() -> None:
    """
    A hundred megabytes of zeros come as a hundred kilobytes, and are never all there.
    """
    bomb = gzip.compress(bytes(100_000_000), 9)
    tracemalloc.start()
    with pytest.raises(Refusal):
        inflated(bomb, 512_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 3_000_000


def test_an_unknown_encoding_is_refused(quiet: Running) -> None:
    """
    415: what cannot be read cannot be taken.
    """
    assert quiet.post("/v1/b", {"batch": []}, Content_Encoding="br").status == 415


def test_a_slow_body_is_given_up(serve: Callable[..., Running], shop: Project) -> None:
    """
    408 and the end of the connection, which SDKs take for a reason to come again.
    """
    slow = serve(evolve(shop, deliver=False), limits=Limits(body_timeout_s=0.2))
    with socket.create_connection(urlsplit(slow.url).netloc.split(":"), timeout=10) as connection:
        connection.sendall(
            f"POST /v1/b HTTP/1.1\r\nHost: x\r\nAuthorization: {BASIC}\r\nContent-Length: 100\r\n\r\n{{".encode()
        )
        answer = b""
        while piece := connection.recv(65536):
            answer += piece

    assert answer.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in answer.lower()
    assert stored(slow) == 0


def test_a_client_that_goes_away_leaves_nothing(quiet: Running) -> None:
    """
    Half a body is no call.
    """
    with socket.create_connection(urlsplit(quiet.url).netloc.split(":")) as connection:
        connection.sendall(
            f"POST /v1/b HTTP/1.1\r\nHost: x\r\nAuthorization: {BASIC}\r\nContent-Length: 100\r\n\r\n{{".encode()
        )

    assert quiet.post("/v1/batch", {"batch": []}).status == 200
    assert stored(quiet) == 0


@pytest.mark.parametrize("headers", [{"X-Long": "x" * 17_000}, {f"X-{n}": "x" * 100 for n in range(95)}])
def test_headers_that_are_too_large_are_refused(headers: dict[str, str], serve, shop: Project) -> None:
    """
    431, whether it is one or many.
    """
    small = serve(evolve(shop, deliver=False), limits=Limits(header_bytes=8_192))
    answer = small.post("/v1/batch", {"batch": [TRACK]}, **headers)

    assert (answer.status, answer.json["code"]) == (431, "headers_too_large")
    assert stored(small) == 0


@pytest.mark.parametrize(
    "head",
    [
        b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nA header\r\n\r\n",
        b"POST /v1/batch\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
def test_broken_http_is_refused(head: bytes, quiet: Running) -> None:
    """
    400 and the end of the connection, before any of our routes is asked.
    """
    with socket.create_connection(urlsplit(quiet.url).netloc.split(":"), timeout=10) as connection:
        connection.sendall(head)
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 400")
    assert quiet.get("/healthz").status == 200


@pytest.mark.parametrize("path", ["/v1/batch?writeKey=shop-write-key", "/v1/batch?a=%0d%0aSet-Cookie:%20x=1"])
def test_a_query_counts_for_nothing(path: str, quiet: Running) -> None:
    """
    A key in an address would end up in the logs of every proxy; and nothing of it comes back in a header.
    """
    answer = quiet.send("POST", path, json.dumps({"batch": [TRACK]}).encode())

    assert answer.status == 401
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "key", ["%0d%0aSet-Cookie:%20x=1", "..%2f..%2fetc", "%00", "%ff", "x" * 5_000, "<script>"]
)
def test_a_settings_path_injects_nothing(key: str, quiet: Running) -> None:
    """
    404, whatever stands for the key.
    """
    answer = quiet.get(f"/v1/projects/{key}/settings")

    assert answer.status == 404
    assert "Set-Cookie" not in answer.headers
    assert b"<script>" not in answer.body


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 2, "b": 1e6}',
        b'{"userId":"ann","userId":"bob","v":1e6}',
        b'{"userId":"ann","userId":"\\u0022:"}',
        b'{"x":"\\u003a","userId":"ann","userId":"bob"}',
        b'{"x":"\\"\\u003A","userId":"ann","userId":"bob"}',
        b'{"userId" :"ann","userId":"bob"}',
        b'{"userId"\n\t:"ann","userId":"bob"}',
    ],
)
def test_a_member_twice_is_found_beside_whatever_is_written_at_another_length(body: bytes) -> None:
    """
    A number by its exponent, a quote by its code, a space before the colon.
    """
    with pytest.raises(InvalidCall, match="twice"):
        checked(decode(body), 1000)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=20,
)


@given(json_values, st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]), st.booleans())
@example({'a":b"': '":'}, (",", ":"), True)
def test_json_is_read_as_the_standard_library_reads_it(value: object, separators: tuple, ascii_only: bool) -> None:
    """
    Whatever its spaces and escapes, and whichever of the two parsers reads it.
    """
    body = json.dumps(value, separators=separators, ensure_ascii=ascii_only).encode()

    assert decode(body) == value
    assert decode(b"\xef\xbb\xbf" + body) == value


@given(
    st.dictionaries(st.text('ab":\\\n', max_size=4), st.integers() | st.text('":\\ ', max_size=4), min_size=1),
    st.sampled_from([":", ": ", " : ", "\n:"]),
    st.booleans(),
    st.data(),
)
def test_a_member_that_comes_twice_is_always_found(
    members: dict[str, int | str], colon: str, by_code: bool, data: st.DataObject
) -> None:
    """
    However it is written: with quotes, colons and backslashes in its name or beside it, by their codes, too.
    """
    pairs = [f"{json.dumps(name)}{colon}{json.dumps(value)}" for name, value in members.items()]
    if by_code:
        escape = re.compile(r'\\(\\|")')
        pairs = [escape.sub(lambda met: "\\u0022" if met[1] == '"' else met[0], pair) for pair in pairs]
    repeated = data.draw(st.sampled_from(pairs))
    value = decode(("{" + ",".join([*pairs, repeated]) + "}").encode())

    with pytest.raises(InvalidCall, match="twice"):
        checked(value, 10_000)
    checked(decode(("{" + ",".join(pairs) + "}").encode()), 10_000)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text('{}[]",:\\u0123dD\\x00 eE+-.NaI', max_size=60).map(str.encode))
def test_no_body_is_a_fault(quiet: Running, body: bytes) -> None:
    """
    Whatever is sent is answered with 200 or 400, never with 500.
    """
    assert {quiet.post(path, body).status for path in ("/v1/batch", "/v1/t")} <= {200, 400}
