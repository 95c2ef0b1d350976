"""
Long work on uploaded files, in the background.
"""

import threading
from collections.abc import Iterator

import pytest
from running_server import wait_until

from sdkbridge.server.pages.runs import KEPT, Run, Runs, Unreadable


@pytest.fixture
def runs() -> Iterator[Runs]:
    runs = Runs()
    yield runs
    runs.close()


def start(runs: Runs, work, *, kind: str = "audits", project: str = "shop") -> tuple[str, Run]:
    """
    Start a run on one uploaded file.
    """
    number, run = runs.new(kind=kind, name="calls", project=project)
    (run.folder / "calls").write_text("secret")
    runs.start(number, run, work)
    return number, run


def test_work_is_done_one_after_the_other_and_what_was_uploaded_is_deleted(runs: Runs) -> None:
    """
    What it made stays, to be downloaded.
    """
    go_on, order = threading.Event(), []

    def slow(run: Run) -> str:
        run.tell("half way", 0.5)
        go_on.wait(20)
        (run.folder / "report.html").write_text("made")
        order.append("slow")
        return "done"

    _, first = start(runs, slow)
    _, second = start(runs, lambda _: order.append("quick") or "done", kind="simulations")
    wait_until(lambda: first.share == 0.5, what="the first tells how far it is")
    assert (first.progress, second.progress) == ("half way", "waiting for its turn")
    go_on.set()
    wait_until(lambda: not second.running, what="both are done")

    assert order == ["slow", "quick"]
    assert [path.name for path in first.folder.iterdir()] == ["report.html"]
    assert [*second.folder.iterdir()] == []


def test_a_failure_is_told_without_what_is_in_the_file(runs: Runs) -> None:
    """
    Only what is meant for people is told word by word.
    """

    def break_down(_: Run) -> None:
        raise KeyError("ann@example.com")

    def refuse(_: Run) -> None:
        raise Unreadable("Line 7 is no call.")

    _, broken = start(runs, break_down)
    _, refused = start(runs, refuse)
    wait_until(lambda: not refused.running, what="both have ended")

    assert broken.problem == "It failed (KeyError)."
    assert refused.problem == "Line 7 is no call."
    assert [*broken.folder.iterdir()] == []


def test_the_last_ones_of_each_kind_and_project_are_kept(runs: Runs) -> None:
    """
    Ten, the newest first; the folders of the others are gone.
    """
    _, other = start(runs, lambda _: "done", kind="simulations")
    started = []
    for _ in range(KEPT + 2):
        started.append(start(runs, lambda _: "done"))
        wait_until(lambda: not started[-1][1].running, what="it is done")

    assert [*runs.of("shop", "audits")] == [number for number, _ in reversed(started[2:])]
    assert [*runs.of("shop", "simulations").values()] == [other]
    assert runs.of("blog", "audits") == {}
    assert [run.folder.exists() for _, run in started] == [False, False] + [True] * KEPT


def test_the_end_of_the_server_stops_what_is_running(runs: Runs) -> None:
    """
    At the next sign of how far it is; nobody waits for the whole of it, and nothing stays on the disk.
    """
    begun = threading.Event()

    def endless(run: Run) -> None:
        while True:
            run.tell("reading on")
            begun.set()

    _, run = start(runs, endless)
    assert begun.wait(20)
    runs.close()
    wait_until(lambda: not run.running, what="it has stopped")

    assert run.problem == "The server ended before it was done."
    assert not run.folder.exists()
