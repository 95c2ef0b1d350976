"""
``sdkbridge graph``: who is who in a bridge's database and why.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from sdkbridge.cli import graph_decisions
from sdkbridge.cli.exits import Failure
from sdkbridge.cli.graph_file import asked, db_and_json, echo, print_verdicts

if TYPE_CHECKING:
    from identity.questions import Questions


@click.group(short_help="Ask who is who and why, and decide about links.")
def graph() -> None:
    """
    Ask a bridge's database who is who and why, and decide about its links.
    """


@graph.command(short_help="Show a person: identities, and every link of theirs.")
@click.argument("identity")
@db_and_json
def person(path: str | Path, as_json: bool, identity: str) -> None:
    """
    Show the person that IDENTITY belongs to: all identities, and every link that touches one.
    """
    with asked(path) as opened:
        _show_person(opened, identity, as_json=as_json)


def _show_person(opened: Questions, identity: str, *, as_json: bool) -> None:
    found = opened.person(identity)
    if as_json:
        echo(found.to_dict())
        return
    from identity.person import IDENTITY_HEADINGS, identity_row  # noqa: PLC0415
    from sdkbridge.cli.tables import print_rows  # noqa: PLC0415 - only where something is printed for people

    rows = [identity_row(known) for known in found.identities]
    print_rows(IDENTITY_HEADINGS, rows, empty=f"{found.name} was never seen.", numbers={3})
    if found.verdicts:
        print_verdicts(list(found.verdicts), empty="")


@graph.command(short_help="Show the links that make two identities one person.")
@click.argument("one")
@click.argument("other")
@db_and_json
def explain(path: str | Path, as_json: bool, one: str, other: str) -> None:
    """
    Show the links that make ONE and OTHER one person, or that would if they were approved.
    """
    with asked(path) as opened:
        _show_explanation(opened, one, other, as_json=as_json)


def _show_explanation(opened: Questions, one: str, other: str, *, as_json: bool) -> None:
    found = opened.explain(one, other)
    if as_json:
        echo(found.to_dict())
        return
    from sdkbridge.cli.tables import print_text  # noqa: PLC0415

    print_text(str(found))


@graph.command(short_help="Show all that was decided about an identity's links.")
@click.argument("identity")
@db_and_json
def history(path: str | Path, as_json: bool, identity: str) -> None:
    """
    Show everything that was ever decided about the links of IDENTITY, oldest first.
    """
    with asked(path) as opened:
        found = opened.history(identity)
    if as_json:
        echo(found.to_dict())
        return
    print_verdicts(list(found.verdicts), empty=f"Nothing was decided about {identity}.")


@graph.command()
@db_and_json
def held(path: str | Path, as_json: bool) -> None:
    """
    Show the links that wait for somebody to decide, oldest first.
    """
    with asked(path) as opened:
        waiting = opened.held()
    if as_json:
        echo({"held": [verdict.to_dict() for verdict in waiting]})
        return
    print_verdicts(waiting, empty="Nothing waits for a decision.")


@graph.command("as-of", short_help="Show a person, or why two are one, as it was at a time.")
@click.argument("time")
@click.argument("identity")
@click.argument("other", required=False)
@db_and_json
def as_of(path: str | Path, as_json: bool, time: str, identity: str, other: str | None) -> None:
    """
    Show the person that IDENTITY belonged to at TIME; with OTHER, why the two were one person then.

    TIME is ISO 8601, such as 2026-01-31 or 2026-01-31T12:00:00Z; UTC unless it says otherwise.
    """
    try:
        moment = datetime.fromisoformat(time)
    except ValueError as error:
        raise click.UsageError(f"TIME {time!r} is no ISO 8601 time, such as 2026-01-31T12:00:00Z") from error
    with asked(path) as opened:
        past = opened.as_of(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        if other is None:
            _show_person(past, identity, as_json=as_json)
        else:
            _show_explanation(past, identity, other, as_json=as_json)


@graph.command("draw", short_help="Draw a person as SVG.")
@click.argument("identity")
@click.option(
    "--out",
    type=click.File("wb"),
    default="-",
    show_default=True,
    help="Where the picture goes; - is standard output.",
)
@db_and_json
def draw_person(path: str | Path, as_json: bool, identity: str, out: BinaryIO) -> None:
    """
    Draw the person that IDENTITY belongs to, as SVG: identities, links, and what was held or refused.
    """
    from identity.draw import draw  # noqa: PLC0415 - needs an extra

    with asked(path) as opened:
        found = opened.person(identity)
    try:
        picture = draw(found).svg
    except ImportError as error:
        raise Failure(f"drawing needs more packages: pip install 'sdkbridge[charts]' ({error})") from error
    out.write((json.dumps({"svg": picture}) if as_json else picture).encode() + b"\n")


for command in graph_decisions.COMMANDS:
    graph.add_command(command)
