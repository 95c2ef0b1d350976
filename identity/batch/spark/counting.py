"""
Who has how many identities, and through whom: what shows on a cluster who was squished.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - as everybody who uses Spark writes it

from identity.batch.spark.links import both_ends

EMAIL = r"^\s*[^@\s]+@[^@\s]+\.[^@\s.]+\s*$"


def sizes(people: DataFrame) -> DataFrame:
    """
    Return how many ``persons`` have one identity, two, and so on (``identities``).

    Args:
        people: what `resolve` returned.
    """
    persons = people.groupBy("canonical").agg(F.count("*").alias("identities"))
    return persons.groupBy("identities").agg(F.count("*").alias("persons"))


def persons(
    links: DataFrame,
    people: DataFrame,
    *,
    older: str = "older",
    newer: str = "newer",
    refuse: Column | None = None,
    named: Column | None = None,
) -> DataFrame:
    """
    Return a row a person, as `identity.batch.Resolution.persons` does.

    Args:
        links: the links.
        people: what `resolve` made of them.
        older: the column of one end of the links.
        newer: the column of the other.
        refuse: which links join nobody.
        named: which identities name somebody, an expression over the column ``id``; e-mail addresses by default.

    Raises:
        InvalidLinks: a column is missing.
    """
    is_named = F.col("id").rlike(EMAIL) if named is None else named
    joining = both_ends(links, older=older, newer=newer, refuse=refuse).where("joins")
    counted = people.groupBy("canonical").agg(
        F.count("*").alias("identities"), F.sum(is_named.cast("bigint")).alias("named")
    )
    linked = (
        joining.select(F.col("older").alias("id"))
        .join(people, "id")
        .groupBy("canonical")
        .agg(F.count("*").alias("links"))
    )
    return (
        counted.join(linked, "canonical", "left")
        .join(_hubs(joining, people), "canonical")
        .select(
            "canonical", "identities", "named", F.coalesce("links", F.lit(0)).alias("links"), "hub", "neighbours"
        )
    )


def _hubs(joining: DataFrame, people: DataFrame) -> DataFrame:
    """
    Return each person's identity with the most neighbours, the smallest of several.
    """
    apart = joining.where("older != newer")
    pairs = apart.select(F.col("older").alias("id"), F.col("newer").alias("neighbour")).union(
        apart.select("newer", "older")
    )
    degrees = pairs.distinct().groupBy("id").agg(F.count("*").alias("degree"))
    ranked = people.join(degrees, "id", "left").select(
        "canonical", "id", F.coalesce("degree", F.lit(0)).alias("degree")
    )
    most = ranked.groupBy("canonical").agg(F.max("degree").alias("neighbours"))
    highest = ranked.join(most, "canonical").where("degree = neighbours")
    return highest.groupBy("canonical", "neighbours").agg(F.min("id").alias("hub"))
