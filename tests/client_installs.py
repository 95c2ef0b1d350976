"""
Clients that the tests' own environment cannot hold, installed once into pytest's cache.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parent / "server" / "clients"


def node_packages(config: pytest.Config) -> Path:
    """
    Return a folder with the packages of clients/node in it, and the program that uses them.
    """
    return _by_npm(config, [CLIENTS / "node" / name for name in ("package.json", "package-lock.json", "send.js")])


def axe_script(config: pytest.Config) -> str:
    """
    Return the script of axe-core, which looks for what keeps people from using a page.
    """
    folder = _by_npm(config, [CLIENTS / "axe" / name for name in ("package.json", "package-lock.json")])
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def _by_npm(config: pytest.Config, files: Sequence[Path]) -> Path:
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    return _installed(config, files, command, copied=True)


def python_package(config: pytest.Config, requirements: str) -> Path:
    """
    Return a folder with the packages that a file of clients names.
    """
    file = CLIENTS / requirements
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    return _installed(
        config, [file], [*command, "--no-deps", "--require-hashes", "--target", ".", "-r", str(file)]
    )


def _installed(config: pytest.Config, files: Sequence[Path], command: list[str], *, copied: bool = False) -> Path:
    stamp = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    folder = Path(config.cache.mkdir("clients")) / f"{files[0].stem}-{stamp}"
    # Several processes run the tests at once, and one of them installs.
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for file in files if copied else ():
                shutil.copy(file, folder)
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=110)
            if done.returncode != 0:
                pytest.skip(f"{command[0]} could not install it: {done.stderr.strip()[-300:]}")
            (folder / "installed").touch()
    return folder
