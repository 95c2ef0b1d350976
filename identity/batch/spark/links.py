"""
Links as every step takes them.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - as everybody who uses Spark writes it

from identity.errors import InvalidLinks


def both_ends(links: DataFrame, *, older: str, newer: str, refuse: Column | None) -> DataFrame:
    """
    Return ``older`` and ``newer`` as texts, and whether the link ``joins`` them.

    Raises:
        InvalidLinks: a column is missing.
    """
    for column in (older, newer):
        if column not in links.columns:
            raise InvalidLinks(
                column, f"is no column of the links, which have {', '.join(links.columns) or 'none'}"
            )
    whole = F.col(older).isNotNull() & F.col(newer).isNotNull()
    return links.select(
        F.col(older).cast("string").alias("older"),
        F.col(newer).cast("string").alias("newer"),
        (whole if refuse is None else whole & ~F.coalesce(refuse, F.expr("false"))).alias("joins"),
    )
