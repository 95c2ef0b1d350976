"""
The address of a bridge's database, as somebody wrote it.
"""

import re
from pathlib import Path

from identity.stores.address import is_postgres

_OTHER_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://|postgres[a-z0-9+]*:", re.IGNORECASE)

_KEYWORDS = re.compile(
    r"(^|\s)(host|hostaddr|port|dbname|user|password|passfile|service|sslmode)\s*=", re.IGNORECASE
)

FORMS = "must be a file's path, or a URL that begins with postgresql:// or postgres://"


def database_address(written: str) -> str:
    """
    Return the address of a database, with a ``~/`` at its beginning replaced by the home folder.

    Raises:
        ValueError: it is in a form that would be taken for a path, and is meant for something else; the text says
            what is right, and nothing of what was written.
    """
    if is_postgres(written):
        return written
    if _OTHER_SCHEME.match(written):
        raise ValueError(f"{FORMS}: there is no sqlite://, mysql:// or postgresql+psycopg://")
    if _KEYWORDS.search(written):
        raise ValueError(f"{FORMS}: host=… and the like belong into that URL")
    if not written.startswith("~/"):
        return written
    try:
        return str(Path(written).expanduser())
    except RuntimeError:
        raise ValueError("begins with ~/, and there is no home folder here") from None
