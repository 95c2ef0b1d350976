"""
Connections to a SQLite file, set up the way that this project uses them.
"""

import os
import random
import sqlite3
import time
from pathlib import Path

from identity.errors import StoreError
from identity.stores.interface import Safety
from identity.stores.sqlite_troubles import store_error

SYNCHRONOUS = {Safety.PROCESS: "NORMAL", Safety.POWER: "FULL"}

LOG_BYTES = 16_384_000
"""After how many bytes the write-ahead log is copied into the file: measured faster than SQLite's 4 MB."""

WAL_ATTEMPTS = 50


def open_writer(name: str, file: Path | None, *, safety: Safety, wait_s: float) -> sqlite3.Connection:
    """
    Open a file that exists for writing, or memory.

    Args:
        name: what errors call it.
        file: where it is, whatever the current folder; None for memory.
        safety: what a commit survives.
        wait_s: how long to wait for other processes.

    Raises:
        StoreError: it cannot be opened or written, or is not a SQLite database.
    """
    if file is not None:
        _refuse_if_unwritable(name, file)
    try:
        # Never made here: a file that vanished is not to be replaced by an empty one.
        connection = _connect(":memory:" if file is None else file.as_uri() + "?mode=rw", wait_s=wait_s)
        try:
            _use_write_ahead_log(name, connection)
            connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS[safety]}")
            limit_log(connection)
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise store_error(name, error) from error
    return connection


def open_reader(name: str, file: Path, *, wait_s: float) -> sqlite3.Connection:
    """
    Open a file that exists for reading only.

    Raises:
        StoreError: it cannot be opened, or is not a SQLite database.
    """
    try:
        connection = _connect(file.as_uri() + "?mode=ro", wait_s=wait_s)
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise store_error(name, error) from error
    return connection


def limit_log(connection: sqlite3.Connection) -> None:
    """
    Have the write-ahead log copied into the file before it grows too long, whatever the size of the file's pages.
    """
    (page_size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_BYTES // page_size}")


def _connect(target: str, *, wait_s: float) -> sqlite3.Connection:
    # Transactions are opened by hand: SQLite's implicit ones start as readers, and a reader that turns into a
    # writer fails at once when another process wrote in between.
    return sqlite3.connect(
        target, uri=True, timeout=wait_s, isolation_level=None, check_same_thread=False, cached_statements=512
    )


def _refuse_if_unwritable(name: str, file: Path) -> None:
    # SQLite would open it for reading, and refuse the first write.
    if file.exists() and not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
        raise StoreError(name, "cannot be written: it, its folder or its disk is read-only")


def _use_write_ahead_log(name: str, connection: sqlite3.Connection) -> None:
    # SQLite does not run its busy handler for this switch, so several processes that open another program's
    # file at the same moment would fail: look first, then try again.
    for attempt in range(WAL_ATTEMPTS):
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        if mode in {"wal", "memory"}:
            return
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if attempt == WAL_ATTEMPTS - 1:
                raise
            time.sleep(random.uniform(0.001, 0.05))  # noqa: S311 - jitter, not a secret
    raise StoreError(
        name, "is on a disk that knows no write-ahead log, as network disks do: keep it on a local one"
    )
