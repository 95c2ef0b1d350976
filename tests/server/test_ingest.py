"""
Segment's routes: whatever its SDKs send is taken, in each of the forms in which they send it.
"""

import base64
import gzip
import http.client
import json
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from attrs import evolve
from running_server import BASIC, WRITE_KEY, Running

from sdkbridge.server import Limits, Project

TRACK = {"type": "track", "event": "Signed Up", "userId": "ann", "messageId": "m-1"}


def told(running: Running) -> list[tuple[str, str | None]]:
    """
    What waits for Kissmetrics: the path and the event of each request, in order.
    """
    rows = running.bridge._core.database.rows("SELECT path, query FROM outbox ORDER BY request")
    return [(path, dict(part.partition("=")[::2] for part in query.split("&")).get("_n")) for path, query in rows]


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b", "/v1/import", "/v1/batch/", "/v1/b//"])
def test_every_batch_route_takes_all_six_calls(path: str, quiet: Running) -> None:
    """
    Whoever calls the route: server libraries, mobile ones, the older Android one; with a slash at the end too.
    """
    batch = [
        {"type": "identify", "userId": "ann", "anonymousId": "a-1", "traits": {"plan": "pro"}},
        {"type": "track", "userId": "ann", "event": "Signed Up"},
        {"type": "page", "userId": "ann", "name": "Docs"},
        {"type": "screen", "userId": "ann", "name": "Home"},
        {"type": "group", "userId": "ann", "groupId": "acme", "traits": {"name": "Acme"}},
        {"type": "alias", "previousId": "ann", "userId": "ann@example.com"},
    ]
    answer = quiet.post(path, {"batch": batch, "sentAt": "2026-03-01T09:00:00Z"})

    assert (answer.status, answer.json) == (200, {"success": True})
    assert [path for path, _ in told(quiet)] == ["/a", "/s", "/e", "/e", "/e", "/s", "/a"]


@pytest.mark.parametrize(
    ("path", "body", "requests"),
    [
        ("identify", {"userId": "ann", "traits": {"plan": "pro"}}, [("/s", None)]),
        ("track", {"userId": "ann", "event": "E"}, [("/e", "E")]),
        ("page", {"userId": "ann", "name": "Docs"}, [("/e", "Viewed%20Docs%20Page")]),
        ("screen", {"userId": "ann", "name": "Home"}, [("/e", "Viewed%20Home%20Screen")]),
        ("group", {"userId": "ann", "groupId": "acme"}, [("/s", None)]),
        ("alias", {"previousId": "a-1", "userId": "ann"}, [("/a", "ann")]),
    ],
)
def test_every_single_route_takes_its_call(path: str, body: dict, requests: list, quiet: Running) -> None:
    """
    The type is in the path: in full for callers of the HTTP API, by its first letter for browsers.
    """
    answers = [quiet.post(f"/v1/{route}", body) for route in (path, path[0], f"{path}/")]

    assert [(answer.status, answer.json) for answer in answers] == [(200, {"success": True})] * 3
    # An alias that is known already is not sent again.
    times = 1 if path == "alias" else 3
    assert [path for path, _ in told(quiet)] == [path for path, _ in requests * times]
    assert told(quiet)[0] == requests[0]


@pytest.mark.parametrize(
    ("header", "in_body"),
    [
        (BASIC, None),
        ("Basic " + base64.b64encode(WRITE_KEY.encode()).decode(), None),  # without the colon
        ("basic " + base64.b64encode(f"{WRITE_KEY}:secret".encode()).decode(), None),
        (None, WRITE_KEY),
        (BASIC, WRITE_KEY),
        ("Bearer an-oauth-token", WRITE_KEY),
    ],
)
def test_the_write_key_is_found_wherever_an_sdk_puts_it(header: str | None, in_body: str | None, quiet: Running):
    """
    In a Basic authorization, in the body, in both, or in the body beside an OAuth token.
    """
    body = {"batch": [TRACK]} | ({} if in_body is None else {"writeKey": in_body})
    headers = {} if header is None else {"Authorization": header}
    answer = quiet.send("POST", "/v1/batch", json.dumps(body).encode(), **headers)

    assert (answer.status, answer.json) == (200, {"success": True})
    assert told(quiet) == [("/e", "Signed%20Up")]


@pytest.mark.parametrize(
    ("header", "in_body"),
    [
        (None, None),
        (None, ""),
        (None, "wrong"),
        (None, ["shop-write-key"]),
        (None, 5),
        (None, "shop-write-key "),
        ("Basic", None),
        ("Basic !!!", None),
        ("Basic " + base64.b64encode(b"\xff\xfe").decode(), None),
        ("Basic " + base64.b64encode("schlüssel:".encode()).decode(), None),
        ("Basic " + base64.b64encode(b"wrong:").decode(), WRITE_KEY),
        (BASIC, "wrong"),
        ("Bearer " + WRITE_KEY, None),
        ("Digest " + WRITE_KEY, None),
        ("Basic " + "A" * 9000, None),
    ],
)
def test_without_a_good_write_key_nothing_is_taken(header: str | None, in_body: object, quiet: Running) -> None:
    """
    Wrong, empty, missing, of another type, badly encoded, or good in one place and wrong in the other: 401.
    """
    body = {"batch": [TRACK]} | ({} if in_body is None else {"writeKey": in_body})
    headers = {} if header is None else {"Authorization": header}
    answer = quiet.send("POST", "/v1/batch", json.dumps(body).encode(), **headers)

    assert (answer.status, answer.json["code"], answer.json["success"]) == (401, "invalid_write_key", False)
    assert answer.json["message"]
    assert told(quiet) == []


@pytest.mark.parametrize("status", [200, 401, 503])
def test_how_an_unknown_key_is_answered_can_be_chosen(status: int, serve: Callable[..., Running]) -> None:
    """
    After a 401 some mobile SDKs delete what they hold, and others send it for ever: there is no one right answer.
    """
    answer = serve(unauthorized_status=status).post(
        "/v1/batch", {"batch": [TRACK]}, Authorization="Basic d3Jvbmc6"
    )

    assert (answer.status, answer.json["code"]) == (status, "invalid_write_key")
    assert (answer.headers["Retry-After"] is not None) == (status == 503)
    assert (answer.headers["WWW-Authenticate"] is not None) == (status == 401)


@pytest.mark.parametrize("status", [200, 400])
def test_how_a_refused_call_is_answered_can_be_chosen(status: int, serve: Callable[..., Running]) -> None:
    """
    Segment takes and drops it; here it can be looked at either way, and is never delivered.
    """
    running = serve(refused_status=status)
    answer = running.post("/v1/track", {"userId": "ann", "writeKey": WRITE_KEY, "messageId": "m"})

    assert (answer.status, answer.json["success"]) == (status, status == 200)
    assert [one.message_id for one in running.bridge.refused.latest()] == ["m"]
    assert told(running) == []


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/plain; charset=UTF-8", "", None])
def test_the_content_type_does_not_matter(content_type: str | None, quiet: Running) -> None:
    """
    Kotlin's SDK and browsers say text/plain, some say nothing; all send JSON.
    """
    headers = {} if content_type is None else {"Content-Type": content_type}

    assert quiet.post("/v1/b", {"batch": [TRACK]}, **headers).status == 200
    assert told(quiet) == [("/e", "Signed%20Up")]


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_a_body_may_be_gzip(encoding: str, quiet: Running) -> None:
    """
    As most mobile SDKs send it; also when it comes in several members.
    """
    body = json.dumps({"batch": [TRACK]}).encode()
    answers = [
        quiet.post("/v1/b", packed, Content_Encoding=encoding)
        for packed in (gzip.compress(body), gzip.compress(body[:20]) + gzip.compress(body[20:]))
    ]

    assert [answer.status for answer in answers] == [200, 200]
    assert told(quiet) == [("/e", "Signed%20Up")]


def test_a_body_may_come_in_chunks(quiet: Running) -> None:
    """
    Kotlin's SDK streams its body, and so cannot tell its length.
    """
    connection = http.client.HTTPConnection(urlsplit(quiet.url).netloc, timeout=10)
    pieces = iter([b'{"batch": [', json.dumps(TRACK).encode(), b'], "writeKey": "shop-write-key"}'])
    connection.request("POST", "/v1/b", pieces, encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    status = connection.getresponse().status
    connection.close()

    assert status == 200
    assert told(quiet) == [("/e", "Signed%20Up")]


def test_nulls_unknown_members_and_retry_counts_are_tolerated(quiet: Running) -> None:
    """
    Segment's Python library names every member, null or not; Node's counts its retries.
    """
    message = TRACK | {
        "anonymousId": None,
        "context": None,
        "integrations": None,
        "category": "",
        "odd": {"x": [1]},
    }
    answer = quiet.post("/v1/batch", {"batch": [message], "odd": 1, "context": None}, X_Retry_Count="3")

    assert answer.status == 200
    assert told(quiet) == [("/e", "Signed%20Up")]


def test_a_device_in_a_message_is_only_an_unknown_member(quiet: Running) -> None:
    """
    The bridge's own devices are not reached over HTTP: a message keeps the identities that it came with.
    """
    assert (
        quiet.post("/v1/batch", {"batch": [TRACK | {"device": "kiosk"}, {"type": "reset", "device": "k"}]}).status
        == 200
    )
    assert [refused.field for refused in quiet.bridge.refused.latest()] == ["type"]
    assert quiet.bridge.graph.person("ann") is not None
    assert told(quiet) == [("/e", "Signed%20Up")]


def test_what_a_batch_says_of_all_its_calls_is_merged_into_each(quiet: Running) -> None:
    """
    Context and integrations of the batch count for every call, and what the call says itself goes before.
    """
    batch = [
        TRACK,
        TRACK | {"messageId": "m-2", "event": "Own", "context": {"ip": "198.51.100.9"}},
        TRACK | {"messageId": "m-3", "integrations": {"Kissmetrics": False}},
    ]
    shared = {"ip": "203.0.113.7", "userAgent": "Acme/4.2"}
    quiet.post("/v1/batch", {"batch": batch, "context": shared, "integrations": {"All": True}})
    queries = [query for (query,) in quiet.bridge._core.database.rows("SELECT query FROM outbox ORDER BY request")]

    assert len(queries) == 2
    assert "_ip=203.0.113.7" in queries[0]
    assert "_ip=198.51.100.9" in queries[1]
    assert all("_ua=Acme%2F4.2" in query for query in queries)


def test_a_batch_that_switches_kissmetrics_off_sends_nothing(quiet: Running) -> None:
    """
    A batch's integrations count where a call has none of its own.
    """
    assert quiet.post("/v1/batch", {"batch": [TRACK], "integrations": {"All": False}}).status == 200
    assert told(quiet) == []


@pytest.mark.parametrize(
    ("infer_ip", "context", "sent"),
    [
        ("client", {"library": {"name": "analytics-swift"}}, True),
        ("client", {"library": {"name": "analytics-ios"}}, True),
        ("client", {"library": {"name": "@segment/analytics-react-native"}}, True),
        ("client", {"library": {"name": "analytics.js"}}, True),
        ("client", {"library": {"name": "analytics-python"}}, False),
        ("client", {"library": {"name": "@segment/analytics-node"}}, False),
        ("client", {"direct": True}, True),
        ("client", {}, False),
        ("always", {"library": {"name": "analytics-python"}}, True),
        ("never", {"library": {"name": "analytics-swift"}}, False),
    ],
)
def test_the_address_is_the_senders_where_the_sender_is_who_acts(
    infer_ip: str, context: dict, sent: bool, serve: Callable[..., Running], shop: Project
) -> None:
    """
    Phones and browsers tell no address, and Segment took that of the connection; a backend's is nobody's.
    """
    running = serve(evolve(shop, deliver=False, infer_ip=infer_ip))
    running.post("/v1/batch", {"batch": [TRACK | {"context": context}]})
    ((query,),) = running.bridge._core.database.rows("SELECT query FROM outbox")

    assert ("_ip=127.0.0.1" in query) == sent


def test_one_bad_call_costs_the_others_nothing_and_is_kept(quiet: Running) -> None:
    """
    The batch is taken, and what was wrong with the rest can be looked at, with the call itself.
    """
    batch = [
        TRACK,
        {"type": "track", "event": "E", "messageId": "no-ids"},
        {"type": "track", "userId": "ann", "messageId": "no-event"},
        {"type": "alias", "userId": "ann", "previousId": "ann", "messageId": "self"},
        "no call",
        None,
        {"type": "odd", "userId": "ann"},
        TRACK | {"messageId": "m-2", "event": "Last"},
    ]
    answer = quiet.post("/v1/batch", {"batch": batch})
    refused = quiet.bridge.refused.latest()

    assert (answer.status, answer.json) == (200, {"success": True})
    assert [event for _, event in told(quiet)] == ["Signed%20Up", "Last"]
    assert {(one.message_id, one.field, one.reason) for one in refused} >= {
        ("no-ids", "userId", "required"),
        ("no-event", "event", "required"),
        ("self", "alias", "itself"),
        (None, "message", "type"),
        (None, "type", "type"),
    }
    assert len(refused) == 6
    assert json.loads(refused[-1].message)


def test_a_single_call_that_cannot_be_taken_is_refused_with_the_reason(quiet: Running) -> None:
    """
    Nobody else's call is at stake on a route for one, so its sender is told.
    """
    answer = quiet.post("/v1/track", {"userId": "ann"})

    assert (answer.status, answer.json["code"], answer.json["message"]) == (400, "required", "event is required")
    assert told(quiet) == []
    assert [refused.reason for refused in quiet.bridge.refused.latest()] == ["required"]


def test_a_repeated_batch_counts_once(quiet: Running) -> None:
    """
    A client that never saw the answer sends again, and is told again that all is well.
    """
    answers = [quiet.post("/v1/batch", {"batch": [TRACK]}) for _ in range(3)]

    assert [answer.status for answer in answers] == [200] * 3
    assert told(quiet) == [("/e", "Signed%20Up")]


def test_telemetry_is_taken_and_forgotten(quiet: Running) -> None:
    """
    SDKs tell of themselves without a key, and only need to be answered.
    """
    answer = quiet.send("POST", "/v1/m", b'{"series": []}')

    assert (answer.status, answer.json) == (200, {"success": True})
    assert told(quiet) == []


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/t", f"/v1/projects/{WRITE_KEY}/settings"])
def test_browsers_may_send_from_every_page(path: str, quiet: Running) -> None:
    """
    Their preflight is answered, and what they send afterwards is theirs to read.
    """
    preflight = quiet.send("OPTIONS", path, Origin="https://shop.example", Access_Control_Request_Method="POST")
    allowed = preflight.headers["Access-Control-Allow-Headers"].split(", ")

    assert preflight.status == 204
    assert {"authorization", "content-type", "x-retry-count"} <= set(allowed)
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert quiet.post("/v1/t", TRACK).headers["Access-Control-Allow-Origin"] == "*"
    assert quiet.post("/v1/t", b"{").headers["Access-Control-Allow-Origin"] == "*"


class TestSettings:
    """
    What SDKs load when they start: where to send, which goes before what they were configured with.
    """

    def test_they_name_the_address_that_was_asked(self, quiet: Running) -> None:
        """
        A phone goes on sending to the server that it asked.
        """
        answer = quiet.get(f"/v1/projects/{WRITE_KEY}/settings", Host="bridge.example:8443")

        assert answer.status == 200
        assert answer.json == {
            "integrations": {
                "Segment.io": {"apiKey": WRITE_KEY, "apiHost": "bridge.example:8443/v1", "protocol": "http"}
            },
            "plan": {"track": {}},
            "edgeFunction": {},
        }
        assert answer.headers["Cache-Control"] == "no-store"

    def test_they_name_the_public_address_if_there_is_one(self, serve: Callable[..., Running]) -> None:
        """
        Behind a proxy, or under a path, whatever the request says of its host.
        """
        running = serve(public_url="https://events.example.com/segment/")
        answer = running.get(
            f"/v1/projects/{WRITE_KEY}/settings", Host="evil.example", X_Forwarded_Host="evil.example"
        )

        segment = answer.json["integrations"]["Segment.io"]
        assert (segment["apiHost"], segment["protocol"]) == ("events.example.com/segment/v1", "https")

    def test_a_host_that_is_none_is_refused(self, quiet: Running) -> None:
        """
        Nothing but a host's name can come back as an address.
        """
        for host in ("evil.example/path", 'a"b', "user@evil.example", "[::1", "a b"):
            answer = quiet.get(f"/v1/projects/{WRITE_KEY}/settings", Host=host)

            assert answer.status == 400, host

    def test_an_unknown_key_has_none(self, quiet: Running) -> None:
        """
        And the answer does not repeat what was asked.
        """
        answer = quiet.get("/v1/projects/guessed-key/settings")

        assert (answer.status, answer.json["code"]) == (404, "invalid_write_key")
        assert b"guessed-key" not in answer.body


def test_too_many_requests_with_one_key_are_put_off(serve: Callable[..., Running]) -> None:
    """
    429 with Retry-After, which makes every SDK keep what it holds; nothing of the request is stored.
    """
    running = serve(limits=Limits(requests_per_s=0.5))
    answers = [running.post("/v1/batch", {"batch": [TRACK | {"messageId": f"m-{n}"}]}) for n in range(2)]

    assert [answer.status for answer in answers] == [200, 429]
    assert answers[1].json["code"] == "rate_limited"
    assert 1 <= int(answers[1].headers["Retry-After"]) <= 2
    assert int(answers[1].headers["X-RateLimit-Reset"]) > 1_700_000_000


@pytest.mark.parametrize("path", ["/v1", "/v1/unknown", "/v2/batch", "/v1/batch/more"])
def test_what_is_not_there_is_a_problem_of_404(path: str, quiet: Running) -> None:
    """
    As RFC 9457 has it, since no SDK asks for it.
    """
    answer = quiet.post(path, {})

    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert answer.json["status"] == 404


def test_another_method_is_a_problem_of_405(quiet: Running) -> None:
    """
    With what would be allowed.
    """
    answer = quiet.get("/v1/batch")

    assert (answer.status, set(answer.headers["Allow"].split(", "))) == (405, {"POST", "OPTIONS"})
