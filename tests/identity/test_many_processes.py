"""
One database under many hands: processes that start together, fork, end, and a server that goes away.
"""

import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from secrets import token_hex

import psycopg
import pytest
from postgres_server import PostgresServer, shared_server
from psycopg.pq import TransactionStatus

from identity import IdentityGraph, StoreError
from identity.database import Database
from identity.stores.interface import Safety
from identity.stores.postgres_connections import Connections

TABLES = {
    "1": (
        "CREATE TABLE kept (number INTEGER PRIMARY KEY, writer TEXT NOT NULL, turn INTEGER NOT NULL) STRICT",
        "CREATE TABLE tally (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    )
}


def opened(address: str, **options) -> Database:
    database = Database(address, **options)
    database.migrate("test", TABLES)
    return database


def keep(database: Database, writer: str, turn: int) -> None:
    """
    Keep a row, and count it by reading and writing.
    """
    keep_only(database, writer, turn)
    row = database.row("SELECT count FROM tally WHERE name = ?", ("all",))
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO tally VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET count = excluded.count",
            ("all", 1 if row is None else row[0] + 1),
        )


def keep_only(database: Database, writer: str, turn: int) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO kept (writer, turn) VALUES (?, ?)", (writer, turn))


def write_some(database: Database, writer: str, turns: int = 20) -> None:
    for turn in range(turns):
        database.write(lambda turn=turn: keep(database, writer, turn))


def write_or_look(database: Database, writer: str, turns: int) -> None:
    for turn in range(turns):
        try:
            database.write(lambda turn=turn: keep(database, writer, turn))
        except StoreError as error:
            if "may have been kept or not" not in str(error):
                raise
            if database.row("SELECT 1 FROM kept WHERE writer = ? AND turn = ?", (writer, turn)) is None:
                database.write(lambda turn=turn: keep(database, writer, turn))


def assert_kept(database: Database, writers: list[str], turns: int = 20) -> None:
    """
    Check that each writer's rows are there, once, in the order in which it wrote them.
    """
    rows = database.rows("SELECT writer, turn FROM kept ORDER BY number")
    written = {writer: [turn for who, turn in rows if who == writer] for writer in writers}

    assert written == {writer: list(range(turns)) for writer in writers}
    assert len(rows) == len(writers) * turns
    assert database.row("SELECT count FROM tally") == (len(rows),)


def in_child(work: Callable[[], None]) -> int:
    """
    Fork, work in the child, and return its number.
    """
    child = os.fork()
    if child:
        return child
    try:
        signal.alarm(60)
        work()
    except BaseException:  # noqa: BLE001 - the parent is told by the exit code
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def wait_for(*children: int) -> None:
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * len(children)


def open_and_link(address: str, number: int) -> None:
    graph = IdentityGraph(address)
    graph.link(f"X{number}", f"A{number}", kind="first_identify")
    graph.link("shared", "ann", kind="first_identify")


def test_processes_that_start_on_a_new_database_at_once_all_succeed(store_url: str) -> None:
    """
    Workers of one server open a database that does not exist yet, and one of them merges what all of them saw.
    """
    wait_for(*[in_child(lambda number=number: open_and_link(store_url, number)) for number in range(7)])

    counts = IdentityGraph(store_url).counts()
    assert (counts.people, counts.identities, counts.links["merge"]) == (8, 16, 8)


def test_both_sides_of_a_fork_write(store_url: str) -> None:
    """
    A database that was opened and used before a fork is used by parent and children after it, at once.
    """
    database = opened(store_url)
    write_some(database, "before")
    children = [in_child(lambda name=name: write_some(database, name)) for name in ("first", "second")]
    write_some(database, "parent")
    wait_for(*children)

    assert_kept(database, ["before", "first", "second", "parent"])


def test_a_fork_while_other_threads_write_waits_for_their_commit(store_url: str) -> None:
    """
    A child that is forked in the middle of its parent's writes is not stuck behind them.
    """
    database = opened(store_url)
    started = threading.Barrier(4)

    def write(name: str) -> None:
        started.wait()
        write_some(database, name)

    with ThreadPoolExecutor(3) as pool:
        writing = [pool.submit(write, name) for name in ("a", "b", "c")]
        started.wait()
        children = [in_child(lambda name=name: write_some(database, name)) for name in ("x", "y")]
        for future in writing:
            future.result(60)
    wait_for(*children)

    assert_kept(database, ["a", "b", "c", "x", "y"])


def test_a_child_is_not_stuck_behind_what_its_parent_repeats(postgres_url: str) -> None:
    """
    Works that met others are repeated one by one; a child waits for none that a thread of its parent repeats.
    """
    database, other = opened(postgres_url), opened(postgres_url)
    repeating, go_on = threading.Event(), threading.Event()

    def add_one(to: Database, name: str) -> None:
        with to.transaction() as connection:
            connection.execute("UPDATE tally SET count = count + 1 WHERE name = ?", (name,))

    def add_one_in_vain_at_first(name: str, again: Callable[[], object]) -> None:
        attempts = count(1)

        def work() -> None:
            database.row("SELECT count FROM tally WHERE name = ?", (name,))
            if next(attempts) == 1:
                other.write(lambda: add_one(other, name))
            else:
                again()
            add_one(database, name)

        database.write(work)

    def wait() -> None:
        repeating.set()
        assert go_on.wait(60)

    with database.transaction() as connection:
        connection.executemany("INSERT INTO tally VALUES (?, 0)", [("parent",), ("child",)])
    with ThreadPoolExecutor(1) as pool:
        parent = pool.submit(add_one_in_vain_at_first, "parent", wait)
        assert repeating.wait(30)
        try:
            wait_for(in_child(lambda: add_one_in_vain_at_first("child", lambda: None)))
        finally:
            go_on.set()
        parent.result(30)

    assert database.rows("SELECT count FROM tally") == [(2,), (2,)]


def test_a_child_submits_by_a_thread_of_its_own(store_url: str) -> None:
    """
    The thread that writes what is submitted does not exist in a child, which starts another.
    """
    database = opened(store_url)
    database.submit(lambda: keep(database, "parent", 0)).result(30)
    wait_for(in_child(lambda: database.submit(lambda: keep(database, "child", 0)).result(30)))

    assert_kept(database, ["parent", "child"], turns=1)


def test_a_fork_within_a_transaction_leaves_it_to_the_parent(tmp_path: Path) -> None:
    """
    A child that is forked in the middle of its own write is refused the file, and the parent's write is whole.
    """
    database = opened(str(tmp_path / "one.db"))

    def refused() -> None:
        with pytest.raises(StoreError, match="forked in the middle of a write"):
            write_some(database, "child")
        with pytest.raises(StoreError, match="forked in the middle of a write"):
            database.rows("SELECT * FROM kept")

    with database.transaction():
        keep(database, "parent", 0)
        wait_for(in_child(refused))
        keep(database, "parent", 1)

    assert_kept(database, ["parent"], turns=2)


def test_a_daemon_that_changes_its_folder_keeps_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A file that was named from one folder is the same after a fork into another folder; none is made there.
    """
    monkeypatch.chdir(tmp_path)
    database = opened("one.db")

    def daemon() -> None:
        os.chdir("/")
        write_some(database, "daemon")

    wait_for(in_child(daemon))

    assert_kept(database, ["daemon"])
    assert not Path("/one.db").exists()


def test_memory_is_copied_by_a_fork() -> None:
    """
    What is kept in memory each side has for itself.
    """
    database = opened(":memory:")
    write_some(database, "before")

    def child() -> None:
        write_some(database, "child")
        assert_kept(database, ["before", "child"])

    wait_for(in_child(child))

    assert_kept(database, ["before"])


def test_reading_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    """
    While a thread is in the middle of a long write, another one reads what was committed before.
    """
    database = opened(str(tmp_path / "one.db"))
    write_some(database, "before")
    with database.transaction():
        keep(database, "during", 0)
        with ThreadPoolExecutor(1) as pool:
            seen = pool.submit(database.row, "SELECT count(*) FROM kept").result(30)

    assert seen == (20,)


def test_a_signal_handler_may_write_at_any_moment(store_url: str) -> None:
    """
    A handler that interrupts a write, on either side of its commit, neither hangs nor spoils it.
    """
    database = opened(store_url)
    turns = count()

    def handler(number, frame) -> None:
        # Not what the interrupted write counts: that one would not see it.
        turn = next(turns)
        database.write(lambda: keep_only(database, "handler", turn))
        signal.setitimer(signal.ITIMER_REAL, 0.0007)

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0007)
    try:
        write_some(database, "interrupted", turns=200)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    rows = database.rows("SELECT writer, turn FROM kept ORDER BY number")
    assert [turn for who, turn in rows if who == "interrupted"] == list(range(200))
    handled = [turn for who, turn in rows if who == "handler"]
    assert handled == list(range(next(turns)))
    assert handled


def test_nobody_joins_a_write_that_has_failed(postgres_url: str) -> None:
    """
    Neither whoever caught the error nor a signal handler, in the moment before PostgreSQL is told to take it back:
    both are told so, and nothing is kept.
    """
    database = opened(postgres_url)
    refused: list[str] = []

    def handle(number: int, frame: object) -> None:
        try:
            database.write(lambda: keep_only(database, "handler", 0))
        except StoreError as error:
            refused.append(str(error))

    before = signal.signal(signal.SIGUSR1, handle)

    def fail() -> None:
        with database.transaction() as connection:
            keep_only(database, "interrupted", 0)
            try:
                connection.execute("INSERT INTO kept (writer) VALUES ('without a turn')")
            finally:
                signal.raise_signal(signal.SIGUSR1)

    def carry_on() -> None:
        with suppress(psycopg.Error):
            fail()
        database.write(lambda: keep_only(database, "carried on", 0))

    try:
        with pytest.raises(StoreError, match="turn"):
            database.write(fail)
        with pytest.raises(StoreError, match="nothing can join it"):
            database.write(carry_on)
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert len(refused) == 2
    assert database.rows("SELECT writer FROM kept") == []


def test_a_connection_in_a_transaction_is_given_to_nobody(postgres_url: str) -> None:
    """
    Should a signal interrupt even the end of a transaction, what comes next begins anew.
    """
    connections = Connections(postgres_url, safety=Safety.POWER, read_only=False, wait_s=5)
    for raw in (connections.take(), connections.take()):
        raw.execute("BEGIN")
        connections.give_back(raw)
    with closing(connections):
        raw = connections.take()
        assert raw.info.transaction_status is TransactionStatus.IDLE
        connections.give_back(raw)


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """
    A server that only these tests stop.
    """
    with shared_server(token_hex(8)) as server:
        yield server


def test_a_server_that_restarts_costs_nothing_but_time(own_postgres: PostgresServer) -> None:
    """
    While a server is killed and started again under four writers, each write that returned is there once.

    Whoever is told that nobody can say looks for himself.
    """
    with own_postgres.empty_schema() as url:
        database = opened(url)
        names = ["a", "b", "c", "d"]
        with ThreadPoolExecutor(4) as pool:
            writing = [pool.submit(write_or_look, database, name, 60) for name in names]
            for how in ("immediate", "fast"):
                own_postgres.control("restart", "-m", how)
            for future in writing:
                future.result(60)

        assert_kept(database, names, turns=60)
        database.close()


def test_a_server_that_stays_away_is_an_error_after_a_bounded_wait(own_postgres: PostgresServer) -> None:
    """
    Reading and writing say that the server cannot be reached; the same object goes on when it is back.
    """
    with own_postgres.empty_schema() as url:
        database = opened(url, wait_s=0.3)
        own_postgres.control("stop", "-m", "fast")
        try:
            for use in (lambda: write_some(database, "a"), lambda: database.rows("SELECT 1")):
                with pytest.raises(StoreError, match="cannot be reached"):
                    use()
            with pytest.raises(StoreError, match="cannot be reached"):
                Database(url)
        finally:
            own_postgres.start_again()
        write_some(database, "a")

        assert_kept(database, ["a"])
        database.close()
