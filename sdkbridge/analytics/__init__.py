"""
For code that is written for Segment's Python library: another import, and its calls go through a bridge.

    import sdkbridge.analytics as analytics

    analytics.write_key = "your-kissmetrics-key"
    analytics.track("ann@example.com", "Invoice Paid", {"revenue": 39.95})

Source: segment-analytics-python 2.4.0, ``segment/analytics/__init__.py``; a test compares the two.
"""

import logging
from collections.abc import Mapping
from typing import Any

import sdkbridge
from sdkbridge.analytics.client import Client, OnError, Queued, Undeliverable

__all__ = ["Client", "Queued", "Undeliverable"]

__version__ = sdkbridge.__version__

write_key: str | None = Client.DefaultConfig.write_key
host: str | None = Client.DefaultConfig.host
on_error: OnError | None = Client.DefaultConfig.on_error
debug: bool = Client.DefaultConfig.debug
log_handler: logging.Handler | None = Client.DefaultConfig.log_handler
send: bool = Client.DefaultConfig.send
sync_mode: bool = Client.DefaultConfig.sync_mode
max_queue_size: int = Client.DefaultConfig.max_queue_size
gzip: bool = Client.DefaultConfig.gzip
timeout: float = Client.DefaultConfig.timeout
max_retries: int = Client.DefaultConfig.max_retries
proxies: Mapping[str, str] | None = Client.DefaultConfig.proxies

oauth_client_id: str | None = Client.DefaultConfig.oauth_client_id
oauth_client_key: str | None = Client.DefaultConfig.oauth_client_key
oauth_key_id: str | None = Client.DefaultConfig.oauth_key_id
oauth_auth_server: str = Client.DefaultConfig.oauth_auth_server
oauth_scope: str = Client.DefaultConfig.oauth_scope

default_client: Client | None = None
"""Made of the settings above by the first call."""


def track(*args: Any, **kwargs: Any) -> Queued:  # noqa: ANN401 - as in Segment's module
    """
    Record an event; arguments as for `Client.track`.
    """
    return _client().track(*args, **kwargs)


def identify(*args: Any, **kwargs: Any) -> Queued:  # noqa: ANN401 - as in Segment's module
    """
    Say who somebody is; arguments as for `Client.identify`.
    """
    return _client().identify(*args, **kwargs)


def group(*args: Any, **kwargs: Any) -> Queued:  # noqa: ANN401 - as in Segment's module
    """
    Say which company or team somebody belongs to; arguments as for `Client.group`.
    """
    return _client().group(*args, **kwargs)


def alias(*args: Any, **kwargs: Any) -> Queued:  # noqa: ANN401 - as in Segment's module
    """
    Ask to join a previous identity with a new one; arguments as for `Client.alias`.
    """
    return _client().alias(*args, **kwargs)


def page(*args: Any, **kwargs: Any) -> Queued:  # noqa: ANN401 - as in Segment's module
    """
    Record that a page was seen; arguments as for `Client.page`.
    """
    return _client().page(*args, **kwargs)


def screen(*args: Any, **kwargs: Any) -> Queued:  # noqa: ANN401 - as in Segment's module
    """
    Record that a screen of an app was seen; arguments as for `Client.screen`.
    """
    return _client().screen(*args, **kwargs)


def flush() -> None:
    """
    Deliver what waits.
    """
    _client().flush()


def join() -> None:
    """
    Stop delivering, and let go of the database.
    """
    _client().join()


def shutdown() -> None:
    """
    Deliver what waits, and stop.
    """
    _client().shutdown()


def _client() -> Client:
    global default_client  # noqa: PLW0603 - as code written for Segment's library expects
    if default_client is None:
        default_client = Client(
            write_key,
            host=host,
            debug=debug,
            log_handler=log_handler,
            max_queue_size=max_queue_size,
            send=send,
            on_error=on_error,
            gzip=gzip,
            max_retries=max_retries,
            sync_mode=sync_mode,
            timeout=timeout,
            proxies=proxies,
        )
    return default_client
