"""
An audit as a table to read.
"""

import shutil
import sys
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from identity.squished import Audit, BlamedLink, SquishedPerson
from identity.squished.words import HEADINGS, counted
from sdkbridge.cli.printable import printable
from sdkbridge.cli.tables import WIDTH_OF_A_FILE
from sdkbridge.export_audit import ExportTally

SHOWN_PEOPLE = 25
SHOWN_LINES = 5

COLOURS = {"critical": "bold red", "serious": "red", "moderate": "yellow", "doubtful": "dim"}


def print_audit(found: Audit, tally: ExportTally | None) -> None:
    """
    Print the worst of the squished people, each with the links to blame and whom it would be without them.
    """
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH_OF_A_FILE
    console = Console(width=width, highlight=False)
    if tally is not None:
        console.print(_read(tally))
    if tally is not None and tally.nothing_read:
        console.print("Not one line was read, so nothing can be said about the people.")
        return
    console.print(
        f"{counted(found.identities, 'identity', 'identities')} in {counted(found.links, 'link', 'links')} make "
        f"{counted(found.people, 'person', 'people')}; {found_in_words(found)}."
    )
    if found.squished:
        console.print(_table(found.squished[:SHOWN_PEOPLE]))
    if len(found.squished) > SHOWN_PEOPLE:
        more = len(found.squished) - SHOWN_PEOPLE
        console.print(f"{more:,} more are in --json and --html.")
    for identity, records in [] if tally is None else tally.placeholders.most_common(SHOWN_LINES):
        console.print(
            Text(
                f"{counted(records, 'record is', 'records are')} under {printable(repr(identity))}, which stands "
                "for nobody: whose they are cannot be told any more."
            )
        )


def found_in_words(found: Audit) -> str:
    """
    Say how many people are squished, and how many links are to blame.
    """
    if not found.squished:
        return "nothing contradicts"
    return (
        f"{len(found.squished):,} of them should be "
        f"{sum(person.people for person in found.squished):,}, and "
        f"{counted(len(found.blamed), 'link is', 'links are')} to blame"
    )


def _read(tally: ExportTally) -> str:
    refused = sum(tally.refused.values())
    said = f"{counted(tally.lines, 'line', 'lines')}, {counted(tally.aliases, 'alias', 'aliases')} among them"
    if not refused:
        return f"{said}."
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(tally.refused.items()))
    return f"{said}; {refused:,} could not be read ({reasons})."


def _table(people: tuple[SquishedPerson, ...]) -> Table:
    table = Table(header_style="bold")
    for heading in ("severity", "who", "links to drop", "whom that leaves"):
        table.add_column(heading, overflow="fold")
    for person in people:
        table.add_row(
            Text(person.severity, style=COLOURS[person.severity]),
            _who(person),
            _listed([_blamed(one) for one in person.blamed], "nothing to drop"),
            _listed([_part(part.name, part.nobody, part.records) for part in person.parts]),
            end_section=True,
        )
    return table


def _who(person: SquishedPerson) -> Text:
    return Text(f"{printable(person.name)}\n{printable(person.explanation)}")


def _blamed(one: BlamedLink) -> str:
    times = f", {one.link.count:,} times" if one.link.count > 1 else ""
    return f"{one.link.older} \N{EN DASH} {one.link.newer} ({HEADINGS[one.cause]}, {day(one.link.at_ms)}{times})"


def _part(name: str, nobody: bool, records: int) -> str:
    return f"{name} (nobody)" if nobody else f"{name} ({counted(records, 'record', 'records')})"


def _listed(lines: list[str], empty: str = "") -> Text:
    shown = lines[:SHOWN_LINES] or [empty]
    if len(lines) > SHOWN_LINES:
        shown.append(f"and {len(lines) - SHOWN_LINES:,} more")
    return Text("\n".join(map(printable, shown)))


def day(at_ms: int) -> str:
    """
    Return a time as a day in UTC.
    """
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")
    except (OverflowError, ValueError, OSError):
        return "at no time"
