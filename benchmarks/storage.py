"""
What `Database` costs over sqlite3 itself: the same bytes inserted by both, side by side, as ratios.

    python benchmarks/storage.py [--seconds 0.5] [--rounds 5]

Both sides insert the same row of 400 bytes. ``raw`` is sqlite3 with the same settings, ``BEGIN IMMEDIATE``, the
INSERT and ``COMMIT``; with several threads, one connection under one lock. Rounds of the two alternate, so that a
disturbance meets both, and the best of each counts. The limit of a safety level is the raw figure.
"""

import argparse
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from identity.database import Database
from identity.stores.sqlite_opening import SYNCHRONOUS, limit_log

TABLE = "CREATE TABLE kept (number INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT"
INSERT = "INSERT INTO kept (text) VALUES (?)"
ROW = ("x" * 400,)

Step = Callable[[], int]
"""Writes something; returns how many rows."""


@contextmanager
def raw_steps(path: Path, synchronous: str, rows: int) -> Iterator[Step]:
    """
    Yield what writes rows by sqlite3 itself.
    """
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        limit_log(connection)
        connection.execute(TABLE)
        lock = threading.Lock()

        def step() -> int:
            with lock:
                connection.execute("BEGIN IMMEDIATE")
                for _ in range(rows):
                    connection.execute(INSERT, ROW)
                connection.execute("COMMIT")
            return rows

        yield step


@contextmanager
def our_steps(path: Path, safety: str, rows: int) -> Iterator[Step]:
    """
    Yield what writes rows by `Database`, a work for each row.
    """
    with closing(Database(path, safety=safety)) as database:
        database.migrate("benchmark", {"1": (TABLE,)})

        def insert() -> None:
            with database.transaction() as connection:
                connection.execute(INSERT, ROW)

        works = [insert] * rows

        def one() -> int:
            database.write(insert)
            return 1

        def many() -> int:
            database.write_many(works)
            return rows

        yield one if rows == 1 else many


def rate(step: Step, *, threads: int, seconds: float) -> float:
    """
    Return rows a second, of so many threads that write for so long.
    """
    counts = [0] * threads
    start = threading.Barrier(threads + 1)
    end = [0.0]

    def run(number: int) -> None:
        start.wait()
        while time.perf_counter() < end[0]:
            counts[number] += step()

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    began = time.perf_counter()
    end[0] = began + seconds
    start.wait()
    for thread in running:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


def main() -> None:
    """
    Compare, and print a line for each case.
    """
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=0.5)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--folder", type=Path, default=None, help="where the files are made")
    asked = options.parse_args()
    print(f"{'safety':<10}{'threads':>8}{'rows a commit':>15}{'raw/s':>12}{'Database/s':>12}{'ratio':>8}")
    for safety, synchronous in SYNCHRONOUS.items():
        for threads, rows in ((1, 1), (1, 100), (8, 1), (64, 1)):
            with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
                raw, ours = [], []
                with (
                    raw_steps(Path(folder) / "raw.db", synchronous, rows) as raw_step,
                    our_steps(Path(folder) / "ours.db", safety, rows) as our_step,
                ):
                    for _ in range(asked.rounds):
                        raw.append(rate(raw_step, threads=threads, seconds=asked.seconds))
                        ours.append(rate(our_step, threads=threads, seconds=asked.seconds))
            best_raw, best_ours = max(raw), max(ours)
            print(
                f"{safety:<10}{threads:>8}{rows:>15}{best_raw:>12,.0f}{best_ours:>12,.0f}"
                f"{best_ours / best_raw:>8.2f}"
            )


if __name__ == "__main__":
    main()
