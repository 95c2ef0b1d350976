"""
Sending one request to Kissmetrics, over a transport of httpx.

httpx's transports are called directly rather than through its client, which logs whole URLs, with the key in them,
follows the environment's proxies and netrc files, and takes longer than the transport below it.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import httpx
from attrs import frozen

from sdkbridge.kissmetrics.requests import WireRequest
from sdkbridge.kissmetrics.transports import fastest_transport, name_of

DEFAULT_URL = "https://trk.kissmetrics.io"
TIMEOUT_S = 20.0
"""How long to wait for an answer (the iOS SDK's limit)."""

CONNECT_TIMEOUT_S = 5.0
LONGEST_ANSWER = 65_536
LONGEST_URL = 65_000
"""A little less than the longest that httpx takes."""

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Undelivered(Exception):
    """
    The network or the other side failed before there was an answer.
    """


class Unsendable(Exception):
    """
    The request itself cannot be put on the wire, now or ever.
    """


@frozen
class Answer:
    """
    What came back.

    Attributes:
        status: the HTTP status.
        retry_after_s: how long the other side asks to be left alone, in seconds.
    """

    status: int
    retry_after_s: float | None = None


TAKEN = Answer(200)


class Connection(Protocol):
    """
    Whatever can carry one request at a time to Kissmetrics.
    """

    async def send(self, request: WireRequest) -> Answer:
        """
        Send one request and return the answer.

        Raises:
            Undelivered: there was no answer.
            Unsendable: there can be none.
        """

    async def close(self) -> None:
        """
        Give back what is open.
        """


Connect = Callable[[], Connection]
"""What makes a connection; called once for each request that is to be under way at the same time."""


class KissmetricsClient:
    """
    Makes connections over HTTP.

    Args:
        url: where Kissmetrics is, such as ``https://trk.kissmetrics.io``.
        timeout_s: how long a request may take in all, in seconds; of an answer whose status came no more is read
            after that time.
        transport: what makes an httpx transport (``httpx.AsyncBaseTransport``) for a connection, to use in place
            of the default one; called once for each connection. By default aiohttp's where the extra ``fast`` is
            installed, else httpx's own; neither heeds the environment's proxies or netrc files.

    Raises:
        ValueError: the URL is none.
        TypeError: the transport makes something else.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        timeout_s: float = TIMEOUT_S,
        transport: Callable[[], object] | None = None,
    ) -> None:
        try:
            self._url = parsed_url(url)
        except ValueError as problem:
            raise ValueError(f"url {problem}") from None
        if transport is not None and not callable(transport):
            raise TypeError("transport must be a callable that makes an httpx transport, such as its class")
        self._make = transport or (lambda: fastest_transport(self._url.scheme))
        self._first: list[httpx.AsyncBaseTransport] = []
        self._timeout_s = timeout_s
        if transport is not None:
            self.make_ready()  # a wrong one is found now

    def __repr__(self) -> str:
        return f"KissmetricsClient({str(self._url)!r})"

    def make_ready(self) -> None:
        """
        Import what connections need, so that none does where it could be interrupted by another.
        """
        if not self._first:
            self._first.append(_asynchronous(self._make()))

    def connect(self) -> Connection:
        """
        Return a new connection, which opens when it is first used.
        """
        transport = self._first.pop() if self._first else _asynchronous(self._make())
        return _HTTPConnection(self._url, transport, self._timeout_s)


def _asynchronous(transport: object) -> httpx.AsyncBaseTransport:
    if not isinstance(transport, httpx.AsyncBaseTransport):
        raise TypeError("transport must make asynchronous httpx transports, as httpx.AsyncHTTPTransport does")
    return transport


class _HTTPConnection:
    def __init__(self, url: httpx.URL, transport: httpx.AsyncBaseTransport, timeout_s: float) -> None:
        self._url = str(url)
        self._parsed = url
        self._transport = transport
        self._timeout_s = timeout_s
        # Reading and writing have no limits of their own, each a timer to set: the whole has one.
        timeouts = httpx.Timeout(None, connect=min(timeout_s, CONNECT_TIMEOUT_S)).as_dict()
        self._extensions = {"timeout": timeouts}
        # One for all, if the transport is our own; whoever hands in another may look at them later.
        self._get = self._new_get() if getattr(transport, "reuses_requests", False) else None

    def _new_get(self) -> httpx.Request:
        return httpx.Request("GET", self._parsed, extensions=self._extensions)

    async def send(self, request: WireRequest) -> Answer:
        """
        Send one request and return the answer; redirects are not followed.
        """
        built = self._built(request)
        answer: Answer | None = None
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._transport.handle_async_request(built)
                answer = _answer(response)
                await _read(response)
        except TimeoutError:
            if answer is None:  # otherwise the status says it all
                raise Undelivered("TimeoutError") from None
        except Exception as error:  # noqa: BLE001 - whatever a transport raises
            # Its text can hold the URL, and so the key.
            raise Undelivered(name_of(error)) from None
        return answer

    def _built(self, request: WireRequest) -> httpx.Request:
        url = f"{self._url}{request.path}"
        if request.method == "POST":
            return httpx.Request("POST", url, content=request.query, headers=_FORM, extensions=self._extensions)
        whole = f"{url}?{request.query}"
        if len(whole) > LONGEST_URL:
            raise Unsendable("too long for a URL")
        built = self._get or self._new_get()
        built.url = _EncodedURL(self._parsed, whole)
        return built

    async def close(self) -> None:
        """
        Close the transport, whatever it thinks of that.
        """
        try:
            await self._transport.aclose()
        except (httpx.HTTPError, OSError):
            return


class _EncodedURL(httpx.URL):
    """
    A URL that is encoded already, and is taken apart only if somebody asks for its parts.

    httpx looks at each character of a URL, which takes longer than sending it.
    """

    def __init__(self, base: httpx.URL, whole: str) -> None:
        self._base = base
        self._whole = whole

    def __str__(self) -> str:
        return self._whole

    @property
    def _uri_reference(self) -> Any:  # type: ignore[override]  # noqa: ANN401 - what all parts are taken from
        return httpx.URL(self._whole)._uri_reference  # noqa: SLF001 - httpx has no other

    @property
    def raw_scheme(self) -> bytes:
        """
        The scheme.
        """
        return self._base.raw_scheme

    @property
    def raw_host(self) -> bytes:
        """
        The host.
        """
        return self._base.raw_host

    @property
    def port(self) -> int | None:
        """
        The port, if it is not the usual one.
        """
        return self._base.port

    @property
    def raw_path(self) -> bytes:
        """
        The path and the query.
        """
        return self._whole[self._whole.index("/", len("https://")) :].encode("ascii")


def _answer(response: httpx.Response) -> Answer:
    if response.status_code == 200:
        return TAKEN  # nearly always
    return Answer(response.status_code, _retry_after_s(response.headers.get("Retry-After")))


async def _read(response: httpx.Response) -> None:
    """
    Read an answer, so that its connection can be used again, but no more of it than an answer should have.
    """
    if isinstance(response.stream, httpx.ByteStream):
        return  # it is read
    try:
        read = 0
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - it comes from such a transport
        async for chunk in response.stream:
            read += len(chunk)
            if read > LONGEST_ANSWER:
                return
    finally:
        await response.aclose()


def parsed_url(url: str) -> httpx.URL:
    """
    Return where Kissmetrics is, without slashes at the end.

    Raises:
        ValueError: it cannot be there; the text says what a URL must be, and nothing of this one.
    """
    problem = "must begin with http:// or https:// and name a host, without a user, a password or a query"
    try:
        parsed = httpx.URL(url.rstrip("/"))
    except httpx.InvalidURL:
        raise ValueError(problem) from None
    # An @ in a path, too, may be the end of a password with a slash in it.
    if parsed.scheme not in {"http", "https"} or not parsed.host or set("@?#") & set(url):
        raise ValueError(problem)
    if parsed.path.endswith(("/e", "/s", "/a")):
        raise ValueError("must be where /e, /s and /a begin, without them")
    return parsed


def _retry_after_s(header: str | None) -> float | None:
    """
    Return the seconds that a Retry-After header asks for, in either of its forms (RFC 9110, 10.2.3).
    """
    if header is None:
        return None
    if header.isascii() and header.strip().isdigit():
        return float(header)
    try:
        until = parsedate_to_datetime(header)
    except (TypeError, ValueError):
        return None
    # The oldest form names no zone (5.6.7 there); each date of HTTP is in UTC.
    zoned = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (zoned - datetime.now(UTC)).total_seconds())
