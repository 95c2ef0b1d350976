"""
``sdkbridge sweep``: which limit suits which population.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sdkbridge.cli.exits import Failure
from sdkbridge.cli.made_up import population_options

if TYPE_CHECKING:
    from identity.simulate.sweeping import Sweep

WIDTH_OF_A_FILE = 120


def _numbers(_: click.Context, parameter: click.Parameter, given: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(one) for one in given.split(","))
    except ValueError:
        raise click.BadParameter(f"{given!r} are no numbers with commas between") from None
    if parameter.name == "limits" and not all(number.is_integer() for number in numbers):
        raise click.BadParameter("limits are whole numbers")
    return tuple(int(one) for one in numbers) if parameter.name == "limits" else numbers


@click.command("sweep", short_help="Try limits of the policy on made-up people.")
@click.option(
    "--limits",
    default="1,2,3,5,10",
    show_default=True,
    callback=_numbers,
    help="How many named identities a person may have before a merge is held.",
)
@click.option("--vary", default="shared_tablets", show_default=True, help="The rate that is varied.")
@click.option(
    "--values", default="0,0.1,0.2,0.4", show_default=True, callback=_numbers, help="What that rate is to be."
)
@population_options
@click.option(
    "--results",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file that keeps what is done, so that an interrupted sweep goes on where it was.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Also write a page with a chart.")
def sweep_limits(  # noqa: PLR0913, PLR0917 - the command's options
    limits: tuple[int, ...],
    vary: str,
    values: tuple[float, ...],
    people: int,
    seed: int,
    days: int,
    rates: Mapping[str, float],
    results: Path | None,
    as_json: bool,
    html: Path | None,
) -> None:
    """
    Try limits on made-up people: for each limit and each value of a rate, who is squished and who is split.

    The limit is given to this bridge's policy, and to one that looks at nothing else, as some products do.
    """
    from identity.simulate.sweeping import Question, sweep  # noqa: PLC0415 - commands load what they need

    try:
        question = Question(
            limits=limits, values=values, rate=vary, people=people, seed=seed, days=days, rates=rates
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        with _bar(question.cells) as show:
            swept = sweep(question, results=results, show=show)
        if html is not None:
            from identity.simulate.reports import sweep_report  # noqa: PLC0415

            html.write_text(sweep_report(swept), encoding="utf-8")
    except OSError as error:
        raise Failure(f"{error.filename or 'a file'} cannot be read or written: {error.strerror}") from error
    if as_json:
        click.echo(json.dumps(swept.rows()))
    else:
        _print(swept, vary)


@contextmanager
def _bar(cells: int) -> Iterator[Callable[[int, int, str], None]]:
    from rich.console import Console  # noqa: PLC0415 - only where something is shown
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    console = Console(stderr=True, quiet=not sys.stderr.isatty())
    columns = (BarColumn(), TextColumn("{task.completed} of {task.total} cells"), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.description}"), console=console, transient=True) as bar:
        task = bar.add_task("starting", total=cells)
        yield lambda done, _, doing: bar.update(task, completed=done, description=doing)


def _print(swept: Sweep, vary: str) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH_OF_A_FILE
    console = Console(width=width, highlight=False)
    for policy in dict.fromkeys(cell.policy for cell in swept.cells):
        cells = {(cell.limit, cell.value): cell for cell in swept.cells if cell.policy == policy}
        described = "this bridge's policy" if policy == "guarded" else "nothing but the limit"
        table = Table(
            title=f"{described}: people who could be told apart but are squished / people split",
            title_justify="left",
            title_style="bold",
        )
        table.add_column("names a person\nmay have", justify="right")
        values = list(dict.fromkeys(value for _, value in cells))
        for value in values:
            table.add_column(f"{vary}\n{value:g}", justify="right")
        for limit in dict.fromkeys(limit for limit, _ in cells):
            row = [cells[limit, value] for value in values]
            table.add_row(str(limit), *(f"{cell.avoidable_people:,} / {cell.split:,}" for cell in row))
        console.print(table, "")
