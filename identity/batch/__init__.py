"""
Whole logs at once: which identities are one person, for millions of links on one machine.

    from identity.batch import resolve

    people = resolve("links.parquet")  # columns id and canonical

A person's canonical identity is the smallest of its identities as text, letter by letter in the order of Unicode.
So it depends on nothing but the links: not on their order, on the engine, or on the number of machines. The
online graph names a person after the identity that was named first instead, since it knows when things happened;
it is the sets that agree. Identities are compared as they are: fold e-mail addresses first (`identity.ids.fold`).

Needs polars, and numpy with scipy or numba: ``pip install sdkbridge[batch]``. `resolve_pairs` needs nothing.
Past one machine there is `identity.batch.spark`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from identity.batch.pairs import resolve_pairs

if TYPE_CHECKING:
    import polars as pl

    from identity.batch.engines import Engine
    from identity.batch.reading import Links
    from identity.batch.resolution import Resolution

__all__ = ["join", "placeholders", "resolve", "resolve_pairs"]

NEEDED = "identity.batch needs polars and numpy, and scipy or numba: pip install 'sdkbridge[batch]'"


def resolve(
    links: "Links",
    *,
    older: str = "older",
    newer: str = "newer",
    refuse: "pl.Expr | None" = None,
    engine: "Engine | None" = None,
) -> "pl.DataFrame":
    """
    Return every identity of some links (``id``) with the one that its person is known by (``canonical``).

    Every identity of the links is there once, in no particular order; one that is joined to nobody is its own
    canonical identity.

    Args:
        links: a polars frame, lazy or not; anything that speaks Arrow (a pyarrow table, a pandas frame); or a
            Parquet, CSV or NDJSON file, which is read in pieces.
        older: the column of one end of the links.
        newer: the column of the other.
        refuse: which links join nobody, an expression over the columns, such as `placeholders()`.
        engine: ``numba``, ``scipy`` or ``python``; by default the fastest that is installed.

    Raises:
        InvalidLinks: a column is missing, or holds no texts.
        ImportError: the columnar libraries, or the engine asked for, are not installed.
    """
    return join(links, older=older, newer=newer, refuse=refuse, engine=engine, count=False).identities()


def join(
    links: "Links",
    *,
    older: str = "older",
    newer: str = "newer",
    refuse: "pl.Expr | None" = None,
    engine: "Engine | None" = None,
    count: bool = True,
    told: Callable[[int], object] = lambda _: None,
) -> "Resolution":
    """
    Join links as `resolve` does, and keep what it takes to count: who has how many identities, and through whom.

    Args:
        links: see `resolve`.
        older: see `resolve`.
        newer: see `resolve`.
        refuse: see `resolve`.
        engine: see `resolve`.
        count: keep the links as numbers, for `Resolution.persons`; eight bytes a link.
        told: is called with the number of links that are joined so far.

    Raises:
        InvalidLinks: a column is missing, or holds no texts.
        ImportError: the columnar libraries, or the engine asked for, are not installed.
    """
    try:
        from identity.batch.engines import join as joined  # noqa: PLC0415 - the columnar libraries are an extra
    except ImportError as error:
        raise ImportError(NEEDED) from error
    return joined(links, older=older, newer=newer, refuse=refuse, engine=engine, count=count, told=told)


def placeholders(*columns: str) -> "pl.Expr":
    """
    Return the rule that refuses links to what stands for nobody, as `identity.ids.is_placeholder` has it.

    Args:
        columns: where to look; both ends of a link by default.

    Raises:
        ImportError: polars is not installed.
    """
    try:
        from identity.batch.refusals import placeholders as rule  # noqa: PLC0415 - see above
    except ImportError as error:
        raise ImportError(NEEDED) from error
    return rule(*columns or ("older", "newer"))
