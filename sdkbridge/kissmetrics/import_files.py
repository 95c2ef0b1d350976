"""
Files that Kissmetrics imports: JSON, a line each.

Source: Kissmetrics' pages on JSON import: the lines have the form of an export, and the files of a recurring
    import
are called ``base*.json`` and are taken in the order of their names.
"""

from collections.abc import Iterable, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

from sdkbridge.kissmetrics.export_files import json_line, replace


def write_import(folder: Path, lines: Iterable[Mapping[str, Any]], *, lines_per_file: int) -> int:
    """
    Write lines to ``base-00001.json`` and so on, and return how many files that made.

    Each file gets its name when it is whole.

    Args:
        folder: made if missing.
        lines: in the order of the import.
        lines_per_file: how many of them one file holds.

    Raises:
        FileExistsError: the folder holds something.
        OSError: something cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    folder.mkdir(parents=True, exist_ok=True)
    remaining = iter(lines)
    files = 0
    for first in remaining:
        files += 1
        page = chain((first,), islice(remaining, lines_per_file - 1))
        replace(folder / f"base-{files:05d}.json", map(json_line, page))
    return files
