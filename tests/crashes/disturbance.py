"""
Running an act of the script under strace, which kills it or lets it fail at one chosen system call.
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
CHANGES = (
    *("pwrite64", "write", "ftruncate", "fdatasync", "fsync"),
    *("link", "linkat", "unlink", "unlinkat", "rename", "renameat", "renameat2"),
)
"""What changes a file or a folder, or makes sure of a change; which of them there are depends on the machine."""

KILL, FULL, BROKEN = "signal=SIGKILL", "error=ENOSPC", "error=EIO"


@frozen
class Act:
    """
    What is run and where it may be disturbed.

    Attributes:
        name: what the script calls it.
        calls: the kinds of system calls at which it is.
        only_database: whether only those on the database's files count: the act writes elsewhere, too.
        without: system calls that always fail, as on a file system that has no such thing.
    """

    name: str
    calls: tuple[str, ...] = CHANGES
    only_database: bool = False
    without: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "-without-".join((self.name, *self.without[:1]))


@frozen
class Point:
    """
    Where and how a run is disturbed: at the so-manieth system call of a kind in whichever thread gets there first.
    """

    act: Act
    call: str
    number: int
    how: str

    def __str__(self) -> str:
        return f"{self.act}-{self.call}-{self.number}-{self.how.split('=')[1]}"


@frozen
class Run:
    """
    How a run ended.

    Attributes:
        code: its exit code; negative if a signal ended it.
        acknowledged: the message ids of the calls that it was told are taken.
        error: what it could not cope with, if anything.
        system_calls: how many there were of each kind in the busiest thread.
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

    def run(self, folder: Path, act: Act, point: Point | None = None, *, key: str) -> Run:
        """
        Play an act on the database in a folder, disturbed at a point or not at all.

        Args:
            folder: where the database is, or will be.
            act: what to play.
            point: where to disturb it.
            key: the Kissmetrics key to deliver with.
        """
        database, told, error = folder / "bridge.db", folder / "acknowledged", folder / "error"
        trace = folder / "trace"
        command = {
            "act": act.name,
            "database": str(database),
            "url": self._url,
            "key": key,
            "acknowledged": str(told),
            "error": str(error),
            "go": str(self._go),
        }
        is_ready, process = self._ask(json.dumps(command)).split()
        assert is_ready == "ready", error.read_text()
        with _traced(process, act, database, trace, point):
            self._go.write_bytes(b"!")
            code = int(self._answer().split()[1])
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
        return self._process.stdout.readline().strip()


@contextmanager
def _traced(process: str, act: Act, database: Path, trace: Path, point: Point | None) -> Iterator[None]:
    endings = ("", "-wal", "-shm", "-journal") if act.only_database else ()
    files = [f"--trace-path={database}{ending}" for ending in endings]
    inject = [f"--inject={_known(act.without)}:error=EPERM"] if act.without else []
    if point is not None:
        inject.append(f"--inject={point.call}:{point.how}:when={point.number}")
    kinds = (*(act.calls if point is None else (point.call,)), *act.without)
    command = ["strace", "-f", "-o", str(trace), *files, f"--trace={_known(kinds)}", *inject, "-p", process]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    try:
        for line in tracer.stderr:
            if "attached" in line:
                break
        yield
    finally:
        tracer.communicate(timeout=30)


def _known(calls: tuple[str, ...]) -> str:
    """
    Return them as strace wants them: it minds none that this machine does not have.
    """
    return ",".join(f"?{call}" for call in calls)


def _busiest(trace: Path) -> dict[str, int]:
    counts: Counter[tuple[str, str]] = Counter(re.findall(r"^(\d+) +(\w+)\(", trace.read_text(), re.M))
    busiest: dict[str, int] = {}
    for (_, call), count in counts.items():
        busiest[call] = max(count, busiest.get(call, 0))
    return busiest
