"""
What was accepted before.

Message ids, so that a repeated call is one call; and the second of each event, and of each property where that
matters, so that two calls never count once. Both for at least a day; `delivery.sweeping` forgets what is older.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Literal

from identity.database import Connection, Database, Migrations
from identity.many import for_keys, in_parts
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
    # What comes now stands together, whoever did it: a batch writes a few pages, and not one for each person.
    "2_in_the_order_of_seconds": (
        """
        CREATE TABLE accepted_in_second (
            second INTEGER NOT NULL, -- as sent
            identity TEXT NOT NULL,
            kind TEXT NOT NULL, -- event or property; nothing if the request claims no name
            name TEXT NOT NULL, -- as Kissmetrics compares it
            asked INTEGER NOT NULL, -- as the caller said
            at_ms INTEGER NOT NULL, -- when
            PRIMARY KEY (second, identity, kind, name)
        ) STRICT, WITHOUT ROWID
        """,
        """
        INSERT INTO accepted_in_second (second, identity, kind, name, asked, at_ms)
        SELECT second, identity, kind, name, asked, at_ms FROM accepted_second
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

TakenSecond = tuple[int, str, str, str, int, int]
"""The second as sent, who, the claim, the second as the caller said, and when it was accepted, in milliseconds."""

_NO_CLAIM: Claim = ("", "")

_KEEP = "INSERT INTO accepted_message VALUES (?, ?) ON CONFLICT (hash) DO NOTHING"

_TAKE = "INSERT INTO accepted_in_second VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"

_IN_SECONDS = """
    SELECT second, kind, name, asked FROM accepted_in_second WHERE identity = ? AND second IN ({keys})
"""

FURTHEST_MOVE_S = 60
"""How many seconds a request may be moved to be told from another."""

LOOKED_AT = 8
"""How many seconds are looked at together for a free one."""


class AcceptedCalls:
    """
    The memory of accepted calls in one database, written through the connection of a transaction.

    Args:
        database: where it is kept.
        duplicate_rule: by which of Kissmetrics' rules one request repeats another.
    """

    def __init__(self, database: Database, *, duplicate_rule: DuplicateRule = "current") -> None:
        self._database = database
        self._duplicate_rule = duplicate_rule
        database.migrate("sdkbridge.accepted", MIGRATIONS)

    def remember(self, connection: Connection, message_id: str, *, at_ms: int) -> bool:
        """
        Remember the message id of a call that is being accepted; return whether no call had it before.
        """
        return connection.execute(_KEEP, (message_hash(message_id), at_ms)).rowcount == 1

    def keep_new(self, connection: Connection, message_ids: Collection[str], *, at_ms: int) -> set[str]:
        """
        Remember some message ids; return those that no call had before.
        """
        # Never looked for first: to PostgreSQL whoever reads where nothing is conflicts with all who write nearby.
        # And in an order that all writers share, so that none waits for another that waits for it.
        rows = sorted([(message_hash(message_id), at_ms) for message_id in message_ids])
        connection.execute("SAVEPOINT message_ids")
        kept = set(message_ids)
        if connection.executemany(_KEEP, rows).rowcount < len(rows):
            connection.execute("ROLLBACK TO SAVEPOINT message_ids")
            in_order = sorted(message_ids, key=message_hash)
            kept = {message_id for message_id in in_order if self.remember(connection, message_id, at_ms=at_ms)}
        connection.execute("RELEASE SAVEPOINT message_ids")
        return kept

    def give_up(self, connection: Connection, message_ids: Iterable[str]) -> None:
        """
        Forget the message ids of calls that were not accepted after all.
        """
        hashes = [(message_hash(message_id),) for message_id in message_ids]
        connection.executemany("DELETE FROM accepted_message WHERE hash = ?", hashes)

    def forget(self, identities: Sequence[str]) -> None:
        """
        Erase when some identities did what; reads all of a day once for each five hundred of them.
        """
        with self._database.transaction() as connection:
            for some in in_parts(identities):
                connection.execute(
                    for_keys("DELETE FROM accepted_in_second WHERE identity IN ({keys})", len(some)), some
                )

    def take_second(self, connection: Connection, request: Request, *, at_ms: int) -> tuple[int, bool]:
        """
        Claim a second for a request that carries one; return it, and whether it is the request's alone.

        Kissmetrics drops an event that repeats another of the same identity, name and second, and by its legacy
        rule a value of a property, too (its page on detecting duplicates). The second one is moved to the next
        free second, by at most a minute and never past what the identity did next; where there is none it stays
        where it was.
        """
        asked = request.second
        assert asked is not None  # noqa: S101 - aliases carry no time and are not asked about
        claim = self.only_claim(request)
        # Nearly all requests claim one, and get it.
        if claim and connection.execute(_TAKE, (asked, request.identity, *claim, asked, at_ms)).rowcount:
            return asked, True
        claims = [claim] if claim else self._claims(request)
        if not claims:
            connection.execute(_TAKE, (asked, request.identity, *_NO_CLAIM, asked, at_ms))
            return asked, True
        free = _free_second(connection, request.identity, claims, asked)
        second = asked if free is None else free
        for claim in claims:
            connection.execute(_TAKE, (second, request.identity, *claim, asked, at_ms))
        return second, free is not None

    def take_all(self, connection: Connection, taken: Sequence[TakenSecond]) -> bool:
        """
        Claim several seconds, each once; return whether none of them was claimed before.
        """
        # In an order that all writers share, so that none waits for another that waits for it.
        return connection.executemany(_TAKE, sorted(taken)).rowcount == len(taken)

    def only_claim(self, request: Request) -> Claim | None:
        """
        Return what a request claims if that is its event alone.
        """
        if self._duplicate_rule == "legacy" or request.path != RECORD or not request.name:
            return None
        return "event", compared_name(request.name)

    def _claims(self, request: Request) -> list[Claim]:
        """
        Return what no other request of the identity may have in its second.
        """
        claims = [("event", compared_name(request.name))] if request.path == RECORD and request.name else []
        if self._duplicate_rule == "legacy":
            claims += [("property", compared_name(name)) for name, _ in request.properties]
        return claims


def _free_second(connection: Connection, identity: str, claims: Sequence[Claim], asked: int) -> int | None:
    """
    Return the next second in which some claims can stand together, if there is any.

    Past a second in which something stands that was asked for later nothing is moved.
    """
    first, last, mine = asked, asked + FURTHEST_MOVE_S, frozenset(claims)
    # Of one claim the database picks its rows; of several, all that the identity did is looked through here.
    picked = (asked, *claims[0]) if len(claims) == 1 else ()
    while first <= last:
        seconds = range(first, min(first + LOOKED_AT, last + 1))
        sql = _in_seconds(len(seconds), picked=bool(picked))
        taken = set()
        for second, kind, name, its_asked in connection.execute(sql, (identity, *seconds, *picked)):
            if (kind, name) in mine:
                taken.add(second)
            if its_asked > asked and second < last:
                last = second
        for second in seconds:
            if second <= last and second not in taken:
                return second
        first += LOOKED_AT
    return None


@lru_cache(maxsize=2 * LOOKED_AT)
def _in_seconds(many: int, *, picked: bool) -> str:
    """
    Return the statement that finds what an identity did in so many seconds.

    Args:
        many: how many.
        picked: whether only one claim and whatever was asked for after a second, or all of it.
    """
    picks = " AND (asked > ? OR (kind = ? AND name = ?))" if picked else ""
    return for_keys(_IN_SECONDS, many) + picks
