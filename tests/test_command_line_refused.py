"""
``sdkbridge refused``: what was refused in batches, and why.
"""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from sdkbridge import Bridge
from sdkbridge.cli import main


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """
    The file of a bridge that refused two calls.
    """
    path = tmp_path / "bridge.db"
    with Bridge(path, api_key="key", deliver=False) as bridge:
        bridge.accept_batch([{"type": "track", "userId": "ann", "messageId": "first", "odd": "\x1b[2J"}])
        bridge.accept_batch([{"type": "track", "event": "E", "messageId": "second", "long": "x" * 500}])
    return path


def test_the_latest_comes_first(path: Path) -> None:
    """
    With when it was, what was wrong and the call; nothing in a call moves the cursor.
    """
    shown = CliRunner().invoke(main, ["refused", "--db", str(path)])
    second, call, first, other = shown.stdout.splitlines()

    assert shown.exit_code == 0
    assert second.endswith("+00:00  userId is required, or else anonymousId")
    assert first.endswith("event is required")
    assert '"messageId": "second"' in call
    assert (len(call), call[-1]) == (205, "…")
    assert "\x1b" not in other


def test_programs_read_json(path: Path) -> None:
    """
    One object a line, with the call in full.
    """
    shown = CliRunner().invoke(main, ["refused", "--db", str(path), "--json", "--limit", "1"])
    (refused,) = map(json.loads, shown.stdout.splitlines())

    assert (refused["message_id"], refused["field"], refused["reason"]) == ("second", "userId", "required")
    assert json.loads(refused["message"])["long"] == "x" * 500


def test_another_programs_file_is_told(tmp_path: Path) -> None:
    """
    In a sentence.
    """
    (tmp_path / "other.db").write_bytes(b"")
    shown = CliRunner().invoke(main, ["refused", "--db", str(tmp_path / "other.db")])

    assert (shown.exit_code, "sdkbridge.refused" in shown.stderr) == (1, True)
