"""
A server on a real port of this machine, and the plainest client for it.
"""

import base64
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from attrs import frozen

from sdkbridge.server.running import Listening, RunningServer

WRITE_KEY = "shop-write-key"
BASIC = "Basic " + base64.b64encode(f"{WRITE_KEY}:".encode()).decode()


@frozen
class Answer:
    """
    What a server answered.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@frozen
class Running:
    """
    A server that runs.
    """

    url: str
    app: Any

    @property
    def bridge(self):
        return self.app.server.projects["shop"].bridge

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """
        Send exactly this; a header's name has underscores for its dashes.
        """
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=20)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, **headers)

    def post(self, path: str, value: object, **headers: str) -> Answer:
        """
        Send a value as JSON, or bytes as they are, with the write key in the header.
        """
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.send("POST", path, body, **{"Authorization": BASIC, **headers})


@contextmanager
def running(app: Any) -> Iterator[Running]:
    """
    Run an ASGI app on a free port until the block ends.
    """
    listening = Listening(port=0)
    bound = listening.bind()
    ready: list[str] = []
    is_ready = threading.Event()
    server = RunningServer(app, listening, bound, on_ready=lambda url: (ready.append(url), is_ready.set()))
    thread = threading.Thread(target=server.run, args=[[bound]], daemon=True)
    thread.start()
    try:
        assert is_ready.wait(20), "the server did not start"
        yield Running(ready[0], app)
    finally:
        server.should_exit = True
        thread.join(20)
        bound.close()


def wait_until(true: Callable[[], object], *, what: str, timeout_s: float = 20.0) -> None:
    """
    Look again and again until something is so.
    """
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, f"in vain waited until {what}"
        time.sleep(0.01)
