"""
The transports that carry requests: httpx's own, and aiohttp's where the extra ``fast`` is installed.

Each is for one connection, because a pool that many tasks share is two orders of magnitude slower: httpx's looks
through all of its connections at the start and at the end of each request (encode/httpx#3215).
"""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    import ssl

ONE_CONNECTION = httpx.Limits(max_connections=1, max_keepalive_connections=1)


def fastest_transport(scheme: str) -> object:
    """
    Return a new transport for one connection: aiohttp's if the extra ``fast`` is installed, else httpx's own.
    """
    try:
        return aiohttp_transport(scheme)
    except ImportError:
        return httpx_transport(scheme)


def httpx_transport(scheme: str) -> object:
    """
    Return httpx's own transport for one connection.
    """
    import_module("anyio._backends._asyncio")  # what it would import when it first connects
    return httpx.AsyncHTTPTransport(verify=_certificates(scheme), trust_env=False, limits=ONE_CONNECTION)


def aiohttp_transport(scheme: str) -> object:
    """
    Return httpx-aiohttp's transport for one connection.

    Raises:
        ImportError: the extra ``fast`` is not installed.
    """
    return _exact_transport()(verify=_certificates(scheme), trust_env=False)


@cache
def _exact_transport() -> Any:  # noqa: ANN401 - a class that only exists with the extra
    import aiohttp  # noqa: PLC0415 - optional
    import yarl  # noqa: PLC0415
    from httpx_aiohttp.transport import (  # noqa: PLC0415
        AiohttpResponseStream,
        AiohttpTransport,
        map_aiohttp_exceptions,
    )
    from multidict import CIMultiDict  # noqa: PLC0415

    class ExactTransport(AiohttpTransport):
        """
        Sends a query as it was encoded, where aiohttp would write some characters in its own way.

        Its session knows beforehand what is the same for all requests. One of them may be given to it again and
        again, with another URL each time.
        """

        reuses_requests = True
        _session: aiohttp.ClientSession | None = None
        _headers: tuple[httpx.Headers, CIMultiDict[str]] | None = None

        def _headers_of(self, request: httpx.Request) -> CIMultiDict[str]:
            if self._headers is None or self._headers[0] is not request.headers:
                self._headers = (request.headers, CIMultiDict(request.headers))
            return self._headers[1]

        def _opened(self, timeouts: dict[str, float | None]) -> aiohttp.ClientSession:
            connector = aiohttp.TCPConnector(limit=1, ssl=self.ssl_context)
            return aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(sock_connect=timeouts["connect"]),
            )

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if self._session is None:
                self._session = self._opened(request.extensions["timeout"])
            with map_aiohttp_exceptions():
                answer = await self._session.request(
                    request.method,
                    yarl.URL(str(request.url), encoded=True),
                    headers=self._headers_of(request),
                    data=request.content or None,
                    allow_redirects=False,
                )
            # What came with the headers need not be waited for, and has let go of the connection already.
            whole = answer.content.is_eof() and answer.content.exception() is None
            stream = httpx.ByteStream(answer.content.read_nowait()) if whole else AiohttpResponseStream(answer)
            return httpx.Response(answer.status, headers=answer.raw_headers, stream=stream)

        async def aclose(self) -> None:
            if self._session is not None:
                await self._session.close()

    return ExactTransport


@cache
def _certificates(scheme: str) -> "ssl.SSLContext":
    """
    Return whom to trust; read once, because it takes longer than many requests.
    """
    import ssl  # noqa: PLC0415 - see above

    if scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used, and empty
    return httpx.create_ssl_context(trust_env=False)


def name_of(error: Exception) -> str:
    """
    Return what kind of error it is; httpx-aiohttp 0.2 takes all that can happen to a connection for a time-out.
    """
    cause = error.__cause__
    if isinstance(error, httpx.ConnectTimeout) and not isinstance(cause, TimeoutError):
        kind = type(cause)
        if kind.__module__.startswith("aiohttp"):
            return "ConnectError" if kind.__name__.startswith("ClientConnector") else "ReadError"
    return type(error).__name__
