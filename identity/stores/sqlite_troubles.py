"""
What SQLite complains of, as an error that says what to do.
"""

import sqlite3

from identity.errors import StoreError

REMEDIES = {
    "SQLITE_BUSY": "is locked by another process for too long: find what keeps a transaction open",
    "SQLITE_LOCKED": "is locked by another connection for too long: find what keeps a transaction open",
    "SQLITE_FULL": "does not fit on its disk: free some space and try again",
    "SQLITE_READONLY": "cannot be written: it, its folder or its disk is read-only, or it was opened so",
    "SQLITE_CANTOPEN": "cannot be opened: its folder must exist and, for the write-ahead log, be writable",
    "SQLITE_NOTADB": "is no SQLite database, or its first page is damaged: name another file, or restore a backup",
    "SQLITE_CORRUPT": "is damaged: look at it with `sdkbridge check`, and restore a backup",
    "SQLITE_IOERR": "cannot be used because its disk failed: look at the system's log",
    "SQLITE_PERM": "may not be used by this user",
    "SQLITE_AUTH": "may not be used by this user",
}


def store_error(name: str, error: sqlite3.Error) -> StoreError:
    """
    Return the error to raise for one of SQLite's.

    Args:
        name: the file.
        error: what SQLite said; its text names tables and columns at most, never a value.
    """
    code = getattr(error, "sqlite_errorname", "") or ""
    kind = "_".join(code.split("_")[:2])
    if "statements in progress" in str(error):
        return StoreError(name, f"cannot do this in the middle of a statement: try again (SQLite: {error})")
    if kind in REMEDIES:
        return StoreError(name, f"{REMEDIES[kind]} (SQLite: {error})")
    if "closed database" in str(error):
        return StoreError(name, "is closed")
    return StoreError(name, f"cannot be used (SQLite: {error})")


def lost_its_disk(error: BaseException) -> bool:
    """
    Tell whether a connection must be opened anew: once a disk failed to sync, the next sync says nothing.
    """
    return (getattr(error, "sqlite_errorname", "") or "").startswith("SQLITE_IOERR")


def is_full(error: BaseException) -> bool:
    """
    Tell whether a disk had no room left.
    """
    return (getattr(error, "sqlite_errorname", "") or "").startswith("SQLITE_FULL")
