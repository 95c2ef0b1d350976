"""
``sdkbridge resolve``, run as a user runs it.
"""

import json
import subprocess
import sys

import polars as pl
import pytest
from click.testing import CliRunner

from sdkbridge.cli import main

PAIRS = [("phone", "ann@old.example"), ("ann@old.example", "ann@new.example"), ("null", "bob"), ("null", "cleo")]
CLUSTER = ["LINKS", "--out", "out", "--checkpoints", "scratch", "--engine", "spark", "--spark"]
SUMMARY = {"links": 4, "joining_nobody": 0, "identities": 6, "persons": 2, "largest_person": 3}


def run(*arguments, **environment):
    return CliRunner().invoke(main, ["resolve", *map(str, arguments)], env=environment)


def in_process(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "sdkbridge", "resolve", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def links(tmp_path):
    """
    A file of links.
    """
    path = tmp_path / "links.parquet"
    pl.DataFrame(PAIRS, schema=["older", "newer"], orient="row").write_parquet(path)
    return path


@pytest.mark.parametrize(
    ("suffix", "read"), [("parquet", pl.read_parquet), ("csv", pl.read_csv), ("ndjson", pl.read_ndjson)]
)
def test_links_in_people_out(links, tmp_path, suffix, read):
    """
    Three kinds of file come out and go in again, and the summary is JSON where that is asked for.
    """
    out = tmp_path / f"people.{suffix}"
    done = run(links, "--out", out, "--json")

    assert (done.exit_code, done.stderr, json.loads(done.stdout)) == (0, "", SUMMARY)
    assert dict(read(out).iter_rows())["phone"] == "ann@new.example"
    again = run(out, "--older", "id", "--newer", "canonical", "--out", tmp_path / "again.parquet")
    assert again.exit_code == 0
    assert pl.read_parquet(tmp_path / "again.parquet").sort("id").equals(read(out).sort("id"))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["again.parquet", out.name, links.name])


def test_a_process_of_its_own_says_the_same(links, tmp_path):
    """
    The summary is on stdout, for people by default; progress is for terminals only.
    """
    done = in_process(links, "--out", tmp_path / "people.parquet")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0].split() == ["links", "4"]


def test_placeholders_are_refused_where_that_is_asked_for(links, tmp_path):
    """
    Then two people who both were "null" once stay two.
    """
    done = run(links, "--out", tmp_path / "people.csv", "--refuse-placeholders")

    assert done.stdout.split() == [
        *("links", "4", "joining", "nobody", "2", "identities", "6", "persons", "4", "largest", "person", "3")
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["missing.parquet", "--out", "people.parquet"], 1, "missing.parquet does not exist"),
        (["LINKS", "--out", "people.xlsx"], 2, "people.xlsx: the name must end in .parquet, .csv"),
        (["LINKS", "--out", "nowhere/people.csv"], 1, "cannot write nowhere/people.csv"),
        (["LINKS", "--out", "people.csv", "--older", "old"], 1, "old is no column of the links"),
        (["LINKS", "--out", "people.csv", "--engine", "spark"], 2, "--engine spark needs --spark"),
        ([*CLUSTER, "sc://127.0.0.1:9"], 1, "no cluster answers at 127.0.0.1:9"),
        ([*CLUSTER, "http://127.0.0.1"], 1, "the URL of a cluster is like sc://host:15002"),
    ],
)
def test_what_goes_wrong_is_said_in_a_sentence(links, arguments, code, problem, tmp_path, monkeypatch):
    """
    A file that is missing, of another kind or without the column is one line on stderr.
    """
    monkeypatch.chdir(tmp_path)
    done = run(*(links if one == "LINKS" else one for one in arguments), SDKBRIDGE_SPARK="")

    assert (done.exit_code, done.stdout) == (code, "")
    assert problem in done.stderr


def test_a_file_that_is_no_parquet_is_said(tmp_path):
    """
    Links that cannot be read are a sentence as well.
    """
    (tmp_path / "links.parquet").write_text("older,newer\n")
    done = run(tmp_path / "links.parquet", "--out", tmp_path / "people.parquet")

    assert (done.exit_code, done.stderr) == (1, "Error: links cannot be read (ComputeError)\n")
