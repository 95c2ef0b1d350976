"""
From links to people on a cluster: hashes of the texts, joined round by round.

A number that an engine makes up for a row would not do for an identity: it changes when a lost task is run again,
and strangers become one person. A hash of the text does not. Two identities with one hash are noticed, and then
all are hashed anew with another salt.

The steps are those of Kiveris and others, Connected Components in MapReduce and Beyond (2014).
"""

import uuid
from collections.abc import Callable, Sequence
from functools import partial

from attrs import frozen
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - as everybody who uses Spark writes it

from identity.batch.spark.links import both_ends
from identity.batch.spark.stars import in_stars, large_star, small_star
from identity.errors import Unresolved

MOST_ROUNDS = 50
"""Far more than any log needs: a single chain of half a million links takes 14."""


def _salted(salt: int, identity: str) -> Column:
    # The salt goes first: a hash that follows another one starts from it, and repeats its collisions.
    return F.xxhash64(F.lit(salt), F.col(identity))


Hash = Callable[[str], Column]
HASHES: tuple[Hash, ...] = tuple(partial(_salted, salt) for salt in range(5))
"""Tried one after the other until no two identities have the same."""


@frozen
class Round:
    """
    How far it is.

    Attributes:
        number: 0 when the links are read, then counted from 1.
        links: how many there are now, each between two different hashes.
    """

    number: int
    links: int


def resolve(
    links: DataFrame,
    *,
    checkpoints: str,
    older: str = "older",
    newer: str = "newer",
    refuse: Column | None = None,
    told: Callable[[Round], object] = lambda _: None,
) -> DataFrame:
    """
    Return every identity of some links (``id``) with the one that its person is known by (``canonical``).

    Args:
        links: a Spark frame with a row a link.
        checkpoints: a folder that all machines of the cluster can write to. The rounds are kept there as Parquet,
            in a folder of their own; the result is read from it, so write that elsewhere before taking it away.
        older: the column of one end of the links.
        newer: the column of the other.
        refuse: which links join nobody.
        told: is called after each round.

    Raises:
        InvalidLinks: a column is missing.
        Unresolved: the result breaks a rule that holds for every right one, or there is none after 50 rounds.
    """
    scratch = Scratch(links.sparkSession, f"{checkpoints.rstrip('/')}/resolve-{uuid.uuid4().hex}")
    ends = both_ends(links, older=older, newer=newer, refuse=refuse)
    nodes, hashed = numbered(ends, scratch)
    first = scratch.keep("links", _edges(ends, hashed))
    stars = _joined(first, scratch, told)
    check(first, stars)
    return _named(nodes, stars)


@frozen
class Scratch:
    """
    Where frames are kept between rounds, so that no round is ever computed twice.

    Attributes:
        session: the cluster.
        folder: where on it.
    """

    session: SparkSession
    folder: str

    def keep(self, name: str, frame: DataFrame) -> DataFrame:
        """
        Write a frame as Parquet, in the place of an older one of this name, and return what was written.
        """
        path = f"{self.folder}/{name}"
        frame.write.mode("overwrite").parquet(path)
        # An engine may write no file at all where there are no rows, and so no schema to find again.
        return self.session.read.schema(frame.schema).parquet(path)


def numbered(ends: DataFrame, scratch: Scratch, *, hashes: Sequence[Hash] = HASHES) -> tuple[DataFrame, Hash]:
    """
    Return every identity (``id``) with its hash (``node``), and the hash function that tells them all apart.

    Raises:
        Unresolved: none does.
    """
    ids = ends.select(F.col("older").alias("id")).union(ends.select("newer")).where("id is not null")
    for hashed in hashes:
        grouped = ids.groupBy(hashed("id").alias("node")).agg(F.min("id").alias("id"), F.max("id").alias("rival"))
        nodes = scratch.keep("identities", grouped)
        if nodes.where("id != rival").limit(1).count() == 0:
            return nodes.select("node", "id"), hashed
    raise Unresolved(f"identities share a hash under each of {len(hashes)} salts: that is no accident")


def _edges(ends: DataFrame, hashed: Hash) -> DataFrame:
    joining = ends.where("joins and older != newer")
    pairs = joining.select(hashed("older").alias("one"), hashed("newer").alias("other"))
    return pairs.select(F.greatest("one", "other").alias("hi"), F.least("one", "other").alias("lo")).distinct()


def _joined(links: DataFrame, scratch: Scratch, told: Callable[[Round], object]) -> DataFrame:
    """
    Return links after which each identity points at the smallest hash of its person, and at nothing else.
    """
    told(Round(0, links.count()))
    for number in range(1, MOST_ROUNDS + 1):
        # What a round reads must not be what it writes over.
        large = scratch.keep(f"large-{number % 2}", large_star(links))
        rows, done = in_stars(large)
        told(Round(number, rows))
        if done:
            return large
        links = scratch.keep(f"small-{number % 2}", small_star(large))
    raise Unresolved(f"the links are not joined after {MOST_ROUNDS} rounds")


def check(links: DataFrame, stars: DataFrame) -> None:
    """
    Make sure that no identity got lost, and that both ends of every link are one person.

    Raises:
        Unresolved: one did, or they are not.
    """
    every = links.select("hi").union(links.select("lo")).distinct().count()
    kept = stars.count() + stars.select("lo").distinct().count()
    if every != kept:
        raise Unresolved(f"{every:,} identities are linked, but {kept:,} were found in the result")
    rooted = links
    for end in ("hi", "lo"):
        roots = stars.select(F.col("hi").alias(end), F.col("lo").alias(f"root_{end}"))
        rooted = rooted.join(roots, end, "left").withColumn(f"root_{end}", F.coalesce(f"root_{end}", end))
    apart = rooted.where("root_hi != root_lo").count()
    if apart:
        raise Unresolved(f"the ends of {apart:,} links are not one person")


def _named(nodes: DataFrame, stars: DataFrame) -> DataFrame:
    roots = stars.select(F.col("hi").alias("node"), F.col("lo").alias("root"))
    rooted = nodes.join(roots, "node", "left").select("id", F.coalesce("root", "node").alias("root"))
    smallest = rooted.groupBy("root").agg(F.min("id").alias("canonical"))
    return rooted.join(smallest, "root").select("id", "canonical")
