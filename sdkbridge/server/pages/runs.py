"""
Long work on uploaded files, one after the other in the background: how far each is, and what came of it.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from secrets import token_urlsafe
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any

from attrs import define, field

KEPT = 10
"""Runs of each kind that are kept, the last ones."""


class Unreadable(Exception):
    """
    What was uploaded cannot be used; the message is for people.
    """


class Stopped(Exception):
    """
    The server ends, and nobody waits for the result any more.
    """


@define(kw_only=True, eq=False)
class Run:
    """
    One piece of work: waiting, running, done, or failed.

    Attributes:
        kind: what is done, such as ``audits``.
        name: of the file, as it was uploaded.
        project: whose page it was uploaded on.
        folder: where what was uploaded is, and what is made of it.
        progress: how far it is, for people.
        share: how far it is, from 0 to 1; None if that cannot be told.
        done: what came of it.
        problem: why nothing came of it.
    """

    kind: str
    name: str
    project: str
    folder: Path
    progress: str = "waiting for its turn"
    share: float | None = None
    done: Any = None
    problem: str | None = None
    _stopping: threading.Event = field(repr=False, alias="stopping")

    @property
    def running(self) -> bool:
        """
        Whether there is neither a result nor a problem yet.
        """
        return self.done is None and self.problem is None

    def tell(self, progress: str, share: float | None = None) -> None:
        """
        Say how far it is.

        Raises:
            Stopped: it need not go on.
        """
        if self._stopping.is_set():
            raise Stopped
        self.progress, self.share = progress, share


class Runs:
    """
    The runs of one server.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._runs: dict[str, Run] = {}
        self._folder: TemporaryDirectory[str] | None = None
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sdkbridge-runs")

    def new(self, *, kind: str, name: str, project: str) -> tuple[str, Run]:
        """
        Return a run, and its number, with a folder to put files into; it is not started yet.
        """
        number = token_urlsafe(9)
        with self._lock:
            if self._folder is None:
                self._folder = TemporaryDirectory(prefix="sdkbridge-runs-")
            folder = Path(self._folder.name) / number
        folder.mkdir()
        return number, Run(kind=kind, name=name, project=project, folder=folder, stopping=self._stopping)

    def start(self, number: str, run: Run, work: Callable[[Run], Any]) -> None:
        """
        Do the work once it is its turn; the oldest finished runs of its kind make room.
        """
        with self._lock:
            self._runs[number] = run
            finished = [old for old, one in self._runs.items() if one.kind == run.kind][:-KEPT]
            for old in finished:
                if not self._runs[old].running:
                    rmtree(self._runs.pop(old).folder, ignore_errors=True)
        self._worker.submit(_run, run, work)

    def of(self, project: str, kind: str) -> dict[str, Run]:
        """
        Return the runs of a kind on one project's pages, the newest first.
        """
        with self._lock:
            runs = reversed(self._runs.items())
            return {number: run for number, run in runs if (run.project, run.kind) == (project, kind)}

    def close(self) -> None:
        """
        Take no more, stop what is running, and delete what was uploaded.
        """
        self._stopping.set()
        self._worker.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None


def _run(run: Run, work: Callable[[Run], Any]) -> None:
    uploaded = [*run.folder.iterdir()] if run.folder.is_dir() else []
    try:
        run.tell("reading")
        run.done = work(run)
    except Stopped:
        run.problem = "The server ended before it was done."
    except (Unreadable, ImportError, OSError) as error:
        run.problem = str(error)
    except Exception as error:  # noqa: BLE001 - nobody waits for this thread, but the page must say that it ended
        run.problem = f"It failed ({type(error).__name__})."
    finally:
        for path in uploaded:
            path.unlink(missing_ok=True)
