"""
A SQLite file on its disk: made whole or not at all, and noticed when it is emptied, deleted or replaced.

No file is opened here but a new one: closing a file that SQLite also has open would drop SQLite's locks on it.
"""

import os
import secrets
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from identity.errors import StoreError

APPLICATION_ID = 0x73646B62
"""What marks a file as made here, for programs such as ``file``: ``sdkb``."""

PAGE_SIZE = 2048
"""
The bytes of a page: half of SQLite's, since a call changes a few bytes on each of some pages, and each of them is
written to the log whole.
"""

LOOK_EVERY_S = 1.0
"""How often a file is looked at while it is being written to."""

_START_ANEW = "restore it from a backup, or delete what is left of it to start anew"


def make_if_missing(path: Path) -> None:
    """
    Make a new database, so that at no moment anybody sees half of one.

    An empty file is never taken for a new database: it may be one that was emptied.

    Raises:
        StoreError: there is an empty file, or what an earlier file left beside it; or it cannot be made.
    """
    # Looked at first: it is made after the file itself, so an older one without its file was left behind.
    log_left = _exists(Path(f"{path}-wal"))
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        if log_left:
            raise StoreError(str(path), f"is gone, but not its write-ahead log: {_START_ANEW}") from None
        _make(path)
        return
    except OSError as error:
        raise StoreError(str(path), f"cannot be looked at ({error.strerror})") from error
    if path.is_dir():
        raise StoreError(str(path), "is a folder: name a file in it")
    if path.is_file() and not size:
        raise StoreError(str(path), f"is empty, which no database is: {_START_ANEW}")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _make(path: Path) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as file:
            file.write(_empty_database())
            file.flush()
            os.fsync(file.fileno())
        _publish(draft, path)
    except OSError as error:
        raise StoreError(
            str(path), f"cannot be made ({error.strerror}): its folder must exist and be writable"
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink()


def _publish(draft: Path, path: Path) -> None:
    try:
        # Unlike a rename, this leaves alone what another process made in the meantime.
        os.link(draft, path)
    except FileExistsError:
        return
    except (OSError, NotImplementedError):
        # A file system without links, where two that start in the same instant could disturb each other.
        if not path.exists():
            draft.rename(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _empty_database() -> bytes:
    """
    Return the bytes of a database without tables, in write-ahead-log mode from its birth.

    Processes that switch a new file to that mode at the same moment would disturb each other.
    """
    with closing(sqlite3.connect(":memory:")) as memory:
        memory.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        memory.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        page = bytearray(memory.serialize())
    # The file format's versions for reading and writing (SQLite's file format, section 1.3.3).
    page[18:20] = b"\x02\x02"
    return bytes(page)


class Watch:
    """
    Notices that a path no longer leads to the file that is open.

    Args:
        path: where the file was opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = self._look()
        self._next_look = time.monotonic() + LOOK_EVERY_S

    def check(self) -> None:
        """
        Look, at most once in a while.

        Raises:
            StoreError: the file was deleted, replaced or emptied.
        """
        now = time.monotonic()
        if now < self._next_look:
            return
        found = self._look()
        if found is None or found != self._file:
            raise StoreError(
                str(self._path),
                "was deleted, replaced or emptied while it was open: put it back, or open the database anew",
            )
        self._next_look = now + LOOK_EVERY_S

    def _look(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return (found.st_dev, found.st_ino) if found.st_size else None
