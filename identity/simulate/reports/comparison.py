"""
A comparison as one HTML file for an analyst and a manager: everything escaped, no network.
"""

from collections.abc import Iterator, Sequence
from html import escape

from identity.simulate.comparison import Comparison
from identity.simulate.reports.differences import differences_of
from identity.simulate.reports.drawn import Drawn, drawn_of
from identity.simulate.reports.page import described, figure, good_or_bad, heading, page, people, table
from identity.simulate.reports.retention import retention_of
from identity.simulate.rows import Measure, measures
from identity.simulate.world import Counted


def report(comparison: Comparison, *, drawn: Sequence[Drawn] | None = None) -> str:
    """
    Return the report of a comparison.

    Charts are in it where the extra ``charts`` is installed.

    Args:
        comparison: what to tell of.
        drawn: its charts, if they are drawn already.
    """
    charts = drawn_of(comparison) if drawn is None else drawn
    title = "Who is who, under each strategy of aliases"
    return page(title, f"<h1>{title}</h1>", *parts_of(comparison, [figure(*one.words, one.svg) for one in charts]))


def parts_of(comparison: Comparison, figures: Sequence[str]) -> Iterator[str]:
    """
    Yield what a report tells below its title, as HTML, for a page of one's own.

    Args:
        comparison: what to tell of.
        figures: its charts as HTML.
    """
    yield f"<p class=soft>{_about(comparison)}</p>"
    yield f"<p>{_conclusion(comparison)}</p>"
    yield f'<div class="cards">{"".join(_card(one, comparison) for one in comparison.strategies)}</div>'
    if figures:
        yield heading("At a glance")
        yield f"<div class=charts>{''.join(figures)}</div>"
    else:
        yield "<p class=soft>With <code>pip install 'sdkbridge[charts]'</code> there are charts here.</p>"
    yield heading("All measures", "Side by side; each strategy took the same calls in a world of its own.")
    yield summary_table(comparison)
    yield from retention_of(comparison)
    yield from _verdicts(comparison)
    yield from differences_of(comparison)
    yield heading("Words")
    yield described(_WORDS)


_WORDS = (
    ("alias", "A request to Kissmetrics to join two identities. It can never be undone."),
    ("squished", "Two or more true people who are counted as one. An alias too many."),
    (
        "could be told apart",
        (
            "People who each have an identity that nobody else ever used, and yet are counted as one. Where two "
            "people use one anonymous identity, or one account, between two log-outs, no strategy can tell whose "
            "an event is; those are squished, too, but not counted here."
        ),
    ),
    ("split", "One true person who is counted as two or more. An alias too few; it can still be sent."),
    ("never", "Sends no alias at all."),
    ("ios", "What Kissmetrics' SDK for iOS does: an alias on the first identify of each session."),
    ("segment-server", "What Segment's server does: an alias on each identify that carries both ids."),
    ("guarded", "This bridge: an identity graph decides, and holds or refuses what looks like two people."),
)


def _about(comparison: Comparison) -> str:
    told = [
        f"{comparison.calls:,} calls",
        f"{comparison.identities:,} identities",
        f"{comparison.events:,} events",
    ]
    if comparison.truth is not None:
        told.append(f"{comparison.truth.people:,} people who truly made them")
    if comparison.repeats:
        told.append(f"{comparison.repeats:,} repeats left out")
    if comparison.refused_calls:
        told.append(f"{comparison.refused_calls:,} calls that could not be read")
    return ", ".join(told) + "."


def _conclusion(comparison: Comparison) -> str:
    if comparison.truth is None:
        least, most = _extremes(comparison)
        return (
            f"The same calls are <b>{least.people:,}</b> people under {escape(least.strategy)} and "
            f"<b>{most.people:,}</b> under {escape(most.strategy)}. Who they truly are is not known here; "
            f"the strategies disagree about {comparison.different_people:,} groups of identities, "
            "of which the worst are below."
        )
    best = min(comparison.strategies, key=_harm)
    scores = best.scores
    assert scores is not None  # noqa: S101 - the truth is known
    squished = (
        "squishes nobody who could be told apart"
        if not scores.avoidable_people
        else f"squishes {people(scores.avoidable_people)} who could be told apart"
    )
    return (
        "An alias is for ever, so people squished for no reason weigh most, and people split come next. "
        f"By that order <b>{escape(best.strategy)}</b> does least harm: it counts {people(best.people)} where "
        f"there are {comparison.truth.people:,}, {squished}, and splits {scores.split:,}."
    )


def _harm(counted: Counted) -> tuple[int, int, int]:
    scores = counted.scores
    return (0, 0, 0) if scores is None else (scores.avoidable_people, scores.split, scores.wrong_events)


def _extremes(comparison: Comparison) -> tuple[Counted, Counted]:
    by_people = sorted(comparison.strategies, key=lambda counted: counted.people)
    return by_people[0], by_people[-1]


def _card(counted: Counted, comparison: Comparison) -> str:
    lines = [f"{counted.aliases:,} aliases, {counted.redundant:,} of them redundant"]
    scores = counted.scores
    if scores is not None:
        lines += [
            good_or_bad(scores.avoidable_people, "squished, but could be told apart"),
            f"{scores.split:,} split",
            f"{scores.wrong_events:,} events under the wrong person",
        ]
    truth = (
        ""
        if comparison.truth is None
        else f"<div class=soft>people, where there are {comparison.truth.people:,}</div>"
    )
    return (
        f"<div class=card><h3>{escape(counted.strategy)}</h3><span class=soft>{escape(counted.described)}</span>"
        f"<div class=number>{counted.people:,}</div>{truth}"
        f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul></div>"
    )


def summary_table(comparison: Comparison) -> str:
    """
    Return all measures as a table.
    """
    columns = [*comparison.strategies, *([comparison.truth] if comparison.truth is not None else [])]
    rows = []
    for section in measures(comparison):
        rows.append(
            f'<tr class=section><th scope=row colspan="{len(columns) + 1}">{escape(section.name)}</th></tr>'
        )
        rows += [_row(measure, columns) for measure in section.measures]
    return table(("", *(escape(counted.strategy) for counted in columns)), rows)


def _row(measure: Measure, columns: list[Counted]) -> str:
    meaning = f"<small>{escape(measure.meaning)}</small>" if measure.meaning else ""
    cells = "".join(f"<td{_shade(measure, counted)}>{measure.text(counted)}</td>" for counted in columns)
    part = " class=part" if measure.level else ""
    return f"<tr{part}><th scope=row>{escape(measure.name)}{meaning}</th>{cells}</tr>"


def _shade(measure: Measure, counted: Counted) -> str:
    value = measure.value(counted)
    if not measure.is_harm or value is None:
        return ""
    return " class=bad" if value else " class=good"


def _verdicts(comparison: Comparison) -> Iterator[str]:
    for counted in comparison.strategies:
        if counted.verdicts:
            yield heading(
                f"What {counted.strategy} decided", "Each link that a call proposed, by verdict and reason."
            )
            rows = (
                f"<tr><th scope=row>{escape(verdict)}</th><td>{count:,}</td></tr>"
                for verdict, count in sorted(counted.verdicts.items(), key=lambda told: -told[1])
            )
            yield table(("verdict", "calls"), rows)
