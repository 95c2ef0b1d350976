"""
``sdkbridge audit``: the squished people, and the links to blame.
"""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sdkbridge.cli.addresses import DatabaseAddress
from sdkbridge.cli.exits import REFUSED, Failure
from sdkbridge.cli.kinds import kind_option
from sdkbridge.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from identity.squished import Audit
    from sdkbridge.export_audit import ExportTally, Limits


@click.command("audit", short_help="Find the squished people in an export, and the links to blame.")
@click.argument("paths", nargs=-1, metavar="EXPORT...", type=click.Path(path_type=Path))
@click.option(
    "--graph",
    type=DatabaseAddress(must_exist=True),
    help="Look at the identity graph in a bridge's database, a file or postgresql://…, instead of an export.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, which sdkbridge repair reads.")
@click.option(
    "--html",
    "report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a report with drawings to this file, too: one page that needs nothing else.",
)
@kind_option
@click.option(
    "--hub-of",
    type=click.IntRange(2),
    default=10,
    show_default=True,
    help="How many account ids, or e-mail addresses, an identity is linked with that can be nobody's.",
)
@click.option(
    "--crowd-of",
    type=click.IntRange(2),
    default=100,
    show_default=True,
    help="How many identities are too many for one person, although nothing contradicts.",
)
def audit_people(
    paths: tuple[Path, ...],
    graph: str | Path | None,
    as_json: bool,
    report: Path | None,
    kinds: tuple[tuple[str, re.Pattern[str]], ...],
    hub_of: int,
    crowd_of: int,
) -> None:
    """
    Find the squished people in EXPORT, and name the links to blame.

    An EXPORT is a file with a JSON object a line, a CSV file (.csv) with the columns of Kissmetrics' import, or a
    folder of them, such as one with revisions/N.json. For each person that should be several, shows the fewest
    links to drop so that nobody has two account ids or two histories of e-mail addresses, and who would be whom
    then. Nothing is changed. Exit code 3 when anything was found.
    """
    from identity.squished import Pattern, by_patterns  # noqa: PLC0415 - commands load what they need
    from sdkbridge.export_audit import Limits  # noqa: PLC0415

    if bool(paths) == (graph is not None):
        raise click.UsageError("give an EXPORT or --graph")
    told = by_patterns([Pattern(kind, regex) for kind, regex in kinds])
    limits = Limits(hub_of=hub_of, crowd_of=crowd_of)
    found, tally = _of_graph(graph, told, limits) if graph is not None else _of_export(paths, told, limits)
    if report is not None:
        _write(report, found, tally)
    if as_json:
        from sdkbridge.audit_json import audit_values  # noqa: PLC0415

        click.echo(json.dumps(audit_values(found, tally), ensure_ascii=False))
    else:
        from sdkbridge.cli.audit_table import print_audit  # noqa: PLC0415

        print_audit(found, tally)
    if found.squished or (tally is not None and (tally.placeholders or tally.refused)):
        raise SystemExit(REFUSED)


def _of_export(paths: tuple[Path, ...], told: Callable[[str], str], limits: Limits) -> tuple[Audit, ExportTally]:
    from sdkbridge.export_audit import audit_export  # noqa: PLC0415
    from sdkbridge.kissmetrics.exported import UnreadableExport  # noqa: PLC0415

    try:
        with progress("reading…") as show:
            done = audit_export(paths, kind_of=told, limits=limits, progress=show)
    except UnreadableExport as error:
        raise Failure(str(error)) from error
    return done.found, done.tally


def _of_graph(path: str | Path, told: Callable[[str], str], limits: Limits) -> tuple[Audit, None]:
    from identity.database import Database  # noqa: PLC0415
    from identity.errors import StoreError  # noqa: PLC0415
    from identity.graph import IdentityGraph  # noqa: PLC0415
    from identity.squished import audit  # noqa: PLC0415
    from identity.squished.from_graph import accepted_links, kind_in, recorded_in  # noqa: PLC0415

    try:
        with closing(Database(path, read_only=True)) as database, progress("looking…"):
            IdentityGraph(database)
            found = audit(
                accepted_links(database),
                activity=recorded_in(database),
                kind_of=kind_in(database, otherwise=told),
                hub_of=limits.hub_of,
                crowd_of=limits.crowd_of,
            )
    except (StoreError, ImportError) as error:
        raise Failure(str(error)) from error
    return found, None


def _write(path: Path, found: Audit, tally: ExportTally | None) -> None:
    from sdkbridge.audit_report import report_page  # noqa: PLC0415

    try:
        path.write_text(report_page(found, tally), encoding="utf-8")
    except ImportError as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"cannot write {path} ({error.strerror})") from error
