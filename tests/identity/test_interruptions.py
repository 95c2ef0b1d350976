"""
What is written in the middle of other writes, as signal handlers do: it stays, whatever becomes of those.
"""

import logging
import os
from pathlib import Path

import pytest
from small_disk import small_disk

from identity import StoreError
from identity.database import Connection, Database

TABLES = {
    "1": (
        "CREATE TABLE kept (name TEXT PRIMARY KEY) STRICT",
        "CREATE TABLE shared (number INTEGER NOT NULL) STRICT",
        "INSERT INTO shared VALUES (0)",
    )
}


class Handled:
    """
    A work of a handler's that does nothing if it was done; it counts how often it is begun.

    Args:
        failing: what it raises when it is begun for the so manieth time.
    """

    def __init__(self, failing: dict[int, BaseException] | None = None) -> None:
        self.begun = 0
        self._failing = failing or {}

    def __call__(self, connection: Connection) -> None:
        self.begun += 1
        connection.execute("INSERT INTO kept VALUES ('handled') ON CONFLICT DO NOTHING")
        if self.begun in self._failing:
            raise self._failing[self.begun]


def kept(database: Database) -> list[str]:
    return [name for (name,) in database.rows("SELECT name FROM kept ORDER BY name")]


@pytest.fixture
def database(any_database: Database) -> Database:
    """
    A database with two small tables, of each kind in turn.
    """
    any_database.migrate("test", TABLES)
    return any_database


@pytest.mark.parametrize(
    "error", [SystemExit(0), KeyboardInterrupt(), LookupError(), StoreError("it", "broke")], ids=repr
)
def test_it_stays_whatever_ends_the_write(database: Database, error: BaseException) -> None:
    """
    And that is what is raised; the next write has nothing to do with it.
    """
    handled = Handled()

    def work(connection: Connection) -> None:
        connection.execute("INSERT INTO kept VALUES ('interrupted')")
        database.interruptions.write_in_between(handled)
        raise error

    with pytest.raises(type(error)):
        database.write_through(work)

    assert kept(database) == ["handled"]
    assert handled.begun == 2
    assert not database.interruptions.may_come()


def test_it_stays_when_one_of_many_works_fails(database: Database) -> None:
    """
    Though the others are kept, and with them the commit.
    """

    def fail() -> None:
        database.interruptions.write_in_between(Handled())
        raise LookupError

    (outcome,) = database.write_many([fail])

    assert isinstance(outcome.error, LookupError)
    assert kept(database) == ["handled"]


def test_it_stays_when_the_write_is_repeated_after_a_conflict(postgres_url: str) -> None:
    """
    On PostgreSQL, where another's write takes back the first attempt, and it with that.
    """
    database, other = Database(postgres_url), Database(postgres_url)
    database.migrate("test", TABLES)
    attempts: list[int] = []

    def work(connection: Connection) -> None:
        connection.execute("SELECT number FROM shared").fetchall()
        if not attempts:
            database.interruptions.write_in_between(Handled())
            other.write_through(lambda its: its.execute("UPDATE shared SET number = number + 1"))
        attempts.append(1)
        connection.execute("UPDATE shared SET number = number + 1")

    database.write_through(work)

    assert len(attempts) == 2
    assert database.rows("SELECT number FROM shared") == [(2,)]
    assert kept(database) == ["handled"]


def test_it_stays_when_the_write_is_repeated_on_a_full_disk(tmp_path: Path) -> None:
    """
    On SQLite, where the log is copied into the file to make room.
    """
    with small_disk(tmp_path, megabytes=2) as (disk, _):
        if not os.path.ismount(disk):
            pytest.skip("a disk of one's own needs the right to mount one")
        database = Database(disk / "bridge.db")
        database.migrate("test", TABLES | {"2": ("CREATE TABLE big (text TEXT NOT NULL) STRICT",)})
        database.write_through(
            lambda connection: connection.executemany("INSERT INTO big VALUES (?)", [("x" * 3000,)] * 100)
        )
        database.close()
        database = Database(disk / "bridge.db")
        attempts: list[int] = []
        letters = [*"abcdefghij"]  # four megabytes of log

        def work(connection: Connection) -> None:
            if not attempts:
                database.interruptions.write_in_between(Handled())
            attempts.append(1)
            connection.execute("UPDATE big SET text = ?", (letters.pop() * 3000,))

        while len(attempts) < 2:
            attempts.clear()
            database.write_through(lambda connection: connection.execute("DELETE FROM kept"))
            database.write_through(work)

        assert kept(database) == ["handled"]
        database.close()


def test_what_cannot_be_done_again_is_logged(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """
    The interrupted write has its own end all the same, and what else came in between is done.
    """

    def work(connection: Connection) -> None:
        database.interruptions.write_in_between(Handled({2: StoreError("it", "is full")}))
        database.interruptions.write_in_between(Handled())
        raise LookupError("own")

    with caplog.at_level(logging.ERROR), pytest.raises(LookupError, match="own"):
        database.write_through(work)

    assert kept(database) == ["handled"]
    assert "a signal handler wrote was lost" in caplog.text
    assert "is full" in caplog.text


def test_it_stays_when_another_signal_ends_the_program_meanwhile(database: Database) -> None:
    """
    Ctrl+C while it is being done again.
    """

    def work(connection: Connection) -> None:
        database.interruptions.write_in_between(Handled({2: KeyboardInterrupt()}))
        raise SystemExit

    with pytest.raises(KeyboardInterrupt):
        database.write_through(work)

    assert kept(database) == ["handled"]
    assert not database.interruptions.may_come()


@pytest.mark.parametrize("together", [False, True])
def test_a_write_that_meets_a_key_that_was_taken_in_its_middle_is_done_again(
    database: Database, together: bool
) -> None:
    """
    By itself or among others: the handler's row is there, and so is all that the write was to leave.
    """
    handled = Handled()
    begun: list[str] = []

    def insert_unless_there() -> str:
        with database.transaction() as connection:
            there = connection.execute("SELECT name FROM kept WHERE name = 'handled'").fetchone()
            if not begun:
                database.interruptions.write_in_between(handled)
            begun.append("anew")
            if there is None:
                connection.execute("INSERT INTO kept VALUES ('handled')")
            connection.execute("INSERT INTO kept VALUES ('written')")
        return "done"

    if together:
        (outcome,) = database.write_many([insert_unless_there])
        assert outcome.result() == "done"
    else:
        assert database.write(insert_unless_there) == "done"

    assert kept(database) == ["handled", "written"]
    assert len(begun) == 2


def test_a_handlers_own_mistake_is_told_as_any_other(database: Database) -> None:
    """
    As `StoreError`, in the middle of a write, too.
    """

    def work() -> None:
        with pytest.raises(StoreError):
            database.interruptions.write_in_between(lambda connection: connection.execute("SELECT nothing"))
        raise LookupError

    with pytest.raises(LookupError):
        database.write(work)
