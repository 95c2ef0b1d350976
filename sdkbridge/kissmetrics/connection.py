"""
How the local Kissmetrics answers over HTTP: as trk.kissmetrics.io does, and with what it made of the requests.

``/e``, ``/s`` and ``/a`` always answer 200 with a transparent image, be the request right or wrong, as
Kissmetrics documents. ``/people``, ``/export``, ``/diagnostics`` and ``/requests`` are ours, and hold no key.
"""

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl

import attrs

from identity.errors import StoreError
from sdkbridge.kissmetrics.intake import PATHS
from sdkbridge.kissmetrics.people import LocalKissmetrics, Person

IMAGE = bytes.fromhex(
    "474946383961 01000100 800000 000000ffffff 21f9040100000000 2c0000000001000100 00 02024401 003b"
)
"""A transparent GIF of one pixel, 43 bytes."""

LENGTH = re.compile("[0-9]{1,18}")
MOST_BODY_BYTES = 1024 * 1024
IDLE_TIMEOUT_S = 75.0
CHUNK_BYTES = 64 * 1024


class Connection(BaseHTTPRequestHandler):
    """
    One client, and its requests one after the other.
    """

    protocol_version = "HTTP/1.1"
    server_version = "LocalKissmetrics"
    sys_version = ""
    timeout = IDLE_TIMEOUT_S
    raw_requestline: bytes
    # An answer leaves in one packet: two small ones would wait for an acknowledgement in between.
    wbufsize = -1
    disable_nagle_algorithm = True

    def __init__(self, kissmetrics: LocalKissmetrics, *connection: object) -> None:
        self._kissmetrics = kissmetrics
        # The base class serves the whole connection from within its constructor.
        super().__init__(*connection)  # type: ignore[arg-type] # as socketserver hands them over

    def parse_request(self) -> bool:
        """
        Read the first line and the headers, as the base class does, with any bytes in the address.
        """
        if not self.raw_requestline.isascii():
            # It would split the address at some bytes that ought to have been escaped.
            escaped = (bytes([byte]) if byte < 128 else b"%%%02X" % byte for byte in self.raw_requestline)
            self.raw_requestline = b"".join(escaped)
        return super().parse_request()

    def do_GET(self) -> None:
        """
        Take a request, or show what became of those taken.
        """
        path, _, query = self.path.partition("?")
        try:
            if path in PATHS:
                self._take(path, _form(query))
            else:
                self._discard_body()
                self._show(path, _form(query))
        except StoreError:
            # The image would say that the request is kept; so, senders try again.
            self._answer_json({"error": "the database cannot be used"}, HTTPStatus.INTERNAL_SERVER_ERROR)

    def do_POST(self) -> None:
        """
        Take a request.
        """
        self.do_GET()

    def _take(self, path: str, parameters: dict[str, str]) -> None:
        try:
            self._kissmetrics.receive(path, parameters | _form(self._body()))
        except _UnreadBodyError as error:
            self._kissmetrics.reject(path, parameters, str(error))
        self._answer(HTTPStatus.OK, "image/gif", IMAGE)

    def _show(self, path: str, parameters: dict[str, str]) -> None:
        key = parameters.get("_k")
        if path == "/people":
            people = self._kissmetrics.people(parameters.get("identity"), api_key=key)
            self._answer_json({"people": [_person(person) for person in people]})
        elif path == "/export":
            self._answer_lines(self._kissmetrics.export(api_key=key))
        elif path == "/diagnostics":
            self._answer_json(self._kissmetrics.diagnostics())
        elif path == "/requests":
            self._answer_lines(attrs.asdict(request) for request in self._kissmetrics.requests())
        else:
            self._answer_json({"error": "no such page"}, HTTPStatus.NOT_FOUND)

    def _body(self) -> str:
        """
        Read the form in the body, whatever type it is said to have: the iOS SDK says nothing.
        """
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not LENGTH.fullmatch(length):
            # Where the next request starts is not known.
            self.close_connection = True
            raise _UnreadBodyError("unreadable_body")
        if int(length) > MOST_BODY_BYTES:
            self._skip(int(length))
            raise _UnreadBodyError("body_too_large")
        return self._read(int(length)).decode("utf-8", "surrogateescape")

    def _discard_body(self) -> None:
        with suppress(_UnreadBodyError):
            self._body()

    def _skip(self, length: int) -> None:
        # A client that is still sending would not see the answer.
        while length:
            length -= len(self._read(min(length, CHUNK_BYTES)))

    def _read(self, length: int) -> bytes:
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionAbortedError("the client left in the middle of a request")
        return body

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self._begin(status, content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer_json(self, answer: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> None:
        self._answer(status, "application/json", json.dumps(answer).encode())

    def _answer_lines(self, objects: Iterable[dict[str, Any]]) -> None:
        """
        Send one JSON object per line, as they come: a whole log need not fit in memory.
        """
        chunked = self.request_version != "HTTP/1.0"
        self.close_connection = self.close_connection or not chunked
        self._begin(HTTPStatus.OK, "application/x-ndjson")
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for chunk in _chunks(objects):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk) if chunked else chunk)
        except StoreError as error:
            # The status is out already; without its last chunk the client sees that the answer broke off.
            raise ConnectionAbortedError("the database cannot be read") from error
        self.wfile.write(b"0\r\n\r\n" if chunked else b"")

    def _begin(self, status: HTTPStatus, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Cache-Control", "no-cache, no-store, must-revalidate, max-age=0")
        self.send_header("Pragma", "no-cache")
        self.send_header("Expires", "Thu, 01 Jan 1970 00:00:00 GMT")
        if self.close_connection:
            self.send_header("Connection", "close")

    def send_error(self, code: int, *_: object, **__: object) -> None:
        """
        Answer what is not HTTP with its status alone: the usual page repeats the address, and so the key.
        """
        self.close_connection = True
        status = HTTPStatus(code)
        self._answer_json({"error": status.phrase}, status)

    def log_message(self, *_: object, **__: object) -> None:
        """
        Say nothing: a line for each request would hold the key.
        """


class _UnreadBodyError(Exception):
    """
    A body that was not taken in, for a reason in one word.
    """


def _form(text: str) -> dict[str, str]:
    """
    Read a query or a form: of a name given twice the last counts, and no value is an empty one.

    What is not UTF-8 becomes lone surrogates, which the reader of requests rejects.
    """
    return dict(parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="surrogateescape"))


def _chunks(objects: Iterable[dict[str, Any]]) -> Iterable[bytes]:
    lines: list[bytes] = []
    size = 0
    for one in objects:
        lines.append(json.dumps(one).encode() + b"\n")
        size += len(lines[-1])
        if size >= CHUNK_BYTES:
            yield b"".join(lines)
            lines, size = [], 0
    if lines:
        yield b"".join(lines)


def _person(person: Person) -> dict[str, Any]:
    return {
        "identities": person.identities,
        "visible_identities": person.visible_identities,
        "event_counts": person.event_counts,
        "properties": {name: attrs.asdict(history) for name, history in person.properties.items()},
    }
