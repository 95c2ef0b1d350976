"""
Whom to forget: what keeps a late call from bringing somebody back.

Kept of an identity is a hash with a key that only this file has, and nothing that can be read. Whoever has the
file and guesses an identity can still check the guess, which no way of recognising late calls can avoid.
"""

import secrets
from hashlib import blake2b

from identity.database import Connection, Database, Migrations

MIGRATIONS: Migrations = {
    "1_tombstones": (
        "CREATE TABLE tombstone (hash BLOB PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        "CREATE TABLE tombstone_key (name TEXT PRIMARY KEY, hash_key BLOB NOT NULL) STRICT, WITHOUT ROWID",
    ),
}

KEY_BYTES = 32
HASH_BYTES = 16


_KEY = "SELECT hash_key FROM tombstone_key WHERE name = 'hash'"


class Tombstones:
    """
    The forgotten identities of one database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("identity.tombstones", MIGRATIONS)

    def __contains__(self, name: str) -> bool:
        """
        Tell whether an identity was forgotten.
        """
        key = self._key()
        if key is None:
            return False
        return self._database.row("SELECT 1 FROM tombstone WHERE hash = ?", (_hash(name, key),)) is not None

    def exist(self, connection: Connection | None = None) -> bool:
        """
        Tell whether anybody was ever forgotten, as a transaction or else whoever asks sees it.
        """
        if connection is None:
            return self._key() is not None
        return connection.execute(_KEY).fetchone() is not None

    def _key(self) -> bytes | None:
        # Looked up each time: another process may make it, and a transaction that made it may fail.
        row = self._database.row(_KEY)
        return None if row is None else bytes(row[0])

    def add(self, connection: Connection, name: str, *, at_ms: int) -> None:
        """
        Keep that an identity was forgotten.
        """
        key = self._key()
        if key is None:
            key = secrets.token_bytes(KEY_BYTES)
            connection.execute("INSERT INTO tombstone_key (name, hash_key) VALUES ('hash', ?)", (key,))
        connection.execute(
            "INSERT INTO tombstone (hash, at_ms) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING",
            (_hash(name, key), at_ms),
        )

    def remove(self, connection: Connection, name: str) -> bool:
        """
        Let an identity be known again; return whether it was forgotten.
        """
        key = self._key()
        if key is None:
            return False
        return connection.execute("DELETE FROM tombstone WHERE hash = ?", (_hash(name, key),)).rowcount == 1


def _hash(name: str, key: bytes) -> bytes:
    return blake2b(name.encode(), key=key, digest_size=HASH_BYTES).digest()
