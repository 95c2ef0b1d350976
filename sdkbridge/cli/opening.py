"""
The file of a local Kissmetrics, opened for a command.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from identity.database import Database
from identity.errors import StoreError
from sdkbridge.cli.exits import Failure
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.kissmetrics.reopening import NO_CHANGES, Changes, reopened
from sdkbridge.kissmetrics.rules import remembered


@contextmanager
def opened(path: Path, *, must_be_one: bool, changed: Changes = NO_CHANGES) -> Iterator[LocalKissmetrics]:
    """
    Open a file, and close it afterwards.

    Args:
        path: where it is.
        must_be_one: whether it must be the file of a local Kissmetrics already.
        changed: rules that are not those of the file, or for a new file not the usual ones.

    Raises:
        Failure: it cannot be opened, or under other rules only.
    """
    try:
        database = Database(path)
    except StoreError as error:
        raise Failure(str(error)) from error
    try:
        if must_be_one and remembered(database) is None:
            raise Failure(f"{path} is not the file of a local Kissmetrics")
        yield reopened(database, changed=changed)
    except StoreError as error:
        raise Failure(str(error)) from error
    finally:
        database.close()
