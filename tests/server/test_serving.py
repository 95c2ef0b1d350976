"""
``sdkbridge serve``: a process of its own, started, stopped and killed.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from functools import partial
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from running_server import BASIC, WRITE_KEY, Running, wait_until
from serving_process import STARTS_S, Process, started

from sdkbridge import Bridge
from sdkbridge.cli import main
from sdkbridge.pytest_plugin import RunningKissmetrics

TRACK = {"type": "track", "event": "E", "userId": "ann"}


@pytest.fixture
def one_project(tmp_path: Path, kissmetrics: RunningKissmetrics) -> list[str]:
    return [
        *("--db", str(tmp_path / "shop.db"), "--write-key", WRITE_KEY),
        *("--api-key", "shop-api-key", "--url", kissmetrics.url),
    ]


def waiting(path: Path) -> int:
    with Bridge(path, api_key="key", deliver=False) as bridge:
        status = bridge.status()
        return status.outbox.waiting + status.outbox.delivered


def test_sigterm_ends_it_well(one_project: list[str], kissmetrics: RunningKissmetrics, tmp_path: Path) -> None:
    """
    What was answered with 200 is on disk, the log is JSON without keys or people, and the exit code is 0.
    """
    with started(*one_project) as (process, server):
        answers = [server.post("/v1/batch", {"batch": [TRACK | {"event": f"E{number}"}]}) for number in range(20)]
        refused = server.post("/v1/track", {"userId": "ann@example.com"})
        settings = server.get(f"/v1/projects/{WRITE_KEY}/settings")
        code = process.end()
        lines = [json.loads(line) for line in process.log]

    assert [answer.status for answer in answers] == [200] * 20
    assert (refused.status, settings.status, code) == (400, 200, 0)
    assert waiting(tmp_path / "shop.db") == 20
    assert {"time", "level", "logger", "event"} <= set(lines[0])
    assert {"refused": 1, "project": "default", "code": "required"}.items() <= next(
        line for line in lines if line["event"] == "refused calls"
    ).items()
    for secret in (WRITE_KEY, "shop-api-key", "ann@example.com"):
        assert secret not in "".join(process.log)


def test_what_is_on_its_way_is_answered_before_it_ends(one_project: list[str], tmp_path: Path) -> None:
    """
    A request whose body is still coming when SIGTERM arrives is read, committed and answered.
    """
    body = json.dumps({"batch": [TRACK]}).encode()
    with started(*one_project) as (process, server):
        address = urlsplit(server.url)
        with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
            head = (
                f"POST /v1/b HTTP/1.1\r\nHost: x\r\nAuthorization: {BASIC}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            connection.sendall(head.encode() + body[:10])
            # Answered on another connection, so the first one's head has been read by now.
            assert server.get("/healthz").status == 200
            process.process.send_signal(signal.SIGTERM)
            wait_until(lambda: any("Shutting down" in line for line in process.log), what="it is stopping")
            connection.sendall(body[10:])
            answer = connection.recv(65536)
        code = process.end()

    assert answer.startswith(b"HTTP/1.1 200")
    assert code == 0
    assert waiting(tmp_path / "shop.db") == 1


def test_a_killed_server_has_kept_what_it_answered(
    one_project: list[str], tmp_path: Path, kissmetrics: RunningKissmetrics
) -> None:
    """
    In the middle of a stream of batches: each that was answered with 200 arrives, once, and whole.
    """
    answered: list[int] = []
    with started(*one_project) as (process, server):

        def send(client: int) -> None:
            with suppress(OSError):
                for number in range(10_000):
                    batch = [TRACK | {"userId": f"user-{client}-{number}-{part}"} for part in range(5)]
                    if server.post("/v1/batch", {"batch": batch}).status == 200:
                        answered.append(client * 10_000 + number)

        clients = [threading.Thread(target=send, args=[client]) for client in range(3)]
        for client in clients:
            client.start()
        wait_until(lambda: len(answered) >= 30, what="thirty batches are answered")
        process.end(signal.SIGKILL)
        for client in clients:
            client.join(20)
    with Bridge(tmp_path / "shop.db", api_key="shop-api-key", url=kissmetrics.url) as bridge:
        assert bridge.flush(60).waiting == 0
    parts: dict[int, int] = {}
    for person in kissmetrics.people:
        client, number, _ = map(int, person.identities[0].removeprefix("user-").split("-"))
        parts[client * 10_000 + number] = parts.get(client * 10_000 + number, 0) + 1
        assert person.event_counts == {"E": 1}

    assert set(answered) <= set(parts)
    assert set(parts.values()) == {5}


@pytest.fixture
def two_workers(tmp_path: Path, kissmetrics: RunningKissmetrics) -> list[str]:
    config = tmp_path / "server.toml"
    config.write_text(
        f'[projects.shop]\nwrite_keys = ["{WRITE_KEY}"]\napi_key = "shop-api-key"\n'
        f'database = "shop.db"\nurl = "{kissmetrics.url}"\n'
    )
    return ["--config", str(config), "--workers", "2"]


def serving(process: Process) -> list[int]:
    """
    The worker processes that were started so far, by what the log says.
    """
    started = "Started server process ["
    return [int(event.split("[")[1].rstrip("]")) for event in process.events() if event.startswith(started)]


def accepted(server: Running) -> float:
    lines = server.get("/metrics").body.decode().splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith("sdkbridge_calls_accepted_total"))


def test_several_workers_share_a_port_a_database_and_their_counts(
    two_workers: list[str], kissmetrics: RunningKissmetrics
) -> None:
    """
    Each of them takes calls, each call counts once, and whoever of them is asked answers for both.
    """
    with started(*two_workers) as (process, server):
        batches = [[TRACK | {"userId": f"user-{number}", "messageId": f"m-{number}"}] for number in range(20)]
        statuses = [server.post("/v1/batch", {"batch": batch}).status for batch in batches * 2]
        counts = {accepted(server) for _ in range(10)}
        wait_until(lambda: len(kissmetrics.requests) == 20, what="all calls have arrived", timeout_s=60)
        code = process.end()

    assert statuses == [200] * 40
    assert counts == {20}
    assert len(kissmetrics.people) == 20
    assert code == 0


def test_workers_take_one_project_by_options(one_project: list[str], kissmetrics: RunningKissmetrics) -> None:
    """
    And the token: both keep the pages shut to whoever does not show it.
    """
    with started(*one_project, "--workers", "2", "--token", "the-token") as (process, server):
        statuses = {server.post("/v1/track", TRACK).status for _ in range(10)}
        shut = {server.get("/metrics").status for _ in range(10)}
        count = server.get("/metrics", Authorization="Bearer the-token").status
        wait_until(lambda: kissmetrics.requests, what="the calls arrive", timeout_s=60)
        code = process.end()

    assert (statuses, shut, count, code) == ({200}, {401}, 200, 0)
    assert "the-token" not in "".join(process.log)


def test_a_worker_that_dies_is_replaced(two_workers: list[str], kissmetrics: RunningKissmetrics) -> None:
    """
    Its calls and its counts are kept, and all end well together.
    """

    def take(number: int) -> bool:
        with suppress(OSError, HTTPException):
            batch = [TRACK | {"userId": f"user-{number}", "messageId": f"m-{number}"}]
            return server.post("/v1/batch", {"batch": batch}).status == 200
        return False

    with started(*two_workers) as (process, server):
        wait_until(lambda: len(serving(process)) == 2, what="both serve", timeout_s=STARTS_S)
        assert all(take(number) for number in range(20))
        os.kill(serving(process)[0], signal.SIGKILL)
        # As SDKs do: whoever was cut off sends again.
        for number in range(20, 40):
            wait_until(partial(take, number), what="a call is taken")
        wait_until(lambda: len(serving(process)) == 3, what="a third serves", timeout_s=STARTS_S)
        counts = {accepted(server) for _ in range(10)}
        wait_until(lambda: len(kissmetrics.requests) >= 40, what="all calls have arrived", timeout_s=60)
        code = process.end()

    assert len(counts) == 1
    assert 39 <= counts.pop() <= 40
    assert [person.event_counts for person in kissmetrics.people] == [{"E": 1}] * 40
    assert code == 0


def test_workers_do_not_outlive_the_process_that_was_started(two_workers: list[str]) -> None:
    """
    Killed at once, it leaves nobody behind who holds the port.
    """
    with started(*two_workers) as (process, server):
        wait_until(lambda: len(serving(process)) == 2, what="both serve", timeout_s=STARTS_S)
        address = urlsplit(server.url)
        process.process.kill()

        def is_free() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex((address.hostname, address.port)) != 0

        wait_until(is_free, what="the port is free again", timeout_s=STARTS_S)


def test_the_demo_plays_a_story(tmp_path: Path) -> None:
    """
    One command: a server, a Kissmetrics on this machine, and the story's people in it; then a link to decide.
    """
    with started("--demo") as (process, server):
        wait_until(lambda: any("/people" in line for line in process.log), what="it says where the people are")
        people = next(line.split()[1] for line in process.log if "/people" in line)
        kissmetrics = Running(people.removesuffix("/people"), None)

        def told() -> bool:
            return any(
                {"ann@old.example", "ann@new.example"} <= set(person["identities"])
                for person in kissmetrics.get("/people").json["people"]
            )

        wait_until(told, what="Ann's two addresses are one person", timeout_s=60)
        decide = "/pages/demo/decide"
        wait_until(lambda: b"Are these one person?" in server.get(decide).body, what="a link waits", timeout_s=60)
        ready = server.get("/readyz")
        code = process.end()

    assert (ready.status, code) == (200, 0)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ([], 2, "give --config, or --db, --write-key and --api-key, or --demo"),
        (["--db", "x.db", "--write-key", "k"], 2, "give --config"),
        (["--config", "missing.toml"], 1, "missing.toml cannot be read"),
        (["--config", "missing.toml", "--db", "x.db"], 2, "leave out --db"),
        (["--demo", "--host", "0.0.0.0"], 2, "this machine only"),
        (["--demo", "--workers", "2"], 2, "settings of its own"),
        (["--demo", "--db", "x.db"], 2, "settings of its own"),
        (["--workers", "2", "--db", ":memory:", "--write-key", "k", "--api-key", "a"], 1, "must be a file"),
        (["--db", ".", "--write-key", "k", "--api-key", "a"], 2, "is a directory"),
        (["--db", "no/x.db", "--write-key", "k", "--api-key", "a"], 1, "cannot be made"),
        (["--db", "x.db", "--write-key", "a b", "--api-key", "a"], 1, "write_keys must be"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(
    arguments: list[str], code: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    With an exit code, and without a traceback.
    """
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SDKBRIDGE_")]:
        monkeypatch.delenv(name)
    done = CliRunner().invoke(main, ["serve", *arguments])

    assert (done.exit_code, done.stdout) == (code, "")
    assert told in " ".join(done.stderr.split())


def test_without_the_extra_it_says_what_to_install() -> None:
    """
    And the other commands go on working.
    """
    program = "import sys; sys.modules['orjson'] = None; from sdkbridge.cli import main; main(['serve', '--demo'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 1
    assert "pip install 'sdkbridge[server]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("token", [[], ["--token", "the-token"]])
def test_a_port_that_is_taken_and_an_open_host_are_told(token: list[str], one_project: list[str]) -> None:
    """
    Whoever opens the server to other machines without a token is told what they can see there.
    """
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        address = ["--host", "0.0.0.0", "--port", str(taken.getsockname()[1])]
        done = subprocess.run(
            [sys.executable, "-m", "sdkbridge", "serve", *one_project, *address, *token],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    assert done.returncode == 1
    assert f"cannot listen on 0.0.0.0:{address[-1]}" in done.stderr
    assert ("Warning: 0.0.0.0 can be reached from other machines" in done.stderr) == (not token)
