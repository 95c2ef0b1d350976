"""
Threads that write to one file at the same moment: one commit for all who lined up, and each its own end.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from identity import StoreError
from identity.database import Connection, Database


class LinedUp:
    """
    A database whose turn is taken, so that whoever writes lines up.
    """

    def __init__(self, path: Path) -> None:
        self.database = Database(path)
        self.database.migrate("test", {"1": ("CREATE TABLE kept (name TEXT NOT NULL UNIQUE) STRICT",)})
        self._turns = self.database._store._turns
        self.pool = ThreadPoolExecutor(8)
        self._go_on = threading.Event()
        taken = threading.Event()

        def wait() -> None:
            taken.set()
            assert self._go_on.wait(30)

        self._first = self.pool.submit(self.database.write, wait)
        assert taken.wait(30)
        self.statements: list[str] = []
        self.database._store._writer.connection().set_trace_callback(self.statements.append)

    def write(self, work: Callable[[], Any]) -> Future[Any]:
        """
        Let a thread write, and return once it has lined up.
        """
        before = len(self._turns._waiting)
        future = self.pool.submit(self.database.write, work)
        while len(self._turns._waiting) == before:
            assert not future.done()
        return future

    def keep(self, name: str) -> str:
        with self.database.transaction() as connection:
            connection.execute("INSERT INTO kept VALUES (?)", (name,))
        return name

    def go(self) -> None:
        """
        Give up the turn.
        """
        self._go_on.set()
        self._first.result(30)

    def kept(self) -> list[str]:
        return [name for (name,) in self.database.rows("SELECT name FROM kept ORDER BY name")]


@pytest.fixture
def lined_up(tmp_path: Path) -> Iterator[LinedUp]:
    """
    A database whose turn is taken.
    """
    lined_up = LinedUp(tmp_path / "one.db")
    yield lined_up
    lined_up.pool.shutdown()


def test_all_who_wait_share_a_commit_and_none_shares_an_error(lined_up: LinedUp) -> None:
    """
    Five threads line up: one commit keeps what three did, and two have errors of their own.
    """

    def fail() -> None:
        lined_up.keep("undone")
        raise LookupError("own")

    works = [lambda: lined_up.keep("a"), fail, lambda: lined_up.keep("b"), lambda: lined_up.keep("a")]
    waiting = [lined_up.write(work) for work in (*works, lambda: lined_up.keep("c"))]
    lined_up.go()

    assert [type(future.exception(30)) for future in waiting] == [
        *(type(None), LookupError, type(None), StoreError, type(None))
    ]
    assert [waiting[place].result() for place in (0, 2, 4)] == ["a", "b", "c"]
    assert lined_up.statements.count("COMMIT") == 2  # that of the thread which had the turn, and theirs
    assert lined_up.kept() == ["a", "b", "c"]


def test_a_commit_that_fails_fails_for_all_of_it(lined_up: LinedUp) -> None:
    """
    Where one work fills the disk, nothing of the commit is kept, and all who shared it are told.
    """
    lined_up.database._store._writer.connection().execute("PRAGMA max_page_count = 10")
    waiting = [lined_up.write(lambda name=name: lined_up.keep(name)) for name in ("a", "b" * 100_000, "c")]
    lined_up.go()

    for future in waiting:
        with pytest.raises(StoreError, match="does not fit on its disk"):
            future.result(30)
    assert lined_up.kept() == []


def test_what_a_signal_handler_writes_stays_when_the_leader_takes_back_anothers_work(lined_up: LinedUp) -> None:
    """
    It interrupted the thread that commits for others, in the middle of a work that fails.
    """

    def handle(connection: Connection) -> None:
        connection.execute("INSERT INTO kept VALUES ('handled') ON CONFLICT DO NOTHING")

    def fail() -> None:
        lined_up.database.interruptions.write_in_between(handle)
        raise LookupError("own")

    waiting = [lined_up.write(lambda: lined_up.keep("own")), lined_up.write(fail)]
    lined_up.go()

    assert [type(future.exception(30)) for future in waiting] == [type(None), LookupError]
    assert lined_up.kept() == ["handled", "own"]


def test_an_interrupted_leader_drops_nobody_elses_work(lined_up: LinedUp) -> None:
    """
    Ctrl+C in the thread that commits for others ends its own write; the others' are committed by the next one.
    """
    interrupted: list[str] = []

    def interrupt_once() -> str:
        if not interrupted:
            interrupted.append(threading.current_thread().name)
            raise KeyboardInterrupt
        return lined_up.keep("second")

    first = lined_up.write(lambda: lined_up.keep("first"))
    second = lined_up.write(interrupt_once)
    third = lined_up.write(lambda: lined_up.keep("third"))
    lined_up.go()
    ends = [type(future.exception(30)) for future in (first, second, third)]

    assert ends.count(KeyboardInterrupt) == 1
    assert ends.count(type(None)) == 2
    names = [name for name, end in zip(("first", "second", "third"), ends, strict=True) if end is type(None)]
    assert lined_up.kept() == sorted(names)
