"""
What PostgreSQL complains of, as an error that says what to do and holds no value and no password.
"""

import psycopg
from psycopg import errors

from identity.errors import StoreError

CONFLICTS = (errors.SerializationFailure, errors.DeadlockDetected)
"""Others wrote at the same moment: the same work may succeed when it is done again."""

REMEDIES: dict[type[psycopg.Error], str] = {
    errors.SerializationFailure: "was written by others at the same moment, too often: try again",
    errors.DeadlockDetected: "was written by others at the same moment, too often: try again",
    errors.LockNotAvailable: "is locked by another program for too long: find what keeps a transaction open",
    errors.DiskFull: "has no room left on its disk: free some space and try again",
    errors.ReadOnlySqlTransaction: "cannot be written: it is a standby, or it was opened to be read only",
    errors.InsufficientPrivilege: "does not let this user do that: grant it, or use another user",
    errors.InvalidPassword: "refuses this user or password",
    errors.InvalidCatalogName: "does not have this database: create it",
    errors.UndefinedTable: "lacks a table: it was made by another program, or by an earlier version",
}


def store_error(name: str, error: psycopg.Error) -> StoreError:
    """
    Return the error to raise for one of PostgreSQL's.

    Args:
        name: the server, without a password.
        error: what it said; its details may hold values, and are left out.
    """
    if isinstance(error, psycopg.ProgrammingError) and error.sqlstate is None:
        # libpq cites what it cannot read, which may be the password.
        return StoreError(
            name, "cannot be reached: its URL cannot be read; / ? # @ % and blanks of a password are %2F %3F %23 …"
        )
    if error.sqlstate is None:
        return StoreError(
            name, f"cannot be reached: is the server running, and the address right? ({_first_line(error)})"
        )
    remedy = next((remedy for kind, remedy in REMEDIES.items() if isinstance(error, kind)), "cannot be used")
    return StoreError(name, f"{remedy} (PostgreSQL {error.sqlstate}: {error.diag.message_primary})")


def _first_line(error: psycopg.Error) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
