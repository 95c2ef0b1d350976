"""
A Kissmetrics that fails on demand: a real server on a real port, for tests of delivery.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from attrs import Factory, define


@define
class FaultyServer:
    """
    What the server is to answer, and what it got.

    Attributes:
        url: where it listens.
        answers: status and headers for the next requests; 200 when there are no more.
        failing: identities whose requests are always answered 500.
        got: method, path, and identity of each request, in order.
        raw: each request's query or body, in order.
        drip_s: seconds between the bytes of a long answer; none is sent at 0.
        size: bytes in an answer.
        cut: hang up in the middle of so many answers.
    """

    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = Factory(list)
    failing: set[str] = Factory(set)
    got: list[tuple[str, str, str]] = Factory(list)
    raw: list[str] = Factory(list)
    drip_s: float = 0.0
    size: int = 0
    cut: int = 0

    def identities(self) -> list[str]:
        """
        Return the identities of the requests, in order.
        """
        return [identity for _, _, identity in self.got]


@contextmanager
def faulty_server() -> Iterator[FaultyServer]:
    """
    Run one until the block ends. A status of 0 hangs up without an answer.
    """
    state = FaultyServer()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            parts = urlsplit(self.path)
            query = body or parts.query
            identity = parse_qs(query)["_p"][0]
            with lock:
                state.got.append((self.command, parts.path, identity))
                state.raw.append(query)
                status, headers = state.answers.pop(0) if state.answers else (200, {})
                if identity in state.failing:
                    status, headers = 500, {}
            if status == 0:
                self.close_connection = True
                return
            drips = 200 if state.drip_s else 0
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(drips + state.size)}.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # the client need not wait
                if state.cut:
                    state.cut -= 1
                    self.wfile.write(b"." * (state.size // 2))
                    self.close_connection = True
                    return
                self.wfile.write(b"." * state.size)
                for _ in range(drips):
                    self.wfile.write(b".")
                    time.sleep(state.drip_s)

        do_GET = do_POST = handle_request  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            """
            Say nothing.
            """

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
