"""
Exports and imports are those of Kissmetrics: its files, and nothing lost between them.
"""

import csv
import io
import itertools
import json
from pathlib import Path

import pytest

from identity.database import Database
from identity.errors import StoreError
from sdkbridge.kissmetrics.import_csv import InvalidImportFile
from sdkbridge.kissmetrics.imports import ImportReport, RefusedLine
from sdkbridge.kissmetrics.people import LocalKissmetrics, PropertyHistory, Rules

KEY = "f1d2d2f924e986ac86fdf7b36c94bcdf32beec15"
NOW = 1_700_000_000
EXPORTS = Path(__file__).parent.parent.parent / "fixtures" / "exports"


def new(**rules):
    return LocalKissmetrics(Database(), clock=lambda: NOW, rules=Rules(**rules))


@pytest.fixture
def kissmetrics():
    return new()


def visit(kissmetrics, identity, seconds, **more):
    """
    Record a visit some seconds after the 2nd of October 2012, 07:05 UTC.
    """
    dated = {"_d": "1", "_t": str(1_349_161_500 + seconds)}
    return kissmetrics.receive("/e", {"_k": KEY, "_p": identity, "_n": "Visited Site"} | dated | more)


def contents(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*.*"))}


def test_an_export_is_written_as_kissmetrics_delivers_it(kissmetrics, tmp_path):
    """
    Revisions hold the lines in order of receipt; the index tells their times, and the status how many there are.
    """
    visit(kissmetrics, "ann", 602, Plan="Pro", City="Köln")
    visit(kissmetrics, "bob", 1)
    kissmetrics.receive("/a", {"_k": KEY, "_p": "ann", "_n": "4f1c", "_d": "1", "_t": "1349165162"})

    assert kissmetrics.export_revisions(tmp_path / "new" / "export", lines_per_file=2) == 2
    assert contents(tmp_path / "new" / "export") == {
        "revisions/1.json": (
            '{"_p":"ann","_t":1349162102,"_n":"visited site","city":"K\\u00f6ln","plan":"Pro"}\n'
            '{"_p":"bob","_t":1349161501,"_n":"visited site"}\n'
        ),
        "revisions/2.json": '{"_p":"ann","_t":1349165162,"_p2":"4f1c"}\n',
        "index.csv": (
            "filename,min_timestamp,max_timestamp,min_utc_date,max_utc_date\n"
            "revisions/1.json,1349161501,1349162102,2012-10-02 07:05 GMT,2012-10-02 07:15 GMT\n"
            "revisions/2.json,1349165162,1349165162,2012-10-02 08:06 GMT,2012-10-02 08:06 GMT\n"
        ),
        "status.csv": (
            "total_revisions,exported_revisions,max_exported_revision_timestamp,max_exported_revision_utc_date\n"
            "2,2,1349165162,2012-10-02 08:06 GMT\n"
        ),
    }


def test_an_empty_export_is_an_export(kissmetrics, tmp_path):
    """
    Without lines there are no revisions, and the index and the status say so.
    """
    assert kissmetrics.export_revisions(tmp_path) == 0
    assert sorted(contents(tmp_path)) == ["index.csv", "status.csv"]
    assert (tmp_path / "status.csv").read_text().splitlines()[1] == "0,0,,"


def test_a_revision_is_never_short(kissmetrics, tmp_path):
    """
    Lines that fill the last revision exactly make no empty one after it, and one line more begins the next.
    """
    for second in range(4):
        visit(kissmetrics, "ann", second)
    made = [kissmetrics.export_revisions(tmp_path, lines_per_file=2)]
    visit(kissmetrics, "ann", 4)
    made.append(kissmetrics.export_revisions(tmp_path, lines_per_file=2))

    assert made == [2, 3]
    lines = [(tmp_path / "revisions" / f"{number}.json").read_text().count("\n") for number in (1, 2, 3)]
    assert lines == [2, 2, 1]


def test_an_export_of_something_else_is_not_overwritten(kissmetrics, tmp_path):
    """
    A folder with more revisions than the export has stays as it is.
    """
    for second in range(4):
        visit(kissmetrics, "ann", second)
    kissmetrics.export_revisions(tmp_path, lines_per_file=1)
    before = contents(tmp_path)

    with pytest.raises(FileExistsError, match="another export"):
        kissmetrics.export_revisions(tmp_path, lines_per_file=2)
    assert contents(tmp_path) == before
    with pytest.raises(ValueError, match="lines_per_file"):
        kissmetrics.export_revisions(tmp_path, lines_per_file=0)


def test_a_broken_export_leaves_no_half_file(kissmetrics, tmp_path, monkeypatch):
    """
    When an export breaks off, each file under its name is whole, and none is listed that is not there.
    """
    for second in range(4):
        visit(kissmetrics, "ann", second)
    lines = list(kissmetrics.export())
    broken = itertools.chain(lines[:3], [{"_t": 1, "_p": object()}])
    monkeypatch.setattr(kissmetrics, "export", lambda *, api_key: broken)

    with pytest.raises(TypeError):
        kissmetrics.export_revisions(tmp_path, lines_per_file=2)
    named = [path for path in tmp_path.rglob("*.*") if path.suffix in {".json", ".csv"}]
    assert [path.name for path in named] == ["1.json"]
    assert len(named[0].read_text().splitlines()) == 2


def test_an_export_can_be_that_of_one_product(kissmetrics, tmp_path):
    """
    A key narrows an export to its product, and an unknown one to nothing.
    """
    visit(kissmetrics, "ann", 1)
    kissmetrics.receive("/e", {"_k": "another", "_p": "bob", "_n": "Visited"})

    assert kissmetrics.export_revisions(tmp_path / "one", api_key="another") == 1
    assert '"bob"' in (tmp_path / "one" / "revisions" / "1.json").read_text()
    assert '"ann"' not in (tmp_path / "one" / "revisions" / "1.json").read_text()
    assert kissmetrics.export_revisions(tmp_path / "none", api_key="unknown") == 0


def test_a_real_looking_export_is_imported(kissmetrics):
    """
    An export with octal escapes, metadata and numbers makes the people it is about.
    """
    with (EXPORTS / "shop.json").open("rb") as lines:
        report = kissmetrics.import_lines(lines, api_key=KEY)

    assert report == ImportReport(lines=8, stored=8, duplicates=0, repaired=1, refused={}, examples=())
    ann, phone, janos = kissmetrics.people()
    assert ann.identities == ("4f1c", "ann@example.com")
    assert ann.event_counts == {"signed up": 2, "visited site": 1}
    assert ann.properties["plan name"] == PropertyHistory("Pro", "Gold")
    assert phone.properties["Balance"] == PropertyHistory("-1.50", "-1.50")
    assert janos.properties["city"].last == "Pécs \\303"
    assert [line["_t"] for line in kissmetrics.export()][-2:] == [1_349_161_650, 1_349_162_102]


def test_bad_lines_are_reported_and_the_rest_goes_on(kissmetrics):
    """
    Each bad line is counted with its number and a reason, and blank ones are passed over.
    """
    with (EXPORTS / "damaged.json").open("rb") as lines:
        report = kissmetrics.import_lines(lines, api_key=KEY)

    assert report.examples == (
        RefusedLine(2, "not_json"),
        RefusedLine(4, "no_identity"),
        RefusedLine(5, "no_time"),
        RefusedLine(6, "time_in_milliseconds"),
        RefusedLine(7, "nothing_to_record"),
        RefusedLine(8, "alias_with_data"),
        RefusedLine(9, "value_not_text"),
        RefusedLine(10, "before_2009"),
        RefusedLine(11, "alias_to_itself"),
        RefusedLine(12, "not_an_object"),
        RefusedLine(13, "not_utf8"),
    )
    assert report.refused == dict.fromkeys((refused.reason for refused in report.examples), 1)
    assert (report.lines, report.stored) == (13, 2)
    assert [line["_n"] for line in kissmetrics.export()] == ["visited site", "left"]


def test_many_bad_lines_are_counted_and_some_shown(kissmetrics):
    """
    A report of a file that is all wrong stays small.
    """
    report = kissmetrics.import_lines((b"{" for _ in range(2500)), api_key=KEY)

    assert (report.lines, report.refused, len(report.examples)) == (2500, {"not_json": 2500}, 100)
    assert list(kissmetrics.requests()) == []


def test_an_import_can_be_done_again(kissmetrics):
    """
    By the current rule a second import of the same lines changes nothing.
    """
    lines = (EXPORTS / "shop.json").read_bytes().splitlines()
    kissmetrics.import_lines(lines, api_key=KEY)
    before = kissmetrics.people(), list(kissmetrics.export())
    report = kissmetrics.import_lines(lines, api_key=KEY)

    assert (report.stored, report.duplicates) == (0, 8)
    assert (kissmetrics.people(), list(kissmetrics.export())) == before


def test_an_import_keeps_its_times_or_refuses():
    """
    A time that the rules would replace by that of receipt is refused, as an import is received at no time.
    """
    kissmetrics = new(max_future_s=10)
    lines = [f'{{"_p":"ann","_t":{NOW + ahead},"_n":"x"}}'.encode() for ahead in (0, 10, 11)]
    report = kissmetrics.import_lines(lines, api_key=KEY)

    assert report.refused == {"time_too_far_ahead": 1}
    assert [line["_t"] for line in kissmetrics.export()] == [NOW, NOW + 10]


def test_imported_lines_are_in_the_log(kissmetrics):
    """
    Lines that could be read are in the log of requests, metadata included, and bad ones explained.
    """
    lines = [b'{"_p":"ann","_t":1349161501,"_p2":"x","_c":"mobile_app"}', b'{"_p":"ann","_t":1,"_n":"x"}']
    kissmetrics.import_lines(lines, api_key=KEY)

    alias, old = kissmetrics.requests()
    assert (alias.path, alias.outcome, old.outcome, old.reason) == ("import", "stored", "rejected", "before_2009")
    assert alias.parameters == {"_p": "ann", "_t": "1349161501", "_p2": "x", "_c": "mobile_app"}


def test_an_import_needs_a_key(kissmetrics):
    """
    Without a key there is no product to import into, and not a line is read.
    """
    for key in ("", " "):
        with pytest.raises(ValueError, match="api_key"):
            kissmetrics.import_lines([b"{}"], api_key=key)

    assert list(kissmetrics.requests()) == []


def test_an_import_that_breaks_off_keeps_whole_batches(kissmetrics):
    """
    When the lines break off, what was stored before stays, and the same import can go on from the start.
    """

    def lines():
        for place in range(1500):
            yield f'{{"_p":"ann","_t":{NOW - place},"_n":"x"}}'.encode()
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        kissmetrics.import_lines(lines(), api_key=KEY)
    assert len(list(kissmetrics.export())) == 1000


def test_an_import_into_a_closed_database_says_so(kissmetrics):
    """
    A database that cannot be written is an error, not a report.
    """
    kissmetrics._database.close()

    with pytest.raises(StoreError):
        kissmetrics.import_lines([b'{"_p":"ann","_t":1349161501,"_n":"x"}'], api_key=KEY)


def csv_file(name):
    return (EXPORTS / name).open(encoding="utf-8", newline="")


def test_csv_files_are_imported(kissmetrics):
    """
    Events with properties, properties alone and aliases come from files of their own.
    """
    reports = []
    for name in ("events.csv", "properties.csv", "aliases.csv"):
        with csv_file(name) as file:
            reports.append(kissmetrics.import_csv(file, api_key=KEY))

    assert [(report.lines, report.stored) for report in reports] == [(3, 3), (2, 2), (2, 2)]
    ann, bob = kissmetrics.people()
    assert (ann.identities, bob.identities) == (("4f1c", "ann@example.com"), ("9B2D", "bob@example.com"))
    assert ann.event_counts == {"Signed Up": 1}
    assert bob.event_counts == {"Bought  at last": 1, "Visited Site": 1}
    assert bob.properties == {
        "Billed Amount": PropertyHistory("90", "90"),
        "City": PropertyHistory("Köln", "Köln"),
        "Plan Name": PropertyHistory("Gold", "Gold"),
    }
    assert [line["_t"] for line in kissmetrics.export()][-2:] == [1_230_768_000, NOW]


@pytest.mark.parametrize(
    ("headings", "problem"),
    [
        ("", "Identity"),
        ("Timestamp,Event", "Identity"),
        ("Identity,Event", "Timestamp"),
        ("Identity,Timestamp", "Event, Alias or Prop"),
        ("Identity,Timestamp,Event,Alias", "file of their own"),
        ("Identity,Timestamp,Alias,Prop:x", "file of their own"),
        ("Identity,Timestamp,Event,Plan", "column 4"),
        ("Identity,Timestamp,Event,identity", "column 4"),
        ("Identity,Timestamp,Event,Prop:", "column 4"),
        ("Identity,Timestamp,Event,Prop:x,Prop:x", "column 5"),
        ("Identity,Timestamp," + ",".join(f"Prop:{place}" for place in range(11)), "more than 10"),
    ],
)
def test_a_csv_file_with_wrong_headings_is_refused(kissmetrics, headings, problem):
    """
    Headings that are not those of an import say what is wrong with them, and nothing is imported.
    """
    with pytest.raises(InvalidImportFile, match=problem):
        kissmetrics.import_csv(io.StringIO(f"{headings}\nann,1349161501,x,y\n"), api_key=KEY)

    assert list(kissmetrics.requests()) == []


def test_bad_rows_are_reported_and_the_rest_goes_on(kissmetrics):
    """
    Each bad row is reported with the number of its line and a reason; short rows lack their last cells.
    """
    rows = [
        "\ufeffidentity, TIMESTAMP ,Event,prop:Plan",
        "ann,1349161501,Visited",
        ",1349161502,Visited,x",
        "ann,,Visited,x",
        "ann,yesterday,Visited,x",
        "ann,1349161503000,Visited,x",
        "ann,1349161504,,x",
        "",
        ",,,",
        "ann,1349161505,Visited,x,y",
        "ann,1349161506,\udcff,x",
        f"ann,1349161507,Visited,{'x' * (csv.field_size_limit() + 1)}",
        "ann,1230767999,Visited,x",
        "ann,1349161508,Visited,Pro",
    ]
    report = kissmetrics.import_csv(io.StringIO("\n".join(rows)), api_key=KEY)

    assert report.examples == (
        RefusedLine(3, "no_identity"),
        RefusedLine(4, "time_unreadable"),
        RefusedLine(5, "time_unreadable"),
        RefusedLine(6, "time_in_milliseconds"),
        RefusedLine(7, "nothing_to_record"),
        RefusedLine(10, "too_many_cells"),
        RefusedLine(11, "not_utf8"),
        RefusedLine(12, "not_csv"),
        RefusedLine(13, "before_2009"),
    )
    assert [(line["_t"], line.get("plan")) for line in kissmetrics.export()] == [
        (1_349_161_501, None),
        (1_349_161_508, "Pro"),
    ]


@pytest.mark.parametrize("row", ["ann,", "ann", ",x"])
def test_an_alias_needs_both_identities(kissmetrics, row):
    """
    An alias to nobody joins nobody.
    """
    report = kissmetrics.import_csv(io.StringIO(f"Identity,Alias\n{row}\n"), api_key=KEY)

    assert (report.lines, report.stored) == (1, 0)


def test_every_line_of_an_export_is_a_json_object(kissmetrics, tmp_path):
    """
    Whatever characters there are in a value, each line of a file is one line of the export.
    """
    visit(kissmetrics, "ann", 1, note='line\nend \u2028 "quoted" \\ \0 ü 😀')
    visit(kissmetrics, "bob", 2)
    kissmetrics.export_revisions(tmp_path)

    written = (tmp_path / "revisions" / "1.json").read_bytes().splitlines()
    assert [json.loads(line) for line in written] == list(kissmetrics.export())
