"""
A first look: a server, a Kissmetrics on this machine, and a story told to the one that arrives at the other.
"""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from attrs import asdict, frozen

from identity.database import Database
from sdkbridge.calls import AnyCall
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.kissmetrics.server import KissmetricsServer
from sdkbridge.server.settings import Project, ServerSettings
from sdkbridge.stories import Story
from sdkbridge.strategies import as_sdks_send

WRITE_KEY = "demo-write-key"

PAUSE_S = 0.25
"""Between two calls of the story, so that one can watch."""


@frozen(kw_only=True)
class Stage:
    """
    Where a story is shown.

    Attributes:
        settings: of a server whose one project delivers to the Kissmetrics on this machine.
        kissmetrics: that Kissmetrics.
    """

    settings: ServerSettings
    kissmetrics: KissmetricsServer


@contextmanager
def stage() -> Iterator[Stage]:
    """
    Start a Kissmetrics on a free port, and forget everything afterwards.
    """
    with TemporaryDirectory(prefix="sdkbridge-serve-") as folder:
        database = Database(":memory:")
        try:
            with KissmetricsServer(LocalKissmetrics(database)) as kissmetrics:
                project = Project(
                    name="demo",
                    write_keys=[WRITE_KEY],
                    api_key="demo-key",
                    database=Path(folder) / "demo.db",
                    url=kissmetrics.url,
                )
                yield Stage(settings=ServerSettings(projects=[project]), kissmetrics=kissmetrics)
        finally:
            database.close()


class Teller:
    """
    Sends a story to a server, call by call, as Segment's SDKs would.
    """

    def __init__(self, story: Story, *, pause_s: float = PAUSE_S) -> None:
        self._story = story
        self._pause_s = pause_s
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, url: str) -> None:
        """
        Begin, in a thread.
        """
        self._thread = threading.Thread(target=self._tell, args=[url], name="sdkbridge-story", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """
        End, after the call that is on its way.
        """
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _tell(self, url: str) -> None:
        server = HTTPConnection(urlsplit(url).netloc, timeout=10)
        for call in as_sdks_send(self._story.messages):
            if self._stopping.is_set():
                break
            body = json.dumps({"batch": [message_of(call)], "writeKey": WRITE_KEY}).encode()
            server.request("POST", "/v1/batch", body, {"Content-Type": "application/json"})
            server.getresponse().read()
            self._stopping.wait(self._pause_s)
        server.close()


def message_of(call: AnyCall) -> Mapping[str, Any]:
    """
    Return a call in Segment's spelling.
    """
    members = {name: value for name, value in asdict(call).items() if value not in (None, {})}
    return {re.sub(r"_(\w)", lambda found: found[1].upper(), name): value for name, value in members.items()}
