"""
An export as Kissmetrics puts it into a bucket: ``revisions/N.json``, ``index.csv`` and ``status.csv``.

Source: Kissmetrics' page on the data export. Of ``status.csv`` it gives the contents but no headings; ours say the
same.
"""

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from attrs import frozen

REVISION = re.compile(r"([0-9]+)\.json")
INDEX_HEADINGS = ("filename", "min_timestamp", "max_timestamp", "min_utc_date", "max_utc_date")
STATUS_HEADINGS = (
    "total_revisions",
    "exported_revisions",
    "max_exported_revision_timestamp",
    "max_exported_revision_utc_date",
)


@frozen
class _Revision:
    """
    One file of lines, and the seconds of the earliest and the latest of them.
    """

    number: int
    earliest: int
    latest: int

    @property
    def filename(self) -> str:
        return f"revisions/{self.number}.json"


def json_line(line: Mapping[str, Any]) -> str:
    """
    Return one line of an export as Kissmetrics writes it: a JSON object without blanks.
    """
    return json.dumps(line, separators=(",", ":")) + "\n"


def write_revisions(folder: Path, lines: Iterable[Mapping[str, Any]], *, count: int, lines_per_file: int) -> int:
    """
    Write lines to a folder, numbered from 1; return how many files that made.

    Each file gets its name when it is whole, the index after the files it lists, and the status last. Writing an
    export again that has grown replaces what is there.

    Args:
        folder: made if missing.
        lines: in the order of the export.
        count: how many they are.
        lines_per_file: how many of them one file holds.

    Raises:
        FileExistsError: the folder holds more revisions than this export has, so they are another's.
        OSError: something cannot be written.
        ValueError: lines_per_file is not positive.
    """
    if lines_per_file < 1:
        raise ValueError("lines_per_file must be positive")
    _refuse_another_export(folder, -(-count // lines_per_file))
    (folder / "revisions").mkdir(parents=True, exist_ok=True)
    written = list(_write_lines(folder, iter(lines), lines_per_file))
    replace(folder / "index.csv", [_table(INDEX_HEADINGS, map(_index_row, written))])
    replace(folder / "status.csv", [_table(STATUS_HEADINGS, [_status_row(written)])])
    return len(written)


def _refuse_another_export(folder: Path, expected: int) -> None:
    there = [REVISION.fullmatch(path.name) for path in (folder / "revisions").glob("*.json")]
    if any(int(found[1]) > expected for found in there if found):
        raise FileExistsError(f"{folder} holds revisions of another export: choose an empty folder")


def _write_lines(folder: Path, lines: Iterator[Mapping[str, Any]], lines_per_file: int) -> Iterator[_Revision]:
    number = 0
    while page := list(islice(lines, lines_per_file)):
        number += 1
        seconds = [line["_t"] for line in page]
        revision = _Revision(number, min(seconds), max(seconds))
        replace(folder / revision.filename, map(json_line, page))
        yield revision


def replace(path: Path, texts: Iterable[str]) -> None:
    """
    Write a file that gets its name when it is whole.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        file.writelines(texts)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _table(headings: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows(rows)
    return text.getvalue()


def _index_row(revision: _Revision) -> tuple[object, ...]:
    earliest, latest = revision.earliest, revision.latest
    return revision.filename, earliest, latest, _date(earliest), _date(latest)


def _status_row(written: list[_Revision]) -> tuple[object, ...]:
    if not written:
        return 0, 0, "", ""
    latest = max(revision.latest for revision in written)
    return len(written), len(written), latest, _date(latest)


def _date(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M GMT")
