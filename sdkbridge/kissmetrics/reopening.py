"""
A file that may have been filled before, opened under the rules that it was filled under.
"""

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from identity.database import Database
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.kissmetrics.rules import DEFAULT, remembered

Changes = Mapping[str, Any]
"""Rules by their names."""

NO_CHANGES: Changes = {}


def reopened(database: Database, *, changed: Changes = NO_CHANGES) -> LocalKissmetrics:
    """
    Open what a database holds, or begin in an empty one.

    Args:
        database: new, or filled before.
        changed: rules that are to be other than the file's, or in a new file than the usual ones.

    Raises:
        StoreError: the database cannot be used, or was filled under other rules than these.
    """
    return LocalKissmetrics(database, rules=evolve(remembered(database) or DEFAULT, **changed))
