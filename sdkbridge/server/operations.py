"""
The routes for whoever runs the server: is it alive, is it ready, what has it counted, what does it take.
"""

import asyncio
import time
from collections.abc import Callable
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from identity.errors import StoreError
from sdkbridge.errors import BridgeClosed
from sdkbridge.server.answers import JSONAnswer, problem
from sdkbridge.server.keys import is_token
from sdkbridge.server.metrics import CONTENT_TYPE, Metrics
from sdkbridge.server.serving import ServedProject, Server

READY_FOR_S = 1.0
"""How long an answer about readiness stands: asking writes to every database."""


class Operations:
    """
    Those routes of one server.

    Args:
        server: what is served.
        metrics: what was counted.
        now: a clock that never goes back, in seconds.
    """

    def __init__(self, server: Server, metrics: Metrics, *, now: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._metrics = metrics
        self._now = now
        self._asking = asyncio.Lock()
        self._asked = -READY_FOR_S
        self._problems: dict[str, str] = {}

    def routes(self) -> list[Route]:
        """
        Return the routes.
        """
        return [
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
            Route("/metrics", self._show_metrics),
            Route("/openapi.json", _openapi),
        ]

    async def _healthz(self, _: Request) -> Response:
        return JSONAnswer({"status": "alive"})

    async def _readyz(self, _: Request) -> Response:
        async with self._asking:
            if self._now() - self._asked >= READY_FOR_S:
                self._problems = await asyncio.to_thread(self._ask)
                self._asked = self._now()
        if self._problems:
            detail = "calls cannot be taken for every project"
            return problem(503, detail, headers={"Retry-After": "5"}, more={"projects": self._problems})
        return JSONAnswer({"status": "ready"})

    def _ask(self) -> dict[str, str]:
        answers = {name: _what_is_wrong(served) for name, served in self._server.projects.items()}
        return {name: answer for name, answer in answers.items() if answer is not None}

    async def _show_metrics(self, request: Request) -> Response:
        token = self._server.settings.token
        if token is not None and not is_token(request.headers.get("authorization"), token):
            return problem(
                401,
                "the server's token is required",
                headers={"WWW-Authenticate": 'Bearer realm="sdkbridge"'},
            )
        return Response(await asyncio.to_thread(self._metrics.text), media_type=CONTENT_TYPE)


def _what_is_wrong(served: ServedProject) -> str | None:
    """
    Say why a project can take no calls, or nothing if it can.
    """
    try:
        served.bridge.check()
        full = served.has_too_much_waiting
    except (StoreError, BridgeClosed):
        return "its database cannot be written"
    return "too much waits for Kissmetrics" if full else None


async def _openapi(_: Request) -> Response:
    return Response(openapi_document(), media_type="application/json")


def openapi_document() -> bytes:
    """
    Return the description of the server's routes, which is written by hand.
    """
    return files("sdkbridge.server").joinpath("openapi.json").read_bytes()
