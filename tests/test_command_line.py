"""
The command line, run as a user runs it: real processes, real files, real sockets.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import pytest

from sdkbridge.pytest_plugin import RunningKissmetrics

FIXTURES = Path(__file__).parent.parent / "fixtures"
RECORDED = FIXTURES / "recorded" / "segment-analytics-python-2.4.0.ndjson"


def run(*arguments: object, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sdkbridge", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
        check=False,
    )


def lines(*messages: Any) -> str:
    return "".join(json.dumps(message) + "\n" for message in messages)


def get(url: str) -> Any:
    with build_opener(ProxyHandler({})).open(url, timeout=10) as answer:
        return json.loads(answer.read())


@pytest.fixture
def local() -> Iterator[str]:
    """
    The URL of ``sdkbridge kissmetrics``, running as a process of its own.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "sdkbridge", "kissmetrics", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=20)
    assert (process.returncode, rest) == (0, "")


class TestReplay:
    """
    sdkbridge replay.
    """

    def test_what_segments_library_sent_is_two_people(self, local: str, tmp_path: Path) -> None:
        """
        Thirteen recorded calls, explicit nulls and all: two people, of three and of two identities.
        """
        done = run("replay", RECORDED, "--db", tmp_path / "b.db", "--url", local, "--json")
        people = get(f"{local}/people")["people"]

        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["verdicts"] == {"merge": 3}
        assert sorted(person["identities"] for person in people) == [
            ["12345", "92fh49fqh9849hf"],
            ["7C9E6679-7425-40DE-944B-E07FC1F90AE7", "ann@new.example", "ann@old.example"],
        ]
        (looked_up,) = get(f"{local}/people?identity=ann@new.example")["people"]
        assert looked_up["event_counts"] == {
            "Application Installed": 1,
            "Viewed Welcome Screen": 1,
            "Order Completed": 1,
            "Viewed Merging Page": 1,
            "Experiment Viewed": 1,
            "Signed Up": 1,
        }

    def test_a_second_time_everything_is_repeated(self, kissmetrics: RunningKissmetrics, tmp_path: Path) -> None:
        """
        Playing a file again does nothing, and the report says so.
        """
        arguments = ("replay", RECORDED, "--db", tmp_path / "b.db", "--url", kissmetrics.url, "--json")
        first, second = (json.loads(run(*arguments).stdout) for _ in range(2))

        assert (first["accepted"], first["repeated"]) == (13, 0)
        assert (second["accepted"], second["repeated"], second["requests"]) == (0, 13, 0)

    def test_bad_lines_are_reported_by_number_and_the_rest_go_on(
        self, kissmetrics: RunningKissmetrics, tmp_path: Path
    ) -> None:
        """
        Each refused line is told with its reason; exit code 3.
        """
        file = tmp_path / "calls.ndjson"
        good = {"type": "track", "userId": "A", "event": "Paid", "messageId": "m1"}
        deep = "[" * 100_000 + "]" * 100_000
        file.write_bytes(
            b"\xef\xbb\xbf" + lines(good).encode()
            + b"not json\n\n\xff\xfe\n" + deep.encode() + b"\n" + b'{"type": 5}\n'
            + lines({"type": "alias", "previousId": "null", "userId": "B"}, [1], good).encode()
            + b'{"type": "track", "event": "Paid", "userId": ' + b"9" * 5000 + b"}\n"
        )  # fmt: skip
        done = run("replay", file, "--db", tmp_path / "b.db", "--url", kissmetrics.url, "--json")
        report = json.loads(done.stdout)

        assert done.returncode == 3
        assert (report["accepted"], report["repeated"]) == (1, 1)
        assert [(r["line"], r["reason"]) for r in report["refused"]] == [
            (2, "json"),
            (4, "json"),
            (5, "json"),
            (6, "type"),
            (7, "placeholder"),
            (8, "type"),
            (10, "json"),
        ]
        shown = run("replay", file, "--db", tmp_path / "b.db", "--url", kissmetrics.url)
        assert "line 7: alias was refused: 'null' stands for nobody" in shown.stderr

    def test_device_lines_go_through_the_session(self, kissmetrics: RunningKissmetrics, tmp_path: Path) -> None:
        """
        A line with a device, resets included, even without message ids, and twice: one alias a session.
        """
        file = tmp_path / "calls.ndjson"
        phone = {"device": "iphone"}
        file.write_text(
            lines(
                {"type": "track", "event": "Opened", "once": "install", **phone},
                {"type": "identify", "userId": "A", **phone},
                {"type": "reset", **phone},
                {"type": "track", "event": "Opened", "once": "install", **phone},
                {"type": "track", "event": "Opened", **phone},
                {"type": "identify", "userId": "B", **phone},
            )
        )
        for _ in range(2):
            done = run("replay", file, "--db", tmp_path / "b.db", "--url", kissmetrics.url)
            assert done.returncode == 0, done.stderr
        people = kissmetrics.people

        assert sorted(sorted(set(person.identities) & {"A", "B"}) for person in people) == [["A"], ["B"]]
        assert [len(person.identities) for person in people] == [2, 2]
        assert [dict(person.event_counts) for person in people] == [{"Opened": 1}] * 2

    def test_standard_input(self, kissmetrics: RunningKissmetrics, tmp_path: Path) -> None:
        """
        - reads a pipe; lines of a pipe without message ids are new each time.
        """
        call = lines({"type": "track", "userId": "A", "event": "Paid"})
        arguments = ("replay", "-", "--db", tmp_path / "b.db", "--url", kissmetrics.url, "--json")
        reports = [json.loads(run(*arguments, stdin=call).stdout) for _ in range(2)]

        assert [report["accepted"] for report in reports] == [1, 1]

    def test_what_is_left_is_an_error_unless_nobody_waits(
        self, kissmetrics: RunningKissmetrics, tmp_path: Path
    ) -> None:
        """
        Exit code 1 while Kissmetrics is away; --no-wait leaves delivery to the next run, which does it.
        """
        arguments = ("replay", RECORDED, "--db", tmp_path / "b.db")
        away = ("--url", "http://127.0.0.1:9", "--patience", "0.5")
        left = run(*arguments, *away, "--json")
        unwaited = run(*arguments, *away, "--no-wait")
        after = run(*arguments, "--url", kissmetrics.url, "--json")

        assert (left.returncode, json.loads(left.stdout)["outbox"]["waiting"]) == (1, 16)
        assert json.loads(left.stdout)["last_error"] == "no answer (ConnectError)"
        assert unwaited.returncode == 0
        assert (after.returncode, json.loads(after.stdout)["outbox"]["delivered"]) == (0, 16)
        assert len(kissmetrics.people) == 2

    def test_a_key_is_needed_away_from_this_machine(self, tmp_path: Path) -> None:
        """
        Nothing is read before the key is there; SDKBRIDGE_API_KEY is one.
        """
        arguments = ("replay", RECORDED, "--db", tmp_path / "b.db", "--url", "https://kissmetrics.invalid")
        without = run(*arguments)
        with_key = run(*arguments, "--no-wait", SDKBRIDGE_API_KEY="some-key")

        assert (without.returncode, with_key.returncode) == (2, 0)
        places = "--api-key, SDKBRIDGE_API_KEY, or api_key in sdkbridge.toml"
        assert f"a key is needed for https://kissmetrics.invalid: {places}" in without.stderr

    def test_a_password_in_a_url_is_not_shown(self, tmp_path: Path) -> None:
        """
        Nor where the key is what is missed first.
        """
        done = run("replay", RECORDED, "--db", tmp_path / "b.db", "--url", "https://kim:hush@kissmetrics.invalid")

        assert done.returncode == 2
        assert "hush" not in done.stderr

    @pytest.mark.parametrize("url", ["nowhere", "ftp://127.0.0.1"])
    def test_a_url_that_is_none_is_wrong_usage(self, url: str, tmp_path: Path) -> None:
        """
        The mistake is named, and no file is left behind.
        """
        done = run("replay", RECORDED, "--db", tmp_path / "b.db", "--url", url, "--api-key", "k")

        assert done.returncode == 2
        assert "url (argument) must begin with" in done.stderr
        assert not (tmp_path / "b.db").exists()


class TestMap:
    """
    sdkbridge map.
    """

    def test_one_line_out_for_each_line_in(self) -> None:
        """
        Requests and warnings, or a refusal; the identities of one line mean nothing to the next.
        """
        identify = {"type": "identify", "userId": "A", "anonymousId": "X", "traits": {}}
        done = run(
            "map",
            "--api-key",
            "K",
            stdin=lines(identify, {**identify, "userId": "B"}, {**identify, "userId": "null"}, {"type": "track"}),
        )
        answers = [json.loads(line) for line in done.stdout.splitlines()]

        assert done.returncode == 3
        assert [[(r["method"], r["path"], r["params"]["_k"]) for r in a["requests"]] for a in answers] == [
            [("GET", "/a", "K"), ("GET", "/s", "K")],
            [("GET", "/a", "K"), ("GET", "/s", "K")],
            [],
            [],
        ]
        assert answers[0]["requests"][0]["params"] == {"_k": "K", "_p": "A", "_n": "X"}
        assert answers[2]["warnings"] == ["placeholder: userId 'null' stands for nobody and counts as absent"]
        assert answers[3]["refused"] == {"field": "event", "reason": "required", "problem": "event is required"}

    def test_options_of_the_profile(self) -> None:
        """
        --set changes one option; values are true, false, numbers, JSON or a plain text.
        """
        call = lines(
            {"type": "track", "userId": "A", "event": "Paid", "timestamp": "2026", "properties": {"a": [1]}}
        )
        prefixed = json.loads(run("map", "--api-key", "K", stdin=call).stdout)
        bare = json.loads(run("map", "--api-key", "K", "--set", "prefix_properties=false", stdin=call).stdout)

        assert prefixed["requests"][0]["params"]["Paid - a"] == "1"
        assert bare["requests"][0]["params"]["a"] == "1"

    @pytest.mark.parametrize(
        "wrong", ["nonsense=1", "prefix_properties", "prefix_properties=maybe", "product_time_step=x"]
    )
    def test_a_wrong_option_is_wrong_usage(self, wrong: str) -> None:
        """
        An unknown option, or a value of the wrong type, says so before anything is mapped.
        """
        done = run("map", "--api-key", "K", "--set", wrong)

        assert done.returncode == 2
        assert wrong.partition("=")[0] in done.stderr

    def test_a_switched_off_call_maps_to_nothing(self) -> None:
        """
        Integrations are honoured here too.
        """
        call = lines({"type": "track", "userId": "A", "event": "Paid", "integrations": {"All": False}})

        assert json.loads(run("map", "--api-key", "K", stdin=call).stdout)["requests"] == []


class TestStatus:
    """
    sdkbridge status.
    """

    def test_counts_after_a_replay(self, kissmetrics: RunningKissmetrics, tmp_path: Path) -> None:
        """
        Identities, people, links by verdict, and the outbox.
        """
        run("replay", RECORDED, "--db", tmp_path / "b.db", "--url", kissmetrics.url)
        done = run("status", "--db", tmp_path / "b.db", "--json")

        assert json.loads(done.stdout) == {
            "identities": 5,
            "people": 2,
            "links": {"merge": 3, "known": 0, "hold": 0, "refuse": 0},
            "outbox": {"waiting": 0, "delivered": 16, "dead": 0},
        }

    def test_a_file_that_is_not_there_is_not_made(self, tmp_path: Path) -> None:
        """
        Asking for the status of a typo creates nothing.
        """
        done = run("status", "--db", tmp_path / "typo.db")

        assert done.returncode == 2
        assert list(tmp_path.iterdir()) == []

    def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        """
        Somebody's notes are refused in one sentence.
        """
        (tmp_path / "notes.txt").write_text("notes " * 200)
        done = run("status", "--db", tmp_path / "notes.txt")

        assert done.returncode == 1
        assert "notes.txt" in done.stderr
        assert "Traceback" not in done.stderr


class TestDemo:
    """
    sdkbridge demo.
    """

    def test_the_people_are_those_of_the_story(self) -> None:
        """
        Exit code 0, and the comparison with the other strategies.
        """
        done = run("demo", "--json")
        shown = json.loads(done.stdout)

        assert (done.returncode, done.stderr, shown["equal"]) == (0, "", True)
        assert {strategy: len(people) for strategy, people in shown["people"].items()} == {
            "never": 13,
            "segment-server": 3,
            "guarded": 7,
        }
        assert {(v["verdict"], v["reason"]) for v in shown["verdicts"]} >= {
            ("merge", "first_identify"),
            ("merge", "identity_change"),
            ("hold", "second_identity"),
            ("refuse", "shared_device"),
            ("refuse", "placeholder"),
        }

    def test_for_people_to_read(self) -> None:
        """
        Verdicts, requests, people and the comparison, in this order.
        """
        done = run("demo")
        parts = [
            "What the identity graph decided",
            "What Kissmetrics was told",
            "people that the local",
            "The truth,",
        ]
        places = [done.stdout.index(part) for part in parts]

        assert done.returncode == 0
        assert places == sorted(places)

    def test_a_story_that_is_not_told_truly_fails(self, tmp_path: Path) -> None:
        """
        When the truth says otherwise, the exit code is 1: the demo checks what it shows.
        """
        program = (
            "import sys; from attrs import evolve; import sdkbridge.stories as stories\n"
            "load = stories.load_story\n"
            "stories.load_story = lambda name: evolve(load(name), people=load(name).people[1:])\n"
            "from sdkbridge.cli import main; main(['demo'])"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

        assert done.returncode == 1
        assert "NOT those of the story" in done.stdout


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["replay", "--help"], ["demo", "-h"]])
def test_help_is_there(arguments: list[str]) -> None:
    """
    Each command explains itself, and ``python -m sdkbridge`` is the same program.
    """
    done = run(*arguments)

    assert done.returncode == 0
    assert "sdkbridge" in done.stdout


@pytest.mark.parametrize("arguments", [["--version"], ["map", "--help"], ["map", "--api-key", "K"]])
def test_a_command_imports_nothing_that_it_does_not_need(arguments: list[str]) -> None:
    """
    What only other commands need takes longer to import than mapping a call.
    """
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "sdkbridge", *arguments],
        input=lines({"type": "track", "userId": "ann", "event": "Paid"}),
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}

    assert "sdkbridge.cli" in imported
    assert (
        imported & {"httpx", "rich", "asyncio", "sqlite_utils", "sdkbridge.bridge", "sdkbridge.cli.replay"}
        == set()
    )


def test_a_port_that_is_taken_is_one_sentence(kissmetrics: RunningKissmetrics) -> None:
    """
    No traceback, and exit code 1.
    """
    done = run("kissmetrics", "--port", kissmetrics.url.rsplit(":", 1)[1])

    assert done.returncode == 1
    assert "cannot listen" in done.stderr
    assert "Traceback" not in done.stderr
