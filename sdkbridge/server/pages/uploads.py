"""
Pages that take files: a form, a page that tells how far the work on them is, and what came of it to download.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive

from sdkbridge.server.metrics import are_several
from sdkbridge.server.pages.access import path_of
from sdkbridge.server.pages.frame import DOCUMENT, HEADERS, Frame, Visit
from sdkbridge.server.pages.runs import Run, Runs

PIECE = 1 << 20

MEDIA_TYPES = {".html": "text/html", ".json": "application/json", ".svg": "image/svg+xml"}


class InvalidForm(Exception):
    """
    A form asks for what cannot be done; the message is for people.
    """


class Uploads(ABC):
    """
    The pages of one kind of work.

    Attributes:
        section: of the addresses, and the template of the page with the form.
        word: for one run, and the template of its page.
        files: the form's fields of files, each with whether it must be filled.
        made: names of what a run may leave to download.

    Args:
        frame: what makes the pages.
        runs: what does the work.
        upload_bytes: how large what is uploaded may be.
    """

    section: ClassVar[str]
    word: ClassVar[str]
    files: ClassVar[Mapping[str, bool]]
    made: ClassVar[frozenset[str]]

    def __init__(self, frame: Frame, runs: Runs, *, upload_bytes: int) -> None:
        self._frame = frame
        self._runs = runs
        self.upload_bytes = upload_bytes

    @abstractmethod
    def work(self, form: FormData, /) -> Callable[[Run], Any]:
        """
        Return what is to be done, by the other fields of the form.

        Raises:
            InvalidForm: that cannot be.
        """

    def asked(self) -> Mapping[str, Any]:
        """
        Return what the page with the form needs besides.
        """
        return {}

    def routes(self) -> list[Route]:
        """
        Return the routes.
        """
        page, path = self._frame.route, f"/{{project}}/{self.section}"
        return [
            Route(path, page(self._show), methods=["GET"]),
            Route(path, self._upload, methods=["POST"]),
            Route(f"{path}/{{run}}", page(self._one)),
            Route(f"{path}/{{run}}/{{name}}", page(self._file)),
        ]

    def _show(self, visit: Visit) -> Response:
        runs = self._runs.of(visit.served.project.name, self.section)
        values = {"runs": runs, "upload_bytes": self.upload_bytes, "section": self.section, **self.asked()}
        return visit.page(f"{self.section}.html", values)

    def _one(self, visit: Visit) -> Response:
        run = self._run_of(visit)
        if run is None:
            return self._gone(visit)
        here = f"{visit.home}/{self.section}/{visit.request.path_params['run']}"
        return visit.page(f"{self.word}.html", {"run": run, "here": here, "section": self.section})

    def _file(self, visit: Visit) -> Response:
        run, name = self._run_of(visit), visit.request.path_params["name"]
        if run is None or run.done is None or name not in self.made or not (run.folder / name).is_file():
            return self._gone(visit)
        media_type = MEDIA_TYPES[(run.folder / name).suffix]
        headers = HEADERS if media_type == "application/json" else DOCUMENT
        filename = name if visit.asked("save") else None
        return FileResponse(run.folder / name, headers=headers, media_type=media_type, filename=filename)

    def _run_of(self, visit: Visit) -> Run | None:
        return self._runs.of(visit.served.project.name, self.section).get(visit.request.path_params["run"])

    def _gone(self, visit: Visit) -> Response:
        said = "It is not there any more: the last ten are kept until the server ends."
        if are_several():
            said = "It is at another of the server's processes, or gone. Load this page again to ask another."
        return visit.frame.problem(visit.request, 404, f"No such {self.word}", said)

    async def _upload(self, request: Request) -> Response:
        """
        Take files, as they stream to the disk, and start the work on them.
        """
        frame, project = self._frame, request.path_params["project"]
        shut = frame.shut(request)
        if shut is not None:
            return shut
        if project not in frame.server.projects:
            return frame.problem(request, 404, "No such project", "This server has no project of that name.")
        try:
            return await self._take(Request(request.scope, _limited(request.receive, self.upload_bytes)), project)
        except _TooLarge:
            said = f"What is uploaded may have {self.upload_bytes:,} bytes. The command line takes any."
            return frame.problem(request, 413, "Too large", said)
        except InvalidForm as error:
            return frame.problem(request, 400, "That cannot be", str(error))
        except (HTTPException, MultiPartException):
            return frame.problem(request, 400, "No file", "What was sent is no form with a file.")

    async def _take(self, request: Request, project: str) -> Response:
        async with request.form(max_files=len(self.files), max_fields=20) as form:
            if not self._frame.access.is_own_form(request, str(form.get("form_token", ""))):
                return self._frame.stale(request)
            files = {name: file for name in self.files if (file := _file_of(form, name)) is not None}
            if any(needed and name not in files for name, needed in self.files.items()):
                raise InvalidForm("Choose a file first.")
            work = self.work(form)
            name = next(iter(files.values())).filename or ""
            number, run = self._runs.new(kind=self.section, name=name[-100:], project=project)
            for field, file in files.items():
                with (run.folder / self.stored_as(field, file.filename or "")).open("wb") as target:
                    while piece := await file.read(PIECE):
                        await asyncio.to_thread(target.write, piece)
        self._runs.start(number, run, work)
        return RedirectResponse(f"{path_of(request)}/{number}", 303, headers=HEADERS)

    def stored_as(self, field: str, _: str, /) -> str:
        """
        Return the name under which the file of a field, and of some name, is kept while it is worked on.
        """
        return field


def _file_of(form: FormData, name: str) -> UploadFile | None:
    file = form.get(name)
    return file if isinstance(file, UploadFile) and file.filename else None


class _TooLarge(Exception):
    """
    More came than may.
    """


def _limited(receive: Receive, most: int) -> Receive:
    left = most

    async def limited() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise _TooLarge
        return message

    return limited
