"""
Links from wherever they are, in pieces of a size that fits the caches.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from attrs import frozen

from identity.errors import InvalidLinks

Links = pl.DataFrame | pl.LazyFrame | str | Path | Any
"""A frame, anything with ``__arrow_c_stream__``, or a file."""

PIECE = 1_000_000
"""Links that are hashed and joined at a time."""

TEXTS = (pl.String, pl.Categorical, pl.Enum)


@frozen
class Piece:
    """
    Some of the links.

    Attributes:
        older: one end of each link that joins.
        newer: the other end.
        alone: identities of links that join nobody.
    """

    older: pl.Series
    newer: pl.Series
    alone: pl.Series


def scanned(links: Links) -> pl.DataFrame | pl.LazyFrame:
    """
    Return links as a frame; a file is not read yet.

    Raises:
        InvalidLinks: it is nothing that holds links.
    """
    if isinstance(links, pl.DataFrame | pl.LazyFrame):
        return links
    if hasattr(links, "__arrow_c_stream__"):
        return pl.DataFrame(links)
    if not isinstance(links, str | Path):
        raise InvalidLinks("links", f"must be a frame, an Arrow table or a file, not {type(links).__name__}")
    suffix = Path(links).suffix
    if suffix == ".csv":
        # Never guessed: an account id of digits may start with a zero.
        return pl.scan_csv(links, infer_schema=False)
    return pl.scan_ndjson(links) if suffix in {".ndjson", ".jsonl", ".json"} else pl.scan_parquet(links)


def rows_of(frame: pl.DataFrame | pl.LazyFrame) -> int:
    """
    Count the links.
    """
    return frame.height if isinstance(frame, pl.DataFrame) else int(frame.select(pl.len()).collect().item())


def pieces(
    frame: pl.DataFrame | pl.LazyFrame, *, older: str, newer: str, refuse: pl.Expr | None
) -> Iterator[tuple[Piece, int]]:
    """
    Yield the links piece by piece, each with how many of its links join nobody.

    Raises:
        InvalidLinks: a column is missing, or holds no texts.
    """
    schema = frame.collect_schema()
    wanted = [_text(schema, column).alias(end) for end, column in (("older", older), ("newer", newer))]
    joins = pl.col(older).is_not_null() & pl.col(newer).is_not_null()
    if refuse is not None:
        joins &= ~refuse.fill_null(value=False)
    selection = [*wanted, joins.alias("joins")]
    if isinstance(frame, pl.LazyFrame):
        for batch in frame.select(selection).collect_batches(chunk_size=PIECE):
            yield _parted(batch)
        return
    for batch in frame.iter_slices(PIECE):
        yield _parted(batch.select(selection))


def _text(schema: pl.Schema, column: str) -> pl.Expr:
    if column not in schema:
        raise InvalidLinks(column, f"is no column of the links, which have {', '.join(schema) or 'none'}")
    if schema[column].is_integer() or isinstance(schema[column], TEXTS) or schema[column] == pl.Null:
        return pl.col(column).cast(pl.String)
    raise InvalidLinks(column, f"must be a column of texts, not of {schema[column]}")


def _parted(batch: pl.DataFrame) -> tuple[Piece, int]:
    joins = batch["joins"]
    if joins.all():
        return Piece(batch["older"], batch["newer"], batch["older"].clear()), 0
    kept, rest = batch.filter(joins), batch.filter(~joins)
    alone = pl.concat([rest["older"], rest["newer"].alias("older")]).drop_nulls()
    return Piece(kept["older"], kept["newer"], alone), rest.height
