"""
Large-star and small-star: two steps that turn any graph into stars, on Spark.

A graph is a frame of ``hi`` and ``lo``, each row a link between two hashes, the larger one first.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - as everybody who uses Spark writes it


def large_star(links: DataFrame) -> DataFrame:
    """
    Link every larger neighbour of an identity to the smallest neighbour, or to the identity if that is smaller.
    """
    lowest = _lowest(links).withColumnRenamed("hi", "lo")
    return links.join(lowest, "lo", "left").select("hi", F.coalesce("lowest", "lo").alias("lo")).distinct()


def small_star(links: DataFrame) -> DataFrame:
    """
    Link every smaller neighbour of an identity, and the identity, to the smallest one.
    """
    lowest = _lowest(links)
    beside = (
        links.join(lowest, "hi").where("lo != lowest").select(F.col("lo").alias("hi"), F.col("lowest").alias("lo"))
    )
    return beside.union(lowest.select("hi", F.col("lowest").alias("lo"))).distinct()


def in_stars(links: DataFrame) -> tuple[int, bool]:
    """
    Count the links, and tell whether each identity is linked to one smaller one, which is linked to none.
    """
    rows, children = links.agg(F.count("*"), F.countDistinct("hi")).collect()[0]
    if rows != children:
        return rows, False
    return rows, links.join(links.select(F.col("hi").alias("lo")), "lo", "leftsemi").limit(1).count() == 0


def _lowest(links: DataFrame) -> DataFrame:
    return links.groupBy("hi").agg(F.min("lo").alias("lowest"))
