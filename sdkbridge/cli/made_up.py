"""
``sdkbridge population``: calls of made-up people whose truth is known.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sdkbridge.cli.exits import Failure
from sdkbridge.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _rates(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, float]:
    rates = {}
    for one in given:
        name, equals, number = one.partition("=")
        try:
            rates[name.strip() if equals else ""] = float(number)
        except ValueError:
            raise click.BadParameter(f"{one!r} is not NAME=NUMBER") from None
    return rates


_POPULATION_OPTIONS = (
    click.option("--people", type=click.IntRange(min=1), default=1000, show_default=True, help="How many people."),
    click.option(
        "--seed", type=click.IntRange(min=0), default=7, show_default=True, help="Same seed, same calls."
    ),
    click.option("--days", type=click.IntRange(min=1), default=30, show_default=True, help="For how many days."),
    click.option(
        "--rate",
        "rates",
        metavar="NAME=NUMBER",
        multiple=True,
        callback=_rates,
        help="A rate that is not the usual one, such as shared_tablets=0.3; may be given several times.",
    ),
)


def population_options(command: Callable[..., None]) -> Callable[..., None]:
    """
    Give a command the options of a population, as `population` takes them.
    """
    for option in reversed(_POPULATION_OPTIONS):
        command = option(command)
    return command


@click.command("population", short_help="Print the calls of made-up people.")
@population_options
@click.option(
    "--truth",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write who truly made the calls, a line a person.",
)
@click.option("--list-rates", is_flag=True, help="Print each rate, its default and its meaning, and no calls.")
def population_calls(
    people: int, seed: int, days: int, rates: Mapping[str, float], truth: Path | None, list_rates: bool
) -> None:
    """
    Print the calls of made-up people, one Segment message a line, in the order of their arrival.

    They have several phones, shared tablets, kiosks, new e-mail addresses, releases with bugs, and clocks that
    are wrong. The same numbers give the same calls, on every machine and every version of Python.
    """
    from identity.simulate import Rates, population  # noqa: PLC0415 - commands load what they need

    if list_rates:
        for name, (default, meaning) in Rates.described().items():
            click.echo(f"{name:<21} {default:<6g} {meaning}")
        return
    try:
        made_up = population(people, seed=seed, days=days, rates=rates)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        with progress("making calls…") as show:
            for number, message in enumerate(made_up, start=1):
                sys.stdout.write(json.dumps(message, separators=(",", ":")) + "\n")
                if number % 10_000 == 0:
                    show(f"{number:,} calls")
        if truth is not None:
            with truth.open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(line) + "\n" for line in made_up.truth.lines())
    except OSError as error:
        raise Failure(f"the calls or their truth cannot be written: {error.strerror}") from error
