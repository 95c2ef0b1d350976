"""
Whether a SQLite file is whole.
"""

from identity.database import Database
from identity.errors import StoreError

MOST_PROBLEMS = 100


def problems_of(database: Database) -> list[str]:
    """
    Read every page, row and index of a file, and return what is wrong with them, in SQLite's words.

    What SQLite cannot find: whole commits that were lost with the end of a damaged write-ahead log.

    Raises:
        StoreError: the damage is such that nothing can be read.
    """
    try:
        found = database.rows(f"PRAGMA integrity_check({MOST_PROBLEMS})")
    except StoreError as error:
        return [error.problem]
    return [text for (text,) in found if text != "ok"]
