"""
What was accepted before.

Message ids, so that a repeated call is one call; and the second of each event, and of each property where that
matters, so that two calls never count once. Both for at least a day; `delivery.sweeping` forgets what is older.
"""

from collections.abc import Collection, Iterable, Sequence
from hashlib import blake2b
from typing import Literal

from identity.database import Connection, Database, Migrations
from sdkbridge.kissmetrics.requests import RECORD, Request
from sdkbridge.mapping.names import compared_name


def message_hash(message_id: str) -> bytes:
    """
    Return by what a message id is remembered: 16 bytes, which no two ids in all the world share by chance.
    """
    return blake2b(message_id.encode(), digest_size=16).digest()


def _hash_message_ids(connection: Connection) -> None:
    rows = connection.execute("SELECT message_id, at_ms FROM accepted_call").fetchall()
    hashed = [(message_hash(message_id), at_ms) for message_id, at_ms in rows]
    connection.executemany("INSERT INTO accepted_message VALUES (?, ?)", hashed)


MIGRATIONS: Migrations = {
    "1_accepted": (
        """
        CREATE TABLE accepted_call (
            message_id TEXT PRIMARY KEY,
            at_ms INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE accepted_second (
            identity TEXT NOT NULL,
            kind TEXT NOT NULL, -- event or property; nothing if the request claims no name
            name TEXT NOT NULL, -- as Kissmetrics compares it
            second INTEGER NOT NULL, -- as sent
            asked INTEGER NOT NULL, -- as the caller said
            at_ms INTEGER NOT NULL, -- when
            PRIMARY KEY (identity, kind, name, second)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX accepted_second_asked ON accepted_second (identity, asked)",
        """
        CREATE TABLE accepted_sweep (
            swept TEXT NOT NULL, -- one of the tables above
            hand TEXT NOT NULL, -- up to which of its rows it was looked at for what can be forgotten
            PRIMARY KEY (swept)
        ) STRICT, WITHOUT ROWID
        """,
    ),
    # What somebody did around a second is found by the primary key alone: each call writes one tree less.
    "2_in_the_order_of_seconds": (
        """
        CREATE TABLE accepted_in_second (
            identity TEXT NOT NULL,
            second INTEGER NOT NULL, -- as sent
            kind TEXT NOT NULL, -- event or property; nothing if the request claims no name
            name TEXT NOT NULL, -- as Kissmetrics compares it
            asked INTEGER NOT NULL, -- as the caller said
            at_ms INTEGER NOT NULL, -- when
            PRIMARY KEY (identity, second, kind, name)
        ) STRICT, WITHOUT ROWID
        """,
        """
        INSERT INTO accepted_in_second (identity, second, kind, name, asked, at_ms)
        SELECT identity, second, kind, name, asked, at_ms FROM accepted_second
        """,
        "DROP TABLE accepted_second",
        "DELETE FROM accepted_sweep WHERE swept = 'accepted_second'",
    ),
    # Half as many pages to write, and none the fuller for an id of a thousand letters.
    "3_message_ids_as_hashes": (
        """
        CREATE TABLE accepted_message (
            hash BLOB PRIMARY KEY, -- of its message id
            at_ms INTEGER NOT NULL -- when it was accepted
        ) STRICT, WITHOUT ROWID
        """,
        _hash_message_ids,
        "DROP TABLE accepted_call",
        "DELETE FROM accepted_sweep WHERE swept = 'accepted_call'",
    ),
}

DuplicateRule = Literal["current", "legacy"]
Claim = tuple[str, str]
"""Whether it is an event or a property, and its name."""

TakenSecond = tuple[str, int, str, str, int, int]
"""Who, the second as sent, the claim, the second as the caller said, and when it was accepted, in milliseconds."""

_NO_CLAIM: Claim = ("", "")

_KEEP = "INSERT INTO accepted_message VALUES (?, ?) ON CONFLICT (hash) DO NOTHING"

_TAKE = "INSERT INTO accepted_in_second VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"

FURTHEST_MOVE_S = 60
"""How many seconds a request may be moved to be told from another."""

# Both in one statement, which many events of one person in one second wait for.
_FREE_AND_LATER = """
    SELECT (
        SELECT taken.second + 1 FROM accepted_in_second AS taken
        WHERE taken.identity = ? AND taken.second BETWEEN ? AND ? AND taken.kind = ? AND taken.name = ?
        AND NOT EXISTS (
            SELECT 1 FROM accepted_in_second AS following
            WHERE following.identity = taken.identity AND following.second = taken.second + 1
            AND following.kind = taken.kind AND following.name = taken.name
        )
        ORDER BY taken.second LIMIT 1
    ), (
        SELECT min(asked) FROM accepted_in_second WHERE identity = ? AND second BETWEEN ? AND ? AND asked > ?
    )
"""
"""Of a claim whose second is taken, the next that is not; and for when the identity did what came next."""


class AcceptedCalls:
    """
    The memory of accepted calls in one database.

    Args:
        database: where it is kept.
        duplicate_rule: by which of Kissmetrics' rules one request repeats another.
    """

    def __init__(self, database: Database, *, duplicate_rule: DuplicateRule = "current") -> None:
        self._database = database
        self._duplicate_rule = duplicate_rule
        database.migrate("sdkbridge.accepted", MIGRATIONS)

    def is_new(self, message_id: str, *, at_ms: int) -> bool:
        """
        Remember the message id of a call that is being accepted; return whether no call had it before.
        """
        with self._database.transaction() as connection:
            return connection.execute(_KEEP, (message_hash(message_id), at_ms)).rowcount == 1

    def keep_new(self, message_ids: Collection[str], *, at_ms: int) -> set[str]:
        """
        Remember some message ids; return those that no call had before.
        """
        # Never looked for first: to PostgreSQL whoever reads where nothing is conflicts with all who write nearby.
        # And in an order that all writers share, so that none waits for another that waits for it.
        in_order = sorted([(message_hash(message_id), message_id) for message_id in message_ids])
        rows = [(hashed, at_ms) for hashed, _ in in_order]
        with self._database.transaction() as connection:
            connection.execute("SAVEPOINT message_ids")
            kept = set(message_ids)
            if connection.executemany(_KEEP, rows).rowcount < len(rows):
                connection.execute("ROLLBACK TO SAVEPOINT message_ids")
                kept = {message_id for _, message_id in in_order if self.is_new(message_id, at_ms=at_ms)}
            connection.execute("RELEASE SAVEPOINT message_ids")
        return kept

    def give_up(self, *message_ids: str) -> None:
        """
        Forget the message ids of calls that were not accepted after all.
        """
        with self._database.transaction() as connection:
            connection.executemany(
                "DELETE FROM accepted_message WHERE hash = ?",
                [(message_hash(message_id),) for message_id in message_ids],
            )

    def forget(self, identities: Iterable[str]) -> None:
        """
        Erase when some identities did what.
        """
        with self._database.transaction() as connection:
            connection.executemany(
                "DELETE FROM accepted_in_second WHERE identity = ?", [(identity,) for identity in identities]
            )

    def take_second(self, request: Request, *, at_ms: int) -> tuple[int, bool]:
        """
        Claim a second for a request that carries one; return it, and whether it is the request's alone.

        Kissmetrics drops an event that repeats another of the same identity, name and second, and by its legacy
        rule a value of a property, too (its page on detecting duplicates). The second one is moved to the next
        free second, by at most a minute and never past what the identity did next; where there is none it stays
        where it was.
        """
        asked = request.second
        assert asked is not None  # noqa: S101 - aliases carry no time and are not asked about
        claims = self.claims(request)
        with self._database.transaction() as connection:
            if len(claims) > 1:
                second, alone = self._free_second(request.identity, claims, asked)
                taken = [(request.identity, second, *claim, asked, at_ms) for claim in claims]
                connection.executemany(_TAKE, taken)
                return second, alone
            claim = claims[0] if claims else _NO_CLAIM
            is_new = connection.execute(_TAKE, (request.identity, asked, *claim, asked, at_ms)).rowcount == 1
            if is_new or not claims:
                return asked, True
            free = _next_free(connection, request.identity, claim, asked)
            if free is None:
                return asked, False
            connection.execute(_TAKE, (request.identity, free, *claim, asked, at_ms))
            return free, True

    def take_all(self, taken: Sequence[TakenSecond]) -> bool:
        """
        Claim several seconds, each once; return whether none of them was claimed before.
        """
        with self._database.transaction() as connection:
            # In an order that all writers share, so that none waits for another that waits for it.
            return connection.executemany(_TAKE, sorted(taken)).rowcount == len(taken)

    def claims(self, request: Request) -> list[Claim]:
        """
        Return what no other request of the identity may have in its second.
        """
        claims = [("event", request.name)] if request.path == RECORD and request.name else []
        if self._duplicate_rule == "legacy":
            claims += [("property", name) for name, _ in request.properties]
        return [(kind, compared_name(name)) for kind, name in claims]

    def _free_second(self, identity: str, claims: list[Claim], asked: int) -> tuple[int, bool]:
        taken = {
            second for claim in claims for second in self._taken(identity, claim, asked, asked + FURTHEST_MOVE_S)
        }
        if asked not in taken:
            return asked, True
        furthest = asked + FURTHEST_MOVE_S
        # Whatever was asked for by then stands no further away than it can have been moved.
        row = self._database.row(
            """
            SELECT min(asked) FROM accepted_in_second WHERE identity = ? AND second BETWEEN ? AND ? AND asked > ?
            """,
            (identity, asked + 1, furthest + FURTHEST_MOVE_S, asked),
        )
        if row is not None and row[0] is not None:
            furthest = min(furthest, row[0])
        free = next((second for second in range(asked, furthest + 1) if second not in taken), None)
        return (asked, False) if free is None else (free, True)

    def _taken(self, identity: str, claim: Claim, first: int, last: int) -> list[int]:
        rows = self._database.rows(
            """
            SELECT second FROM accepted_in_second
            WHERE identity = ? AND second BETWEEN ? AND ? AND kind = ? AND name = ?
            """,
            (identity, first, last, *claim),
        )
        return [second for (second,) in rows]


def _next_free(connection: Connection, identity: str, claim: Claim, asked: int) -> int | None:
    """
    Return the next second that a claim can be moved to from the one that it has, if there is any.
    """
    last = asked + FURTHEST_MOVE_S
    # Whatever was asked for by then stands no further away than it can have been moved.
    free, later = connection.execute(
        _FREE_AND_LATER, (identity, asked, last - 1, *claim, identity, asked + 1, last + FURTHEST_MOVE_S, asked)
    ).fetchone()
    return None if free is None or (later is not None and later < free) else free
