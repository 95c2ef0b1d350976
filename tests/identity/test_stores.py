"""
What every kind of database promises: each test runs on a SQLite file and on a real PostgreSQL.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from identity import IdentityGraph, StoreError
from identity.database import Database

TABLES = {
    "1_kept": (
        "CREATE TABLE kept (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, share REAL, raw BLOB) STRICT",
        "CREATE TABLE tally (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    )
}


@pytest.fixture
def database(any_database: Database) -> Database:
    """
    A database with two small tables.
    """
    any_database.migrate("test", TABLES)
    return any_database


def keep(database: Database, name: str) -> int:
    with database.transaction() as connection:
        row = connection.execute("INSERT INTO kept (name) VALUES (?) RETURNING number", (name,)).fetchone()
        return int(row[0])


def count(database: Database, name: str) -> None:
    """
    Count by reading and writing, which loses counts unless nobody else is in between.
    """
    row = database.row("SELECT count FROM tally WHERE name = ?", (name,))
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO tally VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET count = excluded.count",
            (name, 1 if row is None else row[0] + 1),
        )


def names(database: Database) -> list[str]:
    return [name for (name,) in database.rows("SELECT name FROM kept ORDER BY number")]


def test_values_come_back_as_they_were(database: Database) -> None:
    """
    Texts with any character, numbers of 64 bits, floats, bytes and nothing at all are kept as they are.
    """
    rows = [
        (1, "", 0.1, b""),
        (2, "a\0b\ue000\ue0000 % ? :name 'quoted' \\ 😀", -1e300, bytes(range(256))),
        (9_223_372_036_854_775_807, "\ue000", None, None),
    ]
    with database.transaction() as connection:
        connection.executemany("INSERT INTO kept (number, name, share, raw) VALUES (?, ?, ?, ?)", rows)

    assert database.rows("SELECT number, name, share, raw FROM kept ORDER BY number") == rows
    assert database.row("SELECT sum(number), ? FROM kept WHERE number < ?", (True, 3)) == (3, 1)
    written = "SELECT number, '0%?' FROM kept WHERE name = :name -- what? :nobody"
    assert database.row(written, {"name": ""}) == (1, "0%?")


def test_names_are_sorted_by_code_point(database: Database) -> None:
    """
    The order of texts does not depend on the language of the server.
    """
    for name in ("b", "a", "B", "é", "_"):
        database.write(lambda name=name: keep(database, name))

    assert database.rows("SELECT name FROM kept ORDER BY name") == [("B",), ("_",), ("a",), ("b",), ("é",)]


def test_work_is_kept_whole_or_not_at_all(database: Database) -> None:
    """
    What a work did before it failed is undone, and its error is the caller's.
    """

    def fail() -> None:
        keep(database, "first")
        raise LookupError("the caller's own")

    with pytest.raises(LookupError, match="own"):
        database.write(fail)
    with pytest.raises(RuntimeError), database.transaction():
        keep(database, "second")
        raise RuntimeError

    assert names(database) == []


def test_a_work_within_a_work_commits_with_it(database: Database) -> None:
    """
    What is called inside a transaction joins it, and sees what it wrote.
    """

    def outer() -> list[str]:
        database.write(lambda: keep(database, "inner"))
        assert [outcome.result() for outcome in database.write_many([lambda: keep(database, "many")])]
        seen = names(database)
        assert elsewhere(lambda: names(database)) == []
        return seen

    assert database.write(outer) == ["inner", "many"]
    assert names(database) == ["inner", "many"]


def test_what_is_noted_with_a_transaction_ends_with_it(database: Database) -> None:
    """
    All that joins one has the same notes, and the next one has none, whatever became of the one before.
    """

    def outer() -> None:
        database.notes()["a"] = 1
        database.write(lambda: database.notes().update(b=2))
        with database.transaction():
            assert database.notes() == {"a": 1, "b": 2}
        raise LookupError

    for _ in range(2):
        with pytest.raises(LookupError):
            database.write(outer)
    with database.transaction():
        assert database.notes() == {}


def elsewhere(ask):
    """
    Return what another thread is told.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(ask).result(30)


def test_of_many_works_in_one_commit_those_that_fail_leave_nothing(database: Database) -> None:
    """
    Each work of a batch has its own outcome: a value, or an error of its own or of the database.
    """

    def fail() -> None:
        keep(database, "undone")
        raise LookupError("own")

    works = [lambda: keep(database, "one"), fail, lambda: keep(database, "one"), lambda: keep(database, "two")]
    outcomes = database.write_many(works)

    assert names(database) == ["one", "two"]
    assert [type(outcome.error) for outcome in outcomes] == [type(None), LookupError, StoreError, type(None)]
    assert outcomes[0].result() < outcomes[3].result()
    with pytest.raises(LookupError):
        outcomes[1].result()


@pytest.mark.parametrize("times", [10, 3000])
def test_a_row_of_many_that_is_refused_is_told_once(
    database: Database, times: int, caplog: pytest.LogCaptureFixture
) -> None:
    """
    None of them is kept, the caller is told, and no library logs what it makes of the rows behind it.
    """

    def keep_all(names: list[str]) -> None:
        with database.transaction() as connection:
            connection.executemany("INSERT INTO kept (name) VALUES (?)", [(name,) for name in names])

    with pytest.raises(StoreError, match=r"(?i)unique"):
        database.write(lambda: keep_all(["first", "first", *map(str, range(times))]))
    database.write(lambda: keep_all(["other", "second"]))

    assert names(database) == ["other", "second"]
    assert caplog.records == []


def test_threads_that_write_at_once_are_as_if_one_after_the_other(database: Database) -> None:
    """
    Eight threads read and write one row, some of them in vain: every success is counted once.
    """
    start = threading.Barrier(8)

    def run(number: int) -> None:
        def failing() -> None:
            count(database, "all")
            raise LookupError

        start.wait()
        for turn in range(10):
            database.write(lambda: count(database, "all"))
            if turn % 3 == 0:
                with pytest.raises(LookupError):
                    database.write(failing)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(8)))

    assert database.row("SELECT count FROM tally") == (80,)


def test_submitted_work_is_committed_when_its_future_is_done(database: Database) -> None:
    """
    Whoever must not block hands a work in, and is told of its end.
    """
    futures = [database.submit(lambda number=number: keep(database, f"n{number}")) for number in range(50)]
    twice = database.submit(lambda: keep(database, "n7"))
    numbers = [future.result(30) for future in futures]

    assert numbers == sorted(numbers)
    assert isinstance(twice.exception(30), StoreError)
    assert names(database) == [f"n{number}" for number in range(50)]


def test_whoever_waits_for_a_work_that_failed_has_an_error_of_their_own(database: Database) -> None:
    """
    Also where one work was for many, since each adds the traceback of where it waited.
    """

    def take(some: Sequence[str]) -> list[int]:
        return [keep(database, name) for name in some]

    with database.transaction():
        futures = [database.submit_to(take, "the same") for _ in range(20)]
    errors = [error for future in futures if (error := future.exception(30)) is not None]

    assert len(errors) >= 18
    assert {type(error) for error in errors} == {StoreError}
    assert len({id(error) for error in errors}) == len(errors)


def test_what_was_submitted_is_written_before_the_database_is_closed(store_url: str) -> None:
    """
    Closing waits for what was handed in.
    """
    database = Database(store_url)
    database.migrate("test", TABLES)
    futures = [database.submit(lambda number=number: keep(database, f"n{number}")) for number in range(50)]
    database.close()

    assert all(future.done() for future in futures)
    with pytest.raises(StoreError, match="closed"):
        database.submit(lambda: None)
    assert len(names(Database(store_url))) == 50


def test_a_closed_database_says_so(database: Database) -> None:
    """
    After its end it neither reads nor writes, and closing again does nothing.
    """
    database.close()
    database.close()

    for use in (lambda: names(database), lambda: keep(database, "x"), lambda: database.write(lambda: None)):
        with pytest.raises(StoreError, match="closed"):
            use()


def test_a_database_opened_to_be_read_is_never_written(database: Database, store_url: str) -> None:
    """
    It answers, and refuses to write or to make tables.
    """
    database.write(lambda: keep(database, "one"))
    reading = Database(store_url, read_only=True)

    assert names(reading) == ["one"]
    with pytest.raises(StoreError, match="read only"):
        reading.write(lambda: keep(reading, "two"))
    with pytest.raises(StoreError, match="other"):
        reading.migrate("other", {"1": ("CREATE TABLE other (a INTEGER) STRICT",)})


def test_tables_of_a_later_version_are_refused(database: Database, store_url: str) -> None:
    """
    A program that would not understand what a later one keeps does not touch it.
    """
    database.migrate("test", {**TABLES, "2_more": ("ALTER TABLE kept ADD COLUMN more INTEGER",)})

    assert database.rows("SELECT number, more FROM kept") == []
    with pytest.raises(StoreError, match=r"later version of sdkbridge \(test 2_more\)"):
        Database(store_url).migrate("test", TABLES)


def test_tables_are_looked_for_once(any_database: Database, store_url: str) -> None:
    """
    However many rooms need them: once they are there, no query asks again, but for a step that came since.
    """
    any_database.migrate("test", TABLES)
    with Database(store_url).transaction() as connection:
        connection.execute("DROP TABLE kept")
    any_database.migrate("test", TABLES)

    with pytest.raises(StoreError):
        any_database.rows("SELECT * FROM kept")
    any_database.migrate("test", {**TABLES, "2_again": ("CREATE TABLE kept (name TEXT) STRICT",)})
    assert any_database.rows("SELECT * FROM kept") == []


def test_tables_that_were_taken_back_are_made_again(any_database: Database) -> None:
    """
    A transaction that fails after it made them takes them with it.
    """
    for _ in range(2):
        with pytest.raises(RuntimeError), any_database.transaction():
            any_database.migrate("test", TABLES)
            any_database.rows("SELECT * FROM kept")
            raise RuntimeError

    any_database.migrate("test", TABLES)
    assert any_database.rows("SELECT * FROM kept") == []


def test_numbers_go_on_after_those_that_were_copied(database: Database) -> None:
    """
    A row that is made after others were put there with their numbers has a higher one.
    """
    with database.transaction() as connection:
        connection.execute("INSERT INTO kept (number, name) VALUES (?, ?)", (41, "copied"))
    database.continue_after("kept", "number", 41)

    assert database.write(lambda: keep(database, "next")) == 42
    assert database.last_numbers() == {"kept": ("number", 42)}
    assert database.tables() == {"kept": ["number", "name", "share", "raw"], "tally": ["name", "count"]}


def test_two_who_link_at_the_same_moment_merge_once(store_url: str) -> None:
    """
    Threads with a graph each propose the same links at once: one merge for each, in some order.
    """
    graphs = [IdentityGraph(store_url) for _ in range(4)]
    start = threading.Barrier(4)

    def link(graph: IdentityGraph) -> list[str]:
        start.wait()
        return [graph.link(f"X{number}", f"ann{number}", kind="first_identify").outcome for number in range(5)]

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(link, graphs))

    assert [sorted(each) for each in zip(*outcomes, strict=True)] == [["known", "known", "known", "merge"]] * 5
    for graph in graphs:
        graph.close()
