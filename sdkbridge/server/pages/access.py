"""
Who may see the pages, and whose forms are taken.

With a token, whoever has it: typed once into a form that sets a cookie, or sent in a header. Without one, only
this machine. The cookie holds no token but a signed time, so that all worker processes know it.
"""

import secrets
import time
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest, digest
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from sdkbridge.server.keys import is_token
from sdkbridge.server.rates import Rate
from sdkbridge.server.settings import ServerSettings

COOKIE = "sdkbridge_pages"
ROOT = "sdkbridge.root"
"""Where a request's scope has the path that the server is mounted under; what it mounts itself has others."""

STAYS_S = 12 * 60 * 60
"""How long the token need not be typed again, in seconds."""

TRIES_PER_S = 1.0
"""How often a token may be tried, by all who try; twice as often at first."""

_NAMES_OF_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


class Access:
    """
    The door to the pages of one server.

    Args:
        settings: with the token, if there is one.
        clock: the time in seconds since 1970 UTC.
        now: a clock that never goes back, in seconds.
    """

    def __init__(
        self,
        settings: ServerSettings,
        *,
        clock: Callable[[], float] = time.time,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._token = settings.token
        self._public = urlsplit(settings.public_url or "").netloc
        self._clock = clock
        secret = [settings.token or "", *(project.api_key for project in settings.projects)]
        self._key = sha256("\0".join(["sdkbridge pages", *secret]).encode()).digest()
        self._tries = Rate(TRIES_PER_S, now=now)

    @property
    def needs_token(self) -> bool:
        """
        Whether there is a token to be shown.
        """
        return self._token is not None

    def is_open_to(self, request: Request) -> bool:
        """
        Tell whether a request may see the pages.
        """
        if self._token is None:
            return _is_from_this_machine(request)
        return self._session(request) is not None or is_token(request.headers.get("authorization"), self._token)

    def may_try(self) -> bool:
        """
        Tell whether another token may be tried now, and count it.
        """
        return self._tries.wait_s() == 0.0

    def is_right(self, shown: str) -> bool:
        """
        Tell whether a text is the token.
        """
        return self._token is not None and compare_digest(
            *(sha256(text.encode("utf-8", "surrogatepass")).digest() for text in (shown, self._token))
        )

    def remember(self, request: Request, response: Response) -> None:
        """
        Let whoever gets this answer come again without the token.
        """
        said = f"{int(self._clock()) + STAYS_S}.{secrets.token_urlsafe(16)}"
        self._set(request, response, f"{said}.{self._signature('session', said)}", STAYS_S)

    def forget(self, request: Request, response: Response) -> None:
        """
        Take that back.
        """
        self._set(request, response, "", 0)

    def form_token(self, request: Request) -> str:
        """
        Return what each form must bring back.
        """
        return self._signature("form", self._session(request) or "")

    def is_own_form(self, request: Request, shown: str) -> bool:
        """
        Tell whether a form is one of our own pages, sent by whoever it was shown to.
        """
        return self._is_same_origin(request) and compare_digest(
            shown.encode("utf-8", "surrogatepass"), self.form_token(request).encode()
        )

    def _is_same_origin(self, request: Request) -> bool:
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return False
        origin = request.headers.get("origin")
        return origin is None or urlsplit(origin).netloc in {request.headers.get("host", ""), self._public} - {""}

    def _session(self, request: Request) -> str | None:
        said, _, signature = request.cookies.get(COOKIE, "").rpartition(".")
        if not said or not compare_digest(signature.encode(), self._signature("session", said).encode()):
            return None
        ends = said.partition(".")[0]
        return said if ends.isdecimal() and int(ends) > self._clock() else None

    def _signature(self, purpose: str, said: str) -> str:
        return digest(self._key, f"{purpose} {said}".encode("utf-8", "surrogatepass"), "sha256").hex()

    @staticmethod
    def _set(request: Request, response: Response, value: str, max_age: int) -> None:
        response.set_cookie(
            COOKIE,
            value,
            max_age=max_age,
            path=root_of(request) or "/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )


def root_of(request: Request) -> str:
    """
    Return the path that the server is mounted under; nothing if it is not.
    """
    root: str = request.scope.get(ROOT, "")
    return root.rstrip("/")


def path_of(request: Request) -> str:
    """
    Return the path of a request, with that which the server is mounted under.
    """
    path, root = request.url.path, root_of(request)
    return path if path.startswith(f"{root}/") else f"{root}{path}"


def _is_from_this_machine(request: Request) -> bool:
    """
    Tell whether a request comes from this machine, by its own name: another one could be a page's of the web.
    """
    try:
        from_here = request.client is not None and ip_address(request.client.host).is_loopback
        named = urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:
        return False
    return from_here and named in _NAMES_OF_THIS_MACHINE
