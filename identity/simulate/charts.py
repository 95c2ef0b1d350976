"""
Charts of comparisons and sweeps, drawn by Altair, which is imported when one is asked for.

Colours and texts follow the page that a chart stands in, light or dark: whatever is neither is drawn in the
page's own text colour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from identity.simulate.comparison import Comparison
from identity.simulate.sweeping import Sweep
from identity.simulate.world import Counted

if TYPE_CHECKING:
    import altair as alt

PALETTE = ("#8a94a6", "#4f8fd9", "#e0803a", "#2fa36b", "#b568c9", "#c9a227", "#5bb5b0")
WIDTH = 300

MOST_IDENTITIES = 12
"""People with more identities than this are drawn as one bar."""

HARMS = (
    ("could be told apart, but squished", "avoidable_people"),
    ("squished in all", "squished_people"),
    ("split", "split"),
)


def comparison_chart(comparison: Comparison) -> alt.Chart:
    """
    Draw people counted under each strategy, or where the truth is known, who is squished and who is split.
    """
    altair = _altair()
    if comparison.truth is None:
        rows = [{"strategy": one.strategy, "people": one.people} for one in comparison.strategies]
        chart = (
            altair.Chart(altair.Data(values=rows))
            .mark_bar()
            .encode(
                x=altair.X("people:Q", title="people counted"),
                y=altair.Y("strategy:N", title=None, sort=None),
                color=_colour(comparison.strategies, legend=False),
            )
        )
        return _dressed(chart)
    rows = [
        {"strategy": one.strategy, "what": what, "people": getattr(one.scores, name)}
        for one in comparison.strategies
        for what, name in HARMS
    ]
    chart = altair.Chart(altair.Data(values=rows), width=WIDTH, height=26 * len(comparison.strategies)).mark_bar()
    chart = chart.encode(
        x=altair.X("people:Q", title="true people", axis=altair.Axis(tickCount=5)),
        y=altair.Y("strategy:N", title=None, sort=None),
        color=_colour(comparison.strategies, legend=False),
        row=altair.Row(
            "what:N",
            sort=[what for what, _ in HARMS],
            title=None,
            header=altair.Header(labelAngle=0, labelOrient="top", labelAnchor="start", labelFontWeight="bold"),
        ),
    )
    return _dressed(chart.resolve_scale(x="independent"))


def funnel_chart(comparison: Comparison) -> alt.Chart:
    """
    Draw how many people each strategy sees at each step of the funnel.
    """
    altair = _altair()
    counted = _with_truth(comparison)
    rows = [
        {"strategy": one.strategy, "step": f"{place}. {step.event}", "people": step.people}
        for one in counted
        for place, step in enumerate(one.funnel, start=1)
    ]
    chart = (
        altair.Chart(altair.Data(values=rows), width=WIDTH)
        .mark_bar()
        .encode(
            x=altair.X("people:Q", title="people", axis=altair.Axis(tickCount=5)),
            y=altair.Y("step:N", title=None, axis=altair.Axis(labelLimit=220)),
            yOffset=altair.YOffset("strategy:N", sort=[one.strategy for one in counted]),
            color=_colour(counted),
        )
    )
    return _dressed(chart)


def retention_chart(comparison: Comparison) -> alt.Chart:
    """
    Draw which part of the people was active so many weeks after their first.
    """
    altair = _altair()
    counted = _with_truth(comparison)
    rows = [
        {"strategy": one.strategy, "week": week, "share": share}
        for one in counted
        for week, share in enumerate(_returned(one))
    ]
    chart = (
        altair.Chart(altair.Data(values=rows), width=WIDTH, height=200)
        .mark_line(point=True)
        .encode(
            x=altair.X("week:O", title="weeks after the first", axis=altair.Axis(labelAngle=0)),
            y=altair.Y("share:Q", title="still active", axis=altair.Axis(format="%")),
            color=_colour(counted),
        )
    )
    return _dressed(chart)


def identities_chart(comparison: Comparison) -> alt.Chart:
    """
    Draw how many people have how many identities.
    """
    altair = _altair()
    counted = _with_truth(comparison)
    rows = [
        {"strategy": one.strategy, "identities": label, "people": people}
        for one in counted
        for label, people in _distribution(one)
    ]
    labels = [*map(str, range(1, MOST_IDENTITIES)), f"{MOST_IDENTITIES}+"]
    present = {row["identities"] for row in rows}
    chart = (
        altair.Chart(altair.Data(values=rows), width=WIDTH, height=64)
        .mark_bar()
        .encode(
            x=altair.X(
                "identities:N",
                title="identities of one person",
                sort=[label for label in labels if label in present],
                axis=altair.Axis(labelAngle=0),
            ),
            y=altair.Y("people:Q", title=None, axis=altair.Axis(tickCount=3), scale=altair.Scale(type="symlog")),
            color=_colour(counted, legend=False),
            row=altair.Row(
                "strategy:N",
                sort=[one.strategy for one in counted],
                title=None,
                header=altair.Header(labelAngle=0, labelOrient="top", labelAnchor="start", labelFontWeight="bold"),
            ),
        )
    )
    return _dressed(chart)


def sweep_chart(swept: Sweep) -> alt.Chart:
    """
    Draw who is squished though they could be told apart, and who is split, by limit and rate.
    """
    altair = _altair()
    kinds = (("squished, but could be told apart", "avoidable_people"), ("split", "split"))
    rows = [
        {
            "policy": "this policy" if cell.policy == "guarded" else "the limit alone",
            "what": what,
            "limit": cell.limit,
            "value": f"{cell.value:g}",
            "share": getattr(cell, name) / max(cell.true_people, 1),
        }
        for cell in swept.cells
        for what, name in kinds
    ]
    rate = swept.cells[0].rate if swept.cells else "rate"
    colour = altair.Color(
        "value:N", title=rate, scale=altair.Scale(range=list(PALETTE[1:])), legend=altair.Legend(orient="top")
    )
    facet = altair.Column(
        "policy:N",
        header=altair.Header(labelFontWeight="bold", title=None),
        sort=["this policy", "the limit alone"],
    )
    charts = [
        altair.Chart(
            altair.Data(values=[row for row in rows if row["what"] == what]), title=what, width=WIDTH - 40
        )
        .mark_line(point=True)
        .encode(
            x=altair.X("limit:O", title="names that a person may have", axis=altair.Axis(labelAngle=0)),
            y=altair.Y("share:Q", title="of all true people", axis=altair.Axis(format=".1%"), scale=_FROM_ZERO),
            color=colour,
            column=facet,
        )
        .properties(height=150)
        for what, _ in kinds
    ]
    return _dressed(altair.vconcat(*charts))


_FROM_ZERO = {"domainMin": 0, "nice": True}


@frozen
class Picture:
    """
    A chart as a picture, which a notebook shows without any network.
    """

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg


def picture(chart: alt.Chart) -> Picture:
    """
    Return a chart as a picture.
    """
    return Picture(svg_of(chart))


def svg_of(chart: alt.Chart) -> str:
    """
    Return a chart as an SVG picture that needs nothing else, and takes the text colour of what is around it.
    """
    try:
        import vl_convert  # noqa: PLC0415 - optional
    except ImportError as error:
        raise ImportError(MISSING) from error
    svg: str = vl_convert.vegalite_to_svg(chart.to_dict())
    return svg.replace(INK, "currentColor")


MISSING = "charts need the extra: pip install 'sdkbridge[charts]'"

INK = "#010203"
"""Stands for the page's own text colour, which the renderer has no word for."""


def _altair() -> Any:  # noqa: ANN401 - a module
    try:
        import altair  # noqa: PLC0415, ICN001 - optional
    except ImportError as error:
        raise ImportError(MISSING) from error
    return altair


def _with_truth(comparison: Comparison) -> list[Counted]:
    return [*comparison.strategies, *([comparison.truth] if comparison.truth is not None else [])]


def _colour(counted: Sequence[Counted], *, legend: bool = True) -> Any:  # noqa: ANN401 - an Altair channel
    altair = _altair()
    names = [one.strategy for one in counted]
    colours = [INK if name == "truth" else PALETTE[place % len(PALETTE)] for place, name in enumerate(names)]
    return altair.Color(
        "strategy:N",
        title=None,
        scale=altair.Scale(domain=names, range=colours),
        legend=altair.Legend(orient="top", columns=3) if legend else None,
    )


def _returned(counted: Counted) -> Iterator[float]:
    week = 0
    while (share := counted.retention.returned(week)) is not None:
        yield share
        week += 1


def _distribution(counted: Counted) -> Iterator[tuple[str, int]]:
    more = 0
    for identities, people in counted.identities_per_person.items():
        if identities < MOST_IDENTITIES:
            yield str(identities), people
        else:
            more += people
    if more:
        yield f"{MOST_IDENTITIES}+", more


_PADDING = {"left": 32, "right": 20, "top": 5, "bottom": 5}


def _dressed(chart: Any) -> alt.Chart:  # noqa: ANN401 - an Altair chart
    """
    Dress a chart for a page of either colour.
    """
    ink = {"labelColor": INK, "titleColor": INK}
    dressed: alt.Chart = (
        # The padding makes up for the page's font, which may be wider than the one that was measured with.
        chart.configure(background="transparent", font="system-ui, sans-serif", padding=_PADDING)
        .configure_view(stroke=None)
        .configure_axis(
            **ink, titlePadding=12, gridColor="#88888833", domainColor="#88888866", tickColor="#88888866"
        )
        # Numbers that would touch are left out, also where the page's font is wider; names never are.
        .configure_axisQuantitative(labelOverlap=True, labelSeparation=20)
        .configure_legend(**ink)
        .configure_header(**ink)
        .configure_title(color=INK, anchor="start", fontSize=12)
    )
    return dressed
