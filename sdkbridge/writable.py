"""
Whether a database can be written: asked by writing to it.
"""

from identity.clock import Clock
from identity.database import Database, Migrations

MIGRATIONS: Migrations = {
    "1_written": (
        "CREATE TABLE written (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), at_ms INTEGER NOT NULL) STRICT",
    ),
}


class Writable:
    """
    One row of a database, written again and again.
    """

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        database.migrate("sdkbridge.written", MIGRATIONS)

    def check(self) -> None:
        """
        Write to the database.

        Raises:
            StoreError: it cannot be written.
        """
        self._database.write_through(
            lambda connection: connection.execute(
                "INSERT INTO written VALUES (1, ?) ON CONFLICT (only_row) DO UPDATE SET at_ms = excluded.at_ms",
                (int(self._clock() * 1000),),
            )
        )
