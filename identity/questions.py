"""
What anybody may ask of a graph, as it is or as it was.
"""

from abc import ABC, abstractmethod

from identity.explanation import Explanation, History, Step
from identity.ids import checked
from identity.known import KnownIdentity
from identity.links import Outcome, Verdict, Verdicts
from identity.person import Person
from identity.walk import other_end, way


class Questions(ABC):
    """
    The questions that a graph answers without changing anything.
    """

    @abstractmethod
    def _known_as(self, name: str) -> str:
        """
        Return the identity that stands for the person of another.
        """

    @abstractmethod
    def _identities(self, name: str) -> list[KnownIdentity]:
        """
        Return the identities of a person, first seen first; none for one never seen.
        """

    @abstractmethod
    def _links_at(self, name: str) -> list[Verdict]:
        """
        Return the newest verdict on each link that touches an identity, oldest link first.
        """

    @abstractmethod
    def _links_of(self, identities: list[KnownIdentity]) -> list[Verdict]:
        """
        Return the newest verdict on each link that touches one of a person's identities, oldest link first.
        """

    @abstractmethod
    def _decisions_at(self, name: str) -> list[Verdict]:
        """
        Return every decision on a link that touches an identity.
        """

    @abstractmethod
    def held(self) -> Verdicts:
        """
        Return the verdicts that wait for a human, oldest first.
        """

    def resolve(self, identity: str) -> str:
        """
        Return the identity that stands for the person: the first named one of the sort that comes first.

        Without a name it is the first identity. One that was never seen stands for itself.
        """
        return self._known_as(checked(identity, "identity"))

    def are_one(self, one: str, other: str) -> bool:
        """
        Tell whether two identities are one person.
        """
        return self.resolve(one) == self.resolve(other)

    def person(self, identity: str) -> Person:
        """
        Return the person that an identity belongs to; one never seen is a person without links.
        """
        name = checked(identity, "identity")
        identities = self._identities(name)
        return Person(
            name=self._known_as(name),
            identities=tuple(identities),
            verdicts=tuple(self._links_of(identities)),
        )

    def explain(self, one: str, other: str) -> Explanation:
        """
        Return the chain of links that makes two identities one person, or would if held links were approved.

        Each step tells when, why, from which call and device, and who decided. Of two people it also tells which
        links between them were refused.
        """
        start, goal = checked(one, "one"), checked(other, "other")
        steps, here = [], start
        for verdict in way(start, goal, self._links_at) or ():
            there = other_end(verdict, here)
            steps.append(Step(start=here, end=there, verdict=verdict))
            here = there
        explanation = Explanation(one=start, other=goal, steps=tuple(steps))
        if explanation.are_one:
            return explanation
        return Explanation(one=start, other=goal, steps=tuple(steps), refused=self._refused(start, goal))

    def _refused(self, one: str, other: str) -> tuple[Verdict, ...]:
        fewer, more = sorted((self._identities(one), self._identities(other)), key=len)
        others = {known.name for known in more} or {one, other}
        return tuple(
            verdict
            for verdict in (self._links_of(fewer) if fewer else self._links_at(one))
            if verdict.outcome is Outcome.REFUSE and others & set(verdict.link.ends)
        )

    def history(self, identity: str) -> History:
        """
        Return everything that was ever decided about an identity's links, oldest first.
        """
        name = checked(identity, "identity")
        first_ms = next((known.first_ms for known in self._identities(name) if known.name == name), None)
        return History(identity=name, first_ms=first_ms, verdicts=tuple(self._decisions_at(name)))
