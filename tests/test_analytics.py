"""
What is promised to code that was written for Segment's Python library.
"""

import importlib
import inspect
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import pytest
import segment.analytics

import sdkbridge.analytics
from identity.database import Database
from sdkbridge.outbox.queue import Outbox
from sdkbridge.pytest_plugin import RunningKissmetrics

FUNCTIONS = ("track", "identify", "group", "alias", "page", "screen", "flush", "join", "shutdown")


def parameters(function: object) -> list[tuple[str, object, object]]:
    """
    What a caller sees of a function's parameters.
    """
    return [(one.name, one.kind, one.default) for one in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_take_what_segments_take(name: str) -> None:
    """
    In the module and in the client, with the same names, order and defaults.
    """
    for ours, theirs in (
        (sdkbridge.analytics, segment.analytics),
        (sdkbridge.analytics.Client, segment.analytics.Client),
    ):
        assert parameters(getattr(ours, name)) == parameters(getattr(theirs, name))


def test_the_client_is_made_as_segments_is() -> None:
    """
    With the same arguments, and the same defaults.
    """
    ours, theirs = sdkbridge.analytics.Client, segment.analytics.Client
    defaults = {name: value for name, value in vars(theirs.DefaultConfig).items() if not name.startswith("_")}

    assert parameters(ours) == parameters(theirs)
    assert {name: getattr(ours.DefaultConfig, name) for name in defaults} == defaults


def test_the_module_has_segments_settings() -> None:
    """
    Each can be set as in Segment's module, before the first call.
    """
    # Another test may have used the module, and set some.
    ours = importlib.reload(sdkbridge.analytics)
    settings = [
        name
        for name, value in vars(segment.analytics).items()
        if not (name.startswith("_") or callable(value) or isinstance(value, ModuleType) or name == "VERSION")
    ]

    assert "write_key" in settings
    assert {name: getattr(ours, name) for name in settings} == {
        name: getattr(segment.analytics, name) for name in settings
    }


PROGRAM = """
import json, sys
import segment.analytics as analytics

analytics.write_key = "the-key"
analytics.host = sys.argv[1]
taken = [
    analytics.identify("ann", {"plan": "pro"}, anonymous_id="a1"),
    analytics.track("ann", "Invoice Paid", {"revenue": 5}),
    analytics.group("ann", "acme", {"size": 3}),
    analytics.alias("ann", "ann@example.com"),
    analytics.page("ann", "Docs", "Index"),
    analytics.screen(anonymous_id=7, name="Home"),
]
analytics.flush()
analytics.shutdown()
print(json.dumps([done for done, _ in taken]))
"""


def test_a_program_written_for_segment_runs_with_another_import(
    tmp_path: Path, kissmetrics: RunningKissmetrics
) -> None:
    """
    Only the import changes; where the database is comes from the environment.
    """
    program = PROGRAM.replace("import segment.analytics", "import sdkbridge.analytics")
    done = subprocess.run(
        [sys.executable, "-c", program, kissmetrics.url],
        env=os.environ | {"SDKBRIDGE_DATABASE": str(tmp_path / "b.db")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stderr, json.loads(done.stdout)) == ("", [True] * 6)
    names = {identity for person in kissmetrics.people for identity in person.identities}
    assert {"ann", "a1", "ann@example.com", "7"} <= names
    (ann,) = (person for person in kissmetrics.people if "ann" in person.identities)
    assert ann.event_counts["Invoice Paid"] == 1


CALLS = [
    ("identify", ("ann",), {"traits": {"plan": "pro"}}),
    ("track", ("ann", "Paid"), {"timestamp": datetime(2026, 5, 1, 12, tzinfo=UTC), "message_id": "m1"}),
    ("track", (5, "Paid"), {"timestamp": datetime(2026, 5, 1, 12)}),  # noqa: DTZ001
    ("group", (), {"anonymous_id": "a1", "group_id": 3}),
    ("alias", ("a1", "ann"), {"context": {"ip": "192.0.2.1"}}),
    ("page", ("ann",), {"name": "Home", "integrations": {"All": True}}),
    ("screen", ("ann", "Docs"), {}),
]


@pytest.mark.parametrize(("name", "arguments", "named"), CALLS)
def test_a_call_returns_what_segments_returns(name: str, arguments: tuple, named: dict) -> None:
    """
    Whether it was taken and the message, but for ids and times that were made up and the library's name.
    """
    returned = []
    for module in (sdkbridge.analytics, segment.analytics):
        taken, message = getattr(module.Client("key", send=False), name)(*arguments, **named)
        made_up = {"messageId", "timestamp"} - ({"messageId"} if "message_id" in named else set())
        made_up -= {"timestamp"} if "timestamp" in named else set()
        assert all(message[member] for member in made_up)
        context = {key: value for key, value in message["context"].items() if key != "library"}
        plain = {key: value for key, value in message.items() if key not in made_up}
        returned.append((taken, plain | {"context": context}))

    assert returned[0] == returned[1]


WRONG = [
    ("track", (), {"event": "Paid"}),
    ("track", ("ann",), {}),
    ("track", ("ann", "Paid", ["no dictionary"]), {}),
    ("track", ("ann", "Paid"), {"timestamp": "2026-05-01"}),
    ("identify", (), {}),
    ("identify", ("ann",), {"context": [1]}),
    ("group", ("ann",), {}),
    ("alias", ("ann",), {}),
    ("page", ("ann", 5), {}),
]


@pytest.mark.parametrize(("name", "arguments", "named"), WRONG)
def test_what_segment_refuses_is_refused_in_its_way(name: str, arguments: tuple, named: dict) -> None:
    """
    By an AssertionError, which code written for it may expect.
    """
    for module in (sdkbridge.analytics, segment.analytics):
        with pytest.raises(AssertionError):
            getattr(module.Client("key", send=False), name)(*arguments, **named)


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """
    A folder and an environment that name a database, and nothing else.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SDKBRIDGE_DATABASE", str(tmp_path / "b.db"))
    monkeypatch.setenv("SDKBRIDGE_DELIVER", "false")
    return monkeypatch


def test_what_only_the_bridge_refuses_breaks_no_program(surroundings: pytest.MonkeyPatch) -> None:
    """
    A placeholder, say: the call is answered with False, and told to on_error with its message.
    """
    told: list[tuple[Exception, list]] = []
    client = sdkbridge.analytics.Client("key", on_error=lambda error, batch: told.append((error, batch)))
    taken, message = client.alias("null", "ann")
    client.join()

    assert not taken
    assert [batch for _, batch in told] == [[message]]
    assert "null" in str(told[0][0]) or "placeholder" in str(told[0][0])


def test_the_surroundings_go_before_what_the_program_was_written_with(
    surroundings: pytest.MonkeyPatch, kissmetrics: RunningKissmetrics
) -> None:
    """
    A program with Segment's key and host in it delivers where the environment says; after join it goes on.
    """
    surroundings.setenv("SDKBRIDGE_URL", kissmetrics.url)
    surroundings.setenv("SDKBRIDGE_API_KEY", "kissmetrics-key")
    client = sdkbridge.analytics.Client("segment-key", host="http://127.0.0.1:9", sync_mode=True)
    client.track("ann", "First")
    client.join()
    client.track("ann", "Second")
    client.shutdown()
    (person,) = kissmetrics.people

    assert dict(person.event_counts) == {"First": 1, "Second": 1}


@pytest.fixture
def asked_for(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """
    The names of hosts that were looked up, each in vain.
    """
    names: list[str] = []

    def lookup(name: str, *_: object, **__: object) -> None:
        names.append(name)
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return names


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    "host",
    [
        "https://events.eu1.segmentapis.com",
        "https://api.segment.io/v1",
        "HTTPS://API.SEGMENT.IO.:443",
        "api.segment.io",
        "https://segment.com",
    ],
)
def test_nothing_goes_to_a_host_of_segments(
    host: str, surroundings: pytest.MonkeyPatch, asked_for: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """
    A program whose host was left as it was sends to Kissmetrics, also after join; the log says it once.
    """
    surroundings.setenv("SDKBRIDGE_API_KEY", "kissmetrics-key")
    surroundings.setenv("SDKBRIDGE_DELIVER", "true")
    client = sdkbridge.analytics.Client("segment-key", host=host)
    for number in (1, 2):
        client.track(f"person {number}", "Paid")
        while len(asked_for) < number:
            pass
        client.join()
    said = [text for text in warnings_of(caplog) if "Segment's own" in text]

    assert set(asked_for) == {"trk.kissmetrics.io"}
    assert len(said) == 1


@pytest.mark.parametrize("host", ["https://notsegment.io", "https://api.segment.io.example", "http://127.0.0.1:9"])
def test_a_host_of_somebody_elses_is_kissmetrics(
    host: str, surroundings: pytest.MonkeyPatch, asked_for: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """
    A name that only looks like Segment's is taken as it is said, and nothing is said of it.
    """
    surroundings.setenv("SDKBRIDGE_DELIVER", "true")
    client = sdkbridge.analytics.Client("key", host=host)
    client.track("ann", "Paid")
    while not (asked_for or "127.0.0.1" in host):
        pass
    client.join()

    assert set(asked_for) <= {urlsplit(host).hostname}
    assert not [text for text in warnings_of(caplog) if "Segment's own" in text]


@pytest.mark.usefixtures("surroundings")
def test_calls_of_other_threads_are_taken_while_one_joins() -> None:
    """
    Whoever calls in the very moment in which another thread lets go of the database opens it again.
    """
    errors: list[Exception] = []
    client = sdkbridge.analytics.Client("key", on_error=lambda error, _: errors.append(error))
    over = threading.Event()

    def call(thread: int) -> int:
        for number in count(1):
            taken, _ = client.track(f"person {thread}", f"Event {number}")
            assert taken
            if over.is_set():
                return number
        raise AssertionError

    with ThreadPoolExecutor(4) as pool:
        calling = [pool.submit(call, thread) for thread in range(4)]
        for _ in range(10):
            client.join()
        over.set()
        calls = sum(each.result(30) for each in calling)
    client.join()

    assert errors == []
    assert Outbox(Database(os.environ["SDKBRIDGE_DATABASE"])).counts().waiting == calls
