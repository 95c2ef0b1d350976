"""
Device sessions on disk, one row a device.
"""

import json
from collections.abc import Iterable

from identity.database import Database, Migrations
from sdkbridge.sessions.session import DeviceSession

MIGRATIONS: Migrations = {
    "1_sessions": (
        """
        CREATE TABLE session (
            device TEXT PRIMARY KEY,
            identity TEXT NOT NULL,
            anonymous_id TEXT NOT NULL,
            switched INTEGER NOT NULL,
            traits TEXT NOT NULL,
            once_per_identity TEXT NOT NULL,
            once_per_install TEXT NOT NULL,
            distinct_texts TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
    ),
}


class SessionStore:
    """
    The sessions in one database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("sdkbridge.sessions", MIGRATIONS)

    def load(self, device: str) -> DeviceSession | None:
        """
        Return a device's session, or None for a device never seen.
        """
        row = self._database.row(
            """
            SELECT identity, anonymous_id, switched, traits, once_per_identity, once_per_install, distinct_texts
            FROM session WHERE device = ?
            """,
            (device,),
        )
        if row is None:
            return None
        identity, anonymous_id, switched, traits, per_identity, per_install, distinct = row
        return DeviceSession(
            device=device,
            identity=identity,
            anonymous_id=anonymous_id,
            switched=bool(switched),
            traits=_by_name(traits),
            once_per_identity=_names(per_identity),
            once_per_install=_names(per_install),
            distinct=_by_name(distinct),
        )

    def save(self, session: DeviceSession) -> None:
        """
        Keep a session as it is now.
        """
        with self._database.transaction() as connection:
            connection.execute(
                """
                INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (device) DO UPDATE SET
                    identity = excluded.identity,
                    anonymous_id = excluded.anonymous_id,
                    switched = excluded.switched,
                    traits = excluded.traits,
                    once_per_identity = excluded.once_per_identity,
                    once_per_install = excluded.once_per_install,
                    distinct_texts = excluded.distinct_texts
                """,
                (
                    session.device,
                    session.identity,
                    session.anonymous_id,
                    int(session.switched),
                    json.dumps(dict(session.traits)),
                    _listed(session.once_per_identity),
                    _listed(session.once_per_install),
                    json.dumps(dict(session.distinct)),
                ),
            )

    def forget(self, identities: Iterable[str]) -> None:
        """
        Erase the sessions of some identities: their devices begin anew.
        """
        named = [(identity, identity) for identity in identities]
        with self._database.transaction() as connection:
            connection.executemany("DELETE FROM session WHERE identity = ? OR anonymous_id = ?", named)


def _listed(names: Iterable[str]) -> str:
    return json.dumps(sorted(names))


# Most sessions have none of either, and each call on a device reads four.
def _by_name(text: str) -> dict[str, str]:
    return {} if text == "{}" else json.loads(text)


def _names(text: str) -> frozenset[str]:
    return frozenset() if text == "[]" else frozenset(json.loads(text))
