"""
What names a bridge's database: a file, or a PostgreSQL URL.
"""

from pathlib import Path
from typing import Any

import click

from identity.stores.address import is_postgres
from sdkbridge.addresses import database_address
from sdkbridge.cli.defaults import needed, said


class DatabaseAddress(click.ParamType[Any]):
    """
    A path, or ``postgresql://…`` as it is.

    Args:
        must_exist: whether a file must be there.
    """

    name = "database"

    def __init__(self, *, must_exist: bool) -> None:
        self._file = click.Path(exists=must_exist, dir_okay=False, path_type=Path)

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | Path:
        """
        Return a URL as a text, and anything else as a path.
        """
        try:
            address = database_address(str(value))
        except ValueError as problem:
            self.fail(str(problem), param, ctx)
        if is_postgres(address):
            return address
        path: Path = self._file.convert(address, param, ctx)
        return path


database_option = click.option(
    "--db",
    "path",
    default=said("database"),
    callback=needed("database"),
    type=DatabaseAddress(must_exist=True),
    help="The bridge's database: a file, or postgresql://….",
)
"""For a command that works on a database which is there."""
