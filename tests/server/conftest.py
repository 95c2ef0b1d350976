"""
Servers on real ports of this machine.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from running_server import WRITE_KEY, Running, running

from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.pytest_plugin import RunningKissmetrics
from sdkbridge.server import Project, ServerApp, ServerSettings, create_app


@pytest.fixture
def shop(tmp_path: Path, kissmetrics: RunningKissmetrics) -> Project:
    """
    A project that delivers to the local Kissmetrics.
    """
    return Project(
        name="shop",
        write_keys=[WRITE_KEY],
        api_key="shop-api-key",
        database=tmp_path / "shop.db",
        url=kissmetrics.url,
    )


class Host:
    """
    One web server for many tests: starting one takes longer than most of them. Each test brings its own app.
    """

    app: ServerApp

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def host() -> Iterator[Running]:
    """
    A web server on a free port, which answers with the app of the test that is running.

    It ends with its module: a later test that freezes the time would keep it from noticing that it should end.
    """
    with running(Host()) as host:
        yield host


@pytest.fixture
def serve(shop: Project, host: Running) -> Iterator[Callable[..., Running]]:
    """
    Serve one app, with one project unless others are named; its databases are opened by the first request.
    """
    with ExitStack() as stack:

        def start(*projects: Project, kissmetrics: LocalKissmetrics | None = None, **settings: Any) -> Running:
            app = create_app(ServerSettings(projects=projects or [shop], **settings), kissmetrics=kissmetrics)
            stack.callback(app.close)
            host.app.app = app
            return Running(host.url, app)

        yield start


@pytest.fixture
def server(serve: Callable[..., Running]) -> Running:
    """
    A server with one project.
    """
    return serve()


@pytest.fixture
def quiet(serve: Callable[..., Running], shop: Project) -> Running:
    """
    A server with one project that delivers nothing, so that everything stays to be looked at.
    """
    return serve(evolve(shop, deliver=False))
