"""
The routes that Segment's SDKs send to.

Sources: Segment's HTTP tracking API, and the requests of its SDKs. Whatever can be stored is stored and answered
with 200; a call in a batch that cannot be is kept as refused, and the rest of its batch taken. 4xx is for what
will never do, since most SDKs then delete what they hold; 429 and 503 for what may do later.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sdkbridge.errors import InvalidCall
from sdkbridge.faults import place_of
from sdkbridge.server import answers
from sdkbridge.server.answers import JSONAnswer, Refusal
from sdkbridge.server.bodies import read_body
from sdkbridge.server.decoding import decode
from sdkbridge.server.messages import TYPES, Messages, Sender, one_message, several_messages
from sdkbridge.server.metrics import Metrics
from sdkbridge.server.serving import Server
from sdkbridge.server.settings import is_host

logger = logging.getLogger("sdkbridge.server")

BATCHES = ("/v1/batch", "/v1/b", "/v1/import")
SINGLES = {f"/v1/{name}": kind for kind in TYPES for name in (kind, kind[0])}
TELEMETRY = "/v1/m"
SETTINGS = "/v1/projects/{write_key}/settings"

FROM_ANYWHERE = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Retry-After, X-RateLimit-Reset",
}
"""Browsers may send from every page: what a write key may do, it may do from anywhere."""

PREFLIGHT = {
    **FROM_ANYWHERE,
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "authorization, content-type, content-encoding, x-retry-count",
    "Access-Control-Max-Age": "86400",
}

Answering = Callable[[Request], Awaitable[Response]]


class Ingest:
    """
    Segment's routes of one server.
    """

    def __init__(self, server: Server, metrics: Metrics) -> None:
        self._server = server
        self._limits = server.settings.limits
        self._metrics = metrics

    def routes(self) -> list[Route]:
        """
        Return the routes.
        """
        return [
            *(self._post(path, self._batch) for path in BATCHES),
            *(self._post(path, partial(self._single, kind)) for path, kind in SINGLES.items()),
            self._post(TELEMETRY, self._discard),
            self._route(SETTINGS, "GET", self._settings),
        ]

    def _post(self, path: str, answer: Answering) -> Route:
        return self._route(path, "POST", answer)

    def _route(self, path: str, method: str, answer: Answering) -> Route:
        async def endpoint(request: Request) -> Response:
            if request.method == "OPTIONS":
                return Response(status_code=204, headers=PREFLIGHT)
            started = time.perf_counter()
            response = await self._answered(request, path, answer)
            response.headers.update(FROM_ANYWHERE)
            self._metrics.answered(path, response.status_code, time.perf_counter() - started)
            return response

        return Route(path, endpoint, methods=[method, "OPTIONS"])

    async def _answered(self, request: Request, path: str, answer: Answering) -> Response:
        try:
            return await answer(request)
        except Refusal as refusal:
            logger.info("refused %s", path, extra={"route": path, "status": refusal.status, "code": refusal.code})
            return answers.refused(refusal)
        except Exception as error:  # noqa: BLE001 - its words may hold a key or a property: only its place is told
            _tell_of(error, path)
            fault = Refusal(500, "fault", "the server made a mistake", headers={"Retry-After": "60"})
            return answers.refused(fault)

    async def _batch(self, request: Request) -> Response:
        body = await self._body(request)
        await self._take(request, body, several_messages)
        return answers.taken()

    async def _single(self, kind: str, request: Request) -> Response:
        body = await self._body(request)
        problem = await self._take(request, body, partial(one_message, kind=kind))
        if problem is not None and self._server.settings.refused_status == 400:
            raise Refusal(400, problem.reason, str(problem))
        return answers.taken()

    async def _body(self, request: Request) -> dict[str, object]:
        body = decode(await read_body(request, self._limits))
        if not isinstance(body, dict):
            raise Refusal(400, "invalid_body", "the body must be a JSON object")
        return body

    async def _take(
        self, request: Request, body: dict[str, object], messages_of: Callable[..., Messages]
    ) -> InvalidCall | None:
        """
        Take a request's calls, and return what was wrong with one of them, if anything was.
        """
        entrance = self._server.keys.authorized(request.headers.get("authorization"), body.pop("writeKey", None))
        served = entrance.enter()
        address = request.client.host if request.client else None
        messages = messages_of(
            body, limits=self._limits, sender=Sender(address=address, infer_ip=served.project.infer_ip)
        )
        outcomes = await served.accept_batch(messages.good, refused=messages.refused)
        self._metrics.taken(served.project.name, outcomes, messages.refused)
        problems = [one.error for one in messages.refused]
        problems += [outcome for outcome in outcomes if isinstance(outcome, InvalidCall)]
        if problems:
            told = {"project": served.project.name, "refused": len(problems), "code": problems[0].reason}
            logger.info("refused calls", extra=told)
        return problems[0] if problems else None

    async def _discard(self, request: Request) -> Response:
        """
        Take what browsers and phones tell of themselves, and forget it.
        """
        await read_body(request, self._limits)
        return answers.taken()

    async def _settings(self, request: Request) -> Response:
        """
        Tell an SDK what to load and where to send, which its own settings then yield to.
        """
        key = request.path_params["write_key"]
        if self._server.keys.owner(key) is None:
            raise Refusal(404, "invalid_write_key", "the write key is not one of this server's")
        scheme, host = self._address(request)
        segment = {"apiKey": key, "apiHost": f"{host}/v1", "protocol": scheme}
        body = {"integrations": {"Segment.io": segment}, "plan": {"track": {}}, "edgeFunction": {}}
        return JSONAnswer(body, headers={"Cache-Control": "no-store"})

    def _address(self, request: Request) -> tuple[str, str]:
        """
        Return the scheme by which clients reach the server, and its host with the path that it is mounted under.
        """
        if self._server.settings.public_url is not None:
            scheme, _, host = self._server.settings.public_url.partition("://")
            return scheme, host.rstrip("/")
        host = request.headers.get("host", "")
        if not is_host(host):
            raise Refusal(400, "invalid_host", "the Host header is no host's name")
        return request.url.scheme, f"{host}{request.scope.get('root_path', '')}".rstrip("/")


def _tell_of(error: Exception, path: str) -> None:
    logger.error("fault", extra={"route": path, "fault": place_of(error)})
