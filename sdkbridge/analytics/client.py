"""
A client with the signatures of Segment's Python library, on a bridge.

Source: segment-analytics-python 2.4.0, ``segment/analytics/client.py``; a test compares the two.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from numbers import Number
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import sdkbridge
from identity.errors import StoreError
from sdkbridge.bridge import Bridge
from sdkbridge.calls import JSONObject
from sdkbridge.delivery.problems import DeliveryProblem
from sdkbridge.errors import BridgeClosed, BridgeError, InvalidCall, OutboxFull
from sdkbridge.server_side import ServerSideCalls
from sdkbridge.settings import resolve

Queued = tuple[bool, dict[str, Any]]
"""Whether a message was taken, and the message."""

OnError = Callable[[Exception, list[dict[str, Any]]], object]

FLUSH_S = 10.0
LONGEST_TIMEOUT_S = 30.0
JUST_NOW = timedelta(seconds=5)

SEGMENTS = (".segment.io", ".segment.com", ".segmentapis.com")
"""How the names of Segment's hosts end."""


class Undeliverable(BridgeError):
    """
    A request that can never be delivered, and is among the dead letters now.
    """


class Client(ServerSideCalls[Queued]):
    """
    Segment's client, as far as code that uses it can tell; its calls are committed when they return.

    What the arguments mean here: docs/integrations.md.

    Raises:
        InvalidSetting: there is no database or no key, or a value cannot be.
        StoreError: the database cannot be used.
    """

    class DefaultConfig:
        """
        The defaults of Segment's client.
        """

        write_key = None
        host = None
        on_error = None
        debug = False
        log_handler = None
        send = True
        sync_mode = False
        max_queue_size = 10000
        gzip = False
        timeout = 15
        max_retries = 10
        max_total_backoff_duration = 43200
        max_rate_limit_duration = 1800
        proxies = None
        thread = 1
        upload_interval = 0.5
        upload_size = 100
        oauth_client_id = None
        oauth_client_key = None
        oauth_key_id = None
        oauth_auth_server = "https://oauth2.segment.io"
        oauth_scope = "tracking_api:write"

    log = logging.getLogger("sdkbridge")

    def __init__(  # noqa: PLR0913, PLR0917 - Segment's signature
        self,
        write_key: str | None = DefaultConfig.write_key,
        host: str | None = DefaultConfig.host,
        debug: bool = DefaultConfig.debug,  # noqa: FBT001 - Segment's order
        max_queue_size: int = DefaultConfig.max_queue_size,
        send: bool = DefaultConfig.send,  # noqa: FBT001 - likewise
        on_error: OnError | None = DefaultConfig.on_error,
        gzip: bool = DefaultConfig.gzip,  # noqa: ARG002, FBT001 - means nothing here
        max_retries: int = DefaultConfig.max_retries,  # noqa: ARG002 - likewise
        sync_mode: bool = DefaultConfig.sync_mode,  # noqa: FBT001 - likewise
        timeout: float = DefaultConfig.timeout,
        proxies: Mapping[str, str] | None = DefaultConfig.proxies,
        thread: int = DefaultConfig.thread,  # noqa: ARG002 - likewise
        upload_size: int = DefaultConfig.upload_size,  # noqa: ARG002 - likewise
        upload_interval: float = DefaultConfig.upload_interval,  # noqa: ARG002 - likewise
        log_handler: logging.Handler | None = DefaultConfig.log_handler,
        oauth_client_id: str | None = DefaultConfig.oauth_client_id,  # noqa: ARG002 - likewise
        oauth_client_key: str | None = DefaultConfig.oauth_client_key,  # noqa: ARG002 - likewise
        oauth_key_id: str | None = DefaultConfig.oauth_key_id,  # noqa: ARG002 - likewise
        oauth_auth_server: str = DefaultConfig.oauth_auth_server,  # noqa: ARG002 - likewise
        oauth_scope: str = DefaultConfig.oauth_scope,  # noqa: ARG002 - likewise
        max_total_backoff_duration: float = DefaultConfig.max_total_backoff_duration,  # noqa: ARG002 - likewise
        max_rate_limit_duration: float = DefaultConfig.max_rate_limit_duration,  # noqa: ARG002 - likewise
    ) -> None:
        self.send = send
        self.sync_mode = sync_mode
        self.on_error = on_error
        self._said = {
            "api_key": write_key,
            "url": None if host and is_segments(host) else host,
            "timeout": min(timeout, LONGEST_TIMEOUT_S),
            "outbox_limit": None if max_queue_size == self.DefaultConfig.max_queue_size else max_queue_size,
        }
        self._log_to(log_handler, debug=debug)
        if host and is_segments(host):
            self.log.warning("host is one of Segment's own, and has no effect: url says where Kissmetrics is")
        if proxies:
            self.log.warning("proxies has no effect: hand a transport to a Bridge instead")
        self._lock = threading.RLock()
        self._bridge: Bridge | None = None
        if send:
            self._opened()

    def _log_to(self, handler: logging.Handler | None, *, debug: bool) -> None:
        if debug:
            self.log.setLevel(logging.DEBUG)
            handler = handler or logging.StreamHandler()
        if handler is not None:
            self.log.addHandler(handler)

    def _opened(self) -> Bridge:
        """
        Return the bridge; after `join` another one.
        """
        # Looked at first, so that a process that is forked off has hardly ever a lock that nobody will let go of.
        if (bridge := self._bridge) is not None:
            return bridge
        with self._lock:
            if self._bridge is None:
                # What the surroundings say goes before what the program was written with, for Segment.
                origins = resolve({}).origins
                said: Any = {name: value for name, value in self._said.items() if origins[name] == "default"}
                self._bridge = Bridge(on_error=self._tell_of_dead if self.on_error else None, **said)
            return self._bridge

    def _with_bridge(self, do: Callable[[Bridge], object]) -> None:
        while True:
            bridge = self._opened()
            try:
                do(bridge)
            except (BridgeClosed, StoreError):
                # Unless another thread called `join` in this very moment.
                if bridge is self._bridge:
                    raise
            else:
                return

    def accept(self, message: JSONObject) -> Queued:
        """
        Take a call, and return whether it was taken, and how.

        Raises:
            AssertionError: Segment's library would refuse it, too.
        """
        check(message)
        full = completed(message)
        self.log.debug("queueing: %s %s", full["type"], full["messageId"])
        if not self.send:
            return True, full
        try:
            self._with_bridge(lambda bridge: bridge.accept(full))
        except (InvalidCall, OutboxFull, StoreError) as error:
            self.log.warning("a call was not taken: %s", error)
            self._tell(error, [full])
            return False, full
        if self.sync_mode:
            self.flush()
        return True, full

    def _tell_of_dead(self, problem: DeliveryProblem) -> None:
        if problem.what == "dead":
            self._tell(Undeliverable(problem.reason), [])

    def _tell(self, error: Exception, batch: list[dict[str, Any]]) -> None:
        if self.on_error is None:
            return
        try:
            self.on_error(error, batch)
        except Exception:
            self.log.exception("on_error failed")

    def flush(self) -> None:
        """
        Deliver what waits, for ten seconds at most; what is left is delivered later.
        """
        if self.send:
            self._with_bridge(lambda bridge: bridge.flush(timeout=FLUSH_S))

    def join(self) -> None:
        """
        Stop delivering and let go of the database; what is left waits in it. The next call opens it again.
        """
        with self._lock:
            bridge, self._bridge = self._bridge, None
        if bridge is not None:
            bridge.close()

    def shutdown(self) -> None:
        """
        Deliver what waits, and stop.
        """
        self.flush()
        self.join()


def is_segments(host: str) -> bool:
    """
    Tell whether a host, a URL or a bare name, is one of Segment's own, as that of a region is.
    """
    try:
        name = urlsplit(host if "//" in host else f"//{host}").hostname or ""
    except ValueError:
        return False  # no URL, which a bridge will say
    return f".{name.strip().rstrip('.')}".endswith(SEGMENTS)


def check(message: JSONObject) -> None:
    """
    Refuse what Segment's library refuses, in its way.

    Raises:
        AssertionError: an identity, or an event's name, is missing or of the wrong type, and so on.
    """
    kind = message["type"]
    if kind == "alias":
        _require(message, "previousId", Number, str)
        _require(message, "userId", Number, str)
    elif not isinstance(message.get("userId") or message.get("anonymousId"), Number | str):
        raise AssertionError("user_id or anonymous_id must be a number or a text")
    if kind == "group":
        _require(message, "groupId", Number, str)
    if kind == "track":
        _require(message, "event", str)
    for name in ("category", "name"):
        if message.get(name):
            _require(message, name, str)
    for name in ("traits", "properties", "context", "integrations"):
        if message.get(name):
            _require(message, name, dict)
    if message.get("timestamp") is not None:
        _require(message, "timestamp", datetime)


def _require(message: JSONObject, name: str, *kinds: type) -> None:
    if not isinstance(message.get(name), kinds):
        kind = " or ".join(kind.__name__ for kind in kinds)
        raise AssertionError(f"{name} must be of type {kind}")  # noqa: TRY004 - as Segment's library


def completed(message: JSONObject) -> dict[str, Any]:
    """
    Return a message as Segment's library makes it: with an id, a time, and empty objects for what was not given.
    """
    full = dict(message)
    for name in ("traits", "properties", "context", "integrations"):
        if name in full:
            full[name] = dict(full[name] or {})
    full["context"]["library"] = {"name": "sdkbridge", "version": sdkbridge.__version__}
    full["timestamp"] = _zoned(full["timestamp"] or datetime.now(UTC)).isoformat(timespec="milliseconds")
    full["messageId"] = str(full["messageId"] or uuid4())
    for name in ("userId", "anonymousId"):
        value = full.get(name)
        full[name] = value if value is None else str(value)
    return full


def _zoned(time: datetime) -> datetime:
    """
    Give a zone to a time without one: this machine's if it is now there, as Segment's library does, else UTC.
    """
    if time.utcoffset() is not None:
        return time
    is_local = datetime.now() - time < JUST_NOW  # noqa: DTZ005 - a time without a zone is compared
    return time.astimezone() if is_local else time.replace(tzinfo=UTC)
