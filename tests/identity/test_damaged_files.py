"""
Files that are damaged, in the way, or on a disk that is full: a clear error, and nothing made worse.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from small_disk import file_size_limit, small_disk

from identity import StoreError
from identity.checking import problems_of
from identity.database import Database

TABLE = {"1": ("CREATE TABLE kept (number INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",)}


def keep(database: Database, text: str = "x" * 400) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO kept (text) VALUES (?)", (text,))


def kept(database: Database) -> int:
    row = database.row("SELECT count(*) FROM kept")
    assert row is not None
    return int(row[0])


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """
    A closed file with rows on many pages.
    """
    path = tmp_path / "filled.db"
    with closing(Database(path)) as database:
        database.migrate("test", TABLE)
        database.write_many([lambda: keep(database)] * 200)
    return path


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """
    And that is what is said of it.
    """
    with pytest.raises(StoreError, match="is a folder: name a file in it"):
        Database(tmp_path)


def test_a_new_file_is_whole_from_its_birth(tmp_path: Path) -> None:
    """
    Before anything is written it is a database with a write-ahead log, and nothing else is left in its folder.
    """
    database = Database(tmp_path / "new.db")
    born = (tmp_path / "new.db").read_bytes()

    assert born.startswith(b"SQLite format 3\0")
    assert database.row("PRAGMA journal_mode") == ("wal",)
    database.close()
    assert [path.name for path in tmp_path.iterdir()] == ["new.db"]


def test_an_emptied_file_is_not_taken_for_a_new_one(filled: Path) -> None:
    """
    A file that lost all of its bytes is refused, and stays as it is until somebody decides.
    """
    os.truncate(filled, 0)
    with pytest.raises(StoreError, match="is empty, which no database is: restore it"):
        Database(filled)

    assert filled.read_bytes() == b""
    filled.unlink()
    assert Database(filled).tables() == {}


def test_what_a_deleted_file_left_behind_is_not_read_into_a_new_one(tmp_path: Path) -> None:
    """
    A write-ahead log without its file may hold the last commits, so it is neither used nor deleted.
    """
    log = tmp_path / "gone.db-wal"
    log.write_bytes(b"what was committed last")
    with pytest.raises(StoreError, match="is gone, but not its write-ahead log"):
        Database(tmp_path / "gone.db")

    assert log.read_bytes() == b"what was committed last"
    assert not (tmp_path / "gone.db").exists()


@pytest.mark.parametrize("pages", [1, 3])
def test_a_file_that_was_cut_short_is_refused(filled: Path, pages: int) -> None:
    """
    A file that lacks its end is not opened, and not changed.
    """
    os.truncate(filled, pages * 4096)
    before = filled.read_bytes()
    with pytest.raises(StoreError, match="is damaged: look at it with `sdkbridge check`"):
        Database(filled)

    assert filled.read_bytes() == before


def test_a_damaged_page_is_found_by_a_check(filled: Path) -> None:
    """
    What a file still tells is told; a check reads all of it, and changes nothing.
    """
    with closing(Database(filled, read_only=True)) as whole:
        assert problems_of(whole) == []
    with filled.open("r+b") as file:
        file.seek(10 * 4096)
        file.write(b"\xff" * 4096)
    damaged = filled.read_bytes()

    with closing(Database(filled, read_only=True)) as database:
        assert problems_of(database) != []
        with pytest.raises(StoreError, match="is damaged"):
            database.rows("SELECT * FROM kept")
    assert filled.read_bytes() == damaged


@pytest.mark.parametrize("how", ["deleted", "replaced", "emptied"])
def test_a_file_that_vanishes_while_it_is_open_is_noticed(
    filled: Path, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Writes would go to a file that nobody can find: the next look says so, and so does every write after it.
    """
    monkeypatch.setattr("identity.stores.sqlite_file.LOOK_EVERY_S", 0.0)
    database = Database(filled)
    database.write(lambda: keep(database))
    if how == "deleted":
        filled.unlink()
    elif how == "replaced":
        shutil.copy(filled, tmp_path / "other.db")
        (tmp_path / "other.db").rename(filled)
    else:
        os.truncate(filled, 0)

    for _ in range(2):
        with pytest.raises(StoreError, match="was deleted, replaced or emptied"):
            database.write(lambda: keep(database))


def test_a_file_that_is_put_back_goes_on(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The same database object writes again once its file is where it was.
    """
    monkeypatch.setattr("identity.stores.sqlite_file.LOOK_EVERY_S", 0.0)
    database = Database(filled)
    filled.rename(tmp_path / "elsewhere.db")
    with pytest.raises(StoreError):
        database.write(lambda: keep(database))
    (tmp_path / "elsewhere.db").rename(filled)
    database.write(lambda: keep(database))

    assert kept(database) == 201


def test_a_lock_that_lasts_is_named_and_passes(filled: Path) -> None:
    """
    While another program keeps the file, writing fails after a bounded wait, reading goes on; then all is well.
    """
    database = Database(filled, wait_s=0.05)
    with closing(sqlite3.connect(filled, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="is locked by another process for too long"):
            database.write(lambda: keep(database))
        assert kept(database) == 200
        other.execute("ROLLBACK")
    database.write(lambda: keep(database))

    assert kept(database) == 201


def test_a_file_that_reached_its_limit_is_an_error_until_there_is_room(filled: Path) -> None:
    """
    What does not fit is refused whole, and the same object writes again once there is room.
    """
    database = Database(filled)
    full = database.rows("PRAGMA page_count")[0][0]
    with database.transaction() as connection:
        connection.execute(f"PRAGMA max_page_count = {full}")
    before = kept(database)
    with pytest.raises(StoreError, match="does not fit on its disk"):
        database.write(lambda: keep(database, "x" * 100_000))
    outcomes = None
    with pytest.raises(StoreError, match="does not fit on its disk"):
        outcomes = database.write_many([lambda: keep(database), lambda: keep(database, "x" * 100_000)])

    assert outcomes is None
    assert kept(database) == before
    with database.transaction() as connection:
        connection.execute(f"PRAGMA max_page_count = {full + 1000}")
    database.write(lambda: keep(database, "x" * 100_000))
    assert kept(database) == before + 1


@pytest.fixture
def full_soon(tmp_path: Path) -> Iterator[tuple[Path, Callable[[], object]]]:
    """
    A folder on a disk that is soon full, and how to make room there.
    """
    with small_disk(tmp_path) as disk:
        yield disk


def test_a_full_disk_refuses_and_recovers(full_soon: tuple[Path, Callable[[], object]]) -> None:
    """
    On a disk that fills up, every write that returned is kept, and writing goes on once there is room.
    """
    disk, make_room = full_soon
    database = Database(disk / "bridge.db")
    database.migrate("test", TABLE)
    accepted = write_until_refused(database)
    with pytest.raises(StoreError):
        database.write(lambda: keep(database, "x" * 4000))
    make_room()
    database.write(lambda: keep(database, "x" * 4000))

    assert kept(database) == accepted + 1
    assert problems_of(database) == []
    database.close()


@pytest.mark.parametrize("together", [False, True], ids=["one", "several"])
def test_on_a_full_disk_the_log_makes_room(tmp_path: Path, *, together: bool) -> None:
    """
    Where the disk holds the file but no longer log, the log is copied into it before a write is refused.
    """
    with small_disk(tmp_path, megabytes=2) as (disk, _):
        if not os.path.ismount(disk):
            pytest.skip("a disk of one's own needs the right to mount one")
        database = Database(disk / "bridge.db")
        database.migrate("test", TABLE)
        with database.transaction() as connection:
            connection.executemany("INSERT INTO kept (text) VALUES (?)", [("x" * 3000,)] * 100)
        database.close()
        database = Database(disk / "bridge.db")

        def write_all_anew(text: str) -> int:
            with database.transaction() as connection:
                return connection.execute("UPDATE kept SET text = ?", (text * 3000,)).rowcount

        for text in "abcdefghij":  # four megabytes of log
            if together:
                outcomes = database.write_many([partial(write_all_anew, text), partial(keep, database, "")])
                assert outcomes[0].result() == 100
            else:
                assert database.write(partial(write_all_anew, text)) == 100
            with database.transaction() as connection:
                connection.execute("DELETE FROM kept WHERE number > 100")

        assert database.rows("SELECT DISTINCT text FROM kept") == [("j" * 3000,)]
        assert problems_of(database) == []
        database.close()


def write_until_refused(database: Database) -> int:
    accepted = 0
    with pytest.raises(StoreError, match=r"its disk failed|does not fit on its disk"):
        while True:
            database.write(lambda: keep(database, "x" * 4000))
            accepted += 1
    return accepted


def test_a_disk_that_fails_is_an_error_and_the_file_goes_on_afterwards(filled: Path) -> None:
    """
    When the system refuses to write for another reason, nothing is kept; later writes open the file anew.
    """
    database = Database(filled)
    with file_size_limit(200_000):
        accepted = write_until_refused(database)
    database.write(lambda: keep(database))

    assert kept(database) == 200 + accepted + 1
    assert problems_of(database) == []


AS_NOBODY = """
    import os, sys
    from identity.database import Database
    from identity.errors import StoreError
    Database(":memory:").close()  # what it imports may be out of another user's reach
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    try:
        database = Database(sys.argv[1])
        database.write(lambda: None)
    except StoreError as error:
        print(error.problem)
"""


@pytest.mark.parametrize("closed", ["file", "folder", "new"])
def test_what_may_not_be_written_is_said_when_it_is_opened(filled: Path, tmp_path: Path, closed: str) -> None:
    """
    A read-only file, or a folder in which no log can be made, is an error at the start, not at the first call.
    """
    folder = Path(f"/tmp/{tmp_path.name}-{os.getpid()}")  # root's temporary folder lets nobody else in
    folder.mkdir()
    try:
        copy = folder / "bridge.db"
        if closed != "new":
            shutil.copy(filled, copy)
            copy.chmod(0o444 if closed == "file" else 0o666)
        folder.chmod(0o777 if closed == "file" else 0o555)
        program = [sys.executable, "-c", textwrap.dedent(AS_NOBODY), str(copy)]
        said = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    finally:
        folder.chmod(0o777)
        shutil.rmtree(folder)

    wanted = "cannot be made (Permission denied)" if closed == "new" else "cannot be written: it, its folder or"
    assert said.startswith(wanted)
