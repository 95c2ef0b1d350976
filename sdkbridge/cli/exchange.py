"""
``sdkbridge export`` and ``sdkbridge import``: what a local Kissmetrics holds, in Kissmetrics' own files.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sdkbridge.cli.exits import REFUSED, Failure
from sdkbridge.cli.keys import LOOPBACK_KEY
from sdkbridge.cli.rules import rule_options

if TYPE_CHECKING:
    from sdkbridge.kissmetrics.imports import ImportReport
    from sdkbridge.kissmetrics.people import LocalKissmetrics

SHOWN_REFUSALS = 20


@click.command("export", short_help="Write what a local Kissmetrics recorded, as an export.")
@click.option(
    "--db",
    "path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file of a local Kissmetrics, running or not.",
)
@click.option(
    "--out",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write to, made if missing.",
)
@click.option(
    "--lines-per-file",
    type=click.IntRange(1),
    default=10_000,
    show_default=True,
    help="How many lines go into one file.",
)
@click.option("--key", "api_key", help="Only what was recorded with this Kissmetrics key.")
def export_lines(path: Path, folder: Path, lines_per_file: int, api_key: str | None) -> None:
    """
    Write everything recorded as Kissmetrics exports it: revisions/N.json, index.csv and status.csv.
    """
    from identity.squished.words import counted  # noqa: PLC0415 - commands load what they need
    from sdkbridge.cli.opening import opened  # noqa: PLC0415

    with opened(path, must_be_one=True) as kissmetrics:
        try:
            files = kissmetrics.export_revisions(folder, lines_per_file=lines_per_file, api_key=api_key)
        except OSError as error:
            raise Failure(f"cannot write the export: {error}") from error
    click.echo(f"{counted(files, 'file', 'files')} of lines in {folder / 'revisions'}")


@click.command("import")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--db",
    "path",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file of a local Kissmetrics, made if missing.",
)
@click.option(
    "--key",
    "api_key",
    default=LOOPBACK_KEY,
    show_default=True,
    help="The Kissmetrics key of the product to import into.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@rule_options
def import_files(
    files: tuple[Path, ...], path: Path, api_key: str, as_json: bool, changed: dict[str, object]
) -> None:
    """
    Take in files that Kissmetrics exported, or would import.

    A FILE that ends in .csv has the columns of Kissmetrics' CSV import; any other has one JSON object a line.
    Exit code 3 if a line was refused.
    """
    from sdkbridge.cli.opening import opened  # noqa: PLC0415 - commands load what they need

    if not api_key.strip():
        raise click.UsageError("--key must not be blank")
    with opened(path, must_be_one=False, changed=changed) as kissmetrics:
        refused = False
        for file in files:
            report = _imported(file, kissmetrics, api_key)
            _print(file, report, as_json=as_json)
            refused = refused or bool(report.refused)
    if refused:
        raise SystemExit(REFUSED)


def _imported(file: Path, kissmetrics: "LocalKissmetrics", api_key: str) -> "ImportReport":
    from sdkbridge.kissmetrics.import_csv import InvalidImportFile  # noqa: PLC0415

    try:
        if file.suffix.lower() == ".csv":
            with file.open(newline="", encoding="utf-8-sig") as rows:
                return kissmetrics.import_csv(rows, api_key=api_key)
        with file.open("rb") as lines:
            return kissmetrics.import_lines(lines, api_key=api_key)
    except InvalidImportFile as error:
        raise Failure(f"{file}: {error}") from error
    except UnicodeDecodeError as error:
        raise Failure(f"{file} is not UTF-8") from error
    except OSError as error:
        raise Failure(f"{file} cannot be read ({error.strerror})") from error


def _print(file: Path, report: "ImportReport", *, as_json: bool) -> None:
    refused = sum(report.refused.values())
    if as_json:
        examples = [{"line": one.number, "reason": one.reason} for one in report.examples]
        counts = {name: getattr(report, name) for name in ("lines", "stored", "duplicates", "repaired")}
        click.echo(json.dumps({"file": str(file), **counts, "refused": report.refused, "examples": examples}))
        return
    from identity.squished.words import counted  # noqa: PLC0415

    click.echo(
        f"{file}: {counted(report.lines, 'line', 'lines')}, {report.stored:,} stored, "
        f"{counted(report.duplicates, 'duplicate', 'duplicates')}, "
        f"{report.repaired:,} repaired, {refused:,} refused"
    )
    for one in report.examples[:SHOWN_REFUSALS]:
        click.echo(f"{file}, line {one.number}: {one.reason}", err=True)
    if refused > SHOWN_REFUSALS:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(report.refused.items()))
        click.echo(f"{file}: refused in all: {reasons}", err=True)
