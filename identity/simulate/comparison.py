"""
What a comparison of strategies comes to.
"""

from typing import TYPE_CHECKING, Any

from attrs import asdict, frozen

from identity.simulate.differences import Difference
from identity.simulate.world import Counted

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


@frozen(kw_only=True)
class Refused:
    """
    A call that could not be read.

    Attributes:
        number: its place among all calls, or its line in the file, from 1.
        problem: what is wrong with it.
    """

    number: int
    problem: str


@frozen(kw_only=True)
class Comparison:
    """
    The same calls under several strategies, side by side.

    Attributes:
        calls: calls taken.
        left_out: calls that are not for Kissmetrics, as their integrations say.
        repeats: calls left out because their message id was among the last hundred thousand or more.
        refused_calls: how many could not be read.
        refused: the first of these.
        identities: identities that they carry.
        events: events that they record.
        unknown_calls: recorded calls of which the truth knows nobody, where there is a truth.
        strategies: what each makes of the calls.
        truth: the same for the true people, where they are known.
        different_people: how many groups of identities strategies disagree about.
        differences: the worst of them.
    """

    calls: int
    left_out: int
    repeats: int
    refused_calls: int
    refused: tuple[Refused, ...]
    identities: int
    events: int
    unknown_calls: int
    strategies: tuple[Counted, ...]
    truth: Counted | None
    different_people: int
    differences: tuple[Difference, ...]

    def __getitem__(self, strategy: str) -> Counted:
        """
        Return what one strategy makes of the calls.

        Raises:
            KeyError: it was not compared.
        """
        for counted in self.strategies:
            if counted.strategy == strategy:
                return counted
        raise KeyError(strategy)

    def rows(self) -> list[dict[str, Any]]:
        """
        Return one row a strategy, of plain numbers.
        """
        return [_row(counted) for counted in self.strategies]

    def to_pandas(self) -> "pd.DataFrame":
        """
        Return the rows as a pandas frame, which must be installed.
        """
        import pandas as pd  # noqa: PLC0415 - optional

        return pd.DataFrame(self.rows()).set_index("strategy")

    def to_polars(self) -> "pl.DataFrame":
        """
        Return the rows as a polars frame, which must be installed.
        """
        import polars as pl  # noqa: PLC0415 - optional

        return pl.DataFrame(self.rows())

    def as_json(self) -> dict[str, Any]:
        """
        Return everything as JSON has it.
        """
        told = asdict(self)
        told["strategies"] = [_counted_json(counted) for counted in self.strategies]
        told["truth"] = None if self.truth is None else _counted_json(self.truth)
        return told

    def _repr_html_(self) -> str:
        from identity.simulate.reports.comparison import summary_table  # noqa: PLC0415 - only where it is shown

        return summary_table(self)


def _row(counted: Counted) -> dict[str, Any]:
    row: dict[str, Any] = {
        "strategy": counted.strategy,
        "people": counted.people,
        "aliases": counted.aliases,
        "redundant": counted.redundant,
    }
    scores = counted.scores
    if scores is not None:
        row |= {
            "squished": scores.squished,
            "squished_people": scores.squished_people,
            "avoidable": scores.avoidable,
            "avoidable_people": scores.avoidable_people,
            "split": scores.split,
            "pairwise_precision": scores.pairwise.precision,
            "pairwise_recall": scores.pairwise.recall,
            "pairwise_f1": scores.pairwise.f1,
            "b_cubed_precision": scores.b_cubed.precision,
            "b_cubed_recall": scores.b_cubed.recall,
            "b_cubed_f1": scores.b_cubed.f1,
            "events": scores.events,
            "wrong_events": scores.wrong_events,
        }
    return row


def _counted_json(counted: Counted) -> dict[str, Any]:
    told = asdict(counted)
    for agreement in ("pairwise", "b_cubed") if counted.scores is not None else ():
        told["scores"][agreement]["f1"] = getattr(counted.scores, agreement).f1
    return told
