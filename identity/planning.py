"""
What Kissmetrics was told of the graph, and what is left to tell.
"""

from collections.abc import Collection

from identity.links import LinkLike, checked_ends
from identity.plan import Plan, planned
from identity.present import PresentGraph
from identity.told import Telling


class PlanningGraph(PresentGraph):
    """
    A graph that keeps account of the aliases sent.

    Attributes:
        alias_grace: how many seconds an alias waits before it leaves.
    """

    alias_grace: float = 0.0

    def told(self, link: LinkLike, *, at_ms: int | None = None, reference: int | None = None) -> None:
        """
        Note that Kissmetrics was told that two identities are one, or is about to be.

        Args:
            link: a verdict, a link, or its two identities.
            at_ms: when, in milliseconds since 1970 UTC; now by default.
            reference: a number by which the caller knows the alias, such as that of a queued request.
        """
        older, newer = checked_ends(link)
        when = self._now_ms() if at_ms is None else at_ms

        def note() -> None:
            with self._database.transaction() as connection:
                self._told.add(connection, older, newer, at_ms=when, reference=reference)

        self._database.write(note)

    def untold(self, link: LinkLike) -> None:
        """
        Note that an alias never reached Kissmetrics after all: it was withdrawn, or given up.
        """
        older, newer = checked_ends(link)

        def note() -> None:
            with self._database.transaction() as connection:
                self._told.remove(connection, older, newer)

        self._database.write(note)

    def telling(self, link: LinkLike) -> Telling | None:
        """
        Return the alias that Kissmetrics was told of two identities, or None if it was told of none.
        """
        return self._told.between(*checked_ends(link))

    def plan(self, *, waiting: Collection[frozenset[str]] = ()) -> Plan:
        """
        Return the fewest aliases that take Kissmetrics from what it was told to what the graph knows.

        Each joins identities of one person, so the plan can be cut off anywhere. `told` notes what was sent.

        Args:
            waiting: pairs whose alias waits elsewhere and will leave by itself.
        """
        due_ms = self._now_ms() - int(self.alias_grace * 1000)
        merges = self._told.merges_untold()
        due = [
            verdict for verdict in merges if verdict.decided_ms <= due_ms and {*verdict.link.ends} not in waiting
        ]
        aliases = planned(due, self._told.pairs() if due else (), self._known.records)
        return Plan(aliases=aliases, waiting=len(merges) - len(due), apart=tuple(self._told.apart()))
