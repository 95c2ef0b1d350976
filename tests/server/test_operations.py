"""
What whoever runs the server asks: is it alive, is it ready, what has it counted, what does it take.
"""

import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import schemathesis
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from running_server import WRITE_KEY, Running, wait_until
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.routing import Route

from sdkbridge.pytest_plugin import RunningKissmetrics
from sdkbridge.server import InvalidSettings, Limits, Project
from sdkbridge.server.operations import openapi_document

TRACK = {"type": "track", "event": "E", "userId": "ann"}


def metrics(running: Running) -> dict[tuple[str, ...], float]:
    """
    Each metric by its name and the values of its labels.
    """
    text = running.get("/metrics").body.decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_it_is_alive_and_ready(server: Running) -> None:
    """
    As a load balancer asks.
    """
    assert (server.get("/healthz").status, server.get("/healthz").json) == (200, {"status": "alive"})
    assert (server.get("/readyz").status, server.get("/readyz").json) == (200, {"status": "ready"})


def test_a_store_that_cannot_be_written_makes_it_unready(serve: Callable[..., Running], shop: Project) -> None:
    """
    But not dead: calls are put off with 503, not refused, and no SDK forgets them. Afterwards all is well again.
    """
    quiet = serve(evolve(shop, deliver=False))
    assert quiet.post("/v1/batch", {"batch": [TRACK]}).status == 200
    breaker = sqlite3.connect(shop.database)
    for table in ("written", "outbox"):
        breaker.execute(
            f"CREATE TRIGGER {table}_full BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    unready, put_off = quiet.get("/readyz"), quiet.post("/v1/batch", {"batch": [TRACK]})
    single = quiet.post("/v1/track", TRACK)

    assert (unready.status, unready.headers["Content-Type"]) == (503, "application/problem+json")
    assert unready.json["projects"] == {"shop": "its database cannot be written"}
    assert [(answer.status, answer.json["code"]) for answer in (put_off, single)] == [(503, "store")] * 2
    assert int(put_off.headers["Retry-After"]) > 0
    assert quiet.get("/healthz").status == 200
    for table in ("written", "outbox"):
        breaker.execute(f"DROP TRIGGER {table}_full")
    breaker.close()
    assert quiet.post("/v1/batch", {"batch": [TRACK]}).status == 200
    wait_until(lambda: quiet.get("/readyz").status == 200, what="it is ready again")


def test_an_outbox_over_its_limit_puts_calls_off(serve: Callable[..., Running], shop: Project) -> None:
    """
    503 with Retry-After instead of filling the disk; and calls are taken again once there is room.
    """
    quiet = serve(evolve(shop, deliver=False), limits=Limits(outbox_requests=5))
    batch = [TRACK | {"userId": f"user-{number}"} for number in range(6)]
    taken, put_off = quiet.post("/v1/batch", {"batch": batch}), quiet.post("/v1/batch", {"batch": [TRACK]})

    assert (taken.status, put_off.status, put_off.json["code"]) == (200, 503, "outbox_full")
    assert int(put_off.headers["Retry-After"]) > 0
    assert quiet.get("/readyz").json["projects"] == {"shop": "too much waits for Kissmetrics"}
    assert quiet.bridge.status().outbox.waiting == 6
    quiet.bridge.outbox.forget(f"user-{number}" for number in range(3))
    wait_until(lambda: quiet.post("/v1/batch", {"batch": [TRACK]}).status == 200, what="there is room again")


def test_more_than_may_wait_for_a_commit_is_put_off(serve: Callable[..., Running], shop: Project) -> None:
    """
    While another program locks the file, calls are held in memory up to the limit only; those are taken after it.
    """
    quiet = serve(evolve(shop, deliver=False), limits=Limits(waiting_calls=3))
    assert quiet.post("/v1/batch", {"batch": [TRACK]}).status == 200
    with closing(sqlite3.connect(shop.database, isolation_level=None)) as other, ThreadPoolExecutor(1) as client:
        other.execute("BEGIN IMMEDIATE")
        waiting = client.submit(quiet.post, "/v1/batch", {"batch": [TRACK, TRACK]})
        wait_until(lambda: quiet.app.server.projects["shop"]._calls_waiting == 2, what="a batch waits")
        put_off = quiet.post("/v1/batch", {"batch": [TRACK, TRACK]})
        other.execute("ROLLBACK")
        taken = waiting.result(20)

    assert (put_off.status, put_off.json["code"], put_off.headers["Retry-After"]) == (503, "busy", "1")
    assert taken.status == 200
    assert quiet.bridge.status().outbox.waiting == 3


def test_an_answered_call_survives_a_power_cut_unless_said_otherwise(
    serve: Callable[..., Running], shop: Project
) -> None:
    """
    The server's default; a setting takes the faster one.
    """
    faster = evolve(shop, name="fast", write_keys=["f"], database=":memory:", safety="process")
    projects = serve(shop, faster).app.server.projects

    assert [projects[name].bridge._core.database.safety for name in ("shop", "fast")] == ["power", "process"]
    with pytest.raises(InvalidSettings, match="safety must be power or process"):
        evolve(shop, safety="luck")


def test_everything_is_counted(
    serve: Callable[..., Running], shop: Project, kissmetrics: RunningKissmetrics
) -> None:
    """
    Calls taken, repeated and refused by reason; verdicts; what waits, how long, what arrived, what was given up.
    """
    running = serve(shop)
    batch = [
        {"type": "identify", "userId": "ann", "anonymousId": "a-1", "messageId": "m-1"},
        {"type": "identify", "userId": "bob", "anonymousId": "a-1"},
        TRACK,
        {"type": "track", "userId": "ann"},
        {"type": "track", "event": "E"},
        "no call",
    ]
    running.post("/v1/batch", {"batch": batch})
    running.post("/v1/track", TRACK | {"messageId": "m-1"})
    running.post("/v1/batch", b"{")
    running.bridge.flush()
    counted = metrics(running)

    assert counted["sdkbridge_calls_accepted_total", "shop"] == 3
    assert counted["sdkbridge_calls_repeated_total", "shop"] == 1
    assert counted["sdkbridge_calls_refused_total", "shop", "required"] == 2
    assert counted["sdkbridge_calls_refused_total", "shop", "type"] == 1
    assert counted["sdkbridge_verdicts_total", "shop", "merge"] == 1
    assert counted["sdkbridge_verdicts_total", "shop", "hold"] == 1
    assert counted["sdkbridge_links_held", "shop"] == 1
    assert counted["sdkbridge_outbox_waiting", "shop"] == 0
    assert counted["sdkbridge_outbox_oldest_seconds", "shop"] == 0
    assert counted["sdkbridge_outbox_delivered_total", "shop"] == len(kissmetrics.requests)
    assert counted["sdkbridge_outbox_retried", "shop"] == 0
    assert counted["sdkbridge_outbox_dead", "shop"] == 0
    assert counted["sdkbridge_store_up", "shop"] == 1
    assert counted["sdkbridge_http_requests_total", "/v1/batch", "200"] == 1
    assert counted["sdkbridge_http_requests_total", "/v1/batch", "400"] == 1
    assert counted["sdkbridge_http_request_seconds_count", "/v1/track"] == 1


def test_what_waits_is_counted_with_its_age(quiet: Running) -> None:
    """
    So that an alarm can be set on it.
    """
    quiet.post("/v1/batch", {"batch": [TRACK]})
    counted = metrics(quiet)

    assert counted["sdkbridge_outbox_waiting", "shop"] == 1
    assert 0 <= counted["sdkbridge_outbox_oldest_seconds", "shop"] < 60


def test_a_database_that_cannot_be_read_is_counted_as_down(
    serve: Callable[..., Running], shop: Project, tmp_path: Path
) -> None:
    """
    And hides nothing of the other projects.
    """
    (tmp_path / "folder.db").mkdir()
    counted = metrics(serve(shop, evolve(shop, name="blog", write_keys=["b"], database=tmp_path / "folder.db")))

    assert (counted["sdkbridge_store_up", "shop"], counted["sdkbridge_store_up", "blog"]) == (1, 0)
    assert counted["sdkbridge_people", "shop"] == 0


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer the-token", 200),
        ("bearer the-token", 200),
        ("Basic cHJvbWV0aGV1czp0aGUtdG9rZW4=", 200),  # prometheus:the-token
        ("Bearer the-tokem", 401),
        ("Bearer ", 401),
        ("Basic dGhlLXRva2VuOg==", 401),  # the token as the user
        ("Basic !", 401),
        ("the-token", 401),
        ("", 401),
    ],
)
def test_metrics_need_the_token_if_there_is_one(
    authorization: str, status: int, serve: Callable[..., Running]
) -> None:
    """
    As Prometheus can send it; a write key is none.
    """
    answer = serve(token="the-token").get("/metrics", Authorization=authorization)

    assert answer.status == status
    assert (answer.headers["WWW-Authenticate"] is not None) == (status == 401)


class TestOpenAPI:
    """
    The description of the routes, which is written by hand.
    """

    def test_it_is_served(self, server: Running) -> None:
        """
        At the usual place.
        """
        assert server.get("/openapi.json").json == json.loads(openapi_document())

    def test_it_names_every_route_with_its_methods_and_no_other(self, server: Running) -> None:
        """
        What it describes is there, and what is there it describes.
        """
        document = json.loads(openapi_document())
        shared = document["components"]["pathItems"]
        described = {
            (path, method.upper())
            for path, item in document["paths"].items()
            for method in (shared[item["$ref"].rpartition("/")[2]] if "$ref" in item else item)
        }
        routes = [route for route in server.app._app.routes if isinstance(route, Route)]

        assert described == {(route.path, method) for route in routes for method in route.methods - {"HEAD"}}

    def test_the_server_does_what_it_says(self, serve: Callable[..., Running], shop: Project) -> None:
        """
        Schemathesis makes requests of the description, right ones and wrong ones, and compares the answers.
        """
        quiet = serve(evolve(shop, deliver=False))
        schema = schemathesis.openapi.from_dict(json.loads(openapi_document()))
        checks = [
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
            response_headers_conformance,
        ]
        asked = set()
        for operation in (found.ok() for found in schema.get_all_operations()):

            @settings(max_examples=6, database=None, suppress_health_check=list(HealthCheck))
            @given(st.one_of(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))
            def ask(case: schemathesis.Case) -> None:
                asked.add(case.path)
                case.call_and_validate(base_url=quiet.url, checks=checks, auth=(WRITE_KEY, ""))

            ask()

        assert asked == set(json.loads(openapi_document())["paths"])
