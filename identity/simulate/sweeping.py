"""
Which limit suits which population: limits of the policy against a rate of made-up people.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import asdict, fields, frozen

from identity.simulate.households.population import DAYS, population
from identity.simulate.households.rates import Rates
from identity.simulate.simulation import Simulation
from identity.simulate.strategies import Strategy, guarded, limited

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

POLICIES: Mapping[str, Callable[[int], Strategy]] = {
    "guarded": lambda limit: guarded(named=limit, named_lately=limit, name=f"guarded-{limit}"),
    "limit": lambda limit: limited(named=limit),
}
"""What a limit is given to: our policy, or one that looks at nothing but the limit."""


@frozen(kw_only=True)
class Cell:
    """
    What one policy with one limit makes of one population.

    Attributes:
        policy: ``guarded``, or ``limit`` for one that looks at nothing else.
        limit: how many named identities a person may have before a merge is held.
        rate: the name of the rate that was varied.
        value: what it was.
        people: how many people were made up.
        seed: with which seed.
        days: for how many days.
        other_rates: the other rates that were not the usual ones.
        counted: people counted.
        true_people: people of whom anything was recorded.
        aliases: aliases sent.
        squished: counted people that hold two or more true ones.
        squished_people: true people in them.
        avoidable_people: those of them who could have been told apart.
        split: true people who were counted as two or more.
        wrong_events: events under somebody else.
    """

    policy: str
    limit: int
    rate: str
    value: float
    people: int
    seed: int
    days: int
    other_rates: Mapping[str, float]
    counted: int
    true_people: int
    aliases: int
    squished: int
    squished_people: int
    avoidable_people: int
    split: int
    wrong_events: int

    @property
    def asked(self) -> str:
        """
        What was asked, in one text: equal for the same question.
        """
        told = asdict(self)
        return json.dumps({name: told[name] for name in _ASKED}, sort_keys=True)


_ASKED = ("policy", "limit", "rate", "value", "people", "seed", "days", "other_rates")


@frozen
class Sweep:
    """
    The cells of a sweep, in the order of policy, value and limit.
    """

    cells: tuple[Cell, ...]

    def rows(self) -> list[dict[str, Any]]:
        """
        Return one row a cell.
        """
        return [
            {name: value for name, value in asdict(cell).items() if name != "other_rates"} for cell in self.cells
        ]

    def to_pandas(self) -> "pd.DataFrame":
        """
        Return the rows as a pandas frame, which must be installed.
        """
        import pandas as pd  # noqa: PLC0415 - optional

        return pd.DataFrame(self.rows())

    def to_polars(self) -> "pl.DataFrame":
        """
        Return the rows as a polars frame, which must be installed.
        """
        import polars as pl  # noqa: PLC0415 - optional

        return pl.DataFrame(self.rows())


@frozen(kw_only=True)
class Question:
    """
    What a sweep asks.

    Attributes:
        limits: how many named identities a person may have before a merge is held.
        values: what the rate is.
        rate: which rate is varied.
        policies: what the limit is given to.
        people: how many people are made up each time.
        seed: with which seed.
        days: for how many days.
        rates: the other rates that are not the usual ones.
    """

    limits: Sequence[int] = (1, 2, 3, 5, 10)
    values: Sequence[float] = (0.0, 0.1, 0.2, 0.4)
    rate: str = "shared_tablets"
    policies: Sequence[str] = ("guarded", "limit")
    people: int = 1000
    seed: int = 7
    days: int = DAYS
    rates: Mapping[str, float] = {}

    def __attrs_post_init__(self) -> None:
        for policy in self.policies:
            if policy not in POLICIES:
                raise ValueError(f"no policy {policy!r}: there are {', '.join(POLICIES)}")
        if not self.limits or min(self.limits) < 1:
            raise ValueError("a sweep needs limits, each at least 1")
        for value in self.values:
            Rates.of({**self.rates, self.rate: value})

    def asked(self, policy: str, limit: int, value: float) -> dict[str, Any]:
        """
        Return the part of a cell that says what was asked.
        """
        return {
            "policy": policy,
            "limit": limit,
            "rate": self.rate,
            "value": float(value),
            "people": self.people,
            "seed": self.seed,
            "days": self.days,
            "other_rates": {name: float(rate) for name, rate in self.rates.items()},
        }

    @property
    def cells(self) -> int:
        """
        How many cells the answer has.
        """
        return len(self.limits) * len(self.values) * len(self.policies)


class Results:
    """
    A file with one line a cell, appended to as cells are done; a line that was cut off by a crash is left out.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.cells: dict[str, Cell] = {}
        for cell in self._read():
            self.cells[cell.asked] = cell

    def _read(self) -> Iterator[Cell]:
        if self._path is None or not self._path.exists():
            return
        names = {one.name for one in fields(Cell)}
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                told = json.loads(line)
            except ValueError:
                continue
            if isinstance(told, dict) and told.keys() == names:
                yield Cell(**told)

    def add(self, cells: Iterable[Cell]) -> None:
        """
        Keep cells, in the file too.
        """
        for cell in cells:
            self.cells[cell.asked] = cell
            if self._path is not None:
                with self._path.open("a+", encoding="utf-8") as file:
                    file.write(_line_end(file) + json.dumps(asdict(cell)) + "\n")


def _line_end(file: Any) -> str:  # noqa: ANN401 - a text file
    """
    Return what ends a line that a crash cut off.
    """
    end = file.tell()
    if not end:
        return ""
    file.seek(end - 1)
    last = file.read()
    return "" if last == "\n" else "\n"


def sweep(
    question: Question | None = None,
    *,
    results: Path | str | None = None,
    show: Callable[[int, int, str], None] | None = None,
) -> Sweep:
    """
    Answer a question about limits, population by population.

    Args:
        question: what to vary.
        results: a file that keeps what is done; what is in it already is not done again.
        show: told how many cells are done, of how many, and what is being done.

    Raises:
        ValueError: the question cannot be asked.
        OSError: the file cannot be read or written.
    """
    question = question or Question()
    kept = Results(None if results is None else Path(results))
    wanted = [
        (policy, limit, value)
        for policy in question.policies
        for value in question.values
        for limit in question.limits
    ]
    asked = {one: json.dumps(question.asked(*one), sort_keys=True) for one in wanted}
    for value in question.values:
        missing = [one[:2] for one in wanted if one[2] == value and asked[one] not in kept.cells]
        done = sum(key in kept.cells for key in asked.values())
        if missing:
            told = partial(_tell, show, done, question, value)
            kept.add(_cells(question, value, missing, told))
    return Sweep(tuple(kept.cells[asked[one]] for one in wanted))


def _tell(
    show: Callable[[int, int, str], None] | None, done: int, question: Question, value: float, calls: int
) -> None:
    if show is not None:
        show(done, question.cells, f"{question.rate} {value:g}: {calls:,} calls")


def _cells(
    question: Question, value: float, missing: Sequence[tuple[str, int]], show: Callable[[int], None]
) -> Iterator[Cell]:
    """
    Make up one population, and yield its cells: all limits look at the same calls in one go.
    """
    rates = Rates.of({**question.rates, question.rate: value})
    made_up = population(question.people, seed=question.seed, days=question.days, rates=rates)
    strategies = [POLICIES[policy](limit) for policy, limit in missing]
    simulation = Simulation(strategies, truth=made_up.truth, funnel=())
    for number, message in enumerate(made_up):
        simulation.take(message)
        if number % 1000 == 0:
            show(number)
    for (policy, limit), counted in zip(missing, simulation.result(most_differences=0).strategies, strict=True):
        scores = counted.scores
        assert scores is not None  # noqa: S101 - the truth of a population is known
        yield Cell(
            **question.asked(policy, limit, value),
            counted=counted.people,
            aliases=counted.aliases,
            **{name: getattr(scores, name) for name in _FROM_SCORES},
        )


_FROM_SCORES = ("true_people", "squished", "squished_people", "avoidable_people", "split", "wrong_events")
