"""
What was said of whom under an anonymous identity.

A phone with one of Segment's SDKs remembers that itself, and its calls do not tell.
"""

import json

from identity.database import Database, Migrations
from sdkbridge.sessions import transitions
from sdkbridge.sessions.session import DeviceSession

MIGRATIONS: Migrations = {
    "1_described": (
        """
        CREATE TABLE described (
            anonymous_id TEXT PRIMARY KEY,
            identity TEXT NOT NULL, -- who was identified last
            traits TEXT NOT NULL -- a JSON object of texts
        ) STRICT, WITHOUT ROWID
        """,
    ),
}


class Described:
    """
    The sessions, as far as calls let them be guessed, of phones that are no devices of the bridge's.

    Filled only where the option ``drop_carried_traits`` needs them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("sdkbridge.described", MIGRATIONS)

    def load(self, anonymous_id: str) -> DeviceSession:
        """
        Return the session of a phone by its anonymous identity; nobody is known of one never seen.
        """
        row = self._database.row("SELECT identity, traits FROM described WHERE anonymous_id = ?", (anonymous_id,))
        if row is None:
            return transitions.begin(anonymous_id, anonymous_id)
        return DeviceSession(
            device=anonymous_id, identity=row[0], anonymous_id=anonymous_id, traits=json.loads(row[1])
        )

    def save(self, session: DeviceSession) -> None:
        """
        Keep who a phone was told about, and what.
        """
        with self._database.transaction() as connection:
            connection.execute(
                """
                INSERT INTO described VALUES (?, ?, ?) ON CONFLICT (anonymous_id)
                DO UPDATE SET identity = excluded.identity, traits = excluded.traits
                """,
                (session.anonymous_id, session.identity, json.dumps(dict(session.traits))),
            )

    def forget(self, identity: str) -> None:
        """
        Keep nothing of somebody, be it as who was identified or as the anonymous identity.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM described WHERE anonymous_id = ? OR identity = ?", (identity, identity)
            )
