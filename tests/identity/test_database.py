"""
One SQLite file, shared by threads and processes.
"""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import sqlite_utils

from identity import IdentityGraph, StoreError
from identity.database import Database
from identity.stores.sqlite_file import PAGE_SIZE
from identity.stores.sqlite_opening import LOG_BYTES


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    """
    An error inside a transaction undoes all of it, the nested ones too.
    """
    database = Database(tmp_path / "one.db")
    database.migrate("test", {"1": ("CREATE TABLE t (a INTEGER) STRICT",)})
    with pytest.raises(RuntimeError), database.transaction():
        with database.transaction() as connection:
            connection.execute("INSERT INTO t VALUES (1)")
        raise RuntimeError

    assert database.rows("SELECT * FROM t") == []


def test_migrations_are_applied_once(tmp_path: Path) -> None:
    """
    A file that has seen a step does not see it again.
    """
    steps = {"1": ("CREATE TABLE t (a INTEGER) STRICT",)}
    for _ in range(2):
        database = Database(tmp_path / "one.db")
        database.migrate("test", steps)
        database.close()
    later = Database(tmp_path / "one.db")
    later.migrate("test", {**steps, "2": ("ALTER TABLE t ADD COLUMN b INTEGER",)})

    assert later.rows("SELECT a, b FROM t") == []


@pytest.mark.parametrize("content", [b"this is no database at all, but long enough to look like one" * 20])
def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    """
    Opening somebody's text file says so, and does not touch it.
    """
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="notes"):
        Database(path)

    assert path.read_bytes() == content


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    """
    The error says which file could not be opened.
    """
    with pytest.raises(StoreError, match="nowhere"):
        Database(tmp_path / "nowhere" / "one.db")


def test_a_locked_file_is_an_error_that_changes_nothing(tmp_path: Path) -> None:
    """
    When another process keeps the file locked, a write raises StoreError and leaves no half.
    """
    graph = IdentityGraph(Database(tmp_path / "one.db", wait_s=0.05))
    other = sqlite3.connect(tmp_path / "one.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        graph.link("X", "A", kind="first_identify")
    other.execute("ROLLBACK")
    other.close()

    assert graph.counts().people == 0


def test_a_commit_holds_works_up_to_a_size(tmp_path: Path) -> None:
    """
    Large works that wait are committed a few at a time, so that none waits for all of them.
    """
    path = tmp_path / "one.db"
    database, other = Database(path), Database(path)
    database.migrate("test", {"1": ("CREATE TABLE t (a INTEGER) STRICT",)})
    may_go_on = threading.Event()

    def work(number: int) -> int:
        assert number or may_go_on.wait(20)
        with database.transaction() as connection:
            connection.execute("INSERT INTO t VALUES (?)", (number,))
        return len(other.rows("SELECT * FROM t"))

    futures = [database.submit(partial(work, number), size=600 if number else 1000) for number in range(6)]
    may_go_on.set()
    committed_before = [future.result(20) for future in futures]

    assert committed_before == [0, 1, 1, 3, 3, 5]


def test_items_that_wait_for_the_same_taker_are_one_work(tmp_path: Path) -> None:
    """
    Each has its own outcome; if the taker fails, they have all failed, and what others did is kept.
    """
    database = Database(tmp_path / "one.db")
    database.migrate("test", {"1": ("CREATE TABLE t (a INTEGER) STRICT",)})
    may_go_on = threading.Event()
    taken: list[Sequence[int]] = []

    def keep(items: Sequence[int]) -> list[int]:
        taken.append(items)
        with database.transaction() as connection:
            connection.executemany("INSERT INTO t VALUES (?)", [(item,) for item in items])
        return [item * 10 for item in items]

    def fail(items: Sequence[int]) -> list[int]:
        keep(items)
        raise RuntimeError

    first = database.submit(lambda: may_go_on.wait(20), size=1000)
    kept = [database.submit_to(keep, item) for item in (1, 2)]
    failed = [database.submit_to(fail, item) for item in (3, 4)]
    alone = database.submit(lambda: keep([5]))
    last = database.submit_to(keep, 6)
    may_go_on.set()

    assert first.result(20)
    assert [one.result(20) for one in kept] == [10, 20]
    assert [type(one.exception(20)) for one in failed] == [RuntimeError] * 2
    assert (alone.result(20), last.result(20)) == ([50], 60)
    assert taken == [[1, 2], [3, 4], [5], [6]]
    assert database.rows("SELECT a FROM t") == [(1,), (2,), (5,), (6,)]


WATCHED = """
import sys
from identity.database import Database
database = Database(sys.argv[1])
begun = []
note = lambda sql: begun.append("sqlite_utils" in sys.modules) if sql.startswith("BEGIN") else None
database._store._writer.connection().set_trace_callback(note)
database.migrate("test", {"1": ("CREATE TABLE kept (number INTEGER) STRICT",)})
sys.modules["pandas"] = None  # sqlite-utils would import it, too, which takes seconds
database.migrate("test", {"1": (), "2": ("ALTER TABLE kept ADD COLUMN name TEXT",)})
print(begun)
"""


def test_nobody_waits_while_a_library_is_imported(tmp_path: Path) -> None:
    """
    A new file's tables are made without sqlite-utils, and an old file is not locked before that is imported.

    On a busy machine the import takes seconds.
    """
    run = subprocess.run(
        [sys.executable, "-c", WATCHED, tmp_path / "new.db"], capture_output=True, text=True, check=True
    )

    assert run.stdout == "[False, True]\n"


def test_steps_are_noted_as_sqlite_utils_notes_them(tmp_path: Path) -> None:
    """
    What was made without sqlite-utils looks to it as if it had made that itself.
    """
    database = Database(tmp_path / "ours.db")
    database.migrate(
        "test", {"1": ("CREATE TABLE t (a INTEGER) STRICT",), "2": ("CREATE TABLE u (a INTEGER) STRICT",)}
    )
    theirs = sqlite_utils.Database(tmp_path / "theirs.db")
    steps = sqlite_utils.Migrations("test")
    steps(name="1")(lambda db: db.execute("CREATE TABLE t (a INTEGER) STRICT"))
    steps(name="2")(lambda db: db.execute("CREATE TABLE u (a INTEGER) STRICT"))
    steps.apply(theirs)
    ours = sqlite_utils.Database(tmp_path / "ours.db")

    def noted(db: sqlite_utils.Database) -> object:
        table = db[steps.migrations_table]
        rows = [(row["id"], row["migration_set"], row["name"], len(row["applied_at"])) for row in table.rows]
        return table.columns, [(index.name, index.unique, index.columns) for index in table.indexes], rows

    assert noted(ours) == noted(theirs)
    assert steps.pending(ours) == []
    ours.close()
    theirs.close()


@pytest.mark.parametrize("page_size", [None, 512, 4096, 65536])
def test_the_log_stays_as_short_whatever_the_size_of_the_pages(tmp_path: Path, page_size: int | None) -> None:
    """
    A file made here, and one that another program made with pages of its own, are followed by the same log.
    """
    path = tmp_path / "one.db"
    if page_size is not None:
        with closing(sqlite3.connect(path)) as made:
            made.execute(f"PRAGMA page_size = {page_size}")
            made.execute("VACUUM")
    database = Database(path)
    database.migrate("test", {"1": ("CREATE TABLE t (a BLOB NOT NULL) STRICT",)})
    for _ in range(20):
        with database.transaction() as connection:
            connection.execute("INSERT INTO t VALUES (zeroblob(1000000))")
    log_bytes = Path(f"{path}-wal").stat().st_size

    assert database.row("PRAGMA page_size") == (page_size or PAGE_SIZE,)
    assert LOG_BYTES <= log_bytes < LOG_BYTES + 2_000_000
