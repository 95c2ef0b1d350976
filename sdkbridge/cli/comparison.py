"""
A comparison of strategies as tables to read.
"""

import shutil
import sys

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from identity.simulate import Cause, Comparison, Counted, Difference
from identity.simulate.rows import Measure, measures
from identity.squished.words import counted
from sdkbridge.cli.printable import printable

WIDTH_OF_A_FILE = 120
SHOWN_GROUPS = 3
SHOWN_NAMES = 4
SHOWN_CAUSES = 3


def print_comparison(comparison: Comparison, *, differences: int) -> None:
    """
    Print what each strategy makes of the calls, and the worst differences between them.
    """
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH_OF_A_FILE
    console = Console(width=width, highlight=False)
    console.print(_heading(comparison), "", sep="\n")
    console.print(_table(comparison))
    for refusal in comparison.refused:
        click.echo(f"call {refusal.number}: {refusal.problem}", err=True)
    if comparison.refused_calls > len(comparison.refused):
        click.echo(f"and {comparison.refused_calls - len(comparison.refused)} more", err=True)
    shown = comparison.differences[:differences]
    if shown:
        console.print(
            "",
            f"[bold]What differs[/bold]: {len(shown)} of "
            f"{counted(comparison.different_people, 'group', 'groups')} of identities, worst first",
            sep="\n",
        )
    for place, difference in enumerate(shown, start=1):
        console.print("", _difference(place, difference), _causes(difference), sep="\n")


def _heading(comparison: Comparison) -> str:
    told = [
        counted(comparison.calls, "call", "calls"),
        counted(comparison.identities, "identity", "identities"),
        counted(comparison.events, "event", "events"),
    ]
    if comparison.truth is not None:
        told.append(counted(comparison.truth.people, "true person", "true people"))
    for count, what in (
        (comparison.repeats, "repeat" if comparison.repeats == 1 else "repeats"),
        (comparison.left_out, "switched off"),
        (comparison.refused_calls, "refused"),
    ):
        if count:
            told.append(f"{count:,} {what}")
    if comparison.unknown_calls:
        told.append(f"{comparison.unknown_calls:,} by somebody whom the truth does not know")
    return ", ".join(told)


def _table(comparison: Comparison) -> Table:
    table = Table(header_style="bold")
    table.add_column("", no_wrap=True)
    for one in comparison.strategies:
        table.add_column(
            Text.assemble(one.strategy, "\n", (one.described, "dim")), justify="right", overflow="fold"
        )
    if comparison.truth is not None:
        table.add_column(Text.assemble("truth", "\n", ("who it truly was", "dim")), justify="right")
    for section in measures(comparison):
        for measure in section.measures:
            table.add_row(_named(measure), *_cells(measure, comparison))
        table.add_section()
    return table


def _named(measure: Measure) -> Text:
    return Text("  " * measure.level + printable(measure.name), style="dim" if measure.level else "")


def _cells(measure: Measure, comparison: Comparison) -> list[Text]:
    columns = [*comparison.strategies, *([comparison.truth] if comparison.truth is not None else [])]
    return [Text(measure.text(one), style=_style(measure, one)) for one in columns]


def _style(measure: Measure, one: Counted) -> str:
    if not measure.is_harm:
        return "dim" if measure.level else ""
    return "red" if measure.value(one) else "green"


def _difference(place: int, difference: Difference) -> Table:
    identities = counted(difference.identities, "identity", "identities")
    events = counted(difference.events, "event", "events")
    true = "" if difference.true_people is None else f", truly {_people(difference.true_people)}"
    table = Table(
        title=f"{place}. {identities}, {events}{true}",
        title_justify="left",
        title_style="bold",
        show_header=False,
    )
    for _ in range(3):
        table.add_column(overflow="fold")
    for strategy, people in difference.people.items():
        table.add_row(strategy, _people(people), _groups(difference, strategy))
    return table


def _people(count: int) -> str:
    return counted(count, "person", "people")


def _groups(difference: Difference, strategy: str) -> Text:
    groups = difference.groups[strategy]
    lines = [_cut([printable(name) for name in group], SHOWN_NAMES, " + ") for group in groups[:SHOWN_GROUPS]]
    more = difference.people[strategy] - len(lines)
    if more > 0:
        lines.append(f"and {more:,} more")
    return Text("\n".join(lines))


def _cut(names: list[str], most: int, between: str) -> str:
    more = len(names) - most
    return between.join(names[:most]) + (f"{between}{more} more" if more > 0 else "")


def _causes(difference: Difference) -> Text:
    told = [_cause(cause) for cause in difference.causes[:SHOWN_CAUSES]]
    more = len(difference.causes) + difference.more_causes - len(told)
    if more > 0:
        told.append(f"   and {counted(more, 'more call', 'more calls')}")
    return Text("\n".join(told))


def _cause(cause: Cause) -> str:
    called = f" ({printable(cause.message_id)})" if cause.message_id else ""
    remark = f" (verdict: {cause.remark})" if cause.remark and not cause.remark.startswith("merge") else ""
    return (
        f"   call {cause.number:,}{called}, {cause.type}: {printable(cause.older)} = {printable(cause.newer)} "
        f"under {' and '.join(cause.joined_by)}{remark}"
    )
