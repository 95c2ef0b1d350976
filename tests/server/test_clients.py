"""
Real SDKs, as released, send to a real server; what they say arrives as the right people at Kissmetrics.
"""

import gzip
import http.client
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import rudderstack.analytics as rudder
from client_installs import node_packages, python_package
from rudderstack.analytics.client import Client as RudderClient
from running_server import WRITE_KEY, Running
from segment.analytics.client import Client as SegmentClient

from sdkbridge.pytest_plugin import RunningKissmetrics
from sdkbridge.server import Limits

TIME = "2026-03-01T09:00:00.000Z"


def assert_ann_is_one_person(kissmetrics: RunningKissmetrics, anonymous_id: str) -> None:
    """
    What each of the clients below is told: she opens, signs in, looks around, changes her address and pays.
    """
    person = kissmetrics.person("ann@new.example")
    aliases = [
        {request.parameters["_p"], request.parameters["_n"]}
        for request in kissmetrics.requests
        if request.path == "/a"
    ]

    assert set(person.identities) == {anonymous_id, "ann@example.com", "ann@new.example"}
    assert person.event_counts == {"Opened": 1, "Viewed Docs Page": 1, "Viewed Home Screen": 1, "Paid": 1}
    assert len(kissmetrics.people) == 1
    assert len(aliases) == 2
    assert {anonymous_id, "ann@example.com"} in aliases
    assert {"ann@example.com", "ann@new.example"} in aliases


def tell(client: Any, anonymous_id: str) -> None:
    """
    Say it with the calls that Segment's and RudderStack's Python libraries share.
    """
    client.track(None, "Opened", {"list": [1, 2], "nested": {"a": True}}, anonymous_id=anonymous_id)
    client.identify("ann@example.com", {"plan": "pro"}, anonymous_id=anonymous_id)
    client.identify("ann@example.com", {"plan": "pro"}, anonymous_id=anonymous_id)
    client.page("ann@example.com", "Category", "Docs")
    client.screen("ann@example.com", None, "Home")
    client.group("ann@example.com", "acme", {"name": "Acme"})
    client.alias("ann@example.com", "ann@new.example")
    client.track("ann@new.example", "Paid", {"revenue": 39.95})


@pytest.mark.parametrize("gzipped", [False, True], ids=["plain", "gzip"])
def test_segments_python_library(gzipped: bool, server: Running, kissmetrics: RunningKissmetrics) -> None:
    """
    segment-analytics-python 2.4: key in the header and in the body.
    """
    failures: list[object] = []
    client = SegmentClient(
        WRITE_KEY,
        host=server.url,
        gzip=gzipped,
        on_error=lambda *error: failures.append(error),
        upload_interval=0.05,
    )
    tell(client, "python-anonymous")
    client.shutdown()
    server.bridge.flush()

    assert (version("segment-analytics-python"), failures) == ("2.4.0", [])
    assert_ann_is_one_person(kissmetrics, "python-anonymous")


def test_segments_python_library_is_told_of_its_mistakes(server: Running) -> None:
    """
    A wrong key is an error with a code and a message, after one try.
    """
    failures: list[Any] = []
    client = SegmentClient("wrong-key", host=server.url, on_error=lambda error, _: failures.append(error))
    client.track("ann", "E")
    client.shutdown()

    ((failure),) = failures
    assert (failure.status, failure.code) == (401, "invalid_write_key")
    assert failure.message == "the write key is not one of this server's"


def test_segments_python_library_comes_again(serve: Callable[..., Running]) -> None:
    """
    After 429 it waits as long as it is asked to, and nothing is lost.
    """
    server = serve(limits=Limits(requests_per_s=1))
    failures: list[object] = []
    client = SegmentClient(
        WRITE_KEY,
        host=server.url,
        on_error=lambda *error: failures.append(error),
        upload_size=1,
        upload_interval=0.01,
    )
    for number in range(4):
        client.track("ann", f"E{number}")
    client.shutdown()
    server.bridge.flush()

    assert failures == []
    assert server.bridge.status().outbox.delivered == 4


OLDER = """
import sys
sys.path.insert(0, sys.argv[1])
from segment.analytics.client import Client
from segment.analytics.version import VERSION

failures = []
client = Client(sys.argv[3], host=sys.argv[2], on_error=lambda error, _: failures.append(repr(error)), gzip=True)
{calls}
client.shutdown()
print(VERSION, failures)
"""


def older_library(folder: Path, server: Running, write_key: str, calls: str) -> str:
    program = OLDER.format(calls=calls)
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder), server.url, write_key],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_segments_older_python_library(
    server: Running, kissmetrics: RunningKissmetrics, pytestconfig: pytest.Config
) -> None:
    """
    segment-analytics-python 2.3.4: key in the body only, success is exactly 200.
    """
    folder = python_package(pytestconfig, "segment-analytics-python-2.3.4.txt")
    calls = """
client.track(None, "Opened", anonymous_id="older-anonymous")
client.identify("ann@example.com", {"plan": "pro"}, anonymous_id="older-anonymous")
client.page("ann@example.com", None, "Docs")
client.screen("ann@example.com", None, "Home")
client.alias("ann@example.com", "ann@new.example")
client.track("ann@new.example", "Paid", {"revenue": 39.95})
"""
    printed = older_library(folder, server, WRITE_KEY, calls)
    server.bridge.flush()

    assert printed == "2.3.4 []"
    assert_ann_is_one_person(kissmetrics, "older-anonymous")


def test_segments_older_python_library_is_told_of_its_mistakes(
    server: Running, pytestconfig: pytest.Config
) -> None:
    """
    It needs both a code and a message in the body, or takes the refusal for trouble with the network.
    """
    folder = python_package(pytestconfig, "segment-analytics-python-2.3.4.txt")
    printed = older_library(folder, server, "wrong-key", 'client.track("ann", "E")')

    assert "APIError" in printed
    assert server.bridge.status().outbox.delivered == 0


def test_segments_node_library(
    server: Running, kissmetrics: RunningKissmetrics, pytestconfig: pytest.Config
) -> None:
    """
    @segment/analytics-node 3.1: key in the header; several batches.
    """
    folder = node_packages(pytestconfig)
    done = subprocess.run(
        ["node", "send.js", server.url, WRITE_KEY, TIME],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    server.bridge.flush()

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"failures": []}
    assert_ann_is_one_person(kissmetrics, "node-anonymous")


@pytest.fixture
def rudder_client(server: Running) -> Iterator[tuple[RudderClient, list[object]]]:
    failures: list[object] = []
    client = RudderClient(
        WRITE_KEY, host=server.url, on_error=lambda *error: failures.append(error), upload_interval=0.05
    )
    yield client, failures
    client.shutdown()


def test_rudderstacks_python_library(
    rudder_client: tuple[RudderClient, list[object]], server: Running, kissmetrics: RunningKissmetrics
) -> None:
    """
    rudder-sdk-python 2.1: gzip, key in the header.
    """
    client, failures = rudder_client
    tell(client, "rudder-anonymous")
    client.flush()
    server.bridge.flush()

    assert failures == []
    assert rudder.Client is RudderClient
    assert_ann_is_one_person(kissmetrics, "rudder-anonymous")


def as_phones_do(library: Mapping[str, str], anonymous_id: str) -> list[dict[str, Any]]:
    """
    The messages that Segment's mobile SDKs write: both ids, category empty, ids of their own, times of the device.
    """
    context = {
        "library": library,
        "app": {"name": "Acme", "version": "4.2", "build": "812", "namespace": "com.acme"},
        "device": {"id": "F00D", "manufacturer": "Apple", "model": "iPhone17,2", "name": "iPhone", "type": "ios"},
        "os": {"name": "iOS", "version": "19.1"},
        "screen": {"width": 402, "height": 874},
        "network": {"wifi": True, "cellular": False, "bluetooth": False},
        "locale": "en-US",
        "timezone": "Europe/Zurich",
        "instanceId": "0B5A4D1E-5A0F-4C57-8F1D-2D6C8E3E2A11",
    }

    def message(number: int, kind: str, user_id: str | None, **own: object) -> dict[str, Any]:
        return {
            "type": kind,
            "anonymousId": anonymous_id,
            **({"userId": user_id} if user_id else {"userId": ""}),
            "messageId": f"{library['name']}-{number}",
            "timestamp": f"2026-03-01T09:00:0{number}.000Z",
            "context": context,
            "integrations": {},
            "_metadata": {"bundled": [], "unbundled": [], "bundledIds": []},
            **own,
        }

    return [
        message(0, "track", None, event="Opened", properties={"from_background": False}),
        message(1, "identify", "ann@example.com", traits={"plan": "pro"}),
        message(2, "identify", "ann@example.com", traits={"plan": "pro"}),
        message(3, "page", "ann@example.com", name="Docs", category=""),
        message(4, "screen", "ann@example.com", name="Home", category="", properties={}),
        message(5, "group", "ann@example.com", groupId="acme", traits={"name": "Acme"}),
        message(6, "alias", "ann@new.example", previousId="ann@example.com"),
        message(7, "track", "ann@new.example", event="Paid", properties={"revenue": 39.95}),
    ]


def as_swift(server: Running, messages: list[dict[str, Any]]) -> int:
    """
    analytics-swift 1.9: asks for its settings, and sends plain JSON where they say; sentAt behind the batch.
    """
    settings = server.get(f"/v1/projects/{WRITE_KEY}/settings", Host=urlsplit(server.url).netloc).json
    host = settings["integrations"]["Segment.io"]["apiHost"]
    body = '{ "batch": [' + ",\n".join(json.dumps(message) for message in messages)
    body += f'],"sentAt":"{TIME}","writeKey":"{WRITE_KEY}"}}'
    connection = http.client.HTTPConnection(host.partition("/")[0], timeout=10)
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "analytics-ios/1.9.4"}
    headers |= {"Accept-Encoding": "gzip"}
    connection.request("POST", f"/{host.partition('/')[2]}/b", body.encode(), headers)
    status = connection.getresponse().status
    connection.close()
    return status


def as_kotlin(server: Running, messages: list[dict[str, Any]]) -> int:
    """
    analytics-kotlin 1.24: text/plain, gzip, and chunked, because it streams.
    """
    body = json.dumps({"batch": messages, "sentAt": TIME, "writeKey": WRITE_KEY}, separators=(",", ":")).encode()
    packed = gzip.compress(body)
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    headers = {
        "Content-Type": "text/plain",
        "Content-Encoding": "gzip",
        "Transfer-Encoding": "chunked",
        "User-Agent": "analytics-kotlin/1.24.1",
    }
    pieces = iter([packed[:100], packed[100:]])
    connection.request("POST", "/v1/b", pieces, headers, encode_chunked=True)
    status = connection.getresponse().status
    connection.close()
    return status


def as_ios(server: Running, messages: list[dict[str, Any]]) -> int:
    """
    analytics-ios 4.1: gzip to /batch; ids and traits repeated in the traits and in the context.
    """
    for message in messages:
        own = {name: message[name] for name in ("anonymousId", "userId") if message[name]}
        message["context"] = {**message["context"], "traits": {**own, "plan": "pro"}}
        if message["type"] == "identify":
            message["traits"] = {**message["traits"], **own}
    body = gzip.compress(json.dumps({"batch": messages, "sentAt": TIME, "writeKey": WRITE_KEY}).encode())
    headers = {"Content_Type": "application/json", "Content_Encoding": "gzip", "Accept": "application/json"}
    return server.send("POST", "/v1/batch", body, **headers).status


def as_older_android(server: Running, messages: list[dict[str, Any]]) -> int:
    """
    analytics-android 4: gzip to /import.
    """
    body = gzip.compress(json.dumps({"batch": messages, "sentAt": TIME, "writeKey": WRITE_KEY}).encode())
    headers = {"Content_Type": "application/json", "Content_Encoding": "gzip"}
    return server.send("POST", "/v1/import", body, **headers).status


@pytest.mark.parametrize(
    ("send", "library"),
    [
        (as_swift, {"name": "analytics-swift", "version": "1.9.4"}),
        (as_kotlin, {"name": "analytics-kotlin", "version": "1.24.1"}),
        (as_ios, {"name": "analytics-ios", "version": "4.1.8"}),
        (as_older_android, {"name": "analytics-android", "version": "4.11.3"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_phones_send(
    send: Callable[..., int], library: Mapping[str, str], server: Running, kissmetrics: RunningKissmetrics
) -> None:
    """
    Batches as the mobile SDKs write them, sent twice, as after a lost answer: one person, each event once.
    """
    anonymous_id = f"7C9E6679-{library['name']}"
    statuses = [send(server, as_phones_do(library, anonymous_id)) for _ in range(2)]
    server.bridge.flush()

    assert statuses == [200, 200]
    assert_ann_is_one_person(kissmetrics, anonymous_id)
    assert {request.parameters.get("_ip") for request in kissmetrics.requests} == {"127.0.0.1"}
    assert server.bridge.refused.latest() == []


def test_browsers(server: Running, kissmetrics: RunningKissmetrics) -> None:
    """
    Analytics.js: one call a request, to the type's first letter, with the key and sentAt among its members.
    """
    library = {"name": "analytics.js", "version": "npm:next-1.81.0"}
    for message in as_phones_do(library, "browser-anonymous"):
        body = {**message, "writeKey": WRITE_KEY, "sentAt": TIME}
        answer = server.post(f"/v1/{message.pop('type')[0]}", body, Authorization="", Content_Type="text/plain")

        assert answer.status == 200
    server.bridge.flush()

    assert_ann_is_one_person(kissmetrics, "browser-anonymous")
