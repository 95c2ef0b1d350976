"""
``sdkbridge population``, ``simulate`` and ``sweep``: the newcomer's three commands.
"""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from identity.simulate import SEGMENT_SERVER, compare, population
from sdkbridge.stories import load_story
from sdkbridge.strategies import people_under

FIXTURES = Path(__file__).parent.parent / "fixtures" / "stories"


def run(*arguments: object, folder: Path | None = None, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sdkbridge", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=folder,
        input=stdin,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """
    A folder with the calls of a few people, and their truth.
    """
    folder = tmp_path_factory.mktemp("made")
    done = run(
        "population", "--people", 60, "--days", 8, "--rate", "shared_tablets=1", "--truth", folder / "truth"
    )
    assert (done.returncode, done.stderr) == (0, "")
    (folder / "calls").write_text(done.stdout)
    return folder


def test_the_three_commands_of_a_newcomer(made):
    """
    People are made up, compared, and shown: as a table, as JSON and as one file for a browser.
    """
    told = run("simulate", "calls", "--truth", "truth", "--html", "report.html", folder=made)
    as_json = run("simulate", "calls", "--truth", "truth", "--json", folder=made)
    people = population(60, seed=7, days=8, rates={"shared_tablets": 1.0})
    expected = compare(people, truth=people.truth)

    assert (told.returncode, told.stderr) == (0, "")
    assert "people counted" in told.stdout
    assert "could be told apart" in told.stdout
    assert "What differs" in told.stdout
    assert (made / "report.html").read_text().startswith("<!doctype html>")
    answer = json.loads(as_json.stdout)
    assert [one["people"] for one in answer["strategies"]] == [one.people for one in expected.strategies]
    assert answer["truth"]["people"] == 60
    assert len(answer["differences"]) == 5


def test_one_is_told_in_the_singular(tmp_path):
    """
    A single call of a single person.
    """
    (tmp_path / "calls").write_text('{"type": "track", "userId": "ann", "event": "Seen"}\n')
    done = run("simulate", "calls", folder=tmp_path)

    assert done.stdout.startswith("1 call, 1 identity, 1 event\n")


def test_a_story_with_devices_and_its_truth_can_be_simulated():
    """
    The demo's story: seven people, as the bridge counts them, and three under Segment's rule.
    """
    done = run(
        "simulate", FIXTURES / "shop.ndjson", "--truth", FIXTURES / "shop.truth.json", "--json", "--differences", 0
    )
    people = {one["strategy"]: one["people"] for one in json.loads(done.stdout)["strategies"]}

    assert people == {"never": 13, "ios": 6, "segment-server": 3, "guarded": 7}
    story = load_story("shop").messages
    assert len([*people_under(SEGMENT_SERVER, story, received=1.8e9).people()]) == people["segment-server"]


def test_lines_that_cannot_be_read_are_told_and_cost_nothing_else():
    """
    Exit code 3, the rest is compared; what its integrations keep from Kissmetrics is left out.
    """
    lines = [
        "no JSON",
        '{"type": "track", "userId": "A", "event": "Opened"}',
        '{"type": "track", "userId": "C", "event": "Opened", "integrations": {"All": false}}',
        '{"type": "track", "userId": "B"}',
    ]
    done = run("simulate", "-", stdin="\n".join(lines))

    assert done.returncode == 3
    assert "call 1: line is not JSON" in done.stderr
    assert "call 4: a track must name its event" in done.stderr
    assert "1 call, 1 identity, 1 event, 1 switched off, 2 refused" in done.stdout


def test_compressed_files_are_taken_and_lines_are_counted_on_from_file_to_file(tmp_path):
    """
    Blank lines count, too, so that a number finds its line; a damaged file says after which line.
    """
    call = '{"type": "track", "userId": "A", "event": "Opened"}\n'
    (tmp_path / "1.ndjson.gz").write_bytes(gzip.compress(f"{call}\n{call}".encode()))
    (tmp_path / "2.ndjson").write_text(f"{call}no call\n")
    (tmp_path / "cut.gz").write_bytes(gzip.compress((call * 9_000).encode())[:-9])
    done = run("simulate", "1.ndjson.gz", "2.ndjson", folder=tmp_path)
    damaged = run("simulate", "cut.gz", folder=tmp_path)

    assert done.returncode == 3
    assert "3 calls, 1 identity, 3 events, 1 refused" in done.stdout
    assert "call 5: line is not JSON" in done.stderr
    assert damaged.returncode == 1
    assert "cut.gz: The compressed file is damaged after line " in damaged.stderr


def test_an_own_strategy_is_found_in_the_current_folder(tmp_path):
    """
    As module:function, beside the file of calls.
    """
    (tmp_path / "mine.py").write_text("def nothing(call, memory):\n    return []\n")
    (tmp_path / "calls").write_text('{"type": "track", "userId": "A", "event": "Opened"}\n')
    done = run("simulate", "calls", "--strategies", "never,mine:nothing", "--json", folder=tmp_path)

    assert [one["strategy"] for one in json.loads(done.stdout)["strategies"]] == ["never", "mine:nothing"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("simulate", "-", "--strategies", "guardd"), "no strategy 'guardd'"),
        (("simulate", "-", "--strategies", "never,never"), "a name of its own"),
        (("population", "--rate", "borrows"), "NAME=NUMBER"),
        (("population", "--rate", "borrow=1"), "no rate 'borrow'"),
        (("sweep", "--limits", "1,x"), "no numbers"),
        (("sweep", "--limits", "1.5"), "whole numbers"),
        (("sweep", "--vary", "nothing"), "no rate 'nothing'"),
    ],
)
def test_wrong_usage_is_told(arguments, said):
    """
    In one sentence, with exit code 2.
    """
    done = run(*arguments)

    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_file_that_cannot_be_written_is_told(made):
    """
    With exit code 1.
    """
    for arguments in (
        ("simulate", "calls", "--html", "no/such/folder"),
        ("sweep", "--people", 5, "--html", "no/f"),
    ):
        done = run(*arguments, folder=made)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr


def test_a_sweep_is_a_table_and_goes_on_where_it_was(tmp_path):
    """
    With its results kept in a file.
    """
    asked = ("sweep", "--people", 20, "--days", 5, "--limits", "1,3", "--values", "0,0.5", "--results", "cells")
    told = run(*asked, "--html", "sweep.html", folder=tmp_path)
    rows = json.loads(run(*asked, "--json", folder=tmp_path).stdout)

    assert (told.returncode, told.stderr) == (0, "")
    assert "shared_tablets" in told.stdout
    assert len(rows) == len((tmp_path / "cells").read_text().splitlines()) == 8
    assert (tmp_path / "sweep.html").exists()


def test_the_rates_are_listed():
    """
    Each with its default and what it means.
    """
    listed = run("population", "--list-rates").stdout

    assert "shared_tablets" in listed
    assert "kiosk" in listed
