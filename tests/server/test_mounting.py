"""
The server mounted in another app: each framework does it in a way of its own, and all of them work.
"""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager

import pytest
from django.conf import settings as django_settings
from django.core.asgi import get_asgi_application
from fastapi import FastAPI
from litestar import Litestar, asgi
from running_server import WRITE_KEY, Running, running
from starlette.applications import Starlette
from starlette.routing import Mount

from sdkbridge.pytest_plugin import RunningKissmetrics
from sdkbridge.server import Project, ServerApp, ServerSettings, create_app

BATCH = [
    {"type": "track", "anonymousId": "a-1", "event": "Opened"},
    {"type": "identify", "userId": "ann@example.com", "anonymousId": "a-1"},
]


def in_starlette(app: ServerApp) -> object:
    return Starlette(routes=[Mount("/segment", app)], lifespan=app.lifespan)


def in_starlette_without_lifespan(app: ServerApp) -> object:
    return Starlette(routes=[Mount("/segment", app)])


def in_fastapi(app: ServerApp) -> object:
    host = FastAPI(lifespan=app.lifespan)
    host.mount("/segment", app)
    return host


def in_fastapi_without_lifespan(app: ServerApp) -> object:
    host = FastAPI()
    host.mount("/segment", app)
    return host


def in_litestar(app: ServerApp) -> object:
    return Litestar([asgi("/segment", is_mount=True, copy_scope=True)(app)], lifespan=[app.lifespan])


def in_litestar_without_lifespan(app: ServerApp) -> object:
    return Litestar([asgi("/segment", is_mount=True, copy_scope=True)(app)])


def in_django(app: ServerApp) -> object:
    if not django_settings.configured:
        django_settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="test")
    django = get_asgi_application()

    async def application(scope, receive, send):
        if scope["type"] == "http" and scope["path"].startswith("/segment/"):
            await app({**scope, "root_path": "/segment"}, receive, send)
        elif scope["type"] == "http":
            await django(scope, receive, send)

    return application


urlpatterns: list[object] = []

HOSTS = [
    in_starlette,
    in_starlette_without_lifespan,
    in_fastapi,
    in_fastapi_without_lifespan,
    in_litestar,
    in_litestar_without_lifespan,
    in_django,
]


@pytest.mark.parametrize("mount", HOSTS, ids=lambda mount: mount.__name__)
def test_it_works_mounted_in(
    mount: Callable[[ServerApp], object], shop: Project, kissmetrics: RunningKissmetrics
) -> None:
    """
    Under a path, with its lifespan handed to the host or not, with a slash at the end or not.
    """
    app = create_app(ServerSettings(projects=[shop]))
    with running(mount(app)) as host:
        answers = [host.post(f"/segment/v1/{path}", {"batch": BATCH}) for path in ("batch", "batch/", "b")]
        single = host.post("/segment/v1/track", {"userId": "ann@example.com", "event": "Paid"})
        ready = host.get("/segment/readyz")
        settings = host.get(f"/segment/v1/projects/{WRITE_KEY}/settings")
        elsewhere = host.get("/v1/batch")
        app.server.projects["shop"].bridge.flush()
    app.close()

    assert [answer.status for answer in (*answers, single, ready, settings)] == [200] * 6
    assert elsewhere.status == 404
    assert sum(request.path == "/a" for request in kissmetrics.requests) == 1
    assert kissmetrics.person("a-1").event_counts["Paid"] == 1


@pytest.mark.parametrize("mount", [in_starlette, in_fastapi, in_django], ids=lambda mount: mount.__name__)
def test_phones_are_told_the_path_that_it_is_mounted_under(
    mount: Callable[[ServerApp], object], shop: Project
) -> None:
    """
    The settings route names it, where the host says what it is; elsewhere public_url does.
    """
    app = create_app(ServerSettings(projects=[shop]))
    with running(mount(app)) as host:
        settings = host.get(f"/segment/v1/projects/{WRITE_KEY}/settings", Host="shop.example")
    app.close()

    assert settings.json["integrations"]["Segment.io"]["apiHost"] == "shop.example/segment/v1"


def test_after_its_end_it_takes_nothing_and_says_so(shop: Project) -> None:
    """
    503, so that whoever sent keeps it; and closing it twice is closing it once.
    """
    app = create_app(ServerSettings(projects=[shop]))

    async def open_and_close() -> None:
        async with app.lifespan():
            pass

    asyncio.run(open_and_close())
    app.close()
    with running(Starlette(routes=[Mount("/s", app)])) as host:
        answer, ready = host.post("/s/v1/batch", {"batch": BATCH}), host.get("/s/readyz")

    assert (answer.status, answer.json["code"], ready.status) == (503, "stopping", 503)


def test_a_lifespan_of_the_hosts_own_can_hold_it(shop: Project) -> None:
    """
    As hosts do that have more to open.
    """
    app = create_app(ServerSettings(projects=[shop]))

    @asynccontextmanager
    async def lifespan(host):
        async with app.lifespan():
            yield

    with running(Starlette(routes=[Mount("/s", app)], lifespan=lifespan)) as host:
        answer: Running = host.post("/s/v1/batch", {"batch": BATCH})

    assert answer.status == 200
