"""
``sdkbridge outbox``: what waits, what was given up, and what can be done about it.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from faulty_server import FaultyServer, faulty_server

from sdkbridge import Bridge
from sdkbridge.cli import main
from sdkbridge.errors import OutboxFull


@pytest.fixture
def sink() -> Iterator[FaultyServer]:
    with faulty_server() as server:
        yield server


def test_one_is_told_in_the_singular(tmp_path: Path, sink: FaultyServer) -> None:
    """
    One request, tried once.
    """
    path = tmp_path / "bridge.db"
    sink.answers = [(500, {"Retry-After": "200"})]
    with Bridge(path, api_key="k", url=sink.url, outbox_limit=1) as bridge:
        bridge.track("cleo", "Paid")
        while bridge.flush(timeout=0.05).last_error is None:
            pass
        with pytest.raises(OutboxFull, match=r"^1 request waits to be delivered"):
            bridge.track("cleo", "Left")
    first, second = outbox("list", "--db", path).output.splitlines()

    assert first == "1 request waits; 1 lane is put off:"
    assert re.match(r"\S+ \d\d:\d\d:\d\d UTC  /e of cleo, 1 in its lane, 1 try: ", second)


def test_an_identity_does_nothing_to_the_terminal(tmp_path: Path, sink: FaultyServer) -> None:
    """
    Whoever chose it: what a terminal would act on is spelled out.
    """
    path = tmp_path / "bridge.db"
    sink.answers = [(404, {}), (500, {"Retry-After": "200"})]
    with Bridge(path, api_key="k", url=sink.url) as bridge:
        for name in ("dead\x1b[2J", "late\x1b[2J"):
            bridge.track(name, "Paid")
            bridge.flush(timeout=0.5)
    shown = outbox("dead", "--db", path).output + outbox("list", "--db", path).output

    assert "dead\\x1b[2J" in shown
    assert "late\\x1b[2J" in shown
    assert "\x1b" not in shown


@pytest.fixture
def file(tmp_path: Path, sink: FaultyServer) -> Path:
    """
    A bridge's file in which two requests are dead and one waits for its retry, with one more behind it.
    """
    path = tmp_path / "bridge.db"
    with Bridge(path, api_key="k", url=sink.url) as bridge:
        for number, name in enumerate(("ann", "bob")):
            sink.answers = [(400 + 4 * number, {})]
            bridge.track(name, "Paid")
            bridge.flush()
        # Put off for longer than any test takes: a lane whose retry is due is put off no more.
        sink.answers = [(500, {"Retry-After": "200"})]
        bridge.track("cleo", "Paid")
        bridge.track("cleo", "Left")
        while bridge.flush(timeout=0.05).last_error is None:
            pass
    return path


def outbox(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["outbox", *map(str, arguments)])


def told(*arguments: object) -> Any:
    done = outbox(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_what_is_put_off_and_why(file: Path) -> None:
    """
    The lane, its first request, its tries, and until when.
    """
    shown = outbox("list", "--db", file)
    waiting = told("list", "--db", file)
    (lane,) = waiting["blocked"]

    assert shown.output.startswith("2 requests wait; 1 lane is put off:\n")
    assert "/e of cleo, 2 in its lane" in shown.output
    assert waiting["waiting"] == lane["waiting"] == 2
    assert (lane["identity"], lane["error"]) == ("cleo", "answered 500")
    assert lane["attempts"] > 0


def test_what_is_put_off_is_counted_however_much_is_shown(tmp_path: Path, sink: FaultyServer) -> None:
    """
    None, one of several, two of several, and all.
    """
    path = tmp_path / "bridge.db"
    sink.answers = [(500, {"Retry-After": "200"})] * 3
    with Bridge(path, api_key="k", url=sink.url, deliver=False) as bridge:
        for name in ("ann", "bob", "cleo"):
            bridge.track(name, "Paid")
    none = outbox("list", "--db", path).output.splitlines()
    assert CliRunner().invoke(main, ["deliver", str(path), "--url", sink.url, "--once"]).exit_code == 0
    one, two, three = (outbox("list", "--db", path, "--limit", limit).output.splitlines() for limit in (1, 2, 3))

    assert [len(shown) for shown in (none, one, two, three)] == [1, 2, 3, 4]
    assert [shown[0] for shown in (none, one, two, three)] == [
        "3 requests wait; no lane is put off",
        "3 requests wait; 3 lanes are put off, the longest is:",
        "3 requests wait; 3 lanes are put off, the 2 longest are:",
        "3 requests wait; 3 lanes are put off, the longest first:",
    ]
    assert told("list", "--db", path, "--limit", 1)["put_off"] == 3


def test_what_was_given_up_of_somebody_is_found(file: Path) -> None:
    """
    By any of their identities.
    """
    with Bridge(file, api_key="k", deliver=False) as bridge:
        found = [bridge.dead_letters.of(who, limit=5) for who in (["bob"], ["bob", "ann"], ["cleo"], [])]

    assert [[letter.identity for letter in letters] for letters in found] == [["bob"], ["ann", "bob"], [], []]


def test_what_was_given_up_and_why(file: Path) -> None:
    """
    Each with its number, oldest first.
    """
    shown = outbox("dead", "--db", file, "--limit", 1)
    dead = told("dead", "--db", file)

    assert shown.output.startswith("2 dead\n")
    assert "/e of ann: answered 400" in shown.output
    assert "bob" not in shown.output
    assert [(one["number"], one["identity"], one["reason"]) for one in dead["letters"]] == [
        (1, "ann", "answered 400"),
        (2, "bob", "answered 404"),
    ]


def test_a_retry_sends_the_same_bytes_in_the_old_place(file: Path, sink: FaultyServer) -> None:
    """
    Before what its lane has queued since.
    """
    with Bridge(file, api_key="k", deliver=False) as bridge:
        bridge.track("ann", "Came back")
    before = list(sink.raw)
    assert told("retry", "--db", file, 1) == {"retried": 1, "unknown": 0}
    with Bridge(file, api_key="k", url=sink.url) as bridge:
        while len(of_ann := [query for query in sink.raw[len(before) :] if "ann" in query]) < 2:
            bridge.flush(timeout=0.05)

    assert of_ann[0] == before[0]
    assert "Came%20back" in of_ann[1]
    assert told("dead", "--db", file)["dead"] == 1


def test_all_can_be_retried_or_dropped(file: Path) -> None:
    """
    --all stands for every number.
    """
    assert outbox("retry", "--db", file, "--all").output == "2 queued again\n"
    assert told("drop", "--db", file, "--all") == {"dropped": 0, "unknown": 0}
    assert told("list", "--db", file)["waiting"] == 4


def test_what_is_dropped_is_gone(file: Path) -> None:
    """
    For good; the others stay.
    """
    assert outbox("drop", "--db", file, 2).output == "1 dropped\n"
    assert told("dead", "--db", file)["dead"] == 1


@pytest.mark.parametrize("command", ["retry", "drop"])
def test_numbers_that_are_none_and_choices_that_are_not_made(command: str, file: Path) -> None:
    """
    An unknown number fails, and neither nothing nor both numbers and --all is a choice.
    """
    unknown = outbox(command, "--db", file, 77)

    assert unknown.exit_code == 1
    assert "1 number is not among what was given up" in unknown.stderr
    assert "2 numbers are not among what was given up" in outbox(command, "--db", file, 77, 78).stderr
    neither, both = outbox(command, "--db", file), outbox(command, "--db", file, "--all", 1)
    assert (neither.exit_code, both.exit_code) == (2, 2)
    assert "give the numbers of requests, or --all" in neither.stderr
    assert "give numbers or --all, not both" in both.stderr
    assert told("dead", "--db", file)["dead"] == 2


def test_a_file_that_is_no_bridges(tmp_path: Path) -> None:
    """
    One sentence, and exit code 1.
    """
    (tmp_path / "notes.txt").write_text("no database " * 100)
    done = outbox("list", "--db", tmp_path / "notes.txt")

    assert done.exit_code == 1
    assert "notes.txt" in done.output
