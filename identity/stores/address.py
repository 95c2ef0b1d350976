"""
The address of a database: a file's path, or a PostgreSQL server's URL, and how either is shown.
"""

import re
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

_URL = re.compile(r"postgres(ql)?://", re.IGNORECASE)


HARMLESS = frozenset(
    {
        "application_name",
        "channel_binding",
        "connect_timeout",
        "dbname",
        "host",
        "hostaddr",
        "load_balance_hosts",
        "options",
        "port",
        "service",
        "sslcert",
        "sslcrl",
        "sslmode",
        "sslrootcert",
        "target_session_attrs",
        "user",
    }
)
"""libpq's parameters that are shown; others, some of which are passwords and keys, are not."""


UNREADABLE = "postgresql://…"
"""A URL of which nobody can say where its password ends, as it is shown."""


def is_postgres(address: str | Path) -> bool:
    """
    Tell whether an address is that of a PostgreSQL database.
    """
    return isinstance(address, str) and _URL.match(address) is not None


def for_libpq(url: str) -> str:
    """
    Return a URL as libpq takes it: with another scheme, in capitals say, it would cite all of it in its error.
    """
    return _URL.sub("postgresql://", url, count=1)


def shown(url: str) -> str:
    """
    Return a URL as it may be printed: without its password, and of its parameters only the harmless ones.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return UNREADABLE
    if "@" not in parts.netloc and "@" in parts.path + parts.query + parts.fragment:
        return UNREADABLE
    user, at, host = parts.netloc.rpartition("@")
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name in HARMLESS]
    asked = f"?{urlencode(query, quote_via=quote)}" if query else ""
    return f"{parts.scheme}://{user.partition(':')[0]}{at}{host}{parts.path}{asked}"
