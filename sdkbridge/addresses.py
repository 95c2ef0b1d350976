"""
The address of a bridge's database, as somebody wrote it, and as it may be shown.
"""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from identity.stores.address import HARMLESS, is_postgres, shown

_OTHER_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://|postgres[a-z0-9+]*:", re.IGNORECASE)

_KEYWORDS = re.compile(
    r"(^|\s)(host|hostaddr|port|dbname|user|password|passfile|service|sslmode)\s*=", re.IGNORECASE
)

FORMS = "must be a file's path, or a URL that begins with postgresql:// or postgres://"

_PLAIN = re.compile(r"([^%#\s\x00-\x1f\x7f]|%(?!00)[0-9A-Fa-f]{2})*")
"""What libpq and Python read alike; libpq also cites the rest of a URL from a wrong % on."""

_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]*\]|[^:\[\]]*)(:\d+)?")


def database_address(written: str) -> str:
    """
    Return the address of a database, with a ``~/`` at its beginning replaced by the home folder.

    Raises:
        ValueError: it is in a form that would be taken for a path, and is meant for something else; the text says
            what is right, and nothing of what was written.
    """
    if is_postgres(written):
        if not _is_read_alike_by_all(written):
            raise ValueError(
                f"{FORMS}, with / ? # @ [ ] % and blanks of a password as %2F %3F %23 %40 %5B %5D %25 %20"
            )
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


def without_secrets(address: str) -> str:
    """
    Return an address as it may be shown: a URL without its password, and of its parameters only the harmless ones.
    """
    return shown(address) if is_postgres(address) else address


def _is_read_alike_by_all(url: str) -> bool:
    """
    Tell whether libpq, which uses the password in a URL, and Python, which leaves it out, find the same one.
    """
    try:
        urlsplit(url)
        unquote(url, errors="strict")
    except ValueError:
        return False
    rest = url.partition("://")[2]
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    path, _, query = rest[len(authority) :].partition("?")
    user, _, hosts = authority.rpartition("@")
    with_at = HARMLESS | {"password"}
    pieces = [piece.partition("=") for piece in query.split("&")] if query else []
    return (
        _PLAIN.fullmatch(rest) is not None
        and "@" not in user + path
        # libpq takes all that is before an @ for a user, unless a slash comes first.
        and (path != "" or "@" not in query)
        and all(_HOST.fullmatch(host) for host in hosts.split(","))
        and all(equals and ("@" not in name + value or name in with_at) for name, equals, value in pieces)
    )
