"""
What holds for every test: how Hypothesis searches, and that nothing leaves this machine.
"""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from postgres_server import PostgresServer, shared_server

from identity.database import Database
from sdkbridge import Bridge
from sdkbridge.pytest_plugin import RunningKissmetrics

pytest_plugins = ["pytester"]

# No deadline: how fast one example runs says more about the machine than about the code.
settings.register_profile("default", deadline=None, max_examples=100)
# The same examples every time, so that a red build is red again on a desk.
settings.register_profile("ci", deadline=None, max_examples=200, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

LOOPBACK = {None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0"}


@pytest.fixture(autouse=True, scope="session")
def this_machine_only() -> Iterator[None]:
    """
    Let every name but loopback's fail to resolve, so that no test can reach the real Kissmetrics.
    """
    resolve = socket.getaddrinfo

    def resolve_loopback(host, *arguments, **options):
        name = host.decode() if isinstance(host, bytes) else host
        if name not in LOOPBACK:
            raise socket.gaierror(socket.EAI_NONAME, f"tests stay on this machine, so no {name}")
        return resolve(host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolve_loopback)
        yield


@pytest.fixture(autouse=True)
def databases_are_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """
    Close every database that a test opened: leaving one open is a warning from Python 3.13 on.
    """
    opened: list[Database] = []
    initialise = Database.__init__

    def remember(self, *arguments, **options):
        opened.append(self)
        initialise(self, *arguments, **options)

    monkeypatch.setattr(Database, "__init__", remember)
    yield
    for database in opened:
        if hasattr(database, "_store"):
            database.close()


@pytest.fixture(scope="session")
def postgres_server(testrun_uid: str) -> Iterator[PostgresServer]:
    """
    A real PostgreSQL, started once for all workers of this run; where it cannot run, the test is skipped.
    """
    with shared_server(testrun_uid) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """
    The URL of an empty place on that server, for this test alone.
    """
    with postgres_server.empty_schema() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """
    The address of an empty database, of each kind in turn.
    """
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return str(tmp_path / "bridge.db")


@pytest.fixture
def any_database(store_url: str) -> Database:
    """
    An empty database, of each kind in turn.
    """
    return Database(store_url)


@pytest.fixture
def bridge(store_url: str, kissmetrics: RunningKissmetrics) -> Iterator[Bridge]:
    """
    A bridge on an empty database, of each kind in turn, that delivers to the local Kissmetrics.
    """
    with Bridge(store_url, api_key="test-key", url=kissmetrics.url) as bridge:
        yield bridge
