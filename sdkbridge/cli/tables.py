"""
Answers of the local Kissmetrics as tables to read: long texts are folded, and nothing is cut.
"""

import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sdkbridge.cli.printable import printable

WIDTH_OF_A_FILE = 120

Cell = str | list[str] | None
"""A text, a text for each line, or nothing where a person has no value."""


def print_people(people: Sequence[Mapping[str, Any]], *, more: bool) -> None:
    """
    Print people with what they did and the latest values of their properties.
    """
    rows = [
        (
            _identities(person),
            [f"{count:,} × {name}" for name, count in person["event_counts"].items()],
            [f"{name}: {history['last']}" for name, history in person["properties"].items()],
        )
        for person in people
    ]
    print_rows(("identities", "events", "properties, last"), rows, empty="Nobody was found.")
    if more:
        click.echo("There are more people than these: --limit shows more.", err=True)


def print_timeline(happenings: Sequence[Mapping[str, Any]], identity: str) -> None:
    """
    Print what one person did.
    """
    rows = [
        (_moment(one["second"]), one["identity"], _what(one), _properties(one["properties"])) for one in happenings
    ]
    print_rows(("UTC", "sent as", "what", "properties"), rows, empty=f"Nothing is known of {identity}.")


def print_property(found: Mapping[str, Any], identity: str, name: str) -> None:
    """
    Print what a property was: first and last, or at an event.
    """
    rows = [
        (which.replace("_", " "), value["value"], _moment(value["second"]))
        for which, value in found.items()
        if value is not None
    ]
    print_rows(("", name, "since, UTC"), rows, empty=f"{identity} had no {name}.")


def print_funnel(steps: Sequence[Mapping[str, Any]]) -> None:
    """
    Print how many people came to each step, also as a part of the first and of the one before.
    """
    people = [step["people"] for step in steps]
    rows = [
        (str(place), step["event"], f"{count:,}", _share(count, people[0]), _share(count, before))
        for place, (step, count, before) in enumerate(zip(steps, people, people[:1] + people, strict=False), 1)
    ]
    print_rows(("step", "event", "people", "of the first", "of the one before"), rows, empty="", numbers={2, 3, 4})


def print_counts(counts: Sequence[Mapping[str, Any]], name: str) -> None:
    """
    Print people and events by value.
    """
    rows = [
        (
            count["value"],
            f"{count['people']:,}",
            f"{count['events']:,}",
        )
        for count in counts
    ]
    print_rows((name, "people", "events"), rows, empty="Nobody is counted.", numbers={1, 2})


def _identities(person: Mapping[str, Any]) -> list[str]:
    visible = set(person["visible_identities"])
    return [one if one in visible else f"{one} (aliased only)" for one in person["identities"]]


def _what(happening: Mapping[str, Any]) -> str:
    if happening["kind"] == "alias":
        return f"is also {happening['name']}"
    return happening["name"] or "properties"


def _properties(properties: Mapping[str, str]) -> list[str]:
    return [f"{name}: {value}" for name, value in properties.items()]


def _moment(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""


def print_rows(
    headings: Sequence[str], rows: Sequence[Sequence[Cell]], *, empty: str, numbers: Collection[int] = ()
) -> None:
    """
    Print rows under headings, or a sentence if there are none.
    """
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH_OF_A_FILE
    console = Console(width=width, highlight=False)
    if not rows:
        console.print(_shown(empty))
        return
    table = Table(header_style="bold")
    for place, heading in enumerate(headings):
        table.add_column(_shown(heading), overflow="fold", justify="right" if place in numbers else "left")
    for row in rows:
        table.add_row(*map(_shown, row), end_section=any(isinstance(cell, list) and len(cell) > 1 for cell in row))
    console.print(table)


def print_text(text: str) -> None:
    """
    Print a text as it is, but for what would not be seen.
    """
    for line in text.split("\n"):
        click.echo(printable(line))


def _shown(cell: Cell) -> Text:
    # Text is no markup. Anybody can choose an identity, one that looks like markup or clears the screen as well.
    if cell is None:
        return Text("no value", style="dim italic")
    lines = [cell] if isinstance(cell, str) else cell
    return Text("\n".join(map(printable, lines)))
