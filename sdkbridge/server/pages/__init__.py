"""
The pages for those who look after identities: made by the server, with a little script and style of our own.
"""

import threading
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from identity.draw import draw
from identity.person import Person
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.server.pages import deciding, live, local, overview, people
from sdkbridge.server.pages.access import Access, root_of
from sdkbridge.server.pages.audits import Audits
from sdkbridge.server.pages.frame import HEADERS, Frame, load_templates, static
from sdkbridge.server.pages.login import Login
from sdkbridge.server.pages.runs import Runs
from sdkbridge.server.pages.simulations import Simulations
from sdkbridge.server.serving import Server


class Pages:
    """
    The pages of one server.

    Args:
        server: what is served.
        kissmetrics: a local Kissmetrics that the projects deliver to, if there is one.
    """

    def __init__(self, server: Server, *, kissmetrics: LocalKissmetrics | None = None) -> None:
        self._frame = Frame(server, Access(server.settings), kissmetrics)
        self._runs = Runs()
        self._uploads = [
            kind(self._frame, self._runs, upload_bytes=server.settings.limits.upload_bytes)
            for kind in (Simulations, Audits)
        ]

    def routes(self) -> list[BaseRoute]:
        """
        Return the routes.
        """
        page = self._frame.route
        login = Login(self._frame)
        inside = [
            Route("/-/static/{name}", static),
            Route("/-/login", login.show, methods=["GET"]),
            Route("/-/login", login.take, methods=["POST"]),
            Route("/-/logout", login.leave, methods=["POST"]),
            Route("/{project}", page(overview.show)),
            Route("/{project}/decide", page(deciding.show), methods=["GET"]),
            Route("/{project}/decide", page(deciding.decide), methods=["POST"]),
            Route("/{project}/people", page(people.search)),
            Route("/{project}/person", page(people.person)),
            Route("/{project}/person.svg", page(people.drawing)),
            Route("/{project}/live", page(live.show)),
            *(route for uploads in self._uploads for route in uploads.routes()),
        ]
        if self._frame.kissmetrics is not None:
            inside += [
                Route("/{project}/kissmetrics", page(local.show)),
                Route("/{project}/kissmetrics/person", page(local.person)),
            ]
        return [Route("/", self._choose, methods=["GET"]), Mount("/pages", routes=inside)]

    def prepare(self) -> None:
        """
        Load in the background what the first visitor would wait for.
        """
        threading.Thread(target=_load, name="sdkbridge-pages", daemon=True).start()

    def close(self) -> None:
        """
        Forget what was uploaded, and what came of it; let go of the databases.
        """
        self._runs.close()
        for reading in self._frame.reading.values():
            reading.close()

    async def _choose(self, request: Request) -> Response:
        shut = self._frame.shut(request)
        if shut is not None:
            return shut
        names = list(self._frame.server.projects)
        if len(names) == 1:
            return RedirectResponse(f"{root_of(request)}/pages/{names[0]}", 303, headers=HEADERS)
        return self._frame.page(request, "projects.html", {})


def _load() -> None:
    load_templates()
    # Drawings need a library that takes long to load, and is an extra.
    with suppress(ImportError):
        draw(Person(name="nobody", identities=(), verdicts=()))
