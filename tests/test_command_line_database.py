"""
How a command is told which database it works on.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sdkbridge import Bridge
from sdkbridge.cli import main

COMMANDS = [
    "status",
    "refused",
    "graph held",
    "graph plan",
    "outbox list",
    "outbox dead",
    "outbox retry --all",
    "outbox drop --all",
    "deliver --once --api-key k",
]


@pytest.fixture(autouse=True)
def nothing_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("SDKBRIDGE_DATABASE", "SDKBRIDGE_URL", "SDKBRIDGE_API_KEY", "SDKBRIDGE_CONFIG"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("command", [*COMMANDS, "replay - --url http://127.0.0.1:9 --no-wait"])
def test_a_database_that_nobody_names_is_asked_for(command: str, tmp_path: Path) -> None:
    """
    As wrong usage, with the places where it can be named; the help calls it not required, and nothing is made.
    """
    done = CliRunner().invoke(main, command.split())
    help_text = CliRunner().invoke(main, [*command.split(), "--help"]).output

    assert done.exit_code == 2
    assert "Name it, set SDKBRIDGE_DATABASE, or write database into sdkbridge.toml." in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert "[required]" not in help_text


@pytest.mark.parametrize("command", COMMANDS)
def test_it_may_be_named_in_a_file(command: str, tmp_path: Path) -> None:
    """
    sdkbridge.toml in the folder where the command is run.
    """
    Bridge(tmp_path / "bridge.db", api_key="k", deliver=False).close()
    (tmp_path / "sdkbridge.toml").write_text('database = "bridge.db"\n')
    done = CliRunner().invoke(main, command.split())

    assert (done.exit_code, done.stderr) == (0, "")


def test_a_database_on_postgresql_is_asked_and_decided_about(postgres_url: str) -> None:
    """
    By the same commands as a file: what was held is approved, what was refused is shown, the graph is audited.
    """
    with Bridge(postgres_url, api_key="k", deliver=False) as bridge:
        bridge.identify("ann@example.com", anonymous_id="tablet")
        bridge.identify("bob@example.com", anonymous_id="tablet")
        bridge.accept_batch([{"type": "track", "userId": "ann@example.com"}])
    (held,) = told("graph", "held", "--db", postgres_url)["held"]
    pair = [held["link"]["older"], held["link"]["newer"]]
    approved = told("graph", "approve", *pair, "--by", "kim", "--db", postgres_url)
    refused = told("refused", "--db", postgres_url)
    audited = told("audit", "--graph", postgres_url, exit_code=3)

    assert approved["outcome"] == "merge"
    assert told("graph", "held", "--db", postgres_url) == {"held": []}
    assert refused["field"] == "event"
    assert [person["people"] for person in audited["squished"]] == [2]


def told(*arguments: str, exit_code: int = 0) -> Any:
    done = CliRunner().invoke(main, [*arguments, "--json"])
    assert done.exit_code == exit_code, done.output
    return json.loads(done.stdout)


def test_a_url_that_nobody_says_is_asked_for(tmp_path: Path) -> None:
    """
    So that nothing is sent to Kissmetrics itself by mistake.
    """
    done = CliRunner().invoke(main, ["replay", "-", "--db", str(tmp_path / "bridge.db")])

    assert done.exit_code == 2
    assert "Missing option '--url'. Name it, set SDKBRIDGE_URL, or write url into sdkbridge.toml." in done.stderr
