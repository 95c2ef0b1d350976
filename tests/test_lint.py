"""
What Kissmetrics would silently change or drop, found before it is sent.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sdkbridge.acceptance.spellings import MOST_NAMES
from sdkbridge.lint import LintReport, lint
from sdkbridge.messages import Line
from sdkbridge.remarks import SENTENCES
from sdkbridge.remedies import REMEDIES

NOW = 1_790_000_000.0


def report_on(*messages: Any) -> LintReport:
    texts = [message if isinstance(message, bytes) else json.dumps(message).encode() for message in messages]
    *_, report = lint([Line(n, text) for n, text in enumerate(texts, start=1)], clock=lambda: NOW)
    return report


def codes(*messages: Any) -> dict[str, int]:
    return {finding.code: finding.count for finding in report_on(*messages).worst_first()}


def track(event: str = "Paid", user_id: str = "ann", **more: Any) -> dict[str, Any]:
    return {"type": "track", "userId": user_id, "event": event, "timestamp": "2026-03-01T10:00:00Z", **more}


def identify(**traits: Any) -> dict[str, Any]:
    return {"type": "identify", "userId": "ann", "traits": traits, "timestamp": "2026-03-01T10:00:00Z"}


@pytest.mark.parametrize(
    ("code", "messages"),
    [
        ("too_long", [track("E" * 256)]),
        ("name_too_long", [track(properties={"p" * 256: 1})]),
        ("name_changed", [track("Paid: twice, at once")]),
        ("name_changed", [track(properties={"a,b": 1})]),
        ("other_spelling", [track("Paid"), track("paid", "bob")]),
        ("other_spelling", [identify(Plan=1), identify(plan=1)]),
        ("long_value", [track(properties={"p": "v" * 513})]),
        ("number_as_text", [track(properties={"version": "1.10"})]),
        ("milliseconds", [track(timestamp=1_772_359_200_000)]),
        ("dense", [track()] * 62),
        ("before_2009", [track(timestamp="2008-12-31T23:59:59Z")]),
        ("same_second", [track(), track()]),
        ("placeholder", [track(user_id="null")]),
        ("placeholder", [{"type": "alias", "previousId": "undefined", "userId": "ann"}]),
        ("customer_id", [identify(**{"Customer ID": "7"})]),
        ("reserved_name", [identify(_p="7")]),
        ("json", [b"{"]),
    ],
)
def test_calls(code: str, messages: list[Any]) -> None:
    """
    Each thing of the list is found once, in the last of the calls.
    """
    report = report_on(*messages)
    (finding,) = [finding for finding in report.worst_first() if finding.code == code]

    assert (finding.count, finding.examples[0].line) == (1, len(messages))
    assert finding.remedy


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("name_changed", [{"_p": "a", "_t": 1_700_000_000, "_n": "one: two"}]),
        ("name_too_long", [{"_p": "a", "_t": 1_700_000_000, "_n": "e" * 256}]),
        ("identity_too_long", [{"_p": "a" * 256, "_t": 1_700_000_000, "_n": "seen"}]),
        (
            "other_spelling",
            [{"_p": "a", "_t": 1_700_000_000, "Plan": "x"}, {"_p": "b", "_t": 1_700_000_000, "plan": "x"}],
        ),
        ("long_value", [{"_p": "a", "_t": 1_700_000_000, "p": "v" * 513}]),
        ("before_2009", [{"_p": "a", "_t": 1_200_000_000, "_n": "seen"}]),
        ("milliseconds", [{"_p": "a", "_t": 1_700_000_000_000, "_n": "seen"}]),
        ("same_second", [{"_p": "a", "_t": 1_700_000_000, "_n": "seen"}] * 2),
        ("placeholder", [{"_p": "a", "_t": 1_700_000_000, "_p2": "null"}]),
        ("customer_id", [{"_p": "a", "_t": 1_700_000_000, "customer id": "7"}]),
        ("not_json", [b'{"_p": "a", "_t": 1700000000, "_n": "seen"']),
    ],
)
def test_exports(code: str, lines: list[Any]) -> None:
    """
    The same is found in the lines of an export, and said to be past mending.
    """
    (finding,) = [finding for finding in report_on(*lines).worst_first() if finding.code == code]

    assert (finding.exported, finding.count, finding.examples[0].line) == (True, 1, len(lines))
    assert finding.remedy.startswith("Nothing:")


@pytest.mark.parametrize("exported", [False, True])
def test_too_many_names(exported: bool) -> None:
    """
    Kissmetrics keeps 65,535 names of properties; one more is named.
    """
    # An identify also has its id.
    names = [f"property {number}" for number in range(MOST_NAMES + exported)]
    halves = [dict.fromkeys(half, "x") for half in (names[:40_000], names[40_000:])]
    lines = [{"_p": "a", "_t": 1_700_000_000, **half} if exported else identify(**half) for half in halves]
    (finding,) = report_on(*lines).worst_first()

    assert (finding.code, finding.examples[0].line) == ("too_many_names", 2)
    assert finding.examples[0].message.endswith(f": {names[-1]!r}")


def test_nothing_is_found_in_good_calls_and_lines() -> None:
    """
    Calls as they should be, and what Kissmetrics exports of them.
    """
    assert codes(track(properties={"plan": "pro"}), {"_p": "ann", "_t": 1_700_000_000, "_n": "paid"}) == {}


def test_a_call_with_a_property_named_p_is_a_call() -> None:
    """
    What makes a line one of an export is its own member, not one of its properties.
    """
    assert list(codes(identify(_p="x"))) == ["reserved_name"]


def test_octal_escapes_of_real_exports_are_read() -> None:
    """
    They are no JSON, and no fault of whoever exported them.
    """
    assert codes(b'{"_p": "a", "_t": 1700000000, "city": "M\\303\\241laga"}') == {}


def test_each_warning_has_a_remedy() -> None:
    """
    Whatever the bridge warns of, the lint says what is done about it.
    """
    assert set(SENTENCES) <= set(REMEDIES)


def test_the_command(tmp_path: Path) -> None:
    """
    A table for people, JSON for programs, exit code 3 on findings and 0 without.
    """
    file = tmp_path / "calls.ndjson"
    file.write_text("".join(json.dumps(call) + "\n" for call in [track(), track(), track("Paid, twice")]))

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "sdkbridge", "lint", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    shown, asked = run(file), run(file, "--json")
    file.write_text(json.dumps(track()) + "\n")
    good = run(file)
    findings = {finding["code"]: finding for finding in json.loads(asked.stdout)["findings"]}

    assert (shown.returncode, asked.returncode, good.returncode) == (3, 3, 0)
    assert {"same_second", "name_changed"} <= set(findings)
    assert "line 3: 'Paid, twice'" in shown.stdout
    assert findings["same_second"]["examples"][0]["line"] == 2
    assert "It moves it to the next free second." in shown.stdout
    assert good.stdout == "1 line, and nothing that Kissmetrics would change or drop.\n"
