"""
``sdkbridge repair``: what is imported from the cleaned files are the people that the audit promised.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from planted_faults import squished_export, write_revisions

from identity.database import Database
from sdkbridge.cli import main
from sdkbridge.kissmetrics.exported import files_of
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.repair import InvalidLinks, links_in

SAMPLE = Path(__file__).parent.parent / "fixtures" / "exports" / "squished"


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(map(str, arguments)))
    return result.exit_code, result.output


def audited(*paths: Path) -> str:
    return run("audit", *paths, "--json")[1]


def repaired(export: Path, links: str, folder: Path, *options: object) -> tuple[int, str]:
    file = folder.with_suffix(".links")
    file.write_text(links, encoding="utf-8")
    return run("repair", export, "--drop", file, "--out", folder, *options)


def imported(folder: Path) -> LocalKissmetrics:
    kissmetrics = LocalKissmetrics(Database())
    for path in files_of([folder]):
        with path.open("rb") as lines:
            report = kissmetrics.import_lines(lines, api_key="new")
        assert not report.refused
    return kissmetrics


def people(kissmetrics: LocalKissmetrics) -> set[frozenset[str]]:
    return {frozenset(person.identities) for person in kissmetrics.people()}


def promised(found: dict[str, Any]) -> set[frozenset[str]]:
    """
    Return the parts of the squished people, without those that the audit calls nobody.
    """
    return {
        frozenset(one["name"] for one in part["identities"])
        for person in found["squished"]
        for part in person["parts"]
    }


def test_importing_the_repaired_sample_gives_the_promised_people(tmp_path):
    """
    Each part that the audit promised is a person of the new product, and nothing that was recorded is lost.
    """
    links = audited(SAMPLE)
    code, output = repaired(SAMPLE, links, tmp_path / "cleaned")
    fresh = imported(tmp_path / "cleaned")
    before = imported(SAMPLE)

    assert code == 0
    assert output == f"45 lines kept, 18 aliases of 18 links dropped: 1 file in {tmp_path / 'cleaned'}\n"
    # What nothing was recorded under is no person of Kissmetrics yet.
    assert {part for part in promised(json.loads(links)) if part != {"checkout-server"}} <= people(fresh)
    events = [sum(sum(one.event_counts.values()) for one in many.people()) for many in (before, fresh)]
    assert events[0] == events[1] > 0
    assert json.loads(audited(tmp_path / "cleaned"))["squished"] == []


def test_importing_a_repaired_synthetic_export_gives_the_promised_people(tmp_path):
    """
    The same of six hundred people with planted faults of all kinds.
    """
    write_revisions(squished_export(people=600, faults=6, seed=5), tmp_path / "export")
    links = audited(tmp_path / "export")
    code, _ = repaired(tmp_path / "export", links, tmp_path / "cleaned", "--lines-per-file", 1_500)
    fresh = people(imported(tmp_path / "cleaned"))
    named = Counter(identity for person in fresh for identity in person)

    assert code == 0
    assert len(files_of([tmp_path / "cleaned"])) > 2
    assert set(named.values()) == {1}
    for part in promised(json.loads(links)):
        assert part in fresh or len(part) == 1


def test_links_may_be_a_simple_file(tmp_path):
    """
    Two identities a row, whichever way round, drop every alias between the two, and no other.
    """
    export = tmp_path / "1.json"
    lines = [
        {"_p": "a", "_p2": "b, c", "_t": 1_400_000_000},
        {"_p": "b, c", "_p2": "a", "_t": 1_400_000_009},
        {"_p": "a", "_p2": "d", "_t": 1_400_000_010},
        {"_p": "a", "_t": 1_400_000_011, "_n": "bought", "größe": "L", "_c": "x"},
    ]
    export.write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, output = repaired(export, '"b, c",a\n', tmp_path / "cleaned", "--json")
    kept = [json.loads(line) for line in (tmp_path / "cleaned" / "base-00001.json").read_text().splitlines()]

    assert code == 0
    assert json.loads(output) == {"kept": 2, "dropped": 2, "links_absent": 0, "files": 1, "refused": {}}
    assert kept == lines[2:]


def test_what_could_not_be_done_is_said(tmp_path):
    """
    A line that cannot be read is named and left out; a link that is not there is counted; the exit code is 3.
    """
    export = tmp_path / "1.json"
    export.write_text('{"_p":"a","_t":1400000000,"_n":"bought"}\nnonsense\n')
    code, output = repaired(export, "x,y\n", tmp_path / "cleaned")

    assert code == 3
    assert "1 of the links to drop are not in the export" in output
    assert f"{export}, line 2: the line is not JSON" in output


def test_aliases_of_csv_files_become_lines(tmp_path):
    """
    A repaired CSV file is JSON, which Kissmetrics imports as well.
    """
    export = tmp_path / "aliases.csv"
    export.write_text("Identity,Alias,Timestamp\na,b,1400000000\na,c,1400000001\n")
    repaired(export, "a,c\n", tmp_path / "cleaned")

    (line,) = (tmp_path / "cleaned" / "base-00001.json").read_text().splitlines()
    assert json.loads(line) == {"_p": "a", "_t": 1400000000, "_p2": "b"}


@pytest.mark.parametrize(
    ("links", "said"),
    [
        ("{", "is not JSON"),
        ('{"people": []}', "is not the JSON of an audit"),
        ('{"squished": [{"blamed": [{"older": "a"}]}]}', "is not the JSON of an audit"),
        ("a,b,c\n", "must have two identities in each row"),
        ("a\n", "must have two identities in each row"),
        ("a,\n", "must have two identities in each row"),
    ],
)
def test_links_that_cannot_be_read_are_refused(links, said, tmp_path):
    """
    A file of links that is neither is refused, and nothing is written.
    """
    code, output = repaired(SAMPLE, links, tmp_path / "cleaned")

    assert (code, said in output) == (1, True), output
    assert not (tmp_path / "cleaned").exists()
    with pytest.raises(InvalidLinks, match=said):
        links_in(links)


def test_a_folder_that_holds_something_is_refused(tmp_path):
    """
    Files of another repair are not mixed with these.
    """
    (tmp_path / "cleaned").mkdir()
    (tmp_path / "cleaned" / "base-00001.json").write_text("")
    code, output = repaired(SAMPLE, "a,b\n", tmp_path / "cleaned")

    assert code == 1
    assert "is not empty" in output
    assert (
        run("repair", tmp_path / "absent", "--drop", tmp_path / "cleaned.links", "--out", tmp_path / "new")[0] == 1
    )
