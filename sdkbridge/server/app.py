"""
The ASGI app: to run by itself, or to mount in another.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.server.answers import problem
from sdkbridge.server.ingest import Ingest
from sdkbridge.server.metrics import Metrics
from sdkbridge.server.operations import Operations
from sdkbridge.server.pages import Pages
from sdkbridge.server.pages.access import ROOT
from sdkbridge.server.serving import Server
from sdkbridge.server.settings import ServerSettings


class ServerApp:
    """
    The server as an ASGI app, made by `create_app`.

    A host that mounts it does not run its lifespan: databases are then opened by the first request. Hand
    `lifespan` to the host, or call `close`, so that what is on its way is committed before the host ends.

    Attributes:
        server: its projects, each with its bridge.
    """

    def __init__(self, server: Server, *, kissmetrics: LocalKissmetrics | None = None) -> None:
        self.server = server
        self._public = server.settings.public_url
        self._pages = Pages(server, kissmetrics=kissmetrics)
        metrics = Metrics(server)
        self._app = Starlette(
            routes=[
                *Ingest(server, metrics).routes(),
                *Operations(server, metrics).routes(),
                *self._pages.routes(),
            ],
            exception_handlers={HTTPException: _http_problem},
            lifespan=self.lifespan,
        )
        self._app.router.redirect_slashes = False

    def __repr__(self) -> str:
        return f"ServerApp({', '.join(self.server.projects)})"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Answer one connection, as ASGI has it.
        """
        root = scope.get("root_path", "") if self._public is None else urlsplit(self._public).path
        scope = {**_without_slash(scope), ROOT: root}
        await self._app(scope, receive, send)

    @asynccontextmanager
    async def lifespan(self, _: object = None) -> AsyncIterator[None]:
        """
        Open the databases, and close them at the end: the lifespan of this app, or of one that mounts it.
        """
        self.server.open()
        self._pages.prepare()
        try:
            yield
        finally:
            self.close()

    def close(self) -> None:
        """
        Commit what was taken, and let go of the databases; what is not delivered waits there.
        """
        self._pages.close()
        self.server.close()


def create_app(settings: ServerSettings, *, kissmetrics: LocalKissmetrics | None = None) -> ServerApp:
    """
    Make the server that Segment's SDKs talk to, and its pages.

    Args:
        settings: its projects, limits and secrets.
        kissmetrics: a local Kissmetrics that the projects deliver to, for the pages to show.
    """
    return ServerApp(Server(settings), kissmetrics=kissmetrics)


def _without_slash(scope: Scope) -> Scope:
    # A slash at the end means nothing here, and Litestar adds one to the path of what it mounts.
    path = scope.get("path", "")
    if scope["type"] != "http":
        return scope
    if path.rstrip("/") == scope.get("root_path", "").rstrip("/"):
        return {**scope, "path": f"{path.rstrip('/')}/"}
    return {**scope, "path": path.rstrip("/")} if path.endswith("/") else scope


async def _http_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for these only
    headers: Mapping[str, Any] = error.headers or {}
    return problem(error.status_code, headers=headers)
