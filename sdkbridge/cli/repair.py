"""
``sdkbridge repair``: an export without the links that squished people.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sdkbridge.cli.exits import REFUSED, Failure
from sdkbridge.cli.progress import progress

if TYPE_CHECKING:
    from sdkbridge.repair import Repair


@click.command("repair", short_help="Write an export without the aliases to blame.")
@click.argument("paths", nargs=-1, required=True, metavar="EXPORT...", type=click.Path(path_type=Path))
@click.option(
    "--drop",
    "links",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The links to drop: what sdkbridge audit --json printed, or two identities a row with a comma between.",
)
@click.option(
    "--out",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write to, made if missing; it must be empty.",
)
@click.option(
    "--lines-per-file",
    type=click.IntRange(1),
    default=100_000,
    show_default=True,
    help="How many lines go into one file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def repair_export(paths: tuple[Path, ...], links: Path, folder: Path, lines_per_file: int, as_json: bool) -> None:
    """
    Write EXPORT without some of its aliases, as files to import into a new product.

    Kissmetrics never undoes an alias, so this is the only remedy. Everything else stays as it is, in its order;
    aliases of a CSV file become lines of JSON. Exit code 3 if a line could not be read or a link to drop was not
    there.
    """
    from sdkbridge.kissmetrics.exported import UnreadableExport  # noqa: PLC0415 - commands load what they need
    from sdkbridge.repair import InvalidLinks, links_in, repair  # noqa: PLC0415

    try:
        drop = links_in(links.read_text(encoding="utf-8"))
    except (InvalidLinks, UnicodeDecodeError, OSError) as error:
        problem = str(error) if isinstance(error, InvalidLinks) else "cannot be read as UTF-8"
        raise Failure(f"{links} {problem}") from error
    try:
        with progress("reading…") as show:
            done = repair(paths, drop, folder, lines_per_file=lines_per_file, progress=show)
    except UnreadableExport as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"cannot write the files: {error}") from error
    absent = len(drop) - len(done.dropped)
    _print(done, absent, folder, as_json=as_json)
    if done.refused or absent:
        raise SystemExit(REFUSED)


def _print(done: Repair, absent: int, folder: Path, *, as_json: bool) -> None:
    if as_json:
        counts = {"kept": done.kept, "dropped": done.dropped.total(), "links_absent": absent, "files": done.files}
        click.echo(json.dumps({**counts, "refused": dict(done.refused)}))
        return
    from identity.squished.words import counted  # noqa: PLC0415

    files = counted(done.files, "file", "files")
    click.echo(
        f"{counted(done.kept, 'line', 'lines')} kept, {counted(done.dropped.total(), 'alias', 'aliases')} of "
        f"{counted(len(done.dropped), 'link', 'links')} dropped: {files} in {folder}"
    )
    if absent:
        click.echo(f"{absent:,} of the links to drop are not in the export", err=True)
    for placed in done.examples:
        click.echo(f"{placed.path}, line {placed.number}: {placed.says}", err=True)
    if done.refused.total() > len(done.examples):
        click.echo(f"left out in all: {counted(done.refused.total(), 'line', 'lines')}", err=True)
