"""
``sdkbridge resolve --engine spark``, on each cluster there is.
"""

import json
import re

import polars as pl
from click.testing import CliRunner

from sdkbridge.cli import main

PAIRS = [("phone", "ann@old.example"), ("ann@old.example", "ann@new.example"), ("null", "bob"), ("null", "cleo")]


def resolve(url, *arguments):
    command = ["resolve", "--engine", "spark", "--spark", url, *map(str, arguments)]
    return CliRunner().invoke(main, command, env={"COLUMNS": "200"})


def test_parquet_in_and_out(cluster_url, tmp_path):
    """
    The work is done by the cluster, which tells of its rounds; the people are a folder, as Spark writes it.
    """
    pl.DataFrame(PAIRS, schema=["older", "newer"], orient="row").write_parquet(tmp_path / "links.parquet")

    done = resolve(
        *(cluster_url, tmp_path / "links.parquet", "--out", tmp_path / "people.parquet"),
        *("--checkpoints", tmp_path / "scratch", "--json"),
    )

    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert 1 <= told.pop("rounds") < 5
    assert told == {"links": 4, "identities": 6, "persons": 2, "largest_person": 3}
    assert done.stderr.startswith("round 0: 4 links between different identities\nround 1: ")
    people = pl.read_parquet(tmp_path / "people.parquet" / "*.parquet")
    assert dict(people.iter_rows()) == {
        **dict.fromkeys(["phone", "ann@old.example", "ann@new.example"], "ann@new.example"),
        **dict.fromkeys(["null", "bob", "cleo"], "bob"),
    }


def test_what_the_cluster_cannot_do_is_said(cluster_url, tmp_path):
    """
    Links that are not there, and checkpoints where nobody can write, are a sentence and exit code 1.
    """
    pl.DataFrame(PAIRS, schema=["older", "newer"], orient="row").write_parquet(tmp_path / "links.parquet")
    out = ("--out", tmp_path / "people.parquet")

    missing = resolve(cluster_url, tmp_path / "missing.parquet", *out, "--checkpoints", tmp_path / "scratch")
    failed = resolve(cluster_url, tmp_path / "links.parquet", *out, "--checkpoints", "/dev/null/scratch")

    assert [missing.exit_code, failed.exit_code] == [1, 1]
    assert re.match(r"Error: the cluster (finds no links at|failed: \[PATH_NOT_FOUND\])", missing.stderr)
    assert failed.stderr.startswith("Error: the cluster failed: ")
    assert not (tmp_path / "people.parquet").exists()
