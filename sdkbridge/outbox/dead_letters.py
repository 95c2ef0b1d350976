"""
Requests that were given up, and what can be done about them.
"""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from attrs import frozen

from identity.database import Database
from identity.many import in_parts, marks
from sdkbridge.kissmetrics.requests import Path
from sdkbridge.outbox.dead_aliases import DeadAliases
from sdkbridge.outbox.queue import Outbox

AT_ONCE = 500

LOOKED_AT = 20_000
"""How many requests that were given up are looked at for those of one person."""


@frozen(kw_only=True)
class DeadLetter:
    """
    A request that was given up.

    Attributes:
        number: its place in the queue.
        path: ``/e``, ``/s`` or ``/a``.
        identity: who it is about.
        query: encoded, without the key.
        call: the message id of the call that it came from.
        accepted_ms: when that was accepted, in milliseconds since 1970 UTC.
        attempts: how often it was tried.
        reason: why it was given up.
        died_ms: when.
    """

    number: int
    path: Path
    identity: str
    query: str
    call: str
    accepted_ms: int
    attempts: int
    reason: str
    died_ms: int


class DeadLetters:
    """
    The requests of one database that were given up.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._aliases = DeadAliases(database)
        Outbox(database)  # makes the tables

    def oldest(self, *, limit: int) -> list[DeadLetter]:
        """
        Return those that were queued first.
        """
        return [
            _dead_letter(row)
            for row in self._database.rows(
                """
                SELECT request, path, identity, query, call, accepted_ms, attempts, reason, died_ms
                FROM dead_letter ORDER BY request LIMIT ?
                """,
                (limit,),
            )
        ]

    def of(self, identities: Collection[str], *, limit: int) -> list[DeadLetter]:
        """
        Return the newest that are about some identities, or join one of them, those that were queued first first.

        Looks at the newest only, so that it takes no longer however many were given up.
        """
        named = list(identities)[:AT_ONCE]
        keys = marks(len(named))
        rows = self._database.rows(
            f"""
            SELECT request, path, identity, query, call, accepted_ms, attempts, reason, died_ms
            FROM (SELECT * FROM dead_letter ORDER BY request DESC LIMIT {LOOKED_AT}) AS newest
            WHERE identity IN ({keys}) OR other_identity IN ({keys}) ORDER BY request DESC LIMIT ?
            """,  # noqa: S608 - marks and a number
            (*named, *named, limit),
        )
        return [_dead_letter(row) for row in reversed(rows)]

    def numbers(self) -> list[int]:
        """
        Return the numbers of all.
        """
        return [number for (number,) in self._database.rows("SELECT request FROM dead_letter ORDER BY request")]

    def retry(self, numbers: Collection[int], *, now_ms: int) -> int:
        """
        Queue requests again, each in its old place among what waits of its lane; return how many were.

        An alias is dropped instead if another request has told the same since, or if its link was retracted.

        Raises:
            StoreError: they could not be written.
        """

        def work(given: list[int]) -> int:
            with self._database.transaction() as connection:
                not_to_leave = {*self._aliases.tell_again(connection, given, now_ms=now_ms)}
                self._delete([*not_to_leave])
                some = [number for number in given if number not in not_to_leave]
                if not some:
                    return 0
                keys = marks(len(some))
                # The try that was refused counts no more: nothing of it can have arrived.
                connection.execute(
                    f"""
                    INSERT INTO outbox (request, lane, other_lane, identity, other_identity, path, query, call,
                                        accepted_ms, attempts, error)
                    SELECT request, lane, other_lane, identity, other_identity, path, query, call,
                           accepted_ms, attempts - 1, reason
                    FROM dead_letter WHERE request IN ({keys})
                    """,  # noqa: S608 - marks
                    some,
                )
                connection.execute(
                    f"""
                    INSERT INTO outbox_lane (lane, free_ms, turn_ms)
                    SELECT DISTINCT lane, 0, {int(now_ms)} FROM dead_letter WHERE request IN ({keys})
                    ON CONFLICT (lane) DO NOTHING
                    """,  # noqa: S608 - marks and a number
                    some,
                )
                return self._delete(some)

        return self._by_parts(numbers, work)

    def drop(self, numbers: Collection[int]) -> int:
        """
        Forget requests for good; return how many there were.

        Raises:
            StoreError: it could not be written.
        """
        return self._by_parts(numbers, self._delete)

    def _by_parts(self, numbers: Collection[int], work: Callable[[list[int]], int]) -> int:
        return sum(self._database.write(partial(work, some)) for some in in_parts(numbers, most=AT_ONCE))

    def _delete(self, some: list[int]) -> int:
        if not some:
            return 0
        keys = marks(len(some))
        with self._database.transaction() as connection:
            return connection.execute(
                f"DELETE FROM dead_letter WHERE request IN ({keys})",  # noqa: S608 - marks
                some,
            ).rowcount


def _dead_letter(row: tuple[Any, ...]) -> DeadLetter:
    number, path, identity, query, call, accepted_ms, attempts, reason, died_ms = row
    return DeadLetter(
        number=number,
        path=path,
        identity=identity,
        query=query,
        call=call,
        accepted_ms=accepted_ms,
        attempts=attempts,
        reason=reason,
        died_ms=died_ms,
    )
