"""
The lines of an export, wherever it lies: files, folders with ``revisions/N.json``, CSV files.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from attrs import frozen

from sdkbridge.kissmetrics.export_files import REVISION
from sdkbridge.kissmetrics.export_lines import ExportLine, InvalidExportLine, parse_export_line
from sdkbridge.kissmetrics.import_csv import InvalidImportFile, csv_rows
from sdkbridge.kissmetrics.imports import json_lines

# A quote that ends a text is never escaped, and one within a text always is, so this finds no text's inside.
_IDENTITY = re.compile(rb'(?<!\\)"_p"\s*:\s*"([^"\\]*)"')
_TABLES_OF_CONTENTS = frozenset({"index.csv", "status.csv"})


class UnreadableExport(Exception):
    """
    An export that is not there, or is none.

    Attributes:
        path: the file or folder.
    """

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


@frozen
class Placed:
    """
    What one line says, and where it stands.

    Attributes:
        path: the file.
        number: of the line, counted from 1.
        says: the line, or why it says nothing.
    """

    path: Path
    number: int
    says: ExportLine | InvalidExportLine


def files_of(paths: Iterable[Path]) -> list[Path]:
    """
    Return the files of an export: of a folder its revisions by number, or all that end in ``.json`` or ``.csv``.

    Raises:
        UnreadableExport: a path is not there, or a folder holds none.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UnreadableExport(path, "is not there")
        found += _files_in(path) if path.is_dir() else [path]
    return found


def _files_in(folder: Path) -> list[Path]:
    revisions = folder / "revisions" if (folder / "revisions").is_dir() else folder
    files = [
        path
        for path in revisions.iterdir()
        if path.suffix.lower() in {".json", ".csv"} and path.name not in _TABLES_OF_CONTENTS
    ]
    if not files:
        raise UnreadableExport(folder, "holds no lines of an export (revisions/N.json, or files .json or .csv)")
    return sorted(files, key=_by_number)


def _by_number(path: Path) -> tuple[int, str]:
    revision = REVISION.fullmatch(path.name)
    return (int(revision[1]) if revision else 0, path.name)


def lines_of(files: Sequence[Path], *, now: int) -> Iterator[Placed]:
    """
    Read every line; blank ones are passed over.

    Args:
        files: a file that ends in ``.csv`` has the columns of Kissmetrics' CSV import, any other an object a line.
        now: in seconds since 1970 UTC, for aliases without a time.

    Raises:
        UnreadableExport: a file cannot be read.
    """
    for path in files:
        try:
            yield from _rows(path, now) if _is_table(path) else _objects(path)
        except (OSError, InvalidImportFile) as error:
            problem = str(error) if isinstance(error, InvalidImportFile) else f"cannot be read ({error.strerror})"
            raise UnreadableExport(path, problem) from error


def lines_under(identities: frozenset[str], files: Sequence[Path], *, now: int) -> Iterator[ExportLine]:
    """
    Read the lines recorded under some identities.

    The others are passed over at a glance, and so is what is no line.

    Raises:
        UnreadableExport: a file cannot be read.
    """
    wanted = {identity.encode() for identity in identities}
    for path in files:
        try:
            lines = (one.says for one in _rows(path, now)) if _is_table(path) else _objects_under(wanted, path)
            for line in lines:
                if isinstance(line, ExportLine) and line.identity in identities:
                    yield line
        except OSError as error:
            raise UnreadableExport(path, f"cannot be read ({error.strerror})") from error


def _is_table(path: Path) -> bool:
    return path.suffix.lower() == ".csv"


def _rows(path: Path, now: int) -> Iterator[Placed]:
    # What is not UTF-8 becomes surrogates, which the reader of rows refuses one by one.
    with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
        for number, says in csv_rows(file, now=now):
            yield Placed(path, number, says)


def _objects(path: Path) -> Iterator[Placed]:
    with path.open("rb") as file:
        for number, says in json_lines(file):
            yield Placed(path, number, says)


def _objects_under(wanted: set[bytes], path: Path) -> Iterator[ExportLine | InvalidExportLine]:
    with path.open("rb") as file:
        for text in file:
            found = _IDENTITY.search(text)
            if found is None or found[1] in wanted:
                try:
                    yield parse_export_line(text)
                except InvalidExportLine:
                    continue
