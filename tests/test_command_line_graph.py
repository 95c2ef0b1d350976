"""
``sdkbridge graph``, run as a user runs it.
"""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from sdkbridge import Bridge
from sdkbridge.cli import main


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """
    A bridge's file with a tablet of Ann's on which Bob was identified, too.
    """
    path = tmp_path / "b.db"
    with Bridge(path, api_key="k", deliver=False) as bridge:
        bridge.identify("ann@example.com", anonymous_id="tablet")
        bridge.identify("bob@example.com", anonymous_id="tablet")
        bridge.graph.link("ann@example.com", "4711", kind="identity_change")
    return path


def run(file: Path, *arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(main, ["graph", *arguments, "--db", str(file)], input=stdin)


def answer(file: Path, *arguments: str) -> Any:
    done = run(file, *arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_each_question_has_an_answer_to_read_and_one_for_programs(file: Path) -> None:
    """
    Person, explanation, history, what is held, and the past.
    """
    for words, told in [
        (["person", "4711"], "account id"),
        (["explain", "bob@example.com", "4711"], "two people; they would be one"),
        (["history", "tablet"], "second_identity"),
        (["held"], "second_identity"),
        (["as-of", "2100-01-01", "4711"], "account id"),
        (["as-of", "2100-01-01T00:00:00+02:00", "4711", "tablet"], "are one person"),
        (["as-of", "2001-01-01", "4711"], "was never seen"),
        (["plan"], "never be undone"),
    ]:
        read = run(file, *words)
        assert (read.exit_code, told in " ".join(read.stdout.split())) == (0, True), (words, read.output)
        assert answer(file, *words)


def test_a_held_link_is_approved_and_taken_back(file: Path) -> None:
    """
    The alias is queued with the decision and withdrawn with its retraction; both are on record.
    """
    (held,) = answer(file, "held")["held"]
    pair = [held["link"]["older"], held["link"]["newer"]]
    approved = answer(file, "approve", *pair, "--by", "kim", "--why", "a couple")
    retracted = answer(file, "retract", *pair, "--by", "kim")
    with Bridge(file, api_key="k", deliver=False) as bridge:
        waiting = [row[0] for row in bridge._core.database.rows("SELECT path FROM outbox ORDER BY request")]

    assert (approved["outcome"], approved["explanation"]) == ("merge", "Approved by kim: a couple")
    assert (retracted["outcome"], waiting.count("/a")) == ("refuse", 1)
    assert [verdict["by"] for verdict in answer(file, "history", pair[1])["verdicts"]] == ["policy", "kim", "kim"]


def test_a_decision_that_cannot_be_fails_with_its_reason(file: Path) -> None:
    """
    Exit code 1 and a sentence; wrong usage is 2.
    """
    unknown = run(file, "reject", "nobody", "else", "--by", "kim")
    empty = run(file, "reject", "", "else", "--by", "kim")

    assert (unknown.exit_code, "no link between" in unknown.stderr) == (1, True)
    assert (empty.exit_code, run(file, "as-of", "yesterday", "4711").exit_code) == (2, 2)
    assert run(file, "reject", "tablet", "bob@example.com", "--by", "kim").exit_code == 0


def test_a_plan_is_sent_once(file: Path) -> None:
    """
    What was linked beside the bridge is shown, queued, and gone from the next plan.
    """
    shown, sent, later = answer(file, "plan"), answer(file, "plan", "--send"), answer(file, "plan", "--send")

    assert [(len(plan["aliases"]), plan["queued"]) for plan in (shown, sent, later)] == [(1, None), (1, 1), (0, 0)]


def test_forgetting_asks_first(file: Path) -> None:
    """
    Without a yes nothing happens; with it the identities to delete at Kissmetrics are printed.
    """
    refused = run(file, "forget", "4711", stdin="n\n")
    kept = answer(file, "person", "4711")["identities"]
    forgotten = answer(file, "forget", "4711", "--yes")

    assert (refused.exit_code, len(kept)) == (1, 3)
    assert forgotten["identities"] == ["4711", "ann@example.com", "tablet"]
    assert answer(file, "person", "4711")["identities"] == []


def test_a_person_is_drawn(file: Path, tmp_path: Path) -> None:
    """
    The picture is SVG, in the file that was named or on standard output.
    """
    done = run(file, "draw", "4711", "--out", str(tmp_path / "person.svg"))
    shown = run(file, "draw", "4711")

    assert done.exit_code == 0, done.output
    assert ET.parse(tmp_path / "person.svg").getroot().tag.endswith("svg")
    assert ET.fromstring(shown.stdout).tag.endswith("svg")


@pytest.mark.parametrize("words", [["held"], ["approve", "A", "B", "--by", "kim"]], ids=["asking", "deciding"])
def test_a_file_that_is_no_bridges_is_left_alone(tmp_path: Path, words: list[str]) -> None:
    """
    Somebody's text file, or an empty one, is named in the error and not made a bridge's.
    """
    for content in (b"", b"not a database, but long enough to look like one" * 30):
        path = tmp_path / "other.txt"
        path.write_bytes(content)
        done = run(path, *words)

        assert (done.exit_code, "other.txt" in done.stderr) == (1, True)
        assert path.read_bytes() == content
