"""
``sdkbridge kissmetrics``: the local Kissmetrics.
"""

from pathlib import Path

import click

from identity.errors import StoreError
from sdkbridge.cli.exits import Failure
from sdkbridge.cli.rules import rule_options


@click.command(short_help="Run a local Kissmetrics, and see the people that result.")
@click.option(
    "--port", type=click.IntRange(0, 65535), required=True, help="Port to listen on; 0 takes a free one."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--db", "path", type=click.Path(dir_okay=False, path_type=Path), help="SQLite file to keep everything in."
)
@rule_options
def kissmetrics(port: int, host: str, path: Path | None, changed: dict[str, object]) -> None:
    """
    Run a local Kissmetrics that takes real traffic and shows the people that result.

    Prints its URL once it accepts requests. GET /people, /export, /diagnostics and /requests show what it holds;
    without --db it is forgotten at the end.

    A file keeps the rules that decide what is stored: they cannot be changed once it holds something.
    """
    from sdkbridge.kissmetrics.server import run  # noqa: PLC0415 - only this command needs a server

    try:
        run(host, port, path or ":memory:", on_ready=_announce, rules=changed)
    except StoreError as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"cannot listen on {host}:{port} ({error.strerror})") from error


def _announce(url: str) -> None:
    print(url, flush=True)  # noqa: T201 - the one line that scripts wait for
