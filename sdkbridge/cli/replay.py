"""
``sdkbridge replay``: a file of calls through the bridge.
"""

import json
import time
from pathlib import Path
from typing import BinaryIO

import click

from identity.errors import StoreError
from identity.squished.words import counted
from sdkbridge.bridge import Bridge
from sdkbridge.cli.addresses import DatabaseAddress
from sdkbridge.cli.defaults import needed, said
from sdkbridge.cli.exits import FAILED, REFUSED, Failure
from sdkbridge.cli.keys import key_for
from sdkbridge.cli.progress import progress
from sdkbridge.messages import read_lines
from sdkbridge.outbox.queue import OutboxCounts
from sdkbridge.replay import Tally, replay

SHOWN_REFUSALS = 20


@click.command("replay", short_help="Play a file of calls through the bridge, and deliver it.")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--db",
    "path",
    default=said("database"),
    callback=needed("database"),
    type=DatabaseAddress(must_exist=False),
    help="The bridge's database: a file, made if missing, or postgresql://….",
)
@click.option(
    "--url",
    default=said("url"),
    callback=needed("url"),
    help="Where Kissmetrics is, such as http://127.0.0.1:8080.",
)
@click.option(
    "--api-key",
    default=said("api_key"),
    envvar="SDKBRIDGE_API_KEY",
    help="Kissmetrics key; not needed when the URL is on this machine. [env: SDKBRIDGE_API_KEY]",
)
@click.option("--no-wait", is_flag=True, help="Deliver nothing: exit once every line is accepted.")
@click.option(
    "--patience",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="Seconds without any delivery after which to give up.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def replay_calls(
    file: BinaryIO, path: str | Path, url: str, api_key: str | None, no_wait: bool, patience: float, as_json: bool
) -> None:
    """
    Play FILE through the bridge, and deliver what comes of it to Kissmetrics.

    FILE holds one Segment message a line, as Segment's SDKs write them; - is standard input. A line with a
    "device" instead of ids goes through that device's session, where {"type": "reset"} is a call too. Playing
    the same file again repeats nothing.

    Exit code 1 if anything is left undelivered, 3 if a line was refused.
    """
    try:
        bridge = Bridge(path, api_key=key_for(url, api_key), url=url, deliver=False if no_wait else None)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except (StoreError, ImportError) as error:
        raise Failure(str(error)) from error
    try:
        with bridge:
            tally = _accept_all(file, bridge, _source(file))
            outbox = bridge.status().outbox if no_wait else _deliver_all(bridge, patience)
            last_error = bridge.status().last_error
    except StoreError as error:
        raise Failure(str(error)) from error
    _report(tally, outbox, last_error, as_json=as_json)
    if outbox.dead or (outbox.waiting and not no_wait):
        raise SystemExit(FAILED)
    if tally.refused:
        raise SystemExit(REFUSED)


def _source(file: BinaryIO) -> str | None:
    """
    Return the name by which a file's lines are known; none for a pipe, whose lines are always new.
    """
    path = Path(file.name)
    return str(path.resolve()) if path.is_file() else None


def _accept_all(file: BinaryIO, bridge: Bridge, source: str | None) -> Tally:
    tally = Tally()
    with progress("reading…") as show:
        for tally in replay(read_lines(file), bridge, source=source):
            if tally.lines % 100 == 0:
                show(f"{tally.lines:,} lines")
    return tally


def _deliver_all(bridge: Bridge, patience: float) -> OutboxCounts:
    """
    Deliver until nothing is left, or nothing has moved for too long.
    """
    left = bridge.flush(timeout=0.0).waiting
    moved = time.monotonic()
    with progress("delivering…") as show:
        while left and time.monotonic() - moved < patience:
            report = bridge.flush(timeout=0.25)
            if report.waiting != left:
                moved, left = time.monotonic(), report.waiting
                show(f"{counted(left, 'request', 'requests')} left to deliver")
    return bridge.status().outbox


def _report(tally: Tally, outbox: OutboxCounts, last_error: str | None, *, as_json: bool) -> None:
    if as_json:
        click.echo(
            json.dumps(
                {
                    "accepted": tally.accepted,
                    "repeated": tally.repeated,
                    "refused": [
                        {"line": refusal.line, "reason": refusal.reason, "message": refusal.message}
                        for refusal in tally.refused
                    ],
                    "verdicts": dict(tally.verdicts),
                    "warnings": dict(tally.warnings),
                    "requests": tally.requests,
                    "outbox": {"waiting": outbox.waiting, "delivered": outbox.delivered, "dead": outbox.dead},
                    "last_error": last_error,
                }
            )
        )
        return
    click.echo(
        f"lines      {tally.accepted:,} accepted, {tally.repeated:,} repeated, {len(tally.refused):,} refused"
    )
    click.echo(f"verdicts   {_listed(tally.verdicts)}")
    click.echo(f"warnings   {_listed(tally.warnings)}")
    click.echo(f"requests   {tally.requests:,} queued")
    click.echo(f"outbox     {outbox.delivered:,} delivered, {outbox.waiting:,} waiting, {outbox.dead:,} dead")
    if last_error:
        click.echo(f"last error {last_error}")
    for refusal in tally.refused[:SHOWN_REFUSALS]:
        click.echo(f"line {refusal.line}: {refusal.message}", err=True)
    if len(tally.refused) > SHOWN_REFUSALS:
        more = counted(len(tally.refused) - SHOWN_REFUSALS, "more line", "more lines")
        click.echo(f"and {more}; --json lists them all", err=True)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())) or "none"
