"""
A connection to PostgreSQL that takes the statements that SQLite takes, too.
"""

from collections.abc import Iterable

import psycopg

from identity.stores.dialect import to_postgres
from identity.stores.interface import Cursor, Notes, Parameters
from identity.stores.postgres_connections import Raw

INERROR = psycopg.pq.TransactionStatus.INERROR


class PortableConnection:
    """
    A connection that takes statements of the portable dialect.

    Attributes:
        raw: psycopg's.
        notes: what is remembered with the transaction.
        sends_many: whether it is in the middle of many statements, between which psycopg does not hold its lock.
    """

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        self.notes: Notes = {}
        self.sends_many = False

    def is_taken(self) -> bool:
        """
        Tell whether a statement is under way.
        """
        return self.sends_many or self.raw.lock.locked()

    def has_failed(self) -> bool:
        """
        Tell whether a statement has failed, after which the transaction can only be taken back.
        """
        return self.raw.pgconn.transaction_status == INERROR

    def execute(self, sql: str, parameters: Parameters = ()) -> Cursor:
        """
        Run one statement.
        """
        return self.raw.execute(to_postgres(sql).encode(), parameters)

    def executemany(self, sql: str, parameters: Iterable[Parameters]) -> Cursor:
        """
        Run one statement for each set of parameters.
        """
        self.sends_many = True
        try:
            return self._send_many(sql, parameters)
        finally:
            self.sends_many = False

    def _send_many(self, sql: str, parameters: Iterable[Parameters]) -> Cursor:
        cursor = self.raw.cursor()
        # Raised below: if an error leaves the pipeline, psycopg logs what else fails at its end, such as all that
        # was sent behind the statement that failed.
        failed: psycopg.Error | None = None
        try:
            with self.raw.pipeline():
                try:
                    cursor.executemany(to_postgres(sql).encode(), parameters)
                except psycopg.Error as error:
                    failed = error
        except psycopg.Error as error:
            failed = failed or error
        if failed is not None:
            raise failed
        return cursor
