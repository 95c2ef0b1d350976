"""
One HTTP connection, whatever it is for: requests read leniently, answers written in one piece or line by line.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from identity.errors import StoreError
from sdkbridge.kissmetrics.bodies import PIECE_BYTES, UnreadBody, read_body

Headers = Mapping[str, str]

NO_HEADERS: Headers = {}
NOT_TO_BE_KEPT: Headers = {
    "Cache-Control": "no-cache, no-store, must-revalidate, max-age=0",
    "Pragma": "no-cache",
    "Expires": "Thu, 01 Jan 1970 00:00:00 GMT",
}
IDLE_TIMEOUT_S = 75.0


class AnsweringConnection(BaseHTTPRequestHandler):
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

    def answer_request(self, method: str) -> None:
        """
        Answer the request that has just come.
        """
        raise NotImplementedError

    def do_GET(self) -> None:
        """
        Answer a GET.
        """
        self.answer_request("GET")

    def do_POST(self) -> None:
        """
        Answer a POST.
        """
        self.answer_request("POST")

    def do_DELETE(self) -> None:
        """
        Answer a DELETE.
        """
        self.answer_request("DELETE")

    def parse_request(self) -> bool:
        """
        Read the first line and the headers, as the base class does, with any bytes in the address.
        """
        if not self.raw_requestline.isascii():
            # It would split the address at some bytes that ought to have been escaped.
            escaped = (bytes([byte]) if byte < 128 else b"%%%02X" % byte for byte in self.raw_requestline)
            self.raw_requestline = b"".join(escaped)
        return super().parse_request()

    def handle_expect_100(self) -> bool:
        """
        Let a client go on that asks first, as curl does with a large body.
        """
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def body(self) -> bytes:
        """
        Read what came with the request; to be called once, by whoever answers it.

        Raises:
            UnreadBody: it is too large, or nobody can tell where it ends.
        """
        try:
            return read_body(self.rfile, self.headers)
        except UnreadBody as error:
            # Where the next request starts is not known.
            self.close_connection = self.close_connection or not error.is_past
            raise

    def answer(self, status: int, content_type: str, body: bytes, headers: Headers = NO_HEADERS) -> None:
        """
        Send a whole answer, which nobody may keep unless the headers say so.
        """
        self._begin(status, {"Content-Type": content_type, "Content-Length": str(len(body)), **headers})
        self.wfile.write(body)

    def answer_nothing(self, status: int, headers: Headers = NO_HEADERS) -> None:
        """
        Send an answer of a status that has no body.
        """
        self._begin(status, headers)

    def answer_json(
        self, answer: dict[str, Any], status: int = HTTPStatus.OK, headers: Headers = NO_HEADERS
    ) -> None:
        """
        Send one JSON object.
        """
        self.answer(status, "application/json", json.dumps(answer).encode(), headers)

    def answer_lines(self, objects: Iterable[dict[str, Any]]) -> None:
        """
        Send one JSON object per line, as they come: a whole log need not fit in memory.
        """
        chunked = self.request_version != "HTTP/1.0"
        self.close_connection = self.close_connection or not chunked
        in_pieces = {"Transfer-Encoding": "chunked"} if chunked else {}
        self._begin(HTTPStatus.OK, {"Content-Type": "application/x-ndjson", **in_pieces})
        try:
            for piece in _pieces(objects):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        except StoreError as error:
            # The status is out already; without its last chunk the client sees that the answer broke off.
            raise ConnectionAbortedError("the database cannot be read") from error
        self.wfile.write(b"0\r\n\r\n" if chunked else b"")

    def _begin(self, status: int, headers: Headers) -> None:
        self.send_response(status)
        for name, value in {**NOT_TO_BE_KEPT, **headers}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def send_error(self, code: int, *_: object, **__: object) -> None:
        """
        Answer what is not HTTP with its status alone: the usual page repeats the address, and so the key.
        """
        self.close_connection = True
        status = HTTPStatus(code)
        self.answer_json({"error": status.phrase}, status)

    def log_message(self, *_: object, **__: object) -> None:
        """
        Say nothing: a line for each request would hold the key.
        """


def _pieces(objects: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    lines: list[bytes] = []
    size = 0
    for one in objects:
        lines.append(json.dumps(one).encode() + b"\n")
        size += len(lines[-1])
        if size >= PIECE_BYTES:
            yield b"".join(lines)
            lines, size = [], 0
    if lines:
        yield b"".join(lines)
