"""
The questions of a Kissmetrics user, export and import, on the command line.
"""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from identity.database import Database
from sdkbridge import Bridge
from sdkbridge.kissmetrics.people import LocalKissmetrics, Rules
from sdkbridge.kissmetrics.server import KissmetricsServer
from sdkbridge.pytest_plugin import RunningKissmetrics

KEY = "f1d2d2f924e986ac86fdf7b36c94bcdf32beec15"
LINES = [
    {"_p": "phone", "_t": 1_600_000_000, "_n": "Visited", "plan": "free"},
    {"_p": "phone", "_t": 1_600_000_001, "_p2": "ann@example.com"},
    {"_p": "ann@example.com", "_t": 1_600_000_100, "_n": "Bought", "plan": "pro", "amount": 5},
    {"_p": "bob [red] :smile:", "_t": 1_600_000_200, "_n": "Visited"},
]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sdkbridge", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def answer(*arguments: object) -> object:
    done = run(*arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    file = tmp_path / "lines.json"
    file.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    return file


@pytest.fixture
def filled(tmp_path: Path, lines: Path) -> Path:
    """
    A file of a local Kissmetrics with two people.
    """
    path = tmp_path / "kissmetrics.db"
    database = Database(path)
    with lines.open("rb") as file:
        LocalKissmetrics(database).import_lines(file, api_key=KEY)
    database.close()
    return path


class TestPeople:
    """
    sdkbridge people.
    """

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            (("search", "ANN"), ["ann@example.com", "phone", "1 × Bought", "plan: pro"]),
            (("timeline", "phone"), ["2020-09-13 12:26:40", "Visited", "plan: free", "ann@example.com", "Bought"]),
            (("property", "phone", "plan"), ["first", "free", "last", "pro", "2020-09-13 12:28:20"]),
            (("property", "phone", "plan", "--event", "visited"), ["at event", "free"]),
            (("funnel", "Visited", "Bought", "--within", "100"), ["Visited", "2", "Bought", "1", "50.0%"]),
            (("counts", "plan"), ["pro", "no value"]),
        ],
        ids=lambda value: value[0] if isinstance(value, tuple) else "",
    )
    def test_a_table_to_read(self, filled: Path, arguments: tuple[str, ...], expected: list[str]) -> None:
        """
        Each question has an answer that a person can read.
        """
        done = run("people", *arguments, "--db", filled)

        assert (done.returncode, done.stderr) == (0, "")
        assert [text for text in expected if text not in done.stdout] == []

    def test_a_file_and_a_running_one_answer_alike(self, filled: Path) -> None:
        """
        The same question to a file and to the server on it: the same JSON.
        """
        questions = [
            ("search", "o", "--limit", "1"),
            ("property", "phone", "plan"),
            ("property", "phone", "plan", "--event", "Bought", "--occurrence", "first"),
            ("funnel", "Visited", "Bought"),
            ("counts", "plan", "--event", "Visited", "--value", "at_event"),
            ("search", "o", "--key", "another"),
        ]
        database = Database(filled)
        with KissmetricsServer(LocalKissmetrics(database)) as server:
            answers = [
                (answer("people", *question, "--db", filled), answer("people", *question, "--url", server.url))
                for question in questions
            ]
        database.close()

        assert [of_file for of_file, _ in answers] == [of_server for _, of_server in answers]
        assert answers[0][0]["more"] is True
        assert answers[-1][0] == {"people": [], "more": False}

    def test_a_time_line_is_a_line_each(self, kissmetrics: RunningKissmetrics, lines: Path) -> None:
        """
        With --json, what somebody did comes line by line.
        """
        with lines.open("rb") as file:
            kissmetrics.local.import_lines(file, api_key=KEY)
        done = run("people", "timeline", "phone", "--url", kissmetrics.url, "--json")
        happenings = [json.loads(line) for line in done.stdout.splitlines()]

        assert [(one["name"], one["identity"]) for one in happenings if one["kind"] == "event"] == [
            ("Visited", "phone"),
            ("Bought", "ann@example.com"),
        ]

    def test_there_are_more(self, filled: Path) -> None:
        """
        A list that was cut says so.
        """
        cut = run("people", "search", "o", "--limit", "1", "--db", filled)
        whole = run("people", "search", "o", "--limit", "2", "--db", filled)

        assert "--limit shows more" in cut.stderr
        assert whole.stderr == ""

    def test_nothing_long_is_cut(self, kissmetrics: RunningKissmetrics) -> None:
        """
        A value that is longer than the line is folded, to its last letter.
        """
        value = "".join(chr(ord("a") + place % 26) for place in range(500))
        kissmetrics.local.receive("/s", {"_k": KEY, "_p": "ann", "note": value})
        shown = run("people", "search", "ann", "--url", kissmetrics.url).stdout

        assert value in "".join(line.split("│")[3].strip() for line in shown.splitlines() if "│" in line).replace(
            " ", ""
        )

    def test_an_identity_is_no_command_to_the_terminal(self, kissmetrics: RunningKissmetrics) -> None:
        """
        Markup is shown as it is, and what would clear the screen or fake a line is escaped.
        """
        for identity in ("bob [red] :smile:", "eve\x1b[2J", "mallory\nann@example.com"):
            kissmetrics.local.receive("/e", {"_k": KEY, "_p": identity, "_n": "Visited"})
        shown = [run("people", "search", name, "--url", kissmetrics.url).stdout for name in ("bob", "eve", "mal")]

        assert "bob [red] :smile:" in shown[0]
        assert r"eve\x1b[2J" in shown[1]
        assert "\x1b[2J" not in shown[1]
        assert r"mallory\nann@example.com" in shown[2]

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("search", "zz"), "Nobody was found."),
            (("timeline", "zz"), "Nothing is known of zz."),
            (("property", "zz", "plan"), "zz had no plan."),
            (("counts", "plan", "--event", "zz"), "Nobody is counted."),
        ],
        ids=lambda value: value[0] if isinstance(value, tuple) else "",
    )
    def test_nobody(self, filled: Path, arguments: tuple[str, ...], said: str) -> None:
        """
        Nothing found is an answer, not a failure.
        """
        done = run("people", *arguments, "--db", filled)

        assert (done.returncode, done.stdout.strip(), done.stderr) == (0, said, "")

    @pytest.mark.parametrize(
        ("arguments", "code", "said"),
        [
            (("search", "a"), 2, "either --db or --url"),
            (("search", "a", "--db", "{file}", "--url", "http://127.0.0.1:9"), 2, "either --db or --url"),
            (("search", "a", "--url", "file:///etc/passwd"), 2, "--url must begin with http"),
            (("search", "a", "--url", "http://127.0.0.1:9"), 1, "cannot be asked (URLError)"),
            (("search", "", "--db", "{file}"), 2, "text is required"),
            (("counts", "plan", "--value", "at_event", "--db", "{file}"), 2, "event is required"),
            (("search", "a", "--db", "missing.db"), 2, "does not exist"),
        ],
    )
    def test_a_mistake_is_one_sentence(
        self, filled: Path, arguments: tuple[str, ...], code: int, said: str
    ) -> None:
        """
        What is wrong is named, without a traceback.
        """
        done = run("people", *(one.format(file=filled) for one in arguments))

        assert (done.returncode, done.stdout) == (code, "")
        assert said in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_mistake_is_explained_by_a_server_too(self, kissmetrics: RunningKissmetrics) -> None:
        """
        What the server refuses is wrong usage here.
        """
        done = run("people", "counts", "plan", "--value", "at_event", "--url", kissmetrics.url, "--key", KEY)

        assert (done.returncode, done.stdout) == (2, "")
        assert "event is required with value=at_event" in done.stderr
        assert KEY not in done.stderr

    def test_another_server_is_recognised(self, kissmetrics: RunningKissmetrics) -> None:
        """
        A page that is not there is an error of one sentence.
        """
        done = run("people", "search", "a", "--url", f"{kissmetrics.url}/elsewhere")

        assert done.returncode == 1
        assert "answers: no such page" in done.stderr

    def test_a_bridges_file_is_left_alone(self, tmp_path: Path) -> None:
        """
        A file that is no local Kissmetrics is refused, and no table is made in it.
        """
        path = tmp_path / "bridge.db"
        Bridge(path, api_key=KEY, deliver=False).close()
        done = run("people", "search", "a", "--db", path)
        database = Database(path)
        tables = {
            name for (name,) in database.rows("SELECT name FROM sqlite_master WHERE name LIKE 'kissmetrics%'")
        }

        assert (done.returncode, tables) == (1, set())
        assert "is not the file of a local Kissmetrics" in done.stderr


class TestRules:
    """
    The switches of the local Kissmetrics.
    """

    def test_a_file_keeps_its_rules(self, tmp_path: Path, lines: Path) -> None:
        """
        Filled under one rule it is asked, and filled further, under the same without being told again.
        """
        path = tmp_path / "legacy.db"
        switches = ("--fold-identities", "--duplicate-rule", "legacy", "--replace-in-identities")
        switches += ("--ignore-repeats", 300, "--max-future", 60, "--longest-value", 512, "--history-limit", 1000)
        first = run("import", lines, "--db", path, *switches)
        again = run("import", lines, "--db", path)
        other = run("import", lines, "--db", path, "--duplicate-rule", "current")
        exact = answer("people", "search", "PHONE", "--db", path)
        database = Database(path)
        LocalKissmetrics(
            database,
            rules=Rules(
                fold_identities=True,
                duplicate_rule="legacy",
                replace_in_identities=True,
                ignore_repeats_s=300,
                max_future_s=60,
                longest_value=512,
            ),
        )

        assert (first.returncode, again.returncode, other.returncode) == (0, 0, 1)
        assert "4 stored" in first.stdout
        assert "was filled under other rules" in other.stderr
        assert len(exact["people"]) == 1

    def test_a_server_takes_them(self, tmp_path: Path, lines: Path) -> None:
        """
        ``sdkbridge kissmetrics`` refuses a file that was filled under other rules, before it listens.
        """
        path = tmp_path / "legacy.db"
        run("import", lines, "--db", path, "--duplicate-rule", "legacy")
        done = run("kissmetrics", "--port", "0", "--db", path, "--duplicate-rule", "current")

        assert (done.returncode, done.stdout) == (1, "")
        assert "was filled under other rules" in done.stderr


class TestExchange:
    """
    sdkbridge export and sdkbridge import.
    """

    def test_there_and_back(self, filled: Path, tmp_path: Path) -> None:
        """
        What was exported, imported into a new file and exported again, is the same; so are the people.
        """
        again = tmp_path / "again.db"
        exported = run("export", "--db", filled, "--out", tmp_path / "first", "--lines-per-file", 3)
        files = sorted((tmp_path / "first" / "revisions").iterdir())
        imported = run("import", *files, "--db", again)
        run("export", "--db", again, "--out", tmp_path / "second", "--lines-per-file", 3)
        texts = [
            [path.read_text() for path in sorted((tmp_path / folder).rglob("*.*"))]
            for folder in ("first", "second")
        ]

        assert (exported.returncode, imported.returncode) == (0, 0)
        assert exported.stdout == f"2 files of lines in {tmp_path / 'first' / 'revisions'}\n"
        assert "3 lines, 3 stored" in imported.stdout
        assert len(texts[0]) == 4
        assert texts[0] == texts[1]
        assert [
            answer("people", "search", "o", "--db", path)["people"][0]["identities"] for path in (filled, again)
        ] == [["ann@example.com", "phone"]] * 2

    def test_lines_that_are_refused(self, tmp_path: Path) -> None:
        """
        Each is told with its file, number and reason, the others are taken, and the exit code is 3.
        """
        good, bad = tmp_path / "good.json", tmp_path / "bad.json"
        good.write_text(json.dumps(LINES[0]) + "\n")
        bad.write_bytes(b'nonsense\n\n{"_p": "ann", "_t": 1}\n' + json.dumps(LINES[0]).encode() + b"\n{}\n" * 30)
        done = run("import", good, bad, "--db", tmp_path / "k.db")
        report = run("import", bad, "--db", tmp_path / "k.db", "--json")

        assert (done.returncode, report.returncode) == (3, 3)
        assert "good.json: 1 line, 1 stored" in done.stdout
        assert f"{bad}, line 1: not_json" in done.stderr
        assert "refused in all: " in done.stderr
        shown = json.loads(report.stdout)
        assert (shown["lines"], shown["duplicates"], shown["stored"]) == (33, 1, 0)
        assert shown["examples"][0] == {"line": 1, "reason": "not_json"}
        assert sum(shown["refused"].values()) == 32

    def test_csv(self, tmp_path: Path) -> None:
        """
        A file that ends in .csv is read as Kissmetrics' CSV import.
        """
        file = tmp_path / "import.CSV"
        with file.open("w", newline="") as text:
            csv.writer(text).writerows(
                [
                    ["Identity", "Timestamp", "Event", "Prop:plan"],
                    ["ann", "1600000000", "Bought", "pro"],
                    ["", "1600000000", "Bought", "pro"],
                ]
            )
        done = run("import", file, "--db", tmp_path / "k.db")
        (person,) = answer("people", "search", "ann", "--db", tmp_path / "k.db")["people"]

        assert (done.returncode, person["event_counts"]) == (3, {"Bought": 1})

    @pytest.mark.parametrize(
        ("name", "content", "said"),
        [
            ("wrong.csv", b"Name,When\n", "wrong.csv: "),
            ("latin.csv", b"Identity,Timestamp,Event\n\xff,1,2\n", "latin.csv"),
        ],
    )
    def test_a_file_that_cannot_be_read(self, tmp_path: Path, name: str, content: bytes, said: str) -> None:
        """
        Wrong columns and wrong encoding are one sentence each.
        """
        (tmp_path / name).write_bytes(content)
        done = run("import", tmp_path / name, "--db", tmp_path / "k.db")

        assert done.returncode == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr

    def test_the_key_chooses_the_product(self, lines: Path, tmp_path: Path) -> None:
        """
        Two keys are two worlds, and a blank one is none.
        """
        for key in ("one", "two"):
            run("import", lines, "--db", tmp_path / "k.db", "--key", key)
        found = [
            len(answer("people", "search", "o", "--db", tmp_path / "k.db", *key)["people"])
            for key in ((), ("--key", "one"), ("--key", "three"))
        ]
        blank = run("import", lines, "--db", tmp_path / "k.db", "--key", " ")

        assert found == [4, 2, 0]
        assert blank.returncode == 2
        assert "--key must not be blank" in blank.stderr

    def test_an_export_is_not_written_over_another(self, filled: Path, tmp_path: Path) -> None:
        """
        A folder with more revisions than there are to write holds somebody else's.
        """
        (tmp_path / "out" / "revisions").mkdir(parents=True)
        (tmp_path / "out" / "revisions" / "99.json").write_text("{}\n")
        done = run("export", "--db", filled, "--out", tmp_path / "out")

        assert done.returncode == 1
        assert "another export" in done.stderr

    def test_one_products_export(self, lines: Path, tmp_path: Path) -> None:
        """
        --key exports one product only.
        """
        for key in ("one", "two"):
            run("import", lines, "--db", tmp_path / "k.db", "--key", key)
        run("export", "--db", tmp_path / "k.db", "--out", tmp_path / "out", "--key", "one")

        assert len((tmp_path / "out" / "revisions" / "1.json").read_text().splitlines()) == len(LINES)
