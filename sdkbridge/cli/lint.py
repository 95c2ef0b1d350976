"""
``sdkbridge lint``: what Kissmetrics would silently change or drop.
"""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, BinaryIO

import click

from sdkbridge.cli.exits import REFUSED
from sdkbridge.cli.progress import progress

if TYPE_CHECKING:
    from rich.text import Text

    from sdkbridge.lint import Finding, LintReport

WIDTH_OF_A_FILE = 120


@click.command("lint", short_help="Find what Kissmetrics would silently change or drop.")
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def lint_file(file: BinaryIO, as_json: bool) -> None:
    """
    Find what Kissmetrics would silently change or drop in FILE, and say what the bridge does about it.

    FILE holds calls in Segment's spelling or lines of a Kissmetrics export, one a line; - is standard input.
    Nothing is sent and nothing is kept. Exit code 3 when anything was found.
    """
    from sdkbridge.lint import LintReport, lint  # noqa: PLC0415 - commands load what they need
    from sdkbridge.messages import read_lines  # noqa: PLC0415

    report = LintReport()
    with progress("reading…") as show:
        for report in lint(read_lines(file)):
            if report.lines % 100 == 0:
                show(f"{report.lines:,} lines")
    if as_json:
        click.echo(json.dumps(_as_json(report), ensure_ascii=False))
    else:
        _print(report)
    if report.findings:
        raise SystemExit(REFUSED)


def _as_json(report: LintReport) -> dict[str, object]:
    return {
        "lines": report.lines,
        "findings": [
            {
                "code": finding.code,
                "found_in": "export" if finding.exported else "calls",
                "count": finding.count,
                "remedy": finding.remedy,
                "examples": [{"line": example.line, "message": example.message} for example in finding.examples],
            }
            for finding in report.worst_first()
        ],
    }


def _print(report: LintReport) -> None:
    from rich.console import Console  # noqa: PLC0415 - only where something is printed for people
    from rich.table import Table  # noqa: PLC0415

    from identity.squished.words import counted  # noqa: PLC0415

    lines = counted(report.lines, "line", "lines")
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH_OF_A_FILE
    console = Console(width=width, highlight=False)
    if not report.findings:
        console.print(f"{lines}, and nothing that Kissmetrics would change or drop.")
        return
    table = Table(title=lines, title_justify="left", title_style="bold")
    table.add_column("count", justify="right")
    for heading in ("what", "where", "what the bridge does"):
        table.add_column(heading, overflow="fold")
    for finding in report.worst_first():
        what, where = _described(finding)
        table.add_row(f"{finding.count:,}", what, where, finding.remedy, end_section=True)
    console.print(table)


def _described(finding: Finding) -> tuple[Text, Text]:
    """
    Return what was found, and the places; what the messages have in common is said once.
    """
    from rich.text import Text  # noqa: PLC0415

    sentences = {example.message.partition(": ")[0] for example in finding.examples}
    shared = sentences.pop() if len(sentences) == 1 else ""
    what = Text.assemble((finding.code, "bold"), f"\n{shared}" if shared else "")
    places = []
    for example in finding.examples:
        rest = example.message.removeprefix(shared).removeprefix(": ")
        places.append(f"line {example.line}{': ' if rest else ''}{rest}")
    more = finding.count - len(places)
    return what, Text("\n".join([*places, f"and {more:,} more"] if more else places))
