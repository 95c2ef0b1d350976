"""
The graph as a list of links that is read from the start for every answer: slow, and plainly right.
"""

from attrs import Factory, define

Pair = frozenset[str]


@define
class Naive:
    """
    What was said of which two identities last, who was kept in which order, and who has a name.

    It knows the rules of the table in docs/aliases.md but for limits, and what people decide.
    """

    said: dict[Pair, tuple[str, str]] = Factory(dict)
    kept: list[str] = Factory(list)
    named: set[str] = Factory(set)
    snapshots: list[tuple[int, dict[str, Pair], dict[str, str]]] = Factory(list)

    def pairs(self, *outcomes: str) -> list[Pair]:
        return [pair for pair, (outcome, _) in self.said.items() if outcome in outcomes]

    def person(self, identity: str) -> Pair:
        """
        Everybody reachable from an identity, by looking at all merged pairs again and again.
        """
        return joined(identity, self.pairs("merge"))

    def link(self, kind: str, older: str, newer: str) -> str:
        """
        What is decided about one more link.
        """
        given_names = {newer} | ({older} if kind == "identity_change" else set())
        self.named |= given_names & set(self.kept)
        outcome, reason = self._decided(kind, older, newer, self.named | given_names)
        if older == newer:
            return outcome
        before = self.said.get(frozenset({older, newer}))
        if outcome == "known":
            if before is None or before[0] != "merge":
                self.said[frozenset({older, newer})] = outcome, reason
            return outcome
        self._keep(older, newer, given_names)
        self.said[frozenset({older, newer})] = outcome, reason
        if reason == "shared_device":
            taken = older if older not in self.named and self.person(older) & self.named else newer
            for pair, said in self.said.items():
                if taken in pair and said == ("hold", "second_identity"):
                    self.said[pair] = outcome, reason
        self._settle()
        return outcome

    def _decided(self, kind: str, older: str, newer: str, named: set[str]) -> tuple[str, str]:
        if older == newer:
            return "refuse", "itself"
        one, other = self.person(older), self.person(newer)
        before = self.said.get(frozenset({older, newer}), ("", ""))
        if one == other:
            return "known", "one_person"
        if before[1] in {"rejected", "retracted"}:
            return "refuse", before[1]
        if older not in named and one & named:
            claims = [pair for pair in self.pairs("hold", "refuse") if older in pair]
            rivals = {self.person(side) for pair in claims for side in pair} - {one, other}
            return ("refuse", "shared_device") if rivals else ("hold", "second_identity")
        if kind == "first_identify" and one & named:
            return "hold", "not_asked_for"
        return "merge", kind

    def _keep(self, older: str, newer: str, given_names: set[str]) -> None:
        for name in (older, newer):
            if name not in self.kept:
                self.kept.append(name)
        self.named |= given_names

    def _settle(self) -> None:
        for pair in self.pairs("hold"):
            if pair <= self.person(min(pair)):
                self.said[pair] = "known", "one_person"

    def decide(self, what: str, older: str, newer: str) -> str | None:
        """
        What a person decides: the outcome, or None if it cannot be.
        """
        pair = frozenset({older, newer})
        outcome, reason = self.said.get(pair, ("", ""))
        if what == "approve" and outcome and reason != "itself":
            if pair <= self.person(older):
                return "known"
            self.said[pair] = "merge", "approved"
            self._settle()
            return "merge"
        if what == "reject" and outcome in {"hold", "refuse"}:
            self.said[pair] = "refuse", "rejected"
            return "refuse"
        if what == "retract" and outcome == "merge":
            self.said[pair] = "refuse", "retracted"
            for known in self.pairs("known"):
                if not known <= self.person(min(known)):
                    self.said[known] = "hold", "reopened"
            return "refuse"
        return None

    def resolve(self, identity: str) -> str:
        """
        The first named identity of the person, else the first one.
        """
        members = [name for name in self.kept if name in self.person(identity)]
        return next((name for name in members if name in self.named), members[0] if members else identity)

    def remember(self, at_ms: int, names: str) -> None:
        """
        Keep how things are, to be compared with how they were.
        """
        people = {name: self.person(name) for name in names}
        self.snapshots.append((at_ms, people, {name: self.resolve(name) for name in names}))

    def held_between(self, one: str, other: str) -> int | None:
        """
        How many held links must be passed at least to come from one to another; None if there is no way.
        """
        reached, cost = self.person(one), 0
        while other not in reached:
            more = {side for pair in self.pairs("hold") if pair & reached for side in pair} | reached
            more = {name for side in more for name in self.person(side)}
            if more == reached:
                return None
            reached, cost = frozenset(more), cost + 1
        return cost


def joined(identity: str, pairs: list[Pair]) -> Pair:
    """
    Everybody reachable from an identity through pairs.
    """
    found = {identity}
    while True:
        more = {side for pair in pairs if found & pair for side in pair} | found
        if more == found:
            return frozenset(found)
        found = more
