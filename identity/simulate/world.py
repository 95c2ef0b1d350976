"""
One strategy's world: what Kissmetrics was told of who is who, and whom it counts.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import compress, count

from attrs import frozen

from identity.simulate.activity import Activity, funnel_of, retention_of, uses_of
from identity.simulate.calls import Call
from identity.simulate.funnel import FunnelStep
from identity.simulate.numbered import Identities, NumberSets, Partition
from identity.simulate.retention import Retention
from identity.simulate.scores import Scores, score
from identity.simulate.strategies import DecideByPolicy, Strategy


@frozen(kw_only=True)
class Counted:
    """
    What a strategy makes of the calls.

    Attributes:
        strategy: its name.
        described: a few words about it.
        people: people counted.
        aliases: aliases sent.
        redundant: those of them that joined nobody, because they were one person before.
        verdicts: how often each outcome and reason was given, for a strategy that gives any.
        identities_per_person: how many people have how many identities.
        funnel: people at each step.
        retention: who came back.
        scores: how it compares with the truth, where that is known.
    """

    strategy: str
    described: str
    people: int
    aliases: int = 0
    redundant: int = 0
    verdicts: Mapping[str, int]
    identities_per_person: Mapping[int, int]
    funnel: tuple[FunnelStep, ...]
    retention: Retention
    scores: Scores | None = None


class World:
    """
    The aliases that one strategy sends, and the people that follow.
    """

    def __init__(self, strategy: Strategy, identities: Identities) -> None:
        self.strategy = strategy
        self.sets = NumberSets()
        self.aliases = 0
        self.redundant = 0
        self._identities = identities
        self._decide = strategy.begin(identities)

    def hear(self, call: Call) -> tuple[int, int] | None:
        """
        Take a call, and return the first two identities that it joined, if any.
        """
        joined = None
        for older, newer in self._decide(call):
            one, other = self._identities.number(older), self._identities.number(newer)
            self.aliases += 1
            if self.sets.join(one, other) is None:
                self.redundant += 1
            elif joined is None:
                joined = (one, other)
        return joined

    @property
    def remark(self) -> str:
        """
        What the strategy says of the last call's link, if it gives verdicts.
        """
        verdict = self._decide.verdict if isinstance(self._decide, DecideByPolicy) else None
        return "" if verdict is None else f"{verdict.outcome.value} {verdict.reason}"

    def counted(
        self, activities: Sequence[Activity], *, truth_is_known: bool, within_s: int | None = None
    ) -> Counted:
        """
        Return whom Kissmetrics counts, once all calls are in.

        Args:
            activities: what was recorded, the largest first.
            truth_is_known: whether the persons in them are true ones.
            within_s: how long the way through the funnel may take, in seconds.
        """
        find = self.sets.find
        known = compress(count(), self.partition(activities).is_known)
        sizes = Counter(Counter(find(number) for number in known).values())
        scores = None
        if truth_is_known:
            scores = score(
                (find(number), number, person, events) for number, person, events in uses_of(activities)
            )
        verdicts = self._decide.verdicts if isinstance(self._decide, DecideByPolicy) else {}
        return Counted(
            strategy=self.strategy.name,
            described=self.strategy.described,
            people=sum(sizes.values()),
            aliases=self.aliases,
            redundant=self.redundant,
            verdicts={" ".join(told): times for told, times in sorted(verdicts.items())},
            identities_per_person=dict(sorted(sizes.items())),
            funnel=funnel_of(activities, find, within_s=within_s),
            retention=retention_of(activities, find),
            scores=scores,
        )

    def partition(self, activities: Sequence[Activity]) -> Partition:
        """
        Return who is one person with whom, among the identities that Kissmetrics knows.

        It knows one by something recorded under it, or by an alias.
        """
        is_known = bytearray(len(self._identities))
        for activity in activities:
            for number, _, _ in activity.uses():
                is_known[number] = 1
        for number in self.sets.joined():
            is_known[number] = 1
        return Partition(self.sets, is_known)
