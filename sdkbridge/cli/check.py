"""
``sdkbridge check``: whether a bridge's file is whole.
"""

from contextlib import closing
from pathlib import Path

import click

from identity.errors import StoreError
from identity.stores.address import is_postgres
from sdkbridge.cli.addresses import DatabaseAddress
from sdkbridge.cli.exits import FAILED, Failure


@click.command(short_help="Look for damage in a bridge's SQLite file.")
@click.argument("path", metavar="FILE", type=DatabaseAddress(must_exist=True))
def check(path: str | Path) -> None:
    """
    Read all of a SQLite file and say what is damaged in it, without changing anything.

    Exit code 1 if anything is. Calls may be accepted meanwhile.
    """
    from identity.checking import problems_of  # noqa: PLC0415
    from identity.database import Database  # noqa: PLC0415 - commands load what they need

    if is_postgres(path):
        raise click.UsageError("check reads SQLite files; PostgreSQL checks its own")
    try:
        with closing(Database(path, read_only=True)) as database:
            problems = problems_of(database)
    except StoreError as error:
        raise Failure(str(error)) from error
    if not problems:
        click.echo(f"{path}: no damage found")
        return
    for problem in problems:
        click.echo(f"{path}: {problem}")
    click.echo(
        "Stop what uses the file, keep a copy of it with its -wal, and restore a backup; "
        "what can still be read, the command .recover of the sqlite3 shell saves.",
        err=True,
    )
    raise SystemExit(FAILED)
