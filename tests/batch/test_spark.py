"""
Whole logs on a cluster: Spark says exactly what one machine says.

Runs on Sail, which needs no Java; on Apache Spark too where SPARK_HOME names one and there is a Java; or on the
cluster that SDKBRIDGE_SPARK gives the URL of, if it sees the folders of this machine.
"""

import random
import subprocess
import sys
from itertools import pairwise

import polars as pl
import pytest
from pyspark.sql import functions as F  # noqa: N812 - as everybody who uses Spark writes it

from identity.batch import join, resolve, resolve_pairs, spark
from identity.batch.spark.links import both_ends
from identity.batch.spark.resolving import Scratch, check, numbered
from identity.errors import InvalidLinks, Unresolved

SCHEMA = {"older": pl.String, "newer": pl.String}


def on_cluster(cluster, folder, pairs):
    """
    Put some links where the cluster finds them.
    """
    path = folder / "links.parquet"
    pl.DataFrame(pairs, schema=SCHEMA, orient="row").write_parquet(path)
    return cluster.read.parquet(str(path))


def rows(frame):
    return sorted(tuple(row) for row in frame.collect())


def many_small_graphs(seed):
    """
    A few hundred graphs side by side, each with identities of its own: few links, many links, none, odd texts.
    """
    choose = random.Random(seed)
    odd = ["", "a\0", "É", "😀", "\uffff", "null", "it's", '"', "two words ", "\n"]
    for graph in range(300):
        names = [f"{graph}:{choose.choice(odd)}{number}" for number in range(choose.randrange(1, 12))]
        for _ in range(choose.randrange(0, 16)):
            yield choose.choice(names), choose.choice(names)
    yield None, "alone"
    yield "alone too", None
    yield None, None
    yield "itself", "itself"


def shuffled_chain(length):
    names = [f"step {number}" for number in range(length + 1)]
    pairs = list(pairwise(names))
    random.Random(1).shuffle(pairs)
    return pairs


GRAPHS = {
    "many small graphs": list(many_small_graphs(7)),
    "a chain": shuffled_chain(1_500),
    "a hub": [("kiosk", f"u{number}@example.com") for number in range(3_000)],
    "nothing": [],
}

HUBS_ON_A_CHAIN = [
    *((f"kiosk {number % 2}", f"u{number}") for number in range(2_000)),
    *shuffled_chain(200),
    ("kiosk 0", "step 0"),
    ("step 200", "kiosk 1"),
]


@pytest.mark.parametrize("pairs", GRAPHS.values(), ids=GRAPHS)
def test_spark_says_what_one_machine_says(cluster, tmp_path, pairs):
    """
    The same identities with the same canonical ones, within few rounds, and each round told.
    """
    says_what_one_machine_says(cluster, tmp_path, pairs)


@pytest.mark.parametrize("cluster_url", ["sail"], indirect=True)
def test_hubs_at_both_ends_of_a_chain(cluster, tmp_path):
    """
    Nor is there a need for more rounds where heavy hubs and long chains are one person.
    """
    says_what_one_machine_says(cluster, tmp_path, HUBS_ON_A_CHAIN)


def says_what_one_machine_says(cluster, tmp_path, pairs):
    told = []

    people = spark.resolve(
        on_cluster(cluster, tmp_path, pairs), checkpoints=str(tmp_path / "scratch"), told=told.append
    )

    assert people.columns == ["id", "canonical"]
    assert rows(people) == sorted(resolve_pairs(pairs).items())
    assert [one.number for one in told] == list(range(len(told)))
    assert len(told) <= 12


def test_what_is_refused_joins_nobody(cluster, tmp_path):
    """
    A link that a rule refuses, or that it says nothing of, is treated as on one machine.
    """
    pairs = [("null", "ann"), ("null", "bob"), ("phone", "ann"), (None, "ann")]
    frame = pl.DataFrame(pairs, schema=SCHEMA, orient="row")

    people = spark.resolve(
        on_cluster(cluster, tmp_path, pairs), checkpoints=str(tmp_path), refuse=F.col("older") == "null"
    )

    assert rows(people) == resolve(frame, refuse=pl.col("older") == "null").sort("id").rows()


def test_the_counts_are_those_of_one_machine(cluster, tmp_path):
    """
    Identities, names, links and hub of each person, and how many people have how many identities.
    """
    pairs = [*GRAPHS["many small graphs"], *GRAPHS["a hub"]]
    links = on_cluster(cluster, tmp_path, pairs)
    local = join(tmp_path / "links.parquet")

    people = spark.resolve(links, checkpoints=str(tmp_path / "scratch"))

    assert rows(spark.persons(links, people)) == sorted(local.persons().rows())
    assert rows(spark.sizes(people)) == local.sizes().rows()


def test_identities_with_one_hash_are_hashed_anew(cluster, tmp_path):
    """
    Where two texts have one hash, all get another one; where that never ends, nothing is said rather than a lie.
    """
    ends = both_ends(
        on_cluster(cluster, tmp_path, [("a", "b"), ("c", "d")]), older="older", newer="newer", refuse=None
    )
    scratch = Scratch(cluster, str(tmp_path / "scratch"))

    def weak(identity):
        return F.xxhash64(F.col(identity)) % 1

    def good(identity):
        return F.xxhash64(F.col(identity))

    nodes, chosen = numbered(ends, scratch, hashes=(weak, good))

    assert chosen is good
    assert sorted(row["id"] for row in nodes.collect()) == ["a", "b", "c", "d"]
    with pytest.raises(Unresolved, match="identities share a hash under each of 2 salts"):
        numbered(ends, scratch, hashes=(weak, weak))


@pytest.mark.parametrize(
    ("stars", "problem"),
    [
        ([(4, 1), (3, 1)], "4 identities are linked, but 3 were found"),
        ([(4, 3), (2, 1)], "the ends of 1 links are not one person"),
    ],
)
def test_a_wrong_result_is_never_handed_over(cluster, stars, problem):
    """
    An identity that got lost, or a link whose ends are two persons, is an error.
    """
    links = cluster.createDataFrame([(4, 3), (3, 2), (2, 1)], "hi bigint, lo bigint")

    with pytest.raises(Unresolved, match=problem):
        check(links, cluster.createDataFrame(stars, "hi bigint, lo bigint"))


def test_a_program_without_a_file_can_connect(cluster_url):
    """
    Neither ``python -c`` nor a worker of another program is taken for something that it is not.
    """
    program = """
import sys
from identity.batch import spark
session = spark.connect(sys.argv[1])
print(session.range(3).count())
session.stop()
"""
    run = subprocess.run(
        [sys.executable, "-c", program, cluster_url], capture_output=True, text=True, timeout=100, check=True
    )

    assert run.stdout == "3\n"


def test_a_missing_column_is_said(cluster, tmp_path):
    """
    Links without the column that was asked for are an error that names it.
    """
    with pytest.raises(InvalidLinks, match="old is no column of the links, which have older, newer"):
        spark.resolve(on_cluster(cluster, tmp_path, []), checkpoints=str(tmp_path), older="old")
