"""
Why two identities are one person, or what keeps them apart.
"""

from typing import Any

from attrs import frozen

from identity.links import VERDICT_HEADINGS, Outcome, Verdict, Verdicts, evidence, verdict_row
from identity.tables import Table, counted, moment, plain_values


@frozen(kw_only=True)
class Step:
    """
    One link on the way from one identity to another.

    Attributes:
        start: where it begins.
        end: where it leads.
        verdict: the link, and what was decided about it by whom.
    """

    start: str
    end: str
    verdict: Verdict

    def __str__(self) -> str:
        verdict = self.verdict
        times = moment(verdict.link.at_ms)
        if verdict.decided_ms != verdict.link.at_ms:
            times += f", decided {moment(verdict.decided_ms)}"
        return (
            f"{self.start} - {self.end}: {evidence(verdict.link)} ({times} UTC); "
            f"{verdict.outcome} by {verdict.by}: {verdict.explanation}"
        )


@frozen(kw_only=True)
class Explanation:
    """
    The chain of links that makes two identities one person, or would make them one.

    Attributes:
        one: the identity where the chain begins.
        other: the identity where it ends.
        steps: accepted links, and as few held ones as can be; none if nothing leads from one to the other.
        refused: the links between the two people that were refused.
    """

    one: str
    other: str
    steps: tuple[Step, ...]
    refused: tuple[Verdict, ...] = ()

    @property
    def are_one(self) -> bool:
        """
        Whether they are one person.
        """
        return self.one == self.other or (bool(self.steps) and not self.held)

    @property
    def held(self) -> tuple[Verdict, ...]:
        """
        The held links that would make them one person if all were approved.
        """
        return tuple(step.verdict for step in self.steps if step.verdict.outcome is Outcome.HOLD)

    @property
    def summary(self) -> str:
        """
        The answer in one sentence.
        """
        if self.one == self.other:
            return f"{self.one} is one identity."
        if self.are_one:
            return f"{self.one} and {self.other} are one person, by {counted(len(self.steps), 'link')}."
        if self.steps:
            held = "a held link were" if len(self.held) == 1 else f"{len(self.held)} held links were"
            return f"{self.one} and {self.other} are two people; they would be one if {held} approved."
        return f"{self.one} and {self.other} are two people, and no link leads from one to the other."

    def __str__(self) -> str:
        lines = [self.summary]
        lines += [f"  {number}. {step}" for number, step in enumerate(self.steps, 1)]
        lines += [f"  refused: {verdict.link.older} - {verdict.link.newer}: {verdict}" for verdict in self.refused]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as plain values, for JSON.
        """
        return {"are_one": self.are_one, "summary": self.summary, **plain_values(self)}

    def _repr_html_(self) -> str:
        rows = [(step.start, step.end, *_without_ends(step.verdict)) for step in self.steps]
        headings = ("from", "to", *(heading for heading in VERDICT_HEADINGS if heading not in {"older", "newer"}))
        refused = Verdicts(self.refused)._repr_html_() if self.refused else ""
        return Table(headings, rows, caption=self.summary).html() + refused


def _without_ends(verdict: Verdict) -> tuple[str, ...]:
    when, _, _, *rest = verdict_row(verdict)
    return (when, *rest)


@frozen(kw_only=True)
class History:
    """
    Everything that was ever decided about the links of one identity.

    Attributes:
        identity: whose.
        first_ms: when it was first seen, in milliseconds since 1970 UTC; None if it never was.
        verdicts: in the order in which they were given; an old one is followed by what took its place.
    """

    identity: str
    first_ms: int | None
    verdicts: tuple[Verdict, ...]

    def __str__(self) -> str:
        if self.first_ms is None:
            return f"{self.identity} was never seen."
        lines = [f"{moment(self.first_ms)}  {self.identity} is first seen"]
        lines += [
            f"{moment(verdict.decided_ms)}  {verdict.link.older} - {verdict.link.newer}: {verdict}"
            for verdict in self.verdicts
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as plain values, for JSON.
        """
        return plain_values(self)

    def _repr_html_(self) -> str:
        rows = [verdict_row(verdict) for verdict in self.verdicts]
        return Table(VERDICT_HEADINGS, rows, caption=f"What was decided about {self.identity}").html()
