"""
However many requests were received, they are not held in memory.
"""

import json
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from identity.database import Database
from sdkbridge.kissmetrics.people import LocalKissmetrics

FEW, MANY = 1_500, 4_500
PEOPLE = 50


def lines(count: int) -> Iterator[bytes]:
    for number in range(count):
        line = {
            "_p": f"user {number % PEOPLE}",
            "_t": 1_600_000_000 + number,
            "_n": "visited",
            "page": f"/{number}",
        }
        yield json.dumps(line).encode()


def consume(things: Iterable[object]) -> None:
    for _ in things:
        pass


def peak_of(work: Callable[[], object]) -> int:
    """
    Return the most bytes that Python held on account of some work.
    """
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[LocalKissmetrics, int]]]:
    """
    Two files, one with three times the lines of the other, and what filling each of them took.
    """
    databases = [Database(tmp_path_factory.mktemp("filled") / f"{count}.db") for count in (FEW, MANY)]
    found = []
    for database, count in zip(databases, (FEW, MANY), strict=True):
        kissmetrics = LocalKissmetrics(database)
        found.append(
            (kissmetrics, peak_of(lambda k=kissmetrics, n=count: k.import_lines(lines(n), api_key="key")))
        )
    yield found
    for database in databases:
        database.close()


def test_filling_takes_no_more_memory_for_more_lines(filled: list[tuple[LocalKissmetrics, int]]) -> None:
    """
    Three times the lines, the same peak.
    """
    (_, few), (_, many) = filled

    assert many < 1.5 * few


@pytest.mark.parametrize(
    "question",
    [
        lambda kissmetrics, _: consume(kissmetrics.export()),
        lambda kissmetrics, _: consume(kissmetrics.requests()),
        lambda kissmetrics, folder: kissmetrics.export_revisions(folder / "export", lines_per_file=500),
        lambda kissmetrics, _: kissmetrics.people("user 7"),
        lambda kissmetrics, _: kissmetrics.search("user"),
        lambda kissmetrics, _: kissmetrics.funnel(["visited", "visited"]),
        lambda kissmetrics, _: kissmetrics.diagnostics(),
    ],
    ids=["export", "requests", "revisions", "person", "search", "funnel", "diagnostics"],
)
def test_answers_take_no_more_memory_for_more_lines(
    filled: list[tuple[LocalKissmetrics, int]], question: Callable[..., object], tmp_path: Path
) -> None:
    """
    As many people who did three times as much: the answer takes as much memory as before, and little.
    """
    few, many = (
        peak_of(lambda k=kissmetrics, n=n: question(k, tmp_path / str(n)))
        for n, (kissmetrics, _) in enumerate(filled)
    )

    assert many < 1.5 * few + 50_000
    assert many < 2_000_000
