"""
The local Kissmetrics as a process of its own.
"""

import json
import signal
import subprocess
import sys
import urllib.request

import pytest

PROGRAM = """
import sys
from sdkbridge.kissmetrics.server import run
run("127.0.0.1", 0, sys.argv[1], on_ready=lambda url: print(url, flush=True))
"""


def people(url):
    with urllib.request.urlopen(f"{url}/people", timeout=30) as answer:
        return json.load(answer)["people"]


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_until_it_is_told_to_stop(tmp_path, stop):
    """
    It says where it listens once it does, stops cleanly on a signal, and keeps what it was sent.
    """
    seen = []
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path / "kissmetrics.db")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            url = process.stdout.readline().strip()
            seen.append(people(url))
            urllib.request.urlopen(f"{url}/e?_k=key&_p=ann&_n=Visited", timeout=30).close()
            process.send_signal(stop)
            output, errors = process.communicate(timeout=30)

        assert (process.returncode, output, errors) == (0, "", "")

    assert seen[0] == []
    assert seen[1][0]["event_counts"] == {"Visited": 1}
