"""
The address of a database: a file's path, or a PostgreSQL server's URL, and how either is shown.
"""

import re
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

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


def is_postgres(address: str | Path) -> bool:
    """
    Tell whether an address is that of a PostgreSQL database.
    """
    return isinstance(address, str) and _URL.match(address) is not None


def shown(url: str) -> str:
    """
    Return a URL as it may be printed: without its password, and of its parameters only the harmless ones.
    """
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name in HARMLESS]
    return urlunsplit(
        parts._replace(
            netloc=f"{user.partition(':')[0]}{at}{host}", query=urlencode(query, quote_via=quote), fragment=""
        )
    )
