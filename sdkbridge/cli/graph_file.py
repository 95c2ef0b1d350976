"""
What the commands of ``sdkbridge graph`` share: a database opened, and answers printed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from identity.errors import IdentityError, InvalidIdentity
from sdkbridge.cli.addresses import database_option
from sdkbridge.cli.exits import Failure

if TYPE_CHECKING:
    from identity.graph import IdentityGraph
    from identity.links import Verdict

Command = Callable[..., None]


def db_and_json(command: Command) -> Command:
    """
    Give a command the options that all of them take.
    """
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        database_option,
    ):
        command = option(command)
    return command


@contextmanager
def failing_well() -> Iterator[None]:
    """
    Let what the graph raises end the command with one sentence.
    """
    try:
        yield
    except InvalidIdentity as error:
        raise click.UsageError(str(error)) from error
    except (IdentityError, ImportError) as error:
        raise Failure(str(error)) from error


@contextmanager
def asked(path: str | Path) -> Iterator[IdentityGraph]:
    """
    Open a database's graph without writing to it.
    """
    from identity.database import Database  # noqa: PLC0415 - commands load what they need
    from identity.graph import IdentityGraph  # noqa: PLC0415

    with failing_well(), IdentityGraph(Database(path, read_only=True)) as opened:
        yield opened


def print_verdicts(verdicts: list[Verdict], *, empty: str) -> None:
    """
    Print verdicts as a table to read.
    """
    from identity.links import verdict_row  # noqa: PLC0415
    from sdkbridge.cli.tables import print_rows  # noqa: PLC0415

    rows = [
        (when, [older, newer], evidence, [said, f"by {by}"], why)
        for when, older, newer, evidence, said, by, why in map(verdict_row, verdicts)
    ]
    print_rows(("UTC", "older, newer", "evidence", "verdict", "why"), rows, empty=empty)


def echo(answer: dict[str, Any]) -> None:
    """
    Print an answer as JSON.
    """
    click.echo(json.dumps(answer, ensure_ascii=False))
