"""
The tables of the outbox: what waits, in which lanes, what was given up, and how much was delivered.
"""

import sqlite3

from identity.database import Connection, Migrations


def _note_last_number(connection: Connection) -> None:
    """
    Note the last number of a file from before, which SQLite kept for it.
    """
    if not isinstance(connection, sqlite3.Connection):
        return
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
        connection.execute(
            "INSERT INTO outbox_placed (only_row, up_to, given) SELECT 1, seq, seq FROM sqlite_sequence"
            " WHERE name = 'outbox'"
        )


MIGRATIONS: Migrations = {
    # A file that was made with AUTOINCREMENT keeps it: besides `outbox_placed`, SQLite notes its numbers.
    "1_outbox": (
        """
        CREATE TABLE outbox (
            request INTEGER PRIMARY KEY,
            lane INTEGER NOT NULL,
            other_lane INTEGER, -- an alias also waits for what came before it here
            identity TEXT NOT NULL, -- who it is about
            other_identity TEXT, -- and whom an alias joins with it
            path TEXT NOT NULL,
            query TEXT NOT NULL, -- encoded, without the key; never rewritten
            call TEXT NOT NULL,
            accepted_ms INTEGER NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            error TEXT
        ) STRICT
        """,
        "CREATE INDEX outbox_order ON outbox (lane, request)",
        """
        CREATE TABLE outbox_lane (
            lane INTEGER NOT NULL,
            free_ms INTEGER NOT NULL, -- 0 while anybody may take it; else when its lease or its wait ends
            turn_ms INTEGER NOT NULL, -- since when it has been waiting for its turn
            leased_by TEXT,
            failed_ms INTEGER NOT NULL DEFAULT 0, -- since when its first request has been failing; 0 if it is not
            waits_for INTEGER, -- the lane of its first request's other side
            PRIMARY KEY (lane)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX outbox_lane_turn ON outbox_lane (free_ms, turn_ms)",
        "CREATE INDEX outbox_lane_lease ON outbox_lane (leased_by) WHERE leased_by IS NOT NULL",
        "CREATE INDEX outbox_lane_wait ON outbox_lane (waits_for) WHERE waits_for IS NOT NULL",
        """
        CREATE TABLE dead_letter (
            request INTEGER NOT NULL,
            lane INTEGER NOT NULL,
            other_lane INTEGER,
            identity TEXT NOT NULL,
            other_identity TEXT,
            path TEXT NOT NULL,
            query TEXT NOT NULL,
            call TEXT NOT NULL,
            accepted_ms INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            reason TEXT NOT NULL,
            died_ms INTEGER NOT NULL,
            PRIMARY KEY (request)
        ) STRICT
        """,
        """
        CREATE TABLE delivered (
            shard INTEGER NOT NULL, -- several rows for each path, so that workers do not wait for one of them
            path TEXT NOT NULL,
            requests INTEGER NOT NULL,
            PRIMARY KEY (shard, path)
        ) STRICT, WITHOUT ROWID
        """,
    ),
    # So that what is failing is found however much waits; few rows are in these, and none when it is queued.
    "2_failing": (
        "CREATE INDEX outbox_retried ON outbox (request) WHERE attempts > 0",
        "CREATE INDEX outbox_lane_failing ON outbox_lane (failed_ms) WHERE failed_ms > 0",
    ),
    # A call that is alone to write only adds to the end; workers put many requests in their lanes at once.
    "3_placed": (
        "ALTER TABLE outbox ADD COLUMN placed INTEGER NOT NULL DEFAULT 1",
        "DROP INDEX outbox_order",
        "CREATE INDEX outbox_in_lanes ON outbox (lane, request) WHERE placed = 1",
        """
        CREATE TABLE outbox_placed (
            only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
            up_to INTEGER NOT NULL, -- up to which request all are in their lanes, or were
            given INTEGER NOT NULL -- a number that was given, if none of a request that waits is higher
        ) STRICT
        """,
        _note_last_number,
    ),
    # An alias that was given up stayed told until somebody asked for a plan; one that was then retried was untold.
    "4_dead_aliases": (
        "CREATE INDEX dead_alias ON dead_letter (identity, other_identity) WHERE path = '/a'",
        "DELETE FROM told WHERE reference IN (SELECT request FROM dead_letter WHERE path = '/a')",
        """
        INSERT INTO told (older, newer, at_ms, reference)
        SELECT other_identity, identity, min(accepted_ms), min(request) FROM outbox
        WHERE path = '/a' AND other_identity IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM told WHERE older = other_identity AND newer = identity)
          AND NOT EXISTS (SELECT 1 FROM told WHERE older = identity AND newer = other_identity)
        GROUP BY other_identity, identity
        """,
    ),
}
