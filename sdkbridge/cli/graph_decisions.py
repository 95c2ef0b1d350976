"""
What people decide with ``sdkbridge graph``: approving, rejecting, retracting, sending a plan, forgetting.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sdkbridge.cli.graph_file import Command, asked, db_and_json, echo, failing_well

if TYPE_CHECKING:
    from identity.links import LinkLike, Verdict
    from sdkbridge.aliases import Aliases


def _deciding(command: Command) -> Command:
    """
    Give a command two identities, and who decides why.
    """

    @click.argument("older")
    @click.argument("newer")
    @click.option("--by", required=True, help="Who decides; kept with the decision.")
    @click.option("--why", default="", help="For what reason; kept with the decision.")
    @db_and_json
    @wraps(command)
    def with_link(
        path: str | Path, as_json: bool, older: str, newer: str, by: str, why: str, **others: object
    ) -> None:
        command(path, as_json, (older, newer), by, why, **others)

    return with_link


@contextmanager
def _decided(path: str | Path, *, grace_s: float = 0.0) -> Iterator[Aliases]:
    """
    Open a database's graph with the outbox that its aliases go to.
    """
    from identity.clock import system_clock  # noqa: PLC0415 - commands load what they need
    from identity.database import Database  # noqa: PLC0415
    from identity.graph import IdentityGraph  # noqa: PLC0415
    from sdkbridge.aliases import Aliases  # noqa: PLC0415
    from sdkbridge.outbox.queue import Outbox  # noqa: PLC0415

    # Read first: a file that is not a bridge's is refused rather than made one.
    with asked(path):
        pass
    with failing_well():
        database = Database(path)
        with IdentityGraph(database, alias_grace=grace_s) as opened:
            yield Aliases(database, opened, Outbox(database), clock=system_clock)


@click.command(short_help="Join two identities whose link was held or refused.")
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
def approve(path: str | Path, as_json: bool, link: LinkLike, by: str, why: str, grace_s: float) -> None:
    """
    Join OLDER and NEWER, whose link was held or refused, and queue the alias.
    """
    with _decided(path, grace_s=grace_s) as aliases:
        _say(aliases.approve(link, by=by, why=why), as_json=as_json)


@click.command(short_help="Refuse a link that was held, for good.")
@_deciding
def reject(path: str | Path, as_json: bool, link: LinkLike, by: str, why: str) -> None:
    """
    Refuse the link of OLDER and NEWER, which was held; later calls do not bring it back.
    """
    with _decided(path) as aliases:
        _say(aliases.reject(link, by=by, why=why), as_json=as_json)


@click.command(short_help="Undo a link whose alias nobody has tried to send.")
@_deciding
def retract(path: str | Path, as_json: bool, link: LinkLike, by: str, why: str) -> None:
    """
    Undo the link of OLDER and NEWER, as long as nobody has tried to send its alias.
    """
    with _decided(path) as aliases:
        _say(aliases.retract(link, by=by, why=why), as_json=as_json)


@click.command(short_help="Show or send the aliases that Kissmetrics lacks.")
@click.option("--send", is_flag=True, help="Queue the aliases, for the bridge to deliver.")
@db_and_json
def plan(path: str | Path, as_json: bool, send: bool) -> None:
    """
    Show the fewest aliases that tell Kissmetrics what the database knows, and whom each would join.

    Aliases in their grace leave by themselves and are only counted. With --send the rest is queued; nothing that
    was delivered can be undone.
    """
    with _decided(path) as aliases:
        found = aliases.plan()
        queued = aliases.send(found) if send else None
    if as_json:
        echo({**found.to_dict(), "queued": queued})
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


@click.command(short_help="Erase a person, and list what to delete at Kissmetrics.")
@click.argument("identity")
@click.option("--yes", is_flag=True, help="Do not ask before erasing.")
@db_and_json
def forget(path: str | Path, as_json: bool, identity: str, yes: bool) -> None:
    """
    Erase the person that IDENTITY belongs to, and print the identities to have deleted at Kissmetrics.

    Later calls that name them are taken and dropped.
    """
    if not yes:
        from identity.squished.words import counted  # noqa: PLC0415 - commands load what they need

        with asked(path) as opened:
            names = counted(len(opened.person(identity).names), "identity with its", "identities with their")
        click.confirm(f"Erase {names} links and sessions, for good?", abort=True, err=True)
    with _decided(path) as aliases:
        forgotten = aliases.forget(identity)
    if as_json:
        echo(forgotten.to_dict())
        return
    from sdkbridge.cli.tables import print_rows  # noqa: PLC0415

    print_rows(["to be deleted at Kissmetrics"], [[name] for name in forgotten.identities], empty="")


def _say(verdict: Verdict, *, as_json: bool) -> None:
    if as_json:
        echo(verdict.to_dict())
        return
    from sdkbridge.cli.tables import print_text  # noqa: PLC0415

    print_text(str(verdict))


COMMANDS = (approve, reject, retract, plan, forget)
