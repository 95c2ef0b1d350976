"""
What a server is told at its start: its projects, its limits, its secrets.
"""

import re
from collections.abc import Iterable
from typing import Any, Literal
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen, validators

from sdkbridge.addresses import database_address
from sdkbridge.errors import BridgeError
from sdkbridge.kissmetrics.client import DEFAULT_URL
from sdkbridge.options import MappingOptions

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_KEY = re.compile(r"[!-~]{1,255}")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9][A-Za-z0-9.-]{0,252})(:\d{1,5})?")


class InvalidSettings(BridgeError, ValueError):
    """
    Something that a server was told at its start cannot be; the message never holds a key or a token.

    Attributes:
        setting: where it stands, such as ``projects.shop.api_key``.
        problem: what is wrong, and what would be right.
    """

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(f"{setting} {problem}")
        self.setting = setting
        self.problem = problem


def is_host(text: str) -> bool:
    """
    Tell whether a text is a host's name or address, with or without a port.
    """
    return _HOST.fullmatch(text) is not None


def _as_tuple(values: Iterable[Any]) -> tuple[Any, ...]:
    # A text by itself would come apart into letters.
    return (values,) if isinstance(values, str) else tuple(values)


def _at_least(smallest: float) -> Any:  # noqa: ANN401 - attrs' own type of validators
    def check(_: object, attribute: "Attribute[Any]", value: object) -> None:
        if not isinstance(value, int | float) or isinstance(value, bool) or not value >= smallest:
            raise InvalidSettings(attribute.name, f"must be a number, {smallest} or more")

    return check


def _key(_: object, attribute: "Attribute[Any]", value: object) -> None:
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise InvalidSettings(attribute.name, "must be 1 to 255 visible ASCII characters, without spaces")


def _address(_: object, attribute: "Attribute[Any]", value: object) -> None:
    parts = urlsplit(value) if isinstance(value, str) else None
    known = parts is not None and parts.scheme in {"http", "https"} and is_host(parts.netloc)
    if parts is None or not known or parts.query or parts.fragment:
        raise InvalidSettings(
            attribute.name, "must be an http or https address, such as https://events.example.com"
        )


def _database(value: object) -> str:
    try:
        return database_address(str(value))
    except ValueError as problem:
        raise InvalidSettings("database", str(problem)) from None


@frozen(kw_only=True)
class Limits:
    """
    How much one client may ask for.

    Attributes:
        body_bytes: of a body, as it comes and once inflated; Segment's is 500 KB.
        call_bytes: of one call, as JSON without spaces; Segment's is 32 KB.
        batch_calls: calls in one batch; Segment's is 2,500.
        header_bytes: of all header lines together.
        body_timeout_s: how long a body may take to arrive, in seconds.
        waiting_calls: calls of one project that wait to be committed, before more are put off.
        outbox_requests: requests that wait for Kissmetrics, before more calls are put off.
        requests_per_s: requests with one write key in a second, on the average; None for as many as come.
        recent_calls: the last ones of a project, kept in memory for the pages.
        upload_bytes: of what is uploaded on the pages, to be simulated or audited.
    """

    body_bytes: int = field(default=512_000, validator=_at_least(1))
    call_bytes: int = field(default=32_768, validator=_at_least(1))
    batch_calls: int = field(default=2_500, validator=_at_least(1))
    header_bytes: int = field(default=16_384, validator=_at_least(1_024))
    body_timeout_s: float = field(default=60.0, validator=_at_least(0.01))
    waiting_calls: int = field(default=50_000, validator=_at_least(1))
    outbox_requests: int = field(default=1_000_000, validator=_at_least(1))
    requests_per_s: float | None = field(default=None, validator=validators.optional(_at_least(0.001)))
    recent_calls: int = field(default=300, validator=_at_least(1))
    upload_bytes: int = field(default=2_000_000_000, validator=_at_least(1))


InferIp = Literal["client", "always", "never"]
"""Whose address is sent when a call brings none: of phones and browsers, of everybody, of nobody."""

Survives = Literal["power", "process"]
"""What a call that was answered with 200 survives at least."""


@frozen(kw_only=True)
class Project:
    """
    One Kissmetrics product, and the write keys of those who may send to it.

    Attributes:
        name: what logs and metrics call it: letters, digits, ``-`` and ``_``.
        write_keys: any of them is good; two while one replaces the other.
        api_key: the Kissmetrics key.
        database: the file that keeps sessions, identities and the outbox; no two projects share one.
        url: where Kissmetrics is.
        options: how calls are mapped to requests.
        infer_ip: whose address is sent, when the call's context has none.
        deliver: whether this server delivers to Kissmetrics; otherwise ``sdkbridge replay``, say, or another does.
        safety: what a call that was answered with 200 survives: ``power``, a power cut, or ``process``, only the
            end of this process, which is faster.
        alias_grace: how many seconds an alias waits before it leaves; so long its link can be retracted.
    """

    name: str = field()
    write_keys: tuple[str, ...] = field(converter=_as_tuple, repr=False)
    api_key: str = field(validator=_key, repr=False)
    database: str = field(converter=_database)
    url: str = field(default=DEFAULT_URL, validator=_address)
    options: MappingOptions = field(factory=MappingOptions, repr=False)
    infer_ip: InferIp = field(default="client")
    deliver: bool = True
    safety: Survives = field(default="power")
    alias_grace: float = field(default=0.0, validator=_at_least(0))

    @name.validator
    def _check_name(self, _: "Attribute[str]", value: object) -> None:
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            raise InvalidSettings("name", "must be up to 64 letters, digits, - and _")

    @write_keys.validator
    def _check_write_keys(self, attribute: "Attribute[tuple[str, ...]]", value: tuple[object, ...]) -> None:
        if not value:
            raise InvalidSettings("write_keys", "must hold at least one key")
        for key in value:
            _key(self, attribute, key)

    @infer_ip.validator
    def _check_infer_ip(self, _: "Attribute[str]", value: object) -> None:
        if value not in {"client", "always", "never"}:
            raise InvalidSettings("infer_ip", "must be one of client, always, never")

    @safety.validator
    def _check_safety(self, _: "Attribute[str]", value: object) -> None:
        if value not in {"power", "process"}:
            raise InvalidSettings("safety", "must be power or process")


@frozen(kw_only=True)
class ServerSettings:
    """
    Everything that a server is told.

    Attributes:
        projects: at least one.
        limits: how much one client may ask for.
        token: what opens the pages and ``/metrics``; None leaves them open to whoever reaches the server.
        public_url: where clients reach the server, when that is not the address that they ask for: behind a proxy
            that changes the host, or mounted under a path; such as ``https://events.example.com``.
        unauthorized_status: how an unknown write key is answered. 401 is what Segment's libraries report, but old
            mobile SDKs then delete what they hold (Kotlin, Android, iOS) or send it for ever (Swift); 503 lets all
            of them keep it, 200 lets all of them forget it.
        refused_status: how a single call that is refused is answered. 400 tells whoever sent it; by 200, as
            Segment answers, nobody is told. Either way the call is found among those that were refused.

    Raises:
        InvalidSettings: two projects share a name, a write key or a database, or a value is wrong.
    """

    projects: tuple[Project, ...] = field(converter=_as_tuple)
    limits: Limits = field(factory=Limits)
    token: str | None = field(default=None, repr=False)
    public_url: str | None = field(default=None, validator=validators.optional(_address))
    unauthorized_status: int = field(default=401)
    refused_status: int = field(default=400)

    @projects.validator
    def _check_projects(self, _: "Attribute[tuple[Project, ...]]", projects: tuple[Project, ...]) -> None:
        if not projects:
            raise InvalidSettings("projects", "must hold at least one project")
        _check_apart("name", [project.name for project in projects])
        _check_apart("database", [project.database for project in projects if project.database != ":memory:"])
        _check_apart("write key", [key for project in projects for key in project.write_keys])

    @token.validator
    def _check_token(self, attribute: "Attribute[str | None]", value: object) -> None:
        if value is not None:
            _key(self, attribute, value)

    @unauthorized_status.validator
    def _check_unauthorized_status(self, _: "Attribute[int]", value: object) -> None:
        if value not in {200, 401, 503}:
            raise InvalidSettings("unauthorized_status", "must be 200, 401 or 503")

    @refused_status.validator
    def _check_refused_status(self, _: "Attribute[int]", value: object) -> None:
        if value not in {200, 400}:
            raise InvalidSettings("refused_status", "must be 200 or 400")


def _check_apart(what: str, values: list[str]) -> None:
    if len(values) != len(set(values)):
        raise InvalidSettings("projects", f"must each have a {what} of their own, but two share one")
