"""
Who came back, week by week, as a part of a report.
"""

from collections.abc import Iterator
from html import escape

from identity.simulate.comparison import Comparison
from identity.simulate.reports.page import heading, people, table
from identity.simulate.retention import Cohort
from identity.simulate.truth import moment_text
from identity.simulate.world import Counted

SHOWN_WEEKS = 12


def retention_of(comparison: Comparison) -> Iterator[str]:
    """
    Yield the part of a report that says who came back, a table for each strategy and one for the truth.
    """
    columns = [*comparison.strategies, *([comparison.truth] if comparison.truth is not None else [])]
    told = [counted for counted in columns if counted.retention.cohorts]
    if not told:
        return
    yield heading(
        "Who came back",
        "People by the week of their first activity, and which part of them was active so many weeks later.",
    )
    yield from map(_retention, told)


def _retention(counted: Counted) -> str:
    cohorts = counted.retention.cohorts[-SHOWN_WEEKS:]
    weeks = range(1, min(max(len(cohort.active) for cohort in cohorts), SHOWN_WEEKS + 1))
    head = ("first active in the week of", "people", *(f"{week} later" for week in weeks))
    earlier = len(counted.retention.cohorts) - len(cohorts)
    left = f"<p class=soft>and {earlier:,} earlier weeks</p>" if earlier else ""
    first = sum(cohort.people for cohort in counted.retention.cohorts)
    return (
        f"<details><summary><b>{escape(counted.strategy)}</b> <span class=soft>{people(first)}</span></summary>"
        f"<div>{table(head, (_cohort(cohort, weeks) for cohort in cohorts))}{left}</div></details>"
    )


def _cohort(cohort: Cohort, weeks: range) -> str:
    cells = "".join(
        f"<td>{cohort.active[week] / cohort.people:.1%}</td>" if week < len(cohort.active) else "<td></td>"
        for week in weeks
    )
    return f"<tr><th scope=row>{moment_text(cohort.week_ms)[:10]}</th><td>{cohort.people:,}</td>{cells}</tr>"
