"""
``sdkbridge migrate``: a bridge's database, moved from one kind of store to another.
"""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from identity.errors import StoreError
from sdkbridge.cli.addresses import DatabaseAddress
from sdkbridge.cli.exits import Failure

if TYPE_CHECKING:
    from identity.database import Database


@click.command(short_help="Copy a bridge's database into an empty one, and check it.")
@click.option(
    "--from",
    "source_address",
    required=True,
    type=DatabaseAddress(must_exist=True),
    help="The bridge's database: a file, or postgresql://….",
)
@click.option(
    "--to",
    "target_address",
    required=True,
    type=DatabaseAddress(must_exist=False),
    help="Where to: an empty database, postgresql://…, or a file, made if missing.",
)
def migrate(source_address: str | Path, target_address: str | Path) -> None:
    """
    Copy a bridge's database into an empty one, every row with its number, and check that all arrived.

    Stop the bridge and its delivery first. The source keeps all that it has; start them again on the copy only, or
    both would deliver what waits.
    """
    from identity.database import Database  # noqa: PLC0415 - commands load what they need
    from sdkbridge.schema import make_tables  # noqa: PLC0415

    try:
        with closing(Database(source_address)) as source, closing(Database(target_address)) as target:
            make_tables(source)
            make_tables(target)
            copied = _copied(source, target)
    except (StoreError, ImportError) as error:
        raise Failure(str(error)) from None
    for table, rows in copied.items():
        click.echo(f"{table:<20}{rows:>10,}")


def _copied(source: "Database", target: "Database") -> dict[str, int]:
    from identity.copying import copy_rows  # noqa: PLC0415
    from sdkbridge.outbox.placing import Placing  # noqa: PLC0415

    with source.transaction():
        last = Placing(source).last_number()
        return copy_rows(source, target, numbers={"outbox": ("request", last)})
