"""
``sdkbridge replay``, killed at any moment, and then run again on the whole file.

Real processes, a real socket, SIGKILL. The truth is worked out here, from how the calls are made up.
"""

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from identity.simulate import NEVER, SEGMENT_SERVER, Strategy
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.pytest_plugin import RunningKissmetrics
from sdkbridge.strategies import people_under

CUSTOMERS = 40
STRANGERS = 4
EVENTS = ["Opened", "Searched", "Bought"]


@frozen
class Facts:
    """
    What a run comes to, whatever the anonymous ids of its devices are called.
    """

    people: Counter[tuple[frozenset[str], int, frozenset[tuple[str, int]]]]
    aliases: int
    events: int


def calls() -> list[dict[str, Any]]:
    """
    Customers on a phone of their own and on the web, with a second phone and a change of address; strangers.
    """
    lines: list[dict[str, Any]] = []
    for n in range(CUSTOMERS):
        name, new_name, web = f"c{n}@example.com", f"c{n}@new.example", f"web-{n}"
        phone = {"device": f"phone-{n}"}
        lines += [
            {"type": "track", "event": "Opened", **phone},
            {"type": "identify", "userId": name, "traits": {"n": n}, **phone},
            {"type": "track", "event": "Bought", "properties": {"revenue": 5 + n}, **phone},
            {"type": "track", "event": "Searched", "anonymousId": web},
            {"type": "identify", "userId": name, "anonymousId": web},
            {"type": "alias", "previousId": name, "userId": new_name},
            {"type": "track", "event": "Bought", "userId": new_name, "anonymousId": web},
            {"type": "reset", **phone},
            {"type": "identify", "userId": new_name, **phone},
        ]
    lines += [{"type": "track", "event": "Opened", "device": f"lost-phone-{n}"} for n in range(STRANGERS)]
    return [
        {"messageId": f"m{number}", "timestamp": f"2026-04-01T10:{number % 60:02d}:00Z", **line}
        for number, line in enumerate(lines)
    ]


def truth() -> Facts:
    """
    The people, aliases and events that the calls amount to.
    """
    customer_events = frozenset({("Opened", 1), ("Bought", 2), ("Searched", 1)})
    people = Counter(
        (frozenset({f"c{n}@example.com", f"c{n}@new.example", f"web-{n}"}), 2, customer_events)
        for n in range(CUSTOMERS)
    )
    people[frozenset(), 1, frozenset({("Opened", 1)})] = STRANGERS
    return Facts(people=people, aliases=4 * CUSTOMERS, events=4 * CUSTOMERS + STRANGERS)


def facts(kissmetrics: LocalKissmetrics) -> Facts:
    people: Counter[Any] = Counter()
    for person in kissmetrics.people():
        known = frozenset(name for name in person.identities if "@" in name or name.startswith("web-"))
        events = frozenset(person.event_counts.items())
        people[known, len(person.identities) - len(known), events] += 1
    lines = list(kissmetrics.export())
    return Facts(
        people=people,
        aliases=sum("_p2" in line for line in lines),
        events=sum("_n" in line for line in lines),
    )


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("calls") / "calls.ndjson"
    path.write_text("".join(json.dumps(call) + "\n" for call in calls()))
    return path


def start_replay(file: Path | str, database: Path, url: str) -> subprocess.Popen[bytes]:
    """
    Play a file, or with ``-`` what is written to the process.
    """
    command = [
        sys.executable,
        "-m",
        "sdkbridge",
        "replay",
        str(file),
        "--db",
        str(database),
        "--url",
        url,
        "--json",
    ]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_undisturbed(file: Path, tmp_path: Path, kissmetrics: RunningKissmetrics) -> None:
    """
    Left alone, the replay reports every line, and the people are the true ones.
    """
    process = start_replay(file, tmp_path / "bridge.db", kissmetrics.url)
    out, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (0, b"")
    assert json.loads(out)["accepted"] == len(calls())
    assert facts(kissmetrics.local) == truth()


@pytest.mark.parametrize("seed", range(20))
def test_killed_and_played_again(seed: int, file: Path, tmp_path: Path, kissmetrics: RunningKissmetrics) -> None:
    """
    Killed at a random moment and played again whole: the same people, nothing lost, nothing counted twice.
    """
    chance = random.Random(seed)
    database = tmp_path / "bridge.db"
    # Half are killed while calls are being accepted, half while requests are being delivered.
    accepting = seed % 2 == 0
    process = start_replay("-" if accepting else file, database, kissmetrics.url)
    if accepting:
        # All but the last line: however fast it is, it is not done before it is killed.
        assert process.stdin is not None
        process.stdin.writelines(file.read_bytes().splitlines(keepends=True)[:-1])
        process.stdin.flush()
    enough = chance.randrange(1, len(calls()) * 3 // 4) if accepting else chance.randrange(0, 11 * CUSTOMERS)
    while (
        process.poll() is None
        and (accepted(database) if accepting else kissmetrics.local.diagnostics()["received"]) < enough
    ):
        time.sleep(0.001)  # lets it get on
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    if accepting:
        assert 0 < accepted(database) < len(calls()), "killed in the middle"

    again = start_replay(file, tmp_path / "bridge.db", kissmetrics.url)
    out, err = again.communicate(timeout=60)
    report = json.loads(out)

    assert (again.returncode, err) == (0, b"")
    assert report["accepted"] + report["repeated"] == len(calls())
    assert report["outbox"]["waiting"] == 0
    assert facts(kissmetrics.local) == truth()


def accepted(database: Path) -> int:
    """
    How many calls are committed to a bridge's file.
    """
    try:
        with closing(sqlite3.connect(database.as_uri() + "?mode=ro", uri=True)) as connection:
            (count,) = connection.execute("SELECT count(*) FROM accepted_message").fetchone()
    except sqlite3.OperationalError:
        return 0
    return int(count)


# What squishes most: an alias for each identify, and everybody joined with everybody afterwards.
@pytest.mark.parametrize("strategy", [NEVER, SEGMENT_SERVER], ids=lambda strategy: strategy.name)
def test_the_comparison_would_notice(strategy: Strategy) -> None:
    """
    A run that never aliases, or one that squishes everybody, is not taken for the truth.
    """
    kissmetrics = people_under(strategy, calls(), received=1_775_000_000.0)
    if strategy is SEGMENT_SERVER:
        for n in range(CUSTOMERS):
            kissmetrics.receive("/a", {"_k": "comparison", "_p": "c0@example.com", "_n": f"c{n}@example.com"})

    assert facts(kissmetrics) != truth()
