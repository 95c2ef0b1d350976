"""
``sdkbridge demo``: one story, told by three strategies.
"""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import click

from sdkbridge.cli.exits import FAILED

if TYPE_CHECKING:
    from rich.console import Console

    from sdkbridge.demonstration import Demonstration
    from sdkbridge.stories import TruePerson

STORY = "shop"
WIDTH_OF_A_FILE = 120

STRATEGIES = {
    "guarded": "this bridge",
    "never": "no alias at all",
    "segment-server": "Segment's own server mapper",
}

COLOURS = {"merge": "green", "known": "dim", "hold": "yellow", "refuse": "red"}


@click.command(short_help="Play a shop's first day into a local Kissmetrics.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def demo(as_json: bool) -> None:
    """
    Play a shop's first day with an app through the real bridge into a local Kissmetrics, and compare.

    Exit code 0 only if the people that the local Kissmetrics reports are those of the story.
    """
    from sdkbridge.demonstration import demonstrate  # noqa: PLC0415 - commands load what they need
    from sdkbridge.stories import load_story  # noqa: PLC0415

    shown = demonstrate(load_story(STORY))
    if as_json:
        click.echo(json.dumps(_as_json(shown), ensure_ascii=False, indent=2))
    else:
        _print(shown)
    if not shown.is_true:
        raise SystemExit(FAILED)


def _as_json(shown: Demonstration) -> dict[str, object]:
    return {
        "story": shown.story.title,
        "verdicts": [
            {
                "older": verdict.link.older,
                "newer": verdict.link.newer,
                "verdict": verdict.outcome.value,
                "reason": verdict.reason,
                "explanation": verdict.explanation,
            }
            for _, receipt in shown.receipts
            for verdict in receipt.verdicts
        ],
        "requests": [{"path": request["path"], "params": request["parameters"]} for request in shown.requests],
        "people": {
            strategy: [
                {"identities": sorted(person.identities), "event_counts": dict(person.event_counts)}
                for person in people
            ]
            for strategy, people in shown.people.items()
        },
        "truth": [
            {
                "who": person.who,
                "identities": sorted(person.identities),
                "event_counts": dict(person.event_counts),
            }
            for person in shown.story.people
        ],
        "equal": shown.is_true,
    }


def _print(shown: Demonstration) -> None:
    from rich.console import Console  # noqa: PLC0415 - only where something is printed for people

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH_OF_A_FILE
    console = Console(width=width, highlight=False)
    console.print(f"\n[bold]{shown.story.title}[/bold]: {len(shown.receipts)} calls through the bridge\n")
    _print_verdicts(console, shown)
    _print_requests(console, shown)
    _print_people(console, shown)
    _print_comparison(console, shown)
    if shown.is_true:
        console.print("[green]The people that the local Kissmetrics reports are those of the story.[/green]\n")
    else:
        console.print("[red]The people that the local Kissmetrics reports are NOT those of the story.[/red]\n")


def _print_verdicts(console: Console, shown: Demonstration) -> None:
    from rich.table import Table  # noqa: PLC0415

    table = Table(title="What the identity graph decided", title_justify="left", title_style="bold")
    for heading in ("call", "older identity", "newer identity", "verdict", "why"):
        table.add_column(heading, overflow="fold")
    for message, receipt in shown.receipts:
        for verdict in receipt.verdicts:
            colour = COLOURS[verdict.outcome]
            table.add_row(
                str(message["type"]),
                verdict.link.older,
                verdict.link.newer,
                f"[{colour}]{verdict.outcome}[/{colour}]\n{verdict.reason}",
                verdict.explanation,
            )
    console.print(table, "")


def _print_requests(console: Console, shown: Demonstration) -> None:
    from rich.table import Table  # noqa: PLC0415

    table = Table(title="What Kissmetrics was told, in order", title_justify="left", title_style="bold")
    for heading in ("request", "_p", "_n", "properties"):
        table.add_column(heading, overflow="fold")
    for request in shown.requests:
        parameters = request["parameters"]
        properties = ", ".join(name for name in parameters if not name.startswith("_"))
        colour = "bold" if request["path"] == "/a" else "default"
        table.add_row(
            f"[{colour}]{request['path']}[/{colour}]", parameters["_p"], parameters.get("_n", ""), properties
        )
    console.print(table, "")


def _print_people(console: Console, shown: Demonstration) -> None:
    from rich.table import Table  # noqa: PLC0415

    table = Table(title="The people that the local Kissmetrics reports", title_justify="left", title_style="bold")
    table.add_column("identities", overflow="fold")
    table.add_column("events", overflow="fold")
    for person in shown.people["guarded"]:
        events = ", ".join(f"{count} × {name}" for name, count in sorted(person.event_counts.items()))
        table.add_row("\n".join(sorted(person.identities)), events, end_section=True)
    console.print(table, "")


def _print_comparison(console: Console, shown: Demonstration) -> None:
    from rich.table import Table  # noqa: PLC0415

    from identity.squished.words import counted  # noqa: PLC0415

    table = Table(
        title="The truth, and what each strategy makes of the same calls",
        title_justify="left",
        title_style="bold",
        show_footer=True,
    )
    truth = shown.story.people
    true = counted(len(truth), "person", "people")
    table.add_column("truly one person", footer=f"{true}\n\n", overflow="fold")
    for strategy, described in STRATEGIES.items():
        score = shown.score(strategy)
        footer = f"{counted(score.counted, 'person', 'people')}\n{score.squished} squished\n{score.split} split"
        table.add_column(f"{strategy}\n[dim]{described}[/dim]", footer=footer, overflow="fold")
    for person in truth:
        table.add_row(person.who, *(_fate(shown, strategy, person) for strategy in STRATEGIES), end_section=True)
    console.print(table, "")


def _fate(shown: Demonstration, strategy: str, person: TruePerson) -> str:
    """
    Say what became of a true person: counted once, counted several times, or counted with others.
    """
    counted = [one for one in shown.people[strategy] if one.identities & person.identities]
    others = sum(
        other is not person and any(one.identities & other.identities for one in counted)
        for other in shown.story.people
    )
    if others:
        return f"[red]squished with {others} other{'s' if others > 1 else ''}[/red]"
    if len(counted) > 1:
        return f"[yellow]split into {len(counted)}[/yellow]"
    return "[green]one person[/green]"
