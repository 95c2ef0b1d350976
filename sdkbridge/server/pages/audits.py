"""
Audits of uploaded exports: what is in them is looked at and shown, and kept nowhere else.
"""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from secrets import token_urlsafe
from tempfile import TemporaryDirectory

from attrs import define
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive

from sdkbridge.audit_json import audit_values
from sdkbridge.audit_report import report_page
from sdkbridge.export_audit import ExportAudit, audit_export
from sdkbridge.kissmetrics.exported import UnreadableExport
from sdkbridge.server.pages.access import path_of
from sdkbridge.server.pages.frame import DOCUMENT, HEADERS, Frame, Visit

KEPT = 10
PIECE = 1 << 20


@define
class AuditRun:
    """
    One audit: running, done, or failed.

    Attributes:
        name: of the file, as it was uploaded.
        project: whose page it was uploaded on.
        folder: where its file and its report are.
        progress: how far it is, for people.
        done: what was found.
        problem: why it could not be done.
    """

    name: str
    project: str
    folder: Path
    progress: str = "waiting for its turn"
    done: ExportAudit | None = None
    problem: str | None = None

    @property
    def running(self) -> bool:
        """
        Whether there is neither a result nor a problem yet.
        """
        return self.done is None and self.problem is None


class Audits:
    """
    The audits of one server: one at a time, the last ten of them kept until it ends.

    Args:
        frame: what makes the pages.
        upload_bytes: how large an export may be.
    """

    def __init__(self, frame: Frame, *, upload_bytes: int) -> None:
        self._frame = frame
        self._upload_bytes = upload_bytes
        self._lock = threading.Lock()
        self._runs: dict[str, AuditRun] = {}
        self._folder: TemporaryDirectory[str] | None = None
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sdkbridge-audit")

    def routes(self) -> list[Route]:
        """
        Return the routes.
        """
        page = self._frame.route
        return [
            Route("/{project}/audits", page(self._show), methods=["GET"]),
            Route("/{project}/audits", self._upload, methods=["POST"]),
            Route("/{project}/audits/{run}", page(self._one)),
            Route("/{project}/audits/{run}/report", page(self._report)),
            Route("/{project}/audits/{run}/links.json", page(self._links)),
        ]

    def close(self) -> None:
        """
        Take no more, and delete what was uploaded.
        """
        self._worker.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None

    def _show(self, visit: Visit) -> Response:
        with self._lock:
            runs = {number: run for number, run in self._runs.items() if run.project == visit.served.project.name}
        return visit.page(
            "audits.html", {"runs": dict(reversed(runs.items())), "upload_bytes": self._upload_bytes}
        )

    def _one(self, visit: Visit) -> Response:
        number, run = visit.request.path_params["run"], self._run_of(visit)
        if run is None:
            return _gone(visit)
        return visit.page("audit.html", {"number": number, "run": run})

    def _report(self, visit: Visit) -> Response:
        return self._file(visit, "report.html", "text/html", DOCUMENT)

    def _links(self, visit: Visit) -> Response:
        return self._file(visit, "links.json", "application/json", HEADERS)

    def _file(self, visit: Visit, name: str, media_type: str, headers: dict[str, str]) -> Response:
        run = self._run_of(visit)
        if run is None or run.done is None:
            return _gone(visit)
        filename = name if visit.asked("save") else None
        return FileResponse(run.folder / name, headers=headers, media_type=media_type, filename=filename)

    def _run_of(self, visit: Visit) -> AuditRun | None:
        run = self._runs.get(visit.request.path_params["run"])
        return run if run is not None and run.project == visit.served.project.name else None

    async def _upload(self, request: Request) -> Response:
        """
        Take a file, as it streams to the disk, and start its audit.
        """
        frame, project = self._frame, request.path_params["project"]
        shut = frame.shut(request)
        if shut is not None:
            return shut
        if project not in frame.server.projects:
            return frame.problem(request, 404, "No such project", "This server has no project of that name.")
        try:
            return await self._take(Request(request.scope, _limited(request.receive, self._upload_bytes)), project)
        except _TooLarge:
            said = f"An export may have {self._upload_bytes:,} bytes. The command sdkbridge audit takes any."
            return frame.problem(request, 413, "Too large", said)
        except (HTTPException, MultiPartException):
            return frame.problem(request, 400, "No file", "What was sent is no form with a file.")

    async def _take(self, request: Request, project: str) -> Response:
        async with request.form(max_files=1, max_fields=5) as form:
            if not self._frame.access.is_own_form(request, str(form.get("form_token", ""))):
                return self._frame.stale(request)
            file = form.get("export")
            if not isinstance(file, UploadFile) or not file.filename:
                return self._frame.problem(request, 400, "No file", "Choose a file first.")
            number = await self._start(project, file)
        return RedirectResponse(f"{path_of(request)}/{number}", 303, headers=HEADERS)

    async def _start(self, project: str, file: UploadFile) -> str:
        number, name = token_urlsafe(9), file.filename or ""
        run = AuditRun(name=name[-100:], project=project, folder=self._new_folder(number))
        path = run.folder / ("export.csv" if name.lower().endswith(".csv") else "export.json")
        with path.open("wb") as target:
            while piece := await file.read(PIECE):
                await asyncio.to_thread(target.write, piece)
        with self._lock:
            self._runs[number] = run
            for old in list(self._runs)[:-KEPT]:
                if not self._runs[old].running:
                    _delete(self._runs.pop(old))
        self._worker.submit(_audit, run, path)
        return number

    def _new_folder(self, number: str) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = TemporaryDirectory(prefix="sdkbridge-audits-")
            folder = Path(self._folder.name) / number
        folder.mkdir()
        return folder


def _audit(run: AuditRun, path: Path) -> None:
    run.progress = "reading"

    def progress(said: str) -> None:
        run.progress = said

    try:
        done = audit_export([path], progress=progress)
        run.progress = "writing the report"
        (run.folder / "report.html").write_text(report_page(done.found, done.tally), encoding="utf-8")
        values = json.dumps(audit_values(done.found, done.tally), ensure_ascii=False)
        (run.folder / "links.json").write_text(values, encoding="utf-8")
    except (UnreadableExport, ImportError, OSError) as error:
        run.problem = "It cannot be read." if isinstance(error, UnreadableExport) else str(error)
    except Exception as error:  # noqa: BLE001 - nobody waits for this thread, but the page must say that it ended
        run.problem = f"The audit failed ({type(error).__name__})."
    else:
        run.done = done
    finally:
        path.unlink(missing_ok=True)


def _delete(run: AuditRun) -> None:
    for path in run.folder.iterdir():
        path.unlink()
    run.folder.rmdir()


def _gone(visit: Visit) -> Response:
    return visit.frame.problem(
        visit.request,
        404,
        "No such audit",
        "It is not there any more: the last ten are kept until the server ends.",
    )


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
