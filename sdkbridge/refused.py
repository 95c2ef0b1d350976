"""
Calls that were refused in a batch: kept for a while, so that somebody can look at what was wrong with them.

A call that is refused alone raises, and its caller knows. In a batch nobody may be there to be told.
"""

import json
from collections.abc import Collection, Iterator
from itertools import islice

from attrs import frozen

from identity.clock import Clock
from identity.database import Database, Migrations
from identity.ids import fold
from sdkbridge.errors import InvalidCall

MIGRATIONS: Migrations = {
    "1_refused": (
        """
        CREATE TABLE refused_call (
            refusal INTEGER PRIMARY KEY,
            at_ms INTEGER NOT NULL,
            field TEXT NOT NULL,
            reason TEXT NOT NULL,
            problem TEXT NOT NULL,
            message_id TEXT,
            message TEXT NOT NULL -- as JSON, cut when it is long
        ) STRICT
        """,
        "CREATE INDEX refused_call_at ON refused_call (at_ms)",
    ),
}

KEPT = 10_000
"""How many refused calls are kept at most."""

KEPT_MS = 30 * 24 * 60 * 60 * 1000
"""How long one is kept at most: thirty days."""

LONGEST_MESSAGE = 4_000
"""Characters kept of a message."""

LONGEST_MESSAGE_ID = 255

LOOKED_AT = 1_000
"""How many refused calls are looked at for those of one person."""

LONG_ENOUGH = 6
"""Characters from which on an identity within a longer text is no coincidence."""


@frozen
class RefusedMessage:
    """
    A message that cannot be taken, and why.
    """

    message: object
    error: InvalidCall


@frozen(kw_only=True)
class RefusedCall:
    """
    A refused call as it was kept.

    Attributes:
        number: later ones have higher numbers.
        at_ms: when it was refused, in milliseconds since 1970 UTC.
        field: the member that was wrong.
        reason: why, in one word.
        problem: why, for people.
        message_id: the call's own, if it had a text for one.
        message: the call as JSON, cut when it is long.
    """

    number: int
    at_ms: int
    field: str
    reason: str
    problem: str
    message_id: str | None
    message: str


class RefusedCalls:
    """
    The refused calls that one database keeps.
    """

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        database.migrate("sdkbridge.refused", MIGRATIONS)

    def keep(self, refused: RefusedMessage) -> None:
        """
        Keep a refused call.
        """
        error = refused.error
        with self._database.transaction() as connection:
            connection.execute(
                """
                INSERT INTO refused_call (at_ms, field, reason, problem, message_id, message)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
                (
                    *(self._now_ms(), error.field, error.reason, error.problem),
                    *(_message_id(refused.message), _written(refused.message)),
                ),
            )

    def prune(self) -> None:
        """
        Forget those that are too old, and the oldest of those that are too many.
        """
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM refused_call WHERE at_ms < ?", (self._now_ms() - KEPT_MS,))
            connection.execute(
                "DELETE FROM refused_call WHERE refusal <= (SELECT max(refusal) FROM refused_call) - ?", (KEPT,)
            )

    def forget(self, identities: Collection[str]) -> int:
        """
        Erase the calls that name some identities; return how many those were. Looks at every call that is kept.
        """
        named = {fold(identity) for identity in identities}
        if not named:
            return 0
        numbers = [
            (number,)
            for number, message in self._database.rows("SELECT refusal, message FROM refused_call")
            if _names_one_of(named, message)
        ]
        with self._database.transaction() as connection:
            connection.executemany("DELETE FROM refused_call WHERE refusal = ?", numbers)
        return len(numbers)

    def of(self, identities: Collection[str], *, limit: int) -> list[RefusedCall]:
        """
        Return the last refused calls that name some identities, the newest first.

        Looks at the last only, so that it takes no longer however many are kept.
        """
        named = {fold(identity) for identity in identities}
        found = (call for call in self.latest(LOOKED_AT) if _names_one_of(named, call.message))
        return [*islice(found, limit)]

    def latest(self, limit: int = 100) -> list[RefusedCall]:
        """
        Return the last refused calls, the newest first.
        """
        return [
            RefusedCall(
                number=number,
                at_ms=at_ms,
                field=field,
                reason=reason,
                problem=problem,
                message_id=message_id,
                message=message,
            )
            for number, at_ms, field, reason, problem, message_id, message in self._database.rows(
                """
                SELECT refusal, at_ms, field, reason, problem, message_id, message
                FROM refused_call ORDER BY refusal DESC LIMIT ?
                """,
                (limit,),
            )
        ]

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _names_one_of(identities: Collection[str], message: str) -> bool:
    """
    Tell whether a value in a kept call is one of some identities, or a text that tells of one of them.
    """
    try:
        values = _values(json.loads(message))
    except ValueError:
        # It was cut, perhaps within the identity, so what may be meant is erased, too.
        return any(_may_name(identity, message) for identity in identities)
    return any(fold(value) in identities or _tells_of(identities, value) for value in values)


def _tells_of(identities: Collection[str], value: str) -> bool:
    # A short one, such as 7, is a part of texts that have nothing to do with it.
    return any(len(identity) >= LONG_ENOUGH and identity.lower() in value.lower() for identity in identities)


def _may_name(identity: str, message: str) -> bool:
    written = json.dumps(identity, ensure_ascii=False)[1:-1]
    shortest = min(len(written), LONG_ENOUGH)
    cut = any(message.endswith(written[:length]) for length in range(shortest, len(written)))
    return cut or written.lower() in message.lower()


def _values(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _values(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner)
    elif not isinstance(value, bool) and value is not None:
        yield str(value)


def _message_id(message: object) -> str | None:
    found = message.get("messageId") if isinstance(message, dict) else None
    return _storable(found)[:LONGEST_MESSAGE_ID] if isinstance(found, str) else None


def _written(message: object) -> str:
    try:
        text = json.dumps(message, ensure_ascii=False, default=str)
    except Exception:  # noqa: BLE001 - it may hold itself, be too deep, or hold objects that fail by themselves
        return f"({type(message).__name__})"
    return _storable(text[:LONGEST_MESSAGE])


def _storable(text: str) -> str:
    # Half of a surrogate pair is no character, and no store takes NUL.
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
