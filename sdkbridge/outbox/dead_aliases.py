"""
Aliases that were given up: Kissmetrics was not told, and at most one of them may be queued again.
"""

from collections.abc import Collection

from identity.database import Connection, Database
from identity.ledger import Ledger
from identity.links import Outcome
from identity.many import for_keys
from identity.told import Told

_BETWEEN = """
    FROM dead_letter
    WHERE path = '/a' AND ((identity = ? AND other_identity = ?) OR (other_identity = ? AND identity = ?))
"""


class DeadAliases:
    """
    The aliases of one database that were given up.

    Args:
        database: where the outbox is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._told = Told(database)
        self._ledger = Ledger(database)

    def between(self, one: str, other: str) -> list[int]:
        """
        Return the numbers of those that join two identities, whichever way round.
        """
        rows = self._database.rows(f"SELECT request {_BETWEEN} ORDER BY request", (one, other, one, other))
        return [number for (number,) in rows]

    def may_have_arrived(self, one: str, other: str) -> bool:
        """
        Tell whether one of two identities was tried before the try that was refused, and may have arrived then.
        """
        row = self._database.row(f"SELECT 1 {_BETWEEN} AND attempts > 1", (one, other, one, other))
        return row is not None

    def drop(self, one: str, other: str) -> None:
        """
        Forget those of two identities for good.
        """
        with self._database.transaction() as connection:
            connection.execute(f"DELETE {_BETWEEN}", (one, other, one, other))

    def tell_again(self, connection: Connection, numbers: Collection[int], *, now_ms: int) -> list[int]:
        """
        Note of each alias among some requests that it is about to be told; return those that must not be.

        That is what another request tells or told since, and what a person decided against.
        """
        aliases = connection.execute(
            for_keys(
                """
                SELECT request, identity, other_identity FROM dead_letter
                WHERE path = '/a' AND request IN ({keys}) ORDER BY request
                """,
                len(numbers),
            ),
            tuple(numbers),
        ).fetchall()
        not_to_leave = []
        for number, identity, other in aliases:
            telling = self._told.between(identity, other)
            if (telling is None or telling.reference == number) and self.may_leave(identity, other):
                self._told.add(connection, other, identity, at_ms=now_ms, reference=number)
            else:
                not_to_leave.append(number)
        return not_to_leave

    def may_leave(self, one: str, other: str) -> bool:
        """
        Tell whether an alias may leave: the link of its two identities, if there is one, is what joined them.

        It is not where it is held or refused by now, nor where they are one person by other links, each of which
        has an alias of its own.
        """
        link = self._ledger.link_between(one, other)
        return link is None or link.verdict.outcome is Outcome.MERGE

    def arrived_after_all(self, connection: Connection, numbers: Collection[int]) -> None:
        """
        Note of requests that one worker gave up and another delivered that their aliases are told.
        """
        for number in numbers:
            connection.execute(
                """
                INSERT INTO told (older, newer, at_ms, reference)
                SELECT other_identity, identity, died_ms, request FROM dead_letter
                WHERE request = ? AND path = '/a'
                ON CONFLICT (older, newer) DO NOTHING
                """,
                (number,),
            )
            connection.execute("DELETE FROM dead_letter WHERE request = ?", (number,))
