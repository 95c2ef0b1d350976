"""
``sdkbridge refused``: calls that were refused in batches, and why.
"""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click

from identity.errors import StoreError
from sdkbridge.cli.addresses import database_option
from sdkbridge.cli.exits import Failure

SHOWN_CHARACTERS = 200


@click.command("refused", short_help="Show the calls that were refused in batches lately.")
@database_option
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many to show at most.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line, each with the call in full.")
def refused_calls(path: str | Path, limit: int, as_json: bool) -> None:
    """
    Show the calls that were refused in batches lately, the newest first: when, what was wrong, and the call.

    They are kept for thirty days, the last ten thousand of them.
    """
    from attrs import asdict  # noqa: PLC0415 - commands load what they need

    from identity.clock import system_clock  # noqa: PLC0415
    from identity.database import Database  # noqa: PLC0415
    from sdkbridge.refused import RefusedCalls  # noqa: PLC0415

    try:
        with closing(Database(path, read_only=True)) as database:
            found = RefusedCalls(database, clock=system_clock).latest(limit)
    except (StoreError, ImportError) as error:
        raise Failure(str(error)) from error
    for refused in found:
        if as_json:
            click.echo(json.dumps(asdict(refused), ensure_ascii=False))
            continue
        when = datetime.fromtimestamp(refused.at_ms / 1000, UTC).isoformat(timespec="seconds")
        click.echo(f"{when}  {refused.field} {refused.problem}")
        click.echo(f"    {_shown(refused.message)}")


def _shown(message: str) -> str:
    # What stands in a call may not move the cursor of whoever looks at it.
    safe = "".join(letter if letter.isprintable() else "?" for letter in message)
    return safe if len(safe) <= SHOWN_CHARACTERS else f"{safe[:SHOWN_CHARACTERS]}…"
