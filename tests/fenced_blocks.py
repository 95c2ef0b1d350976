"""
Reads the fenced blocks of a Markdown document, and follows them as a reader would.

What happens to a block is said by its language: ``python`` and ``console`` blocks of one document run from top
to bottom in one folder; ``json`` and ``toml`` blocks are parsed; ``text`` is only read, and what is in braces, as
``{toctree}`` is, belongs to the site. A ``python`` block that begins with a comment such as ``# app.py`` is saved
under that name. In a ``console`` block a line that starts with ``$`` is a command, and the lines after it are what
it prints, where ``...`` stands for anything; a command that ends in ``&`` runs until the document ends.

A port that a document names, in ``--port 8080`` or ``127.0.0.1:8080``, stands for a free one, the same throughout
the document: so documents need not agree about ports, nor with what else runs on a machine.
"""

import contextlib
import doctest
import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve, frozen

# What prepares a machine or a checkout, and so cannot be run inside one.
NOT_RUN = ("./run", ".ci/run", "git ", "cd ", "pip install ")
TIMEOUT_S = 60
FILE = re.compile(r"# ([\w.-]+\.py)\n")
PORT = re.compile(r"(?<=--port )\d{4,5}\b|(?<=127\.0\.0\.1:)\d{4,5}\b")


@frozen
class Block:
    """
    One fenced block; ``line`` is where its first line of text stands in the document.
    """

    document: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


@frozen
class Command:
    """
    One command of a console block, with what it should print.
    """

    place: str
    text: str
    output: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def blocks_of(document: Path, top: Path) -> Iterator[Block]:
    """
    Read the fenced blocks of a document, in their order.
    """
    name = str(document.relative_to(top))
    fence = language = ""
    start, lines = 0, []
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), start=1):
        mark = re.match(r"\s*(`{3,}|~{3,})(.*)", line)
        if not fence and mark:
            fence, language, start, lines = mark[1], mark[2].strip(), number + 1, []
        elif fence and line.strip() == fence:
            yield Block(name, start, language, textwrap.dedent("\n".join(lines)) + "\n")
            fence = ""
        elif fence:
            lines.append(line)
    if fence:
        raise ValueError(f"{name}:{start - 1}: this block is never closed")


def commands_of(block: Block) -> Iterator[Command]:
    """
    Read the commands of a console block; a backslash carries one over to the next line.
    """
    lines = block.text.splitlines()
    while lines:
        place = f"{block.document}:{block.line + len(block.text.splitlines()) - len(lines)}"
        first = lines.pop(0)
        if not first.startswith("$ "):
            raise ValueError(f"{place}: output stands here before any command")
        text = first.removeprefix("$ ")
        while text.endswith("\\") and lines:
            text = text.removesuffix("\\") + lines.pop(0).removeprefix("> ").strip()
        output = []
        while lines and not lines[0].startswith("$ "):
            output.append(lines.pop(0))
        yield Command(place, text, "\n".join(output).strip())


def prints(wanted: str, got: str) -> bool:
    """
    Tell whether some output is what a document shows, ``...`` standing for anything.
    """
    tidy = "\n".join(line.rstrip() for line in got.strip().splitlines())
    return doctest.OutputChecker().check_output(f"{wanted}\n", f"{tidy}\n", doctest.ELLIPSIS)


def free_port() -> str:
    """
    Return a port of this machine on which nobody listens.
    """
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


class Reader:
    """
    Follows the blocks of one document, in a folder of its own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: dict[str, object] = {"__name__": "__main__"}
        self._ports: dict[str, str] = {}
        self._started: list[subprocess.Popen[str]] = []
        # A document's own pytest has nothing to do with the one that runs it.
        outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        self._options = {
            "shell": True,
            "cwd": folder,
            "env": outside
            | {
                "HOME": str(folder),
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "COLUMNS": "100",
                "NO_COLOR": "1",
            },
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
            "text": True,
        }

    def follow(self, block: Block) -> None:
        """
        Do what one block says, and compare what it prints with what it shows.
        """
        block = evolve(block, text=PORT.sub(self._port, block.text))
        if block.language == "python" and block.text.startswith(">>>"):
            self._compare_session(block)
        elif block.language == "python" and (file := FILE.match(block.text)):
            (self._folder / file[1]).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            # The empty lines put the document's own line numbers into a traceback.
            exec(compile("\n" * (block.line - 1) + block.text, block.document, "exec"), self._names)
        elif block.language == "console":
            for command in commands_of(block):
                self._follow_command(command)
        elif block.language == "json":
            json.loads(block.text)
        elif block.language == "toml":
            tomllib.loads(block.text)
        elif block.language != "text" and not block.language.startswith("{"):
            pytest.fail(f"{block}: a block of language '{block.language}' cannot be checked", pytrace=False)

    def stop(self) -> None:
        """
        End what the document left running.
        """
        for process in self._started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.communicate(timeout=TIMEOUT_S)

    def _port(self, named: re.Match[str]) -> str:
        return self._ports.setdefault(named[0], free_port())

    def _compare_session(self, block: Block) -> None:
        session = doctest.DocTestParser().get_doctest(
            block.text, self._names, str(block), block.document, block.line - 1
        )
        said: list[str] = []
        runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
        if runner.run(session, out=said.append, clear_globs=False).failed:
            pytest.fail("".join(said), pytrace=False)
        self._names.update(session.globs)

    def _follow_command(self, command: Command) -> None:
        # Inside the environment that ./run makes, its first two commands are these.
        text = command.text.replace("./run sdkbridge", "sdkbridge").replace("./run demo", "sdkbridge demo")
        if text.startswith(NOT_RUN):
            return
        if text.endswith("&"):
            got = self._start(text.removesuffix("&"), lines=len(command.output.splitlines()))
        else:
            done = subprocess.run(text, timeout=TIMEOUT_S, check=False, **self._options)
            got = done.stdout
            if done.returncode != 0:
                pytest.fail(f"{command}\nended with exit code {done.returncode}:\n{got}", pytrace=False)
        if command.output and not prints(command.output, got):
            pytest.fail(f"{command}\nshould print:\n{command.output}\nbut printed:\n{got}", pytrace=False)

    def _start(self, text: str, *, lines: int) -> str:
        process = subprocess.Popen(text, start_new_session=True, **self._options)
        self._started.append(process)
        return "".join(process.stdout.readline() for _ in range(lines))
