"""
The form that takes the server's token.
"""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sdkbridge.server.pages.access import root_of
from sdkbridge.server.pages.frame import HEADERS, Frame


class Login:
    """
    Coming in by the token, and going.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._access = frame.access

    async def show(self, request: Request) -> Response:
        """
        Ask for the token.
        """
        if self._frame.access.is_open_to(request):
            return RedirectResponse(_to(request, request.query_params.get("to", "")), 303, headers=HEADERS)
        return self._ask(request, request.query_params.get("to", ""))

    async def take(self, request: Request) -> Response:
        """
        Let in whoever has it.
        """
        form = await request.form(max_files=0, max_fields=10)
        to, shown = str(form.get("to", "")), str(form.get("token", "")).strip()
        if not self._access.is_own_form(request, str(form.get("form_token", ""))):
            return self._frame.stale(request)
        if not self._access.may_try():
            return self._ask(request, to, problem="Too many tries; wait for a few seconds.", status=429)
        if not self._access.is_right(shown):
            return self._ask(request, to, problem="That is not the token.", status=403)
        response = RedirectResponse(_to(request, to), 303, headers=HEADERS)
        self._access.remember(request, response)
        return response

    async def leave(self, request: Request) -> Response:
        """
        Forget who came in.
        """
        form = await request.form(max_files=0, max_fields=10)
        if not self._access.is_own_form(request, str(form.get("form_token", ""))):
            return self._frame.stale(request)
        response = RedirectResponse(f"{root_of(request)}/pages/-/login", 303, headers=HEADERS)
        self._access.forget(request, response)
        return response

    def _ask(self, request: Request, to: str, *, problem: str = "", status: int = 200) -> Response:
        return self._frame.page(request, "login.html", {"to": to, "problem": problem}, status=status)


def _to(request: Request, to: str) -> str:
    """
    Return where to go: to one of our own pages, wherever the address says.
    """
    parts = urlsplit(to)
    own = not parts.scheme and not parts.netloc and parts.path.startswith("/pages/") and "\\" not in to
    return f"{root_of(request)}{parts.path}" if own else f"{root_of(request)}/"
