"""
The charts of a comparison, drawn.
"""

from collections.abc import Callable
from typing import Any

from attrs import frozen

from identity.simulate.comparison import Comparison


@frozen(kw_only=True)
class Drawn:
    """
    A chart.

    Attributes:
        title: what it shows.
        below: a sentence about it.
        svg: the picture, in the text colour of what is around it.
    """

    title: str
    below: str
    svg: str

    @property
    def words(self) -> tuple[str, str]:
        """
        Its title and the sentence.
        """
        return self.title, self.below


def drawn_of(comparison: Comparison) -> list[Drawn]:
    """
    Return the charts of a comparison; none where the extra ``charts`` is not installed.
    """
    try:
        from identity.simulate import charts  # noqa: PLC0415 - draws only where it can

        return [
            Drawn(title=title, below=below, svg=charts.svg_of(chart(comparison)))
            for title, below, chart in _wanted(comparison, charts)
        ]
    except ImportError:
        return []


def _wanted(comparison: Comparison, charts: Any) -> list[tuple[str, str, Callable[[Comparison], Any]]]:  # noqa: ANN401 - a module
    wanted = [
        ("Harm", "People squished, and people split.", charts.comparison_chart)
        if comparison.truth is not None
        else ("People", "How many people each strategy counts.", charts.comparison_chart),
        ("Identities of one person", "How many people have how many.", charts.identities_chart),
    ]
    if any(counted.funnel and counted.funnel[0].people for counted in comparison.strategies):
        wanted.append(("Funnel", "The same events, one after the other.", charts.funnel_chart))
    if any(counted.retention.cohorts for counted in comparison.strategies):
        wanted.append(("Retention", "Who was active again, week by week.", charts.retention_chart))
    return wanted
