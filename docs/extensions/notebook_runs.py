"""
Runs notebooks, each from top to bottom in a kernel of its own, and keeps what they showed.

Outputs are kept under a name that follows from the notebook and all that it depends on, so a notebook is only run
again once one of these has changed.
"""

import fcntl
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from unittest.mock import patch

import jupytext
import nbformat
from nbclient import NotebookClient

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
CELL_TIMEOUT_S = 300


def run_once(path: Path, *, cache: Path, depends_on: Iterable[Path]) -> nbformat.NotebookNode:
    """
    Return a notebook with its outputs: those of an earlier run if nothing has changed since.
    """
    cache.mkdir(parents=True, exist_ok=True)
    kept = cache / f"{path.stem}-{digest_of([path, *depends_on])}.ipynb"
    with (cache / f"{path.stem}.lock").open("w") as lock:
        # Whoever comes second waits for what the first one finds out.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_file():
            notebook = run(path)
            for outdated in cache.glob(f"{path.stem}-*.ipynb"):
                outdated.unlink()
            written = kept.with_suffix(".part")
            nbformat.write(notebook, written)
            written.replace(kept)
        return nbformat.read(kept, as_version=4)


def run(path: Path) -> nbformat.NotebookNode:
    """
    Run a notebook in a folder of its own, beside which it finds the fixtures as it would in a checkout.

    Raises:
        CellExecutionError: a cell failed.
        NoSuchKernel: the kernel that it names is not installed.
    """
    notebook = jupytext.read(path)
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder) / "notebooks"
        here.mkdir()
        (Path(folder) / "fixtures").symlink_to(FIXTURES)
        # What somebody has set up at home is none of the notebook's business.
        places = {"IPYTHONDIR": f"{folder}/ipython", "JUPYTER_RUNTIME_DIR": f"{folder}/runtime"}
        with patch.dict(os.environ, places | {"JUPYTER_PLATFORM_DIRS": "1"}):
            NotebookClient(
                notebook,
                timeout=CELL_TIMEOUT_S,
                resources={"metadata": {"path": str(here)}},
                extra_arguments=["--log-level=ERROR"],
            ).execute()
    return notebook


def digest_of(paths: Iterable[Path]) -> str:
    """
    Return what changes whenever a file among or below some paths does, or the Python that runs.
    """
    digest = hashlib.sha256(sys.version.encode())
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.name} {file.stat().st_size} ".encode() + file.read_bytes())
    return digest.hexdigest()[:16]
