"""
The Kissmetrics key that a command sends with.
"""

import ipaddress
from urllib.parse import urlsplit

import click

LOOPBACK_KEY = "local-test-key"
"""The key used when none is given and the URL is on this machine."""


def key_for(url: str, api_key: str | None) -> str:
    """
    Return the key to send with: the one that was given, or on this machine any.

    Raises:
        UsageError: a key is needed.
    """
    key = api_key or (LOOPBACK_KEY if is_loopback(url) else None)
    if key is None:
        # A password in a URL is refused, but only once there is a key.
        where = url.rpartition("@")[2]
        raise click.UsageError(
            f"a key is needed for {where}: --api-key, SDKBRIDGE_API_KEY, or api_key in sdkbridge.toml"
        )
    return key


def is_loopback(url: str) -> bool:
    """
    Tell whether a URL names this machine.
    """
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
