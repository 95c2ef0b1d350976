"""
What Kissmetrics never offered: an export without the links that squished people, to import into a new product.
"""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from attrs import Factory, define

from identity.clock import Clock, system_clock
from sdkbridge.kissmetrics.export_lines import InvalidExportLine
from sdkbridge.kissmetrics.exported import Placed, files_of, lines_of
from sdkbridge.kissmetrics.import_files import write_import

Pair = frozenset[str]
"""Two identities, whichever way round."""

MOST_EXAMPLES = 20
LINES_BETWEEN_SIGNS = 10_000


class InvalidLinks(ValueError):
    """
    A file of links to drop that cannot be read.
    """


@define
class Repair:
    """
    What came of a repair.

    Attributes:
        kept: lines that were written.
        dropped: aliases that were left out, by their two identities.
        refused: lines that say nothing and were left out, by reason.
        examples: the first of those.
        files: how many files were written.
    """

    kept: int = 0
    dropped: Counter[Pair] = Factory(Counter)
    refused: Counter[str] = Factory(Counter)
    examples: list[Placed] = Factory(list)
    files: int = 0


def links_in(text: str) -> frozenset[Pair]:
    """
    Read links to drop: what ``sdkbridge audit --json`` printed, or rows of two identities with a comma between.

    Raises:
        InvalidLinks: it is neither.
    """
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        return frozenset(_of_an_audit(text))
    try:
        rows = [row for row in csv.reader(text.removeprefix("\ufeff").splitlines()) if any(row)]
    except csv.Error:
        raise InvalidLinks("is neither JSON nor CSV") from None
    if any(len(row) != 2 or not all(row) for row in rows):
        raise InvalidLinks("must have two identities in each row")
    return frozenset(map(frozenset, rows))


def _of_an_audit(text: str) -> Iterator[Pair]:
    try:
        squished = json.loads(text.removeprefix("\ufeff"))["squished"]
        for person in squished:
            for link in person["blamed"]:
                yield frozenset((str(link["older"]), str(link["newer"])))
    except (ValueError, RecursionError):
        raise InvalidLinks("is not JSON") from None
    except (KeyError, TypeError):
        raise InvalidLinks("is not the JSON of an audit: squished, blamed, older or newer is missing") from None


def repair(
    paths: Sequence[Path],
    drop: frozenset[Pair],
    folder: Path,
    *,
    lines_per_file: int,
    clock: Clock = system_clock,
    progress: Callable[[str], None] = lambda _: None,
) -> Repair:
    """
    Write an export without some of its aliases, as files that Kissmetrics imports.

    Args:
        paths: files and folders of the export.
        drop: the links to leave out, however often and in whichever direction they were made.
        folder: made if missing, and empty.
        lines_per_file: how many lines go into one file.
        clock: the time in seconds since 1970 UTC, for aliases in CSV files without one.
        progress: is told how far the work is.

    Raises:
        UnreadableExport: a file is missing, or cannot be read.
        FileExistsError: the folder holds something.
        OSError: something cannot be written.
    """
    done = Repair()
    lines = _kept(files_of(paths), drop, int(clock()), done, progress)
    done.files = write_import(folder, lines, lines_per_file=lines_per_file)
    return done


def _kept(
    files: Sequence[Path], drop: frozenset[Pair], now: int, done: Repair, progress: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    for read, placed in enumerate(lines_of(files, now=now)):
        if read % LINES_BETWEEN_SIGNS == 0:
            progress(f"{read:,} lines read")
        line = placed.says
        if isinstance(line, InvalidExportLine):
            done.refused[line.reason] += 1
            done.examples += [placed][: MOST_EXAMPLES - len(done.examples)]
            continue
        pair = frozenset((line.identity, line.other)) if line.other is not None else None
        if pair in drop:
            done.dropped[pair] += 1
            continue
        done.kept += 1
        yield {**line.members(), "_t": line.second}
