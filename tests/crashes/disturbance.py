"""
Running the script under strace, which kills it or lets it fail at one chosen system call on its database.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

SCRIPT = Path(__file__).parent / "script.py"
CALLS = ("pwrite64", "write", "fdatasync", "fsync", "ftruncate", "unlink", "rename")
"""What changes a file, or makes sure of a change."""

KILL, FULL, BROKEN = "signal=SIGKILL", "error=ENOSPC", "error=EIO"


@frozen
class Point:
    """
    Where and how a run is disturbed: at the so-manieth system call of a kind on the database's files.
    """

    call: str
    number: int
    how: str

    def __str__(self) -> str:
        return f"{self.call}-{self.number}-{self.how.split('=')[1]}"


@frozen
class Run:
    """
    How a run ended.

    Attributes:
        code: its exit code; negative if a signal ended it.
        acknowledged: the message ids of the calls that it was told are taken.
        error: what it could not cope with, if anything.
        system_calls: how many there were of each kind, on the database's files, in the busiest thread.
    """

    code: int
    acknowledged: tuple[str, ...]
    error: str
    system_calls: dict[str, int]


def unavailable() -> str | None:
    """
    Return why runs cannot be disturbed on this machine, or None if they can.
    """
    if shutil.which("strace") is None:
        return "needs strace"
    command = ["strace", "-qq", "-e", "inject=getpid:error=EIO", "-o", os.devnull, "true"]
    probe = subprocess.run(command, capture_output=True, check=False)
    return None if probe.returncode == 0 else "strace may not trace processes here"


class Stage:
    """
    A process with everything imported, from which each run is forked.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self._url = url
        self._go = folder / "go"
        os.mkfifo(self._go)
        self._process = subprocess.Popen(
            [sys.executable, str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def close(self) -> None:
        """
        End the process.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def run(self, folder: Path, point: Point | None, *, key: str) -> Run:
        """
        Play the script on the database in a folder, disturbed at a point or not at all.

        Args:
            folder: where the database is, or will be.
            point: where to disturb it.
            key: the Kissmetrics key to deliver with.
        """
        database, told, error = folder / "bridge.db", folder / "acknowledged", folder / "error"
        trace = folder / "trace"
        error.unlink(missing_ok=True)
        command = {
            "database": str(database),
            "url": self._url,
            "key": key,
            "acknowledged": str(told),
            "error": str(error),
            "go": str(self._go),
        }
        process = int(self._ask(json.dumps(command)))
        with _traced(process, database, trace, point):
            self._go.write_bytes(b"!")
            code = int(self._answer())
        return Run(
            code=code,
            acknowledged=tuple(told.read_text().split()) if told.exists() else (),
            error=error.read_text() if error.exists() else "",
            system_calls=_busiest(trace) if point is None else {},
        )

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextmanager
def _traced(process: int, database: Path, trace: Path, point: Point | None) -> Iterator[None]:
    files = [f"--trace-path={database}{ending}" for ending in ("", "-wal", "-shm", "-journal")]
    inject = [] if point is None else [f"--inject={point.call}:{point.how}:when={point.number}"]
    kinds = ",".join(CALLS) if point is None else point.call
    command = ["strace", "-f", "-o", str(trace), *files, f"--trace={kinds}", *inject, "-p", str(process)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    try:
        for line in tracer.stderr:
            if "attached" in line:
                break
        yield
    finally:
        tracer.communicate(timeout=30)


def _busiest(trace: Path) -> dict[str, int]:
    counts: Counter[tuple[str, str]] = Counter(re.findall(r"^(\d+) +(\w+)\(", trace.read_text(), re.M))
    busiest: dict[str, int] = {}
    for (_, call), count in counts.items():
        busiest[call] = max(count, busiest.get(call, 0))
    return busiest
