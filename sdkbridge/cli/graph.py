"""
``sdkbridge graph``: who is who in a bridge's file and why, and what people decide about it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from identity.errors import IdentityError, InvalidIdentity
from sdkbridge.cli.exits import Failure

if TYPE_CHECKING:
    from identity.graph import IdentityGraph
    from identity.links import LinkLike, Verdict
    from identity.questions import Questions
    from sdkbridge.aliases import Aliases

Command = Callable[..., None]


@click.group()
def graph() -> None:
    """
    Ask a bridge's file who is who and why, and decide about its links.
    """


def _db_and_json(command: Command) -> Command:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option(
            "--db",
            "path",
            required=True,
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="The bridge's file.",
        ),
    ):
        command = option(command)
    return command


def _deciding(command: Command) -> Command:
    """
    Give a command two identities, and who decides why.
    """

    @click.argument("older")
    @click.argument("newer")
    @click.option("--by", required=True, help="Who decides; kept with the decision.")
    @click.option("--why", default="", help="For what reason; kept with the decision.")
    @_db_and_json
    @wraps(command)
    def with_link(path: Path, as_json: bool, older: str, newer: str, by: str, why: str, **others: Any) -> None:  # noqa: ANN401
        command(path, as_json, (older, newer), by, why, **others)

    return with_link


@contextmanager
def _failing_well() -> Iterator[None]:
    try:
        yield
    except InvalidIdentity as error:
        raise click.UsageError(str(error)) from error
    except IdentityError as error:
        raise Failure(str(error)) from error


@contextmanager
def _asked(path: Path) -> Iterator[IdentityGraph]:
    """
    Open a file's graph without writing to it.
    """
    from identity.database import Database  # noqa: PLC0415 - commands load what they need
    from identity.graph import IdentityGraph  # noqa: PLC0415

    with _failing_well(), IdentityGraph(Database(path, read_only=True)) as opened:
        yield opened


@contextmanager
def _decided(path: Path, *, grace_s: float = 0.0) -> Iterator[Aliases]:
    """
    Open a file's graph with the outbox that its aliases go to.
    """
    from identity.clock import system_clock  # noqa: PLC0415 - commands load what they need
    from identity.database import Database  # noqa: PLC0415
    from identity.graph import IdentityGraph  # noqa: PLC0415
    from sdkbridge.aliases import Aliases  # noqa: PLC0415
    from sdkbridge.outbox import Outbox  # noqa: PLC0415

    # Read first: a file that is not a bridge's is refused rather than made one.
    with _asked(path):
        pass
    with _failing_well():
        database = Database(path)
        with IdentityGraph(database, alias_grace=grace_s) as opened:
            yield Aliases(database, opened, Outbox(database), clock=system_clock)


@graph.command()
@click.argument("identity")
@_db_and_json
def person(path: Path, as_json: bool, identity: str) -> None:
    """
    Show the person that IDENTITY belongs to: all identities, and every link that touches one.
    """
    with _asked(path) as opened:
        _show_person(opened, identity, as_json=as_json)


def _show_person(opened: Questions, identity: str, *, as_json: bool) -> None:
    found = opened.person(identity)
    if as_json:
        _echo(found.to_dict())
        return
    from identity.person import IDENTITY_HEADINGS, identity_row  # noqa: PLC0415
    from sdkbridge.cli.tables import print_rows  # noqa: PLC0415 - only where something is printed for people

    rows = [identity_row(known) for known in found.identities]
    print_rows(IDENTITY_HEADINGS, rows, empty=f"{found.name} was never seen.", numbers={3})
    if found.verdicts:
        _print_verdicts(list(found.verdicts), empty="")


@graph.command()
@click.argument("one")
@click.argument("other")
@_db_and_json
def explain(path: Path, as_json: bool, one: str, other: str) -> None:
    """
    Show the links that make ONE and OTHER one person, or that would if they were approved.
    """
    with _asked(path) as opened:
        _show_explanation(opened, one, other, as_json=as_json)


def _show_explanation(opened: Questions, one: str, other: str, *, as_json: bool) -> None:
    found = opened.explain(one, other)
    if as_json:
        _echo(found.to_dict())
        return
    from sdkbridge.cli.tables import print_text  # noqa: PLC0415

    print_text(str(found))


@graph.command()
@click.argument("identity")
@_db_and_json
def history(path: Path, as_json: bool, identity: str) -> None:
    """
    Show everything that was ever decided about the links of IDENTITY, oldest first.
    """
    with _asked(path) as opened:
        found = opened.history(identity)
    if as_json:
        _echo(found.to_dict())
        return
    _print_verdicts(list(found.verdicts), empty=f"Nothing was decided about {identity}.")


@graph.command()
@_db_and_json
def held(path: Path, as_json: bool) -> None:
    """
    Show the links that wait for somebody to decide, oldest first.
    """
    with _asked(path) as opened:
        waiting = opened.held()
    if as_json:
        _echo({"held": [verdict.to_dict() for verdict in waiting]})
        return
    _print_verdicts(waiting, empty="Nothing waits for a decision.")


@graph.command()
@click.option(
    "--grace",
    "grace_s",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the alias waits before it is queued.",
)
@_deciding
def approve(path: Path, as_json: bool, link: LinkLike, by: str, why: str, grace_s: float) -> None:
    """
    Join OLDER and NEWER, whose link was held or refused, and queue the alias.
    """
    with _decided(path, grace_s=grace_s) as aliases:
        _say(aliases.approve(link, by=by, why=why), as_json=as_json)


@graph.command()
@_deciding
def reject(path: Path, as_json: bool, link: LinkLike, by: str, why: str) -> None:
    """
    Refuse the link of OLDER and NEWER, which was held; later calls do not bring it back.
    """
    with _decided(path) as aliases:
        _say(aliases.reject(link, by=by, why=why), as_json=as_json)


@graph.command()
@_deciding
def retract(path: Path, as_json: bool, link: LinkLike, by: str, why: str) -> None:
    """
    Undo the link of OLDER and NEWER, as long as nobody has tried to send its alias.
    """
    with _decided(path) as aliases:
        _say(aliases.retract(link, by=by, why=why), as_json=as_json)


@graph.command()
@click.option("--send", is_flag=True, help="Queue the aliases, for the bridge to deliver.")
@_db_and_json
def plan(path: Path, as_json: bool, send: bool) -> None:
    """
    Show the fewest aliases that tell Kissmetrics what the file knows, and whom each would join.

    Aliases in their grace leave by themselves and are only counted. With --send the rest is queued; nothing that
    was delivered can be undone.
    """
    with _decided(path) as aliases:
        found = aliases.plan()
        queued = aliases.send(found) if send else None
    if as_json:
        _echo({**found.to_dict(), "queued": queued})
        return
    from identity.plan import CANNOT_BE_UNDONE, PLAN_HEADINGS, plan_row  # noqa: PLC0415
    from sdkbridge.cli.tables import print_rows, print_text  # noqa: PLC0415

    rows = [plan_row(number, alias) for number, alias in enumerate(found.aliases, 1)]
    print_rows(PLAN_HEADINGS, rows, empty=found.summary, numbers={0})
    for one, other in found.apart:
        print_text(f"Kissmetrics was told that {one} and {other} are one; here they are two people.")
    if found and not send:
        print_text(f"{CANNOT_BE_UNDONE} --send queues them.")
    if queued is not None:
        print_text(f"{queued:,} queued.")


@graph.command()
@click.argument("identity")
@click.option("--yes", is_flag=True, help="Do not ask before erasing.")
@_db_and_json
def forget(path: Path, as_json: bool, identity: str, yes: bool) -> None:
    """
    Erase the person that IDENTITY belongs to, and print the identities to have deleted at Kissmetrics.

    Later calls that name them are taken and dropped.
    """
    if not yes:
        with _asked(path) as opened:
            count = len(opened.person(identity).names)
        click.confirm(
            f"Erase {count:,} identities with all their links and sessions, for good?", abort=True, err=True
        )
    with _decided(path) as aliases:
        forgotten = aliases.forget(identity)
    if as_json:
        _echo(forgotten.to_dict())
        return
    from sdkbridge.cli.tables import print_rows  # noqa: PLC0415

    print_rows(["to be deleted at Kissmetrics"], [[name] for name in forgotten.identities], empty="")


@graph.command("as-of")
@click.argument("time")
@click.argument("identity")
@click.argument("other", required=False)
@_db_and_json
def as_of(path: Path, as_json: bool, time: str, identity: str, other: str | None) -> None:
    """
    Show the person that IDENTITY belonged to at TIME; with OTHER, why the two were one person then.

    TIME is ISO 8601, such as 2026-01-31 or 2026-01-31T12:00:00Z; UTC unless it says otherwise.
    """
    try:
        moment = datetime.fromisoformat(time)
    except ValueError as error:
        raise click.UsageError(f"TIME {time!r} is no ISO 8601 time, such as 2026-01-31T12:00:00Z") from error
    with _asked(path) as opened:
        past = opened.as_of(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        if other is None:
            _show_person(past, identity, as_json=as_json)
        else:
            _show_explanation(past, identity, other, as_json=as_json)


@graph.command("draw")
@click.argument("identity")
@click.option(
    "--out",
    type=click.File("wb"),
    default="-",
    show_default=True,
    help="Where the picture goes; - is standard output.",
)
@_db_and_json
def draw_person(path: Path, as_json: bool, identity: str, out: BinaryIO) -> None:
    """
    Draw the person that IDENTITY belongs to, as SVG: identities, links, and what was held or refused.
    """
    from identity.draw import draw  # noqa: PLC0415 - needs an extra

    with _asked(path) as opened:
        found = opened.person(identity)
    try:
        picture = draw(found).svg
    except ImportError as error:
        raise Failure(f"drawing needs more packages: pip install 'sdkbridge[charts]' ({error})") from error
    out.write((json.dumps({"svg": picture}) if as_json else picture).encode() + b"\n")


def _say(verdict: Verdict, *, as_json: bool) -> None:
    if as_json:
        _echo(verdict.to_dict())
        return
    from sdkbridge.cli.tables import print_text  # noqa: PLC0415

    print_text(str(verdict))


def _print_verdicts(verdicts: list[Verdict], *, empty: str) -> None:
    from identity.links import verdict_row  # noqa: PLC0415
    from sdkbridge.cli.tables import print_rows  # noqa: PLC0415

    rows = [
        (when, [older, newer], evidence, [said, f"by {by}"], why)
        for when, older, newer, evidence, said, by, why in map(verdict_row, verdicts)
    ]
    print_rows(("UTC", "older, newer", "evidence", "verdict", "why"), rows, empty=empty)


def _echo(answer: dict[str, Any]) -> None:
    click.echo(json.dumps(answer, ensure_ascii=False))
