"""
What was seen before: by which each kind of repeat is recognised, without keeping what it said a second time.
"""

import hashlib
import json

from identity.database import Database

MIGRATIONS = {
    "seen": (
        """
        CREATE TABLE kissmetrics_seen (
            digest BLOB PRIMARY KEY,
            second INTEGER NOT NULL -- when it last counted
        ) WITHOUT ROWID
        """,
    ),
}

COUNTS_AGAIN = """
    INSERT INTO kissmetrics_seen VALUES (?, ?)
    ON CONFLICT (digest) DO UPDATE SET second = excluded.second WHERE ABS(excluded.second - second) > ?
"""


class Seen:
    """
    Things, each a sequence of JSON values, that were seen in one database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("kissmetrics_seen", MIGRATIONS)

    def is_new(self, *thing: object) -> bool:
        """
        Return whether a thing was never seen; from now on it was.
        """
        with self._database.transaction() as connection:
            sql = "INSERT OR IGNORE INTO kissmetrics_seen VALUES (?, 0)"
            return connection.execute(sql, [_digest(thing)]).rowcount > 0

    def is_new_for(self, pause_s: int, second: int, *thing: object) -> bool:
        """
        Return whether a thing did not count within so many seconds; if so, it counts now.
        """
        with self._database.transaction() as connection:
            return connection.execute(COUNTS_AGAIN, [_digest(thing), second, pause_s]).rowcount > 0


def _digest(thing: tuple[object, ...]) -> bytes:
    return hashlib.blake2b(json.dumps(thing).encode(), digest_size=16).digest()
