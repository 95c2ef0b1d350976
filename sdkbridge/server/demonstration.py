"""
A first look: a server, a Kissmetrics on this machine, and a story told to the one that arrives at the other.

After the story come households whose tablets everybody uses, so that something waits for a decision.
"""

import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from attrs import asdict, frozen

from identity.database import Database
from identity.simulate import population
from sdkbridge.calls import AnyCall, JSONObject
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.kissmetrics.server import KissmetricsServer
from sdkbridge.server.settings import Project, ServerSettings
from sdkbridge.strategies import as_sdks_send

WRITE_KEY = "demo-write-key"

PAUSE_S = 0.2
"""Between two calls, so that one can watch."""

GRACE_S = 10.0
"""So long an approved link can be undone."""

DAYS = 5
HOUSEHOLDS = {"shared_tablets": 1, "tablet_visits": 0.5, "signs_up": 1, "signs_in": 1, "forgets_reset": 1}
SEED = 10
"""Made up so that the first link is held soon, and several still are in the end."""


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
                    alias_grace=GRACE_S,
                )
                yield Stage(settings=ServerSettings(projects=[project]), kissmetrics=kissmetrics)
        finally:
            database.close()


def households() -> Iterator[JSONObject]:
    """
    Yield the calls of made-up families who share tablets, of the last days.
    """
    start = datetime.now(UTC).date() - timedelta(days=DAYS)
    return iter(population(people=30, seed=SEED, days=DAYS, start=start, rates=HOUSEHOLDS))


class Teller:
    """
    Sends calls to a server, one by one, as Segment's SDKs would.
    """

    def __init__(self, messages: Iterable[JSONObject], *, pause_s: float = PAUSE_S) -> None:
        self._messages = messages
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
        for call in as_sdks_send(self._messages):
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
