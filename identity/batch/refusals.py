"""
Rules over columns: which links join nobody, and which identities name somebody.
"""

from functools import reduce
from operator import or_

import polars as pl

from identity.ids import is_placeholder

EMAIL = pl.col("id").str.strip_chars().str.contains(r"^[^@\s]+@[^@\s]+\.[^@\s.]+$")
"""Identities that are e-mail addresses."""

_SOMEBODY = (
    # An e-mail address, an account number, a word with a number after it.
    r"^[A-Za-z0-9][A-Za-z0-9._+-]*@[A-Za-z0-9.-]+$|^[1-9][0-9]+$|^[A-Za-z]{1,8}[_-]?[1-9][0-9]+$"
    # A UUID of more than one digit at its start.
    r"|^(?:[1-9a-eA-E][0-9a-fA-F]{7}|0[1-9a-fA-F][0-9a-fA-F]{6}|[fF][0-9a-eA-E][0-9a-fA-F]{6})(?:-[0-9a-fA-F]{4}){3}-"
)
"""Looks of identities that stand for nobody under no circumstances, so that few have to be looked at closely."""


def placeholders(*columns: str) -> pl.Expr:
    """
    Return whether one of some columns holds what stands for nobody.
    """
    return reduce(or_, (pl.col(column).map_batches(_are_placeholders, pl.Boolean) for column in columns))


def _are_placeholders(identities: pl.Series) -> pl.Series:
    texts = identities.cast(pl.String)
    doubtful = texts.filter(~texts.str.contains(_SOMEBODY)).unique()
    return texts.is_in([text for text in doubtful.drop_nulls() if is_placeholder(text)])
