"""
``sdkbridge serve`` as a process of its own.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from running_server import Running

STARTS_S = 60


class Process:
    """
    A running ``sdkbridge serve``.
    """

    def __init__(self, *arguments: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SDKBRIDGE_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sdkbridge", "serve", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        self.log.extend(self.process.stderr)

    def url(self) -> str:
        """
        Wait for the line that says it accepts requests.
        """
        line = self.process.stdout.readline().strip()
        assert line, "".join(self.log)
        return line

    def events(self) -> list[str]:
        """
        What the log told so far.
        """
        return [json.loads(line)["event"] for line in list(self.log) if line.startswith("{")]

    def end(self, by: signal.Signals = signal.SIGTERM) -> int:
        """
        Stop it, and return its exit code.
        """
        with suppress(ProcessLookupError):
            self.process.send_signal(by)
        code = self.process.wait(STARTS_S)
        self._reader.join(STARTS_S)
        return code

    def close(self) -> None:
        self.end(signal.SIGKILL)
        self.process.stdout.close()
        self.process.stderr.close()


@contextmanager
def started(*arguments: str) -> Iterator[tuple[Process, Running]]:
    with closing(Process(*arguments)) as process:
        yield process, Running(process.url(), None)
