"""
``sdkbridge audit``: an export or a graph in, squished people and the links to blame out.
"""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from identity import IdentityGraph, MergePolicy
from identity.squished import Audit, Severity
from sdkbridge.audit_report import report_page
from sdkbridge.cli import main
from sdkbridge.export_audit import ExportTally, audit_export
from sdkbridge.kissmetrics.exported import UnreadableExport, files_of, lines_of, lines_under

SAMPLE = Path(__file__).parent.parent / "fixtures" / "exports" / "squished"
TABLET = "E1C5D790-2A4B-4C8E-B6F3-95D0A8271E4C"
NOW = 1_400_000_000


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["audit", *map(str, arguments)])
    return result.exit_code, result.output


def as_json(*arguments: object) -> dict[str, Any]:
    code, output = run(*arguments, "--json")
    assert code in {0, 3}, output
    return json.loads(output)


def write(path: Path, *lines: dict[str, Any] | bytes) -> Path:
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"".join(text + b"\n" for text in texts))
    return path


def alias(one: str, other: str, second: int = NOW) -> dict[str, Any]:
    return {"_p": one, "_p2": other, "_t": second}


def event(identity: str, second: int = NOW) -> dict[str, Any]:
    return {"_p": identity, "_n": "bought", "_t": second}


def test_the_sample_holds_four_squished_people():
    """
    Of the sample's five people one is honest; the others are named with their causes, the worst first.
    """
    found = as_json(SAMPLE)

    assert [(one["severity"], one["people"], one["causes"]) for one in found["squished"]] == [
        ("critical", 12, ["hub"]),
        ("serious", 3, ["shared_device"]),
        ("serious", 3, ["placeholder"]),
        ("moderate", 2, ["address_change"]),
    ]
    assert found["export"]["lines"] == 63
    assert found["export"]["refused"] == {}
    assert found["placeholders"] == [{"identity": "null", "records": 3}]
    tablet = found["squished"][1]
    assert {(one["older"], one["newer"]) for one in tablet["blamed"]} == {
        ("cleo@example.com", TABLET),
        ("dora@example.com", TABLET),
    }
    assert [part["records"] for part in tablet["parts"]] == [3, 2, 2]


def test_the_table_is_for_people():
    """
    Without --json a table says who is squished, why, and what to drop; exit code 3 says that something was found.
    """
    code, output = run(SAMPLE)

    assert code == 3
    assert "4 of them should be 20, and 18 links are to blame" in output
    assert "2 people count as one" in output
    assert "and 7 more" in output
    assert "3 records are under 'null'" in output


def test_a_clean_export_is_said_to_be_clean(tmp_path):
    """
    Exit code 0 when nothing was found.
    """
    path = write(tmp_path / "1.json", event("ann"), alias("phone-x-1", "ann"))

    assert run(path) == (
        0,
        "2 lines, 1 alias among them.\n2 identities in 1 link make 1 person; nothing contradicts.\n",
    )


def test_lines_that_cannot_be_read_are_counted(tmp_path):
    """
    A damaged line is left out and counted by reason, and the others are read; octal escapes are repaired.
    """
    path = write(
        tmp_path / "1.json",
        b'{"_p":"K\\303\\266ln","_t":1400000000,"_p2":"1"}',
        b'{"_p":"x","_t":14000',
        b'{"_p":"x","_t":"never","_n":"bought"}',
        b"",
        alias("2", "Köln", NOW + 5),
    )
    found = as_json(path)

    assert found["export"]["refused"] == {"not_json": 1, "time_unreadable": 1}
    assert found["export"]["lines"] == 4
    assert [(one["older"], one["newer"]) for one in found["squished"][0]["blamed"]] == [("2", "Köln")]
    assert run(path)[0] == 3


def test_an_export_of_which_no_line_can_be_read_is_not_called_clean(tmp_path):
    """
    Neither in the table nor in the report.
    """
    code, shown = run(write(tmp_path / "1.json", b"sorry", b"no export"), "--html", tmp_path / "report.html")

    assert code == 3
    assert shown.splitlines() == [
        "2 lines, 0 aliases among them; 2 could not be read (2 not_json).",
        "Not one line was read, so nothing can be said about the people.",
    ]
    assert "<h1>Not one line was read</h1>" in (tmp_path / "report.html").read_text()


def test_an_export_may_be_many_files(tmp_path):
    """
    Folders with revisions, folders of files, files and CSV may be given together.
    """
    (tmp_path / "a" / "revisions").mkdir(parents=True)
    write(tmp_path / "a" / "revisions" / "2.json", alias("1", TABLET))
    write(tmp_path / "a" / "revisions" / "10.json", event("1"))
    write(tmp_path / "a" / "index.csv", b"filename,min_timestamp")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "aliases.csv").write_text(f"Identity,Alias,Timestamp\n2,{TABLET},{NOW + 1}\n3,{TABLET},\n")
    write(tmp_path / "b" / "extra.json", event("2"), event("9"))
    paths = [tmp_path / "a", tmp_path / "b"]

    assert [path.name for path in files_of(paths)] == ["2.json", "10.json", "aliases.csv", "extra.json"]
    found = as_json(*paths)["squished"][0]
    assert [part["records"] for part in found["parts"]] == [1, 1, 0]
    assert len(found["blamed"]) == 2
    assert [line.identity for line in lines_under(frozenset("12"), files_of(paths), now=NOW)] == [
        "1",
        "1",
        "2",
        "2",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("absent.json",), 1, "absent.json: is not there"),
        (("empty",), 1, "holds no lines of an export"),
        (("bad.csv",), 1, "column 1 has a heading that is unknown"),
        ((), 2, "give an EXPORT or --graph"),
        (("bad.csv", "--kind", "nonsense"), 2, "is not KIND=REGEX"),
        (("bad.csv", "--kind", "account=("), 2, "is no regular expression"),
        (("bad.csv", "--hub-of", "1"), 2, "--hub-of"),
    ],
)
def test_what_cannot_be_audited_is_refused(arguments, code, said, tmp_path, monkeypatch):
    """
    One sentence says what is wrong.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.csv").write_text("nonsense\n")

    got, output = run(*arguments)
    assert (got, said in output) == (code, True), output


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    """
    A folder in place of a file is no export.
    """
    (tmp_path / "1.json").mkdir()

    with pytest.raises(UnreadableExport, match="cannot be read"):
        list(lines_of([tmp_path / "1.json"], now=NOW))
    with pytest.raises(UnreadableExport, match="cannot be read"):
        list(lines_under(frozenset("x"), [tmp_path / "1.json"], now=NOW))


def test_callers_tell_kinds(tmp_path):
    """
    With --kind an id of one's own is a device, or something that nobody has two of.
    """
    path = write(tmp_path / "1.json", alias("T-1", "17"), alias("T-1", "18", NOW + 1))

    assert as_json(path)["squished"][0]["causes"] == ["two_accounts"]
    assert as_json(path, "--kind", r"anonymous=T-\d+")["squished"][0]["causes"] == ["shared_device"]
    assert as_json(path, "--kind", r"room=\d+", "--kind", r"account=T-\d+")["squished"][0]["people"] == 2


def test_a_graph_is_audited(tmp_path):
    """
    With --graph the links that a bridge's graph accepted are looked at.
    """
    with IdentityGraph(tmp_path / "bridge.db", policy=MergePolicy(())) as graph:
        for number in (1, 2):
            graph.link("tablet", f"user-{number}", kind="first_identify", at_ms=number)
    found = as_json("--graph", tmp_path / "bridge.db")

    assert [(one["older"], one["newer"]) for one in found["squished"][0]["blamed"]] == [("tablet", "user-2")]
    assert "export" not in found
    (tmp_path / "other.db").write_text("no database at all")
    assert run("--graph", tmp_path / "other.db")[0] == 1


class Page(HTMLParser):
    """
    A page's elements, and its text.
    """

    VOID = frozenset({"meta", "br", "img", "link"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_report_is_one_page_that_needs_nothing(tmp_path):
    """
    The report has no script and asks no other address for anything; it names the worst people with their drawings.
    """
    code, _ = run(SAMPLE, "--html", tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(text)

    assert code == 3
    assert page.open == []
    assert not {"script", "img", "link", "iframe", "object"} & {tag for tag, _ in page.seen}
    assert not [
        name for _, attributes in page.seen for name in attributes if name in {"src", "href"} or name[:2] == "on"
    ]
    assert "url(" not in text
    assert sum(tag == "svg" for tag, _ in page.seen) == 4
    assert "4 people in your figures should be 20" in page.text
    assert "12 people in one, through 'checkout-server'" in page.text
    assert "prefers-color-scheme:dark" in text


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style>\x00\x1b[2J",
    "'; DROP TABLE identity; --",
]


def test_names_do_no_harm_in_the_report(tmp_path):
    """
    Identities that are markup are text in the report and in the table.
    """
    lines = [line for name in HOSTILE for line in (alias(name, "17"), alias(name, "18", NOW + 1), event(name))]
    path = write(tmp_path / "1.json", *lines)
    _, output = run(path, "--html", tmp_path / "report.html")
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))

    assert page.open == []
    assert not {"script", "img"} & {tag for tag, _ in page.seen}
    assert "<script>alert(1)</script>" in page.text
    assert "\x1b" not in output
    assert "\x00" not in page.text


def test_a_report_of_nothing_says_so():
    """
    Where nobody is squished the report is short.
    """
    page = Page(report_page(Audit(identities=4, people=2, links=2, squished=()), ExportTally(lines=9, aliases=2)))

    assert "Nobody is squished" in page.text
    assert "From 9 lines of an export, 2 aliases." in page.text
    assert "What to do" not in page.text


def test_a_report_that_cannot_be_written(tmp_path):
    """
    A folder that is not there is named.
    """
    code, output = run(SAMPLE, "--html", tmp_path / "absent" / "report.html")

    assert code == 1
    assert "cannot write" in output


def test_many_squished_people_are_listed_after_the_drawn_ones(tmp_path):
    """
    The worst are drawn, the others listed in a line each.
    """
    lines = [
        alias(f"device-{number}", f"{name}{number}@x.example", NOW + place)
        for number in range(40)
        for place, name in enumerate(("ann", "bob"))
    ]
    done = audit_export([write(tmp_path / "1.json", *lines)])
    page = Page(report_page(done.found, done.tally))

    assert {person.severity for person in done.found.squished} == {Severity.MODERATE}
    assert sum(tag == "svg" for tag, _ in page.seen) == 25
    assert "The others" in page.text
    assert all(f"ann{number}@x.example" in page.text for number in range(40))
