"""
Where strategies disagree, as a part of a report.
"""

from collections.abc import Iterator
from html import escape

from identity.simulate.causes import Cause
from identity.simulate.comparison import Comparison
from identity.simulate.differences import Difference
from identity.simulate.reports.page import heading, people, table
from identity.simulate.truth import moment_text

SHOWN_GROUPS = 6
SHOWN_NAMES = 10


def differences_of(comparison: Comparison) -> Iterator[str]:
    """
    Yield the part of a report that says where strategies disagree.
    """
    if not comparison.differences:
        return
    yield heading(
        "What differs",
        f"{comparison.different_people:,} groups of identities are one person under one strategy and several "
        f"under another. Here are the worst {len(comparison.differences):,}, with the calls that caused it.",
    )
    for place, difference in enumerate(comparison.differences, start=1):
        yield _difference(place, difference)


def _difference(place: int, difference: Difference) -> str:
    true = "" if difference.true_people is None else f", truly {people(difference.true_people)}"
    counts = ", ".join(f"{escape(strategy)} {count:,}" for strategy, count in difference.people.items())
    groups = "".join(_groups(difference, strategy) for strategy in difference.people)
    more = f"<p class=soft>and {difference.more_causes:,} more calls</p>" if difference.more_causes else ""
    causes = table(
        ("call", "time, UTC", "type", "older identity", "newer identity", "joined by", "said of it"),
        map(_cause, difference.causes),
        left=True,
    )
    opened = " open" if place == 1 else ""
    told = f"{true}, {difference.events:,} events <span class=soft>people: {counts}</span>"
    return (
        f"<details{opened}><summary><b>{difference.identities:,} identities</b>{told}</summary>"
        f"<div><div class=groups>{groups}</div><p><b>Calls that joined them</b></p>{causes}{more}</div></details>"
    )


def _groups(difference: Difference, strategy: str) -> str:
    groups = difference.groups[strategy]
    shown = "".join(
        f'<div class="chips{" many" if len(group) > 1 else ""}">{_chips(group)}</div>'
        for group in groups[:SHOWN_GROUPS]
    )
    more = difference.people[strategy] - min(len(groups), SHOWN_GROUPS)
    left = f"<div class=soft>and {people(more)} more</div>" if more > 0 else ""
    counted = people(difference.people[strategy])
    return f"<section><p><b>{escape(strategy)}</b>: {counted}</p>{shown}{left}</section>"


def _chips(names: tuple[str, ...]) -> str:
    chips = "".join(f"<span class=chip>{escape(name)}</span>" for name in names[:SHOWN_NAMES])
    more = len(names) - SHOWN_NAMES
    return chips + (f"<span class=soft>and {more:,} more</span>" if more > 0 else "")


def _cause(cause: Cause) -> str:
    called = f" <code>{escape(cause.message_id)}</code>" if cause.message_id else ""
    moment = "" if cause.at_ms is None else moment_text(cause.at_ms)[:19].replace("T", " ")
    cells = (
        f"{cause.number:,}{called}",
        moment,
        escape(cause.type),
        f"<code>{escape(cause.older)}</code>",
        f"<code>{escape(cause.newer)}</code>",
        escape(", ".join(cause.joined_by)),
        escape(cause.remark),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
