"""
``sdkbridge people``: what a Kissmetrics user asks, of a file or of a local Kissmetrics that runs.
"""

import json
from collections.abc import Mapping

import click

from sdkbridge.cli.asking import Source, source_options


@click.group()
def people() -> None:
    """
    Ask a local Kissmetrics about its people.

    Each question goes to a file (--db) or to a local Kissmetrics that runs (--url).
    """


@people.command(short_help="Find people by a part of an identity.")
@click.argument("text")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=50,
    show_default=True,
    help="How many people to show at most.",
)
@source_options
def search(source: Source, as_json: bool, text: str, limit: int) -> None:
    """
    Find the people with an identity that contains TEXT, in upper or lower case.

    Identities that were only aliased are not found: Kissmetrics does not show them.
    """
    found = source.ask("/search", [("text", text), ("limit", str(limit))])
    if as_json:
        _echo(found)
        return
    from sdkbridge.cli.tables import print_people  # noqa: PLC0415 - only where something is printed for people

    print_people(found["people"], more=found["more"])


@people.command(short_help="Show what a person did, oldest first.")
@click.argument("identity")
@source_options
def timeline(source: Source, as_json: bool, identity: str) -> None:
    """
    Show what the person known as IDENTITY did, oldest first, each with the identity it was sent under.

    With --json, one object a line.
    """
    happenings = source.lines("/timeline", [("identity", identity)])
    if as_json:
        for happening in happenings:
            _echo(happening)
        return
    from sdkbridge.cli.tables import print_timeline  # noqa: PLC0415

    print_timeline(list(happenings), identity)


@people.command("property", short_help="Show what a property of a person was first and last.")
@click.argument("identity")
@click.argument("name")
@click.option("--event", help="Show what it was when this event happened.")
@click.option(
    "--occurrence",
    type=click.Choice(["last", "first"]),
    help="Which time the event happened is meant; the last one unless said.",
)
@source_options
def property_(
    source: Source, as_json: bool, identity: str, name: str, event: str | None, occurrence: str | None
) -> None:
    """
    Show what the property NAME of the person known as IDENTITY was first and last.
    """
    parameters = {"identity": identity, "name": name, "event": event, "occurrence": occurrence}
    found = source.ask("/property", _given(parameters))
    if as_json:
        _echo(found)
        return
    from sdkbridge.cli.tables import print_property  # noqa: PLC0415

    print_property(found, identity, name)


@people.command()
@click.argument("events", nargs=-1, required=True, metavar="EVENT...")
@click.option("--within", type=click.IntRange(0), help="Seconds from the first event to the last, at most.")
@source_options
def funnel(source: Source, as_json: bool, events: tuple[str, ...], within: int | None) -> None:
    """
    Count the people who did each EVENT after the one before it.
    """
    parameters = [("event", event) for event in events]
    found = source.ask("/funnel", [*parameters, *_given({"within": within})])
    if as_json:
        _echo(found)
        return
    from sdkbridge.cli.tables import print_funnel  # noqa: PLC0415

    print_funnel(found["steps"])


@people.command()
@click.argument("name", metavar="PROPERTY")
@click.option("--event", help="Count only this event, and those who did it.")
@click.option(
    "--value",
    type=click.Choice(["last", "first", "at_event"]),
    default="last",
    show_default=True,
    help="Which of a person's values counts; at_event takes the one at each event.",
)
@source_options
def counts(source: Source, as_json: bool, name: str, event: str | None, value: str) -> None:
    """
    Count people and their events by the value of PROPERTY.
    """
    found = source.ask("/counts", _given({"property": name, "event": event, "value": value}))
    if as_json:
        _echo(found)
        return
    from sdkbridge.cli.tables import print_counts  # noqa: PLC0415

    print_counts(found["counts"], name)


def _given(parameters: Mapping[str, str | int | None]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in parameters.items() if value is not None]


def _echo(answer: dict[str, object]) -> None:
    click.echo(json.dumps(answer, ensure_ascii=False))
