"""
A sweep as one HTML file.
"""

from collections.abc import Iterator

from identity.simulate.reports.page import figure, good_or_bad, heading, page, table
from identity.simulate.sweeping import Cell, Sweep


def sweep_report(swept: Sweep) -> str:
    """
    Return a sweep as a page.
    """
    try:
        from identity.simulate import charts  # noqa: PLC0415 - draws only where it can

        below = "Part of all true people, by limit and rate; lower is better. The scales differ."
        chart = figure("Squished and split", below, charts.svg_of(charts.sweep_chart(swept)))
    except ImportError:
        chart = "<p class=soft>With <code>pip install 'sdkbridge[charts]'</code> there is a chart here.</p>"
    tables = [
        part for policy in dict.fromkeys(cell.policy for cell in swept.cells) for part in _pivot(swept, policy)
    ]
    return page(
        "Which limit is right",
        "<h1>Which limit is right</h1>",
        "<p>A limit says how many names one person may have before a merge is held for a human. A low one splits "
        "people who change their names; a high one squishes people who share devices.</p>",
        chart,
        *tables,
    )


def _pivot(swept: Sweep, policy: str) -> Iterator[str]:
    cells = {(cell.limit, cell.value): cell for cell in swept.cells if cell.policy == policy}
    first = next(iter(cells.values()))
    values = list(dict.fromkeys(value for _, value in cells))
    described = "This bridge's policy" if policy == "guarded" else "Nothing but the limit"
    yield heading(
        described,
        f"Of {first.people:,} people in {first.days} days (seed {first.seed}): squished, but could be told apart; "
        "and split. The columns are the rate "
        f"{first.rate}.",
    )
    rows = (
        f"<tr><th scope=row>{limit} {'name' if limit == 1 else 'names'}</th>"
        + "".join(_sweep_cell(cells[limit, value]) for value in values)
        + "</tr>"
        for limit in dict.fromkeys(limit for limit, _ in cells)
    )
    yield table(("a person may have", *(f"{value:g}" for value in values)), rows)


def _sweep_cell(cell: Cell) -> str:
    return f"<td>{good_or_bad(cell.avoidable_people, 'squished')}, {cell.split:,} split</td>"
