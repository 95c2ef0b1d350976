"""
The graph as it is: its tables, and the answers that they give.
"""

from datetime import datetime
from pathlib import Path
from typing import Self

from identity.answers import Answers
from identity.clock import Clock
from identity.database import Connection, Database
from identity.held import HeldLink, HeldLinks
from identity.ids import checked
from identity.known import KnownIdentities, KnownIdentity
from identity.ledger import Ledger
from identity.links import LinkLike, Outcome, Verdict, Verdicts, checked_ends
from identity.past import PastGraph
from identity.people import People
from identity.person import GraphCounts
from identity.policy import MergePolicy
from identity.questions import Questions
from identity.search import FoundPerson, search
from identity.told import Told
from identity.tombstones import Tombstones


class PresentGraph(Questions):
    """
    A graph to be asked, over the tables of one database.

    Attributes:
        policy: what decides about links.
    """

    def __init__(self, database: Database | str | Path, *, policy: MergePolicy, clock: Clock) -> None:
        self.policy = policy
        self._database = database if isinstance(database, Database) else Database(database)
        self._clock = clock
        self._people = People(self._database)
        self._known = KnownIdentities(self._database)
        self._ledger = Ledger(self._database)
        self._answers = Answers(self._database)
        self._told = Told(self._database)
        self._tombstones = Tombstones(self._database)

    def __repr__(self) -> str:
        return f"IdentityGraph({self._database.path!r})"

    def _repr_html_(self) -> str:
        return self.counts()._repr_html_()

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def as_of(self, time: datetime | float) -> PastGraph:
        """
        Return the graph as it was at a time, to be asked the same questions.

        Args:
            time: with a time zone, or in seconds since 1970 UTC.

        Raises:
            ValueError: the time has no zone.
        """
        if isinstance(time, datetime) and time.tzinfo is None:
            raise ValueError("time must have a time zone, as in datetime(2026, 1, 2, tzinfo=UTC)")
        seconds = time.timestamp() if isinstance(time, datetime) else time
        return PastGraph(self._known, self._answers, self.policy.identifiers, at_ms=int(seconds * 1000))

    def _known_as(self, name: str) -> str:
        known_as = self._people.known_as(name)
        return name if known_as is None else known_as

    def _identities(self, name: str) -> list[KnownIdentity]:
        return self._known.together_with(name)

    def _links_at(self, name: str) -> list[Verdict]:
        return [stored.verdict for stored in self._answers.links_at(name)]

    def _links_of(self, identities: list[KnownIdentity]) -> list[Verdict]:
        side = self._people.side(identities[0].name) if identities else None
        if side is None or side.person is None:
            return []
        return [stored.verdict for stored in self._answers.links_of(side.person)]

    def _decisions_at(self, name: str) -> list[Verdict]:
        return self._answers.decisions_at(name)

    def held(self) -> Verdicts:
        """
        Return the verdicts that wait for a human, oldest first.
        """
        return Verdicts(self._answers.held())

    def held_links(self, *, limit: int = 50, reason: str | None = None) -> list[HeldLink]:
        """
        Return held links with both people that they would join, first those where a mistake would do most harm.

        That is where both have a name, and then where the lesser of the two has most records.

        Args:
            limit: how many at most.
            reason: only those held for it, such as ``second_identity``.
        """
        return HeldLinks(self._database, self._known, self._answers).worst(limit=limit, reason=reason)

    def is_held(self, link: LinkLike) -> bool:
        """
        Tell whether a link waits for a decision.
        """
        stored = self._ledger.link_between(*checked_ends(link))
        return stored is not None and stored.verdict.outcome is Outcome.HOLD

    def held_reasons(self) -> dict[str, int]:
        """
        Return how many links are held for which reason, the one with most first.
        """
        return self._answers.held_reasons()

    def decided(self, *, limit: int = 20) -> list[Verdict]:
        """
        Return what people decided last, the newest first.
        """
        return self._answers.decided(limit=limit)

    def has_forgotten(self, *, within: Connection | None = None) -> bool:
        """
        Tell whether anybody was ever forgotten.

        Args:
            within: the connection of a transaction, to see what that did, too.
        """
        return self._tombstones.exist(within)

    def is_forgotten(self, identity: str) -> bool:
        """
        Tell whether an identity belonged to somebody who was forgotten.
        """
        return checked(identity, "identity") in self._tombstones

    def search(self, text: str, *, limit: int = 50) -> list[FoundPerson]:
        """
        Return people with an identity that contains a text, case set aside; each once, the best fits first.

        Args:
            text: any part of an identity.
            limit: how many people at most.
        """
        return search(self._database, text, limit=limit)

    def counts(self) -> GraphCounts:
        """
        Return how much the graph holds.
        """
        identities, people = self._people.counts()
        return GraphCounts(identities=identities, people=people, links=self._answers.counts())

    def close(self) -> None:
        """
        Let go of the file; a second call does nothing.
        """
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
