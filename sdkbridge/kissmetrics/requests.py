"""
One Kissmetrics request, and its exact form on the wire.

Source: Kissmetrics' API specifications (``/e`` records an event, ``/s`` sets properties, ``/a`` joins two
identities) and the encoding of its iOS and Android SDKs.
"""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote

from attrs import field, frozen

Path = Literal["/e", "/s", "/a"]

RECORD: Path = "/e"
SET: Path = "/s"
ALIAS: Path = "/a"

RESERVED = frozenset({"_k", "_p", "_n", "_t", "_d", "_ip", "_ua", "_c", "_u"})
"""Parameters that belong to the request itself and are never taken from a caller's properties."""

NEVER_TAKEN = frozenset({"_k", "_p", "_t", "_d"})
"""Reserved parameters that no option ever lets a caller's property be."""

LONGEST_GET_QUERY = 2000
"""Characters of encoded query up to which the iOS SDK sends GET, and beyond which it sends POST."""


@frozen(kw_only=True)
class Request:
    """
    What Kissmetrics is told: an event (``/e``), properties (``/s``), or that two identities are one (``/a``).

    Attributes:
        path: ``/e``, ``/s`` or ``/a``.
        identity: who did it (``_p``), or one side of an alias.
        name: the event on ``/e``, the other identity on ``/a``, nothing on ``/s`` (``_n``).
        second: when, in whole seconds since 1970 UTC (``_t``, with ``_d=1``); nothing on ``/a``.
        properties: names and texts, in order.
        ip: the person's address (``_ip``).
        user_agent: the person's user agent (``_ua``).
        taken: reserved names and texts that an option takes from a caller's properties, as other systems do; they
            count only where the request says nothing itself.
    """

    path: Path
    identity: str
    name: str | None = None
    second: int | None = None
    properties: tuple[tuple[str, str], ...] = ()
    ip: str | None = None
    user_agent: str | None = None
    taken: tuple[tuple[str, str], ...] = ()

    def parameters(self) -> dict[str, str]:
        """
        Return every parameter but the key, before encoding; no property can take the place of a reserved one.
        """
        own = {
            "_p": self.identity,
            "_n": self.name,
            "_d": None if self.second is None else "1",
            "_t": None if self.second is None else str(self.second),
            "_ip": self.ip,
            "_ua": self.user_agent,
        }
        reserved = {name: value for name, value in own.items() if value is not None}
        free = RESERVED - NEVER_TAKEN - reserved.keys()
        taken = {name: value for name, value in self.taken if name in free}
        return reserved | taken | {name: value for name, value in self.properties if name not in RESERVED}


@frozen
class WireRequest:
    """
    A request ready to be sent: GET with a query, or POST with the same text as a form.
    """

    method: Literal["GET", "POST"]
    path: Path
    query: str = field(repr=False)  # it holds the key


@frozen(kw_only=True)
class Sending:
    """
    By which method requests are sent.

    Attributes:
        method: ``auto`` for GET up to a length and POST beyond, or always ``get`` or ``post``.
        get_max_query: characters of encoded query, the key included, up to which ``auto`` is GET.
    """

    method: Literal["auto", "get", "post"] = "auto"
    get_max_query: int = LONGEST_GET_QUERY

    def method_for(self, query: str) -> Literal["GET", "POST"]:
        """
        Return the method for a query with its key.
        """
        short = len(query) <= self.get_max_query
        return "GET" if self.method == "get" or (self.method == "auto" and short) else "POST"


IOS_RULE = Sending()
"""GET up to 2000 encoded characters, POST beyond, as the iOS SDK sends."""


def wire(path: Path, query: str, api_key: str, *, sending: Sending = IOS_RULE) -> WireRequest:
    """
    Return a request as it is sent, now and at each retry: the key first, then the query as it was encoded.
    """
    keyed = f"{encode({'_k': api_key})}&{query}"
    method = sending.method_for(keyed)
    return WireRequest(method, path, keyed)


def encode(parameters: Mapping[str, str]) -> str:
    """
    Encode parameters as a query string, or as the body of a form.

    Letters, digits and ``-_.~`` stay, all else is percent-escaped UTF-8, a space is ``%20`` (the test vectors
    of both Kissmetrics SDKs).
    """
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in parameters.items())
