"""
What all pages share: the templates, the headers that keep stored text from running, and who may come in.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache, partial
from importlib.resources import files
from typing import Any, Protocol
from urllib.parse import urlencode

from attrs import frozen
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from identity.drawing.text import printable, shortened
from identity.errors import StoreError
from identity.tables import moment
from sdkbridge.audit_report.style import STYLE
from sdkbridge.errors import BridgeClosed
from sdkbridge.faults import place_of
from sdkbridge.kissmetrics.answers import EventCount
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.server.pages.access import Access, path_of, root_of
from sdkbridge.server.pages.counts import Counts, count_of
from sdkbridge.server.pages.reading import Reading
from sdkbridge.server.serving import ServedProject, Server

logger = logging.getLogger("sdkbridge.server")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

DOCUMENT = {**HEADERS, "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
"""For a drawing or a report, which has a style of its own and nothing else."""

SECTIONS = (
    ("", "Overview"),
    ("decide", "To decide"),
    ("people", "People"),
    ("live", "Live"),
    ("simulations", "Simulate"),
    ("audits", "Audit"),
)

Values = Mapping[str, Any]


class Show(Protocol):
    """
    What answers for one page of a project; it is run in a thread, since it reads the database.
    """

    def __call__(self, visit: "Visit") -> Response:
        """
        Answer.
        """


@frozen(kw_only=True)
class Visit:
    """
    One request to a page of a project.

    Attributes:
        request: what was asked.
        served: the project.
        form: what was sent along; empty unless it is a form.
        frame: what makes the answer.
    """

    request: Request
    served: ServedProject
    form: FormData
    frame: "Frame"

    @property
    def reading(self) -> Reading:
        """
        By which to read what may take long.
        """
        return self.frame.reading[self.served.project.name]

    @property
    def home(self) -> str:
        """
        The path of the project's pages.
        """
        return f"{root_of(self.request)}/pages/{self.served.project.name}"

    def asked(self, name: str) -> str:
        """
        Return a parameter of the address; nothing if it is missing.
        """
        return self.request.query_params.get(name, "").replace("\0", "")

    def said(self, name: str) -> str:
        """
        Return a field of the form; nothing if it is missing.
        """
        value = self.form.get(name, "")
        return value.strip().replace("\0", "") if isinstance(value, str) else ""

    def page(self, template: str, values: Values, *, status: int = 200) -> Response:
        """
        Answer with a page, or with the part of it that is shown anew.
        """
        more = {
            "project": self.served.project.name,
            "home": self.home,
            "sections": self.frame.sections,
            "part": self.asked("part") == "live",
        }
        return self.frame.page(self.request, template, {**more, **values}, status=status)

    def back_to(self, section: str, **parameters: str) -> Response:
        """
        Answer a form by a page to go to.
        """
        query = f"?{urlencode(parameters)}" if parameters else ""
        return RedirectResponse(f"{self.home}/{section}{query}".rstrip("/"), 303, headers=HEADERS)


class Frame:
    """
    What makes every page of one server.

    Args:
        server: what is served.
        access: who may come in.
        kissmetrics: a local Kissmetrics that the projects deliver to, if there is one.
    """

    def __init__(self, server: Server, access: Access, kissmetrics: LocalKissmetrics | None) -> None:
        self.server = server
        self.access = access
        self.kissmetrics = kissmetrics
        self.reading = {name: Reading(served) for name, served in server.projects.items()}
        self.counts = {name: Counts(partial(count_of, reading)) for name, reading in self.reading.items()}
        self.events: dict[str, Counts[list[EventCount]]] = {}
        if kissmetrics is not None:
            self.events = {
                name: Counts(partial(kissmetrics.events, api_key=served.project.api_key))
                for name, served in server.projects.items()
            }
        self.sections = [*SECTIONS, *([("kissmetrics", "Kissmetrics")] if kissmetrics is not None else [])]

    def page(self, request: Request, template: str, values: Values, *, status: int = 200) -> Response:
        """
        Answer with a page.
        """
        shared = {
            "root": root_of(request),
            "path": path_of(request),
            "needs_token": self.access.needs_token,
            "form_token": self.access.form_token(request),
            "projects": list(self.server.projects),
            "part": False,
            "project": None,
            "home": None,
            "sections": [],
        }
        text = _templates().get_template(template).render({**shared, **values})
        return Response(text, status, headers=HEADERS, media_type="text/html")

    def problem(self, request: Request, status: int, title: str, said: str) -> Response:
        """
        Answer with a page that says what is wrong.
        """
        return self.page(request, "problem.html", {"title": title, "said": said}, status=status)

    def shut(self, request: Request) -> Response | None:
        """
        Return what to answer to whoever may not come in; None lets them in.
        """
        if self.access.is_open_to(request):
            return None
        if self.access.needs_token:
            if request.method != "GET" or request.query_params.get("part"):
                return self.problem(request, 401, "Who are you?", "Open this page again, and give the token.")
            to = urlencode({"to": path_of(request).removeprefix(root_of(request))})
            return RedirectResponse(f"{root_of(request)}/pages/-/login?{to}", 303, headers=HEADERS)
        said = (
            "These pages are for the machine that the server runs on, by the name localhost. "
            "Set a token to open them to others: sdkbridge serve --token, or token in the settings."
        )
        return self.problem(request, 403, "Not from here", said)

    def route(self, show: Show) -> Callable[[Request], Any]:
        """
        Return an endpoint for a page of the project that the path names.
        """

        async def endpoint(request: Request) -> Response:
            shut = self.shut(request)
            if shut is not None:
                return shut
            served = self.server.projects.get(request.path_params["project"])
            if served is None:
                return self.problem(request, 404, "No such project", "This server has no project of that name.")
            form = FormData()
            if request.method == "POST":
                form = await request.form(max_files=0, max_fields=2_000)
                if not self.access.is_own_form(request, str(form.get("form_token", ""))):
                    return self.stale(request)
            visit = Visit(request=request, served=served, form=form, frame=self)
            try:
                return await asyncio.to_thread(show, visit)
            except (StoreError, BridgeClosed):
                said = "The project's database cannot be used just now; the server's log says why."
                return self.problem(request, 503, "No database", said)
            except HTTPException:
                raise
            except Exception as error:  # noqa: BLE001 - its words may hold an identity: only its place is told
                _tell_of(error)
                return self.problem(request, 500, "A mistake of ours", "The server's log says where it was made.")

        return endpoint

    def stale(self, request: Request) -> Response:
        """
        Answer to a form that is none of our pages'.
        """
        return self.problem(request, 403, "Too old a page", "Go back, load the page anew, and try again.")


def _tell_of(error: Exception) -> None:
    logger.error("fault", extra={"route": "/pages", "fault": place_of(error)})


def not_found(what: str) -> HTTPException:
    """
    Return what to raise where there is nothing.
    """
    return HTTPException(404, what)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("sdkbridge.server.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        moment=_moment,
        ago=ago,
        shown=printable,
        short=shortened,
        count=lambda number: f"{number:,}",
        words=lambda text: str(text).replace("_", " "),
        query=urlencode,
        lasting=lasting,
        clock=lambda at_ms: moment(at_ms)[-8:],
    )
    return made


def load_templates() -> None:
    """
    Compile all templates; otherwise each is compiled when it is first shown.
    """
    made = _templates()
    for name in made.list_templates():
        made.get_template(name)


def _moment(at_ms: int | None) -> str:
    return "never" if at_ms is None else moment(at_ms)


def ago(at_ms: int | None) -> str:
    """
    Say how long ago something was, in the largest unit that fits.
    """
    if at_ms is None:
        return "never"
    seconds = time.time() - at_ms / 1000
    for unit, size in (("year", 31_557_600), ("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count = int(seconds // size)
        if count >= 1:
            return f"{count:,} {unit}{'s' if count > 1 else ''} ago"
    return "just now" if seconds >= -60 else f"on {datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d}"


def lasting(seconds: float) -> str:
    """
    Say how long something lasts, in a unit that divides it.
    """
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        if seconds >= size and seconds % size == 0:
            count = int(seconds // size)
            return f"{count:,} {unit}{'s' if count > 1 else ''}"
    return f"{seconds:g} seconds"


STATIC = {"style.css": "text/css", "script.js": "text/javascript", "mark.svg": "image/svg+xml"}


async def static(request: Request) -> Response:
    """
    Answer with a file that the pages use.
    """
    name = request.path_params["name"]
    if name not in STATIC:
        raise not_found(name)
    headers = {**HEADERS, "Cache-Control": "public, max-age=300"}
    return Response(_file(name), headers=headers, media_type=STATIC[name])


@lru_cache(maxsize=8)
def _file(name: str) -> bytes:
    found = files("sdkbridge.server.pages").joinpath("static", name).read_bytes()
    return STYLE.encode() + found if name == "style.css" else found
