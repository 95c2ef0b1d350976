"""
What is told of each strategy, row by row: the same for a terminal and for a page.
"""

from collections.abc import Callable, Iterator
from functools import partial

from attrs import frozen

from identity.simulate.comparison import Comparison
from identity.simulate.scores import Scores
from identity.simulate.world import Counted

RETURNED_WEEKS = (1, 2, 4, 8)


@frozen(kw_only=True)
class Measure:
    """
    One row.

    Attributes:
        name: what it is.
        value: the number for a strategy, or None where it has none.
        level: 1 for a part of the row before, else 0.
        is_share: whether the number is from 0 to 1.
        is_harm: whether anything above zero is bad.
        meaning: one sentence for readers.
    """

    name: str
    value: Callable[[Counted], float | None]
    level: int = 0
    is_share: bool = False
    is_harm: bool = False
    meaning: str = ""

    def text(self, counted: Counted) -> str:
        """
        Return the number as it is shown.
        """
        value = self.value(counted)
        if value is None:
            return ""
        return f"{value:.1%}" if self.is_share else f"{value:,}"


@frozen
class Section:
    """
    Rows that belong together.
    """

    name: str
    measures: tuple[Measure, ...]


def measures(comparison: Comparison) -> Iterator[Section]:
    """
    Yield what is told of each strategy.
    """
    yield Section("People", (*_people(),))
    if comparison.truth is not None:
        yield Section("Against the truth", (*_harm(),))
        yield Section("Agreement", (*_agreement(),))
    funnel = (*_funnel(comparison),)
    if funnel:
        yield Section("Funnel", funnel)
    retained = (*_retention(comparison),)
    if retained:
        yield Section("Came back", retained)


def _people() -> Iterator[Measure]:
    yield Measure(name="people counted", value=lambda one: one.people)
    yield Measure(
        name="aliases sent",
        value=_unless_truth(lambda one: one.aliases),
        meaning="Requests to join two identities; each one is for ever.",
    )
    yield Measure(
        name="redundant",
        level=1,
        value=_unless_truth(lambda one: one.redundant),
        meaning="Aliases of two identities that were one person already.",
    )


def _harm() -> Iterator[Measure]:
    yield Measure(
        name="squished people",
        value=_scored(lambda scores: scores.squished),
        is_harm=True,
        meaning="Counted people who hold two or more true ones.",
    )
    yield Measure(name="true people in them", level=1, value=_scored(lambda scores: scores.squished_people))
    yield Measure(
        name="could be told apart",
        level=1,
        value=_scored(lambda scores: scores.avoidable_people),
        is_harm=True,
        meaning="Of these, people with an identity of their own, joined with somebody else who has one.",
    )
    yield Measure(
        name="split people",
        value=_scored(lambda scores: scores.split),
        is_harm=True,
        meaning="True people who are counted as two or more.",
    )
    yield Measure(
        name="events under the wrong person",
        value=_scored(lambda scores: scores.wrong_events),
        is_harm=True,
        meaning="Whoever did most of it owns a counted person; what others did in it is wrong.",
    )


_MEASURED = {
    "pairwise": "Of all pairs of identities: how many that were joined belong together (precision), how many "
    "that belong together were joined (recall), and the harmonic mean of the two (F1).",
    "b_cubed": "The same for each identity on its own, then averaged: large people weigh less than in pairs.",
}


def _agreement() -> Iterator[Measure]:
    for measured, meaning in _MEASURED.items():
        name = measured.replace("b_cubed", "B-cubed")
        yield Measure(
            name=f"{name} F1", value=_scored(partial(_part, measured, "f1")), is_share=True, meaning=meaning
        )
        for part in ("precision", "recall"):
            yield Measure(name=part, level=1, value=_scored(partial(_part, measured, part)), is_share=True)


def _part(measured: str, part: str, scores: Scores) -> float:
    value: float = getattr(getattr(scores, measured), part)
    return value


def _funnel(comparison: Comparison) -> Iterator[Measure]:
    """
    Yield the steps of the funnel that anybody did, each with its part of the first.
    """
    steps = comparison.strategies[0].funnel
    for place, step in enumerate(steps):
        if any(counted.funnel[place].people for counted in comparison.strategies):
            yield Measure(name=step.event, value=partial(_step, place))
            if place:
                yield Measure(name="of the first", level=1, value=partial(_of_first, place), is_share=True)


def _step(place: int, counted: Counted) -> int:
    return counted.funnel[place].people


def _of_first(place: int, counted: Counted) -> float | None:
    first = counted.funnel[0].people
    return counted.funnel[place].people / first if first else None


def _retention(comparison: Comparison) -> Iterator[Measure]:
    for week in RETURNED_WEEKS:
        if any(counted.retention.returned(week) is not None for counted in comparison.strategies):
            name = f"active {week} week{'s' if week > 1 else ''} later"
            yield Measure(name=name, value=partial(_returned, week), is_share=True)


def _returned(week: int, counted: Counted) -> float | None:
    return counted.retention.returned(week)


def _scored(value: Callable[[Scores], float]) -> Callable[[Counted], float | None]:
    return lambda counted: None if counted.scores is None else value(counted.scores)


def _unless_truth(value: Callable[[Counted], float]) -> Callable[[Counted], float | None]:
    return lambda counted: None if counted.strategy == "truth" else value(counted)
