"""
Sending one request to Kissmetrics: the only module that knows an HTTP library.

The transport is called directly rather than through a client, because httpx's client logs whole URLs, with the
key in them, and follows the environment's proxies and netrc files.
"""

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

import httpx
from attrs import frozen

from sdkbridge.kissmetrics.requests import WireRequest

DEFAULT_URL = "https://trk.kissmetrics.io"
TIMEOUT_S = 20.0
"""How long to wait for an answer (the iOS SDK's limit)."""

LONGEST_ANSWER = 65_536


class Undelivered(Exception):
    """
    The network or the other side failed before there was an answer.
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


class Transport(Protocol):
    """
    Whatever can carry a request to Kissmetrics.
    """

    def send(self, request: WireRequest) -> Answer:
        """
        Send one request and return the answer.

        Raises:
            Undelivered: there was no answer.
        """

    def close(self) -> None:
        """
        Give back connections.
        """


class KissmetricsClient:
    """
    A transport over HTTP.

    Args:
        url: where Kissmetrics is, such as ``https://trk.kissmetrics.io``.
        timeout_s: how long to wait for a connection, and for each next piece of an answer, in seconds; of an
            answer's body no more is read after that time in all.
        transport: an httpx transport to use in place of the default one.
    """

    def __init__(
        self, url: str = DEFAULT_URL, *, timeout_s: float = TIMEOUT_S, transport: object | None = None
    ) -> None:
        self._url = _url(url)
        if transport is not None and not isinstance(transport, httpx.BaseTransport):
            raise TypeError("transport must be an httpx transport")
        self._transport = transport or httpx.HTTPTransport()
        self._timeout_s = timeout_s
        self._timeouts = httpx.Timeout(timeout_s).as_dict()

    def __repr__(self) -> str:
        return f"KissmetricsClient({str(self._url)!r})"

    def send(self, request: WireRequest) -> Answer:
        """
        Send one request and return the answer; redirects are not followed.

        Raises:
            Undelivered: there was no answer.
        """
        deadline = time.monotonic() + self._timeout_s
        try:
            response = self._transport.handle_request(self._built(request))
            try:
                read = 0
                for chunk in response.iter_raw():
                    read += len(chunk)
                    if read > LONGEST_ANSWER or time.monotonic() > deadline:
                        break  # the status says it all; the rest of the body need not be waited for
            finally:
                response.close()
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            # The error's own text can hold the URL, and so the key.
            raise Undelivered(type(error).__name__) from None
        return Answer(response.status_code, _retry_after_s(response.headers.get("Retry-After")))

    def _built(self, request: WireRequest) -> httpx.Request:
        url = f"{self._url}{request.path}"
        if request.method == "GET":
            return httpx.Request("GET", f"{url}?{request.query}", extensions={"timeout": self._timeouts})
        return httpx.Request(
            "POST",
            url,
            content=request.query,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            extensions={"timeout": self._timeouts},
        )

    def close(self) -> None:
        """
        Close all connections.
        """
        self._transport.close()


def _url(url: str) -> httpx.URL:
    problem = "url must begin with http:// or https:// and name a host, without a user or a password"
    try:
        parsed = httpx.URL(url.rstrip("/"))
    except httpx.InvalidURL:
        raise ValueError(problem) from None
    if parsed.scheme not in {"http", "https"} or not parsed.host or parsed.userinfo:
        raise ValueError(problem)
    return parsed


def _retry_after_s(header: str | None) -> float | None:
    """
    Return the seconds that a Retry-After header asks for, in either of its forms (RFC 9110, 10.2.3).
    """
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
