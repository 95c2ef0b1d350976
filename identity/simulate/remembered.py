"""
The identity graph's decisions in memory alone: people as sets of numbers, the same policy, nothing on disk.
"""

from array import array

from attrs import evolve

from identity.ids import IdentityKind
from identity.links import Link, LinkKind, Outcome, Verdict
from identity.policy import MergePolicy
from identity.proposal import (
    MOST_RIVALS,
    Proposal,
    Side,
    as_one,
    asked_kind,
    end_never_seen,
    named_by,
    stranger,
)
from identity.rules import SHARED_DEVICE
from identity.simulate.numbered import Identities, NumberSets

_KINDS = (None, IdentityKind.GENERATED, IdentityKind.ANONYMOUS, IdentityKind.NAMED)
_NUMBER_OF_KIND = {kind: number for number, kind in enumerate(_KINDS)}
_NAMED = _NUMBER_OF_KIND[IdentityKind.NAMED]


class RememberedGraph:
    """
    What `identity.IdentityGraph` would decide about each link, and the people that follow.

    It keeps no reasons; a few dozen bytes an identity, beside its name, and a few hundred a person of several.

    Args:
        identities: the numbers of the names, which may be shared with others.
        policy: what decides about links.
    """

    def __init__(self, identities: Identities, policy: MergePolicy) -> None:
        self._identities = identities
        self._policy = policy
        self._sets = NumberSets()
        self._kind = bytearray()
        self._met = array("i")
        self._records = array("i")
        self._named_ms = array("q")
        self._met_so_far = 0
        self._people: dict[int, Side] = {}
        """People of several identities, by the number that stands for each."""
        self._claims: dict[int, set[int]] = {}

    def generated(self, name: str) -> None:
        """
        Note that an identity was made up for a device.
        """
        number = self._number(name)
        if not self._kind[number]:
            self._meet(number, IdentityKind.GENERATED, at_ms=0)

    def seen(self, name: str, kind: IdentityKind, *, at_ms: int = 0) -> None:
        """
        Note that a call was recorded under an identity.
        """
        number = self._number(name)
        if not self._kind[number]:
            self._meet(number, kind, at_ms=at_ms)
        elif kind is IdentityKind.NAMED:
            self._name(number, at_ms=at_ms)
        self._records[number] += 1

    def link(
        self, older: str, newer: str, *, kind: LinkKind | None, at_ms: int = 0, call: str | None = None
    ) -> Verdict:
        """
        Return what is decided about a link, and follow it.

        Args:
            older: the identity that was there before.
            newer: the identity that it is said to belong to.
            kind: where the evidence comes from; None for a caller's wish.
            at_ms: when, in milliseconds since 1970 UTC.
            call: the message id of the call that brought it.
        """
        one, other = self._number(older), self._number(newer)
        told = kind or asked_kind(_KINDS[self._kind[one]], older, self._policy.identifiers)
        link = Link(older=older, newer=newer, kind=told, at_ms=at_ms, call=call)
        for name in named_by(link):
            self._name(self._number(name), at_ms=at_ms)
        sides = (self._side(one, link, older), self._side(other, link, newer))
        proposal = Proposal(
            link=link, older=sides[0], newer=sides[1], rivals=self._rivals(*zip((one, other), sides, strict=True))
        )
        verdict = self._policy.decide(proposal)
        if verdict.outcome in {Outcome.MERGE, Outcome.HOLD} or verdict.reason == SHARED_DEVICE:
            for number, side in zip((one, other), sides, strict=True):
                if not self._kind[number]:
                    self._meet(number, side.kind, at_ms=at_ms)
        if verdict.outcome is Outcome.MERGE:
            self._merge((one, other), sides, at_ms=at_ms)
        elif verdict.outcome is not Outcome.KNOWN:
            self._claims.setdefault(one, set()).add(other)
            self._claims.setdefault(other, set()).add(one)
        return verdict

    def person(self, name: str) -> int:
        """
        Return a number that all identities of one person share.
        """
        return self._sets.find(self._number(name))

    def resolve(self, name: str) -> str:
        """
        Return the identity that a person is known by.
        """
        person = self._people.get(self.person(name))
        return name if person is None else person.known_as

    def _number(self, name: str) -> int:
        number = self._identities.number(name)
        have = len(self._kind)
        if number >= have:
            more = max(number + 1, have + have // 8) - have
            self._kind.extend(bytes(more))
            for column in (self._met, self._records, self._named_ms):
                column.extend([0] * more)
        return number

    def _meet(self, number: int, kind: IdentityKind, *, at_ms: int) -> None:
        self._kind[number] = _NUMBER_OF_KIND[kind]
        self._met_so_far += 1
        self._met[number] = self._met_so_far
        self._named_ms[number] = at_ms

    def _name(self, number: int, *, at_ms: int) -> None:
        if _KINDS[self._kind[number]] is not IdentityKind.ANONYMOUS:
            return
        root = self._sets.find(number)
        person = self._people.get(root)
        self._kind[number] = _NAMED
        self._named_ms[number] = at_ms
        if person is not None:
            named = self._alone(number, IdentityKind.NAMED)
            together = as_one(person, named, at_ms=at_ms, elder=self._elder(person.known_as, named.known_as))
            self._people[root] = evolve(together, identities=person.identities)

    def _merge(self, numbers: tuple[int, int], sides: tuple[Side, Side], *, at_ms: int) -> None:
        older, newer = sides
        if older.person is None or newer.person is None:
            elder = newer.known_as if older.person is None and newer.person is not None else older.known_as
        else:
            elder = self._elder(older.known_as, newer.known_as)
        together = as_one(older, newer, at_ms=at_ms, elder=elder)
        joined = self._sets.join(*numbers)
        if joined is not None:
            kept, gone = joined
            self._people.pop(gone, None)
            self._people[kept] = together

    def _elder(self, one: str, other: str) -> str:
        return min(one, other, key=lambda name: self._met[self._number(name)])

    def _alone(self, number: int, kind: IdentityKind) -> Side:
        """
        Return an identity as a person of its own.
        """
        name = self._identities.names[number]
        return stranger(name, kind, self._policy.identifiers, at_ms=self._named_ms[number])

    def _side(self, number: int, link: Link, name: str) -> Side:
        kind = _KINDS[self._kind[number]]
        if kind is None:
            return end_never_seen(link, name, self._policy.identifiers)
        root = self._sets.find(number)
        alone = self._alone(number, kind)
        person = self._people.get(root, alone)
        return evolve(person, name=name, kind=kind, sort=alone.sort, records=self._records[number], person=root)

    def _rivals(self, *sides: tuple[int, Side]) -> int:
        """
        Count the people that an owned anonymous identity was said to belong to before, besides these two.
        """
        these = {side.person for _, side in sides}
        if not all(side.named for _, side in sides) or len(these) == 1:
            return 0
        rivals: set[int] = set()
        for number, side in sides:
            if not side.belongs_to_somebody:
                continue
            for claimed in self._claims.get(number, ()):
                person = self._sets.find(claimed)
                if self._kind[claimed] and person not in these:
                    rivals.add(person)
                    if len(rivals) == MOST_RIVALS:
                        return MOST_RIVALS
        return len(rivals)
