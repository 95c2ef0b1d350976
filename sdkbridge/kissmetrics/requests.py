"""
One Kissmetrics request, and its exact form on the wire.

Source: Kissmetrics' API specifications (``/e`` records an event, ``/s`` sets properties, ``/a`` joins two
identities) and the encoding of its iOS and Android SDKs.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Self

from attrs import field, frozen

from sdkbridge.kissmetrics.escaping import escaped_again, escaped_each

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


class EncodedProperties(tuple[tuple[str, str], ...]):
    """
    Names and texts, in order, none of the names reserved, which know how they are written in a query.

    Only `written` makes them. What takes a request apart (attrs.asdict, pickle, copy) gets a plain tuple, which
    every JSON library writes.

    Attributes:
        names: the names alone.
        query: how they are written, with an ``&`` before each.
    """

    names: tuple[str, ...]
    query: str

    def __new__(cls, pairs: Iterable[tuple[str, str]] = ()) -> Self:
        """
        Return a plain tuple.
        """
        return tuple(pairs)  # type: ignore[return-value] # as is meant

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return tuple, (tuple(self),)

    @classmethod
    def written(cls, names: tuple[str, ...], heads: tuple[str, ...], texts: Sequence[str]) -> Self:
        """
        Return properties.

        Args:
            names: their names.
            heads: the names as they stand in a query, each between ``&`` and ``=``.
            texts: their texts.

        Raises:
            UnicodeEncodeError: a text holds half of a surrogate pair.
        """
        properties = super().__new__(cls, zip(names, texts, strict=True))
        properties.names = names
        parts = [""] * (2 * len(heads))
        parts[::2], parts[1::2] = heads, escaped_each(texts)
        properties.query = "".join(parts)
        return properties


@frozen
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
        parameters = {"_p": self.identity}
        if self.name is not None:
            parameters["_n"] = self.name
        if self.second is not None:
            parameters |= {"_d": "1", "_t": str(self.second)}
        if self.ip is not None:
            parameters["_ip"] = self.ip
        if self.user_agent is not None:
            parameters["_ua"] = self.user_agent
        for name, text in self.taken:
            if name in RESERVED and name not in NEVER_TAKEN:
                parameters.setdefault(name, text)
        properties = dict(self.properties)
        if not RESERVED.isdisjoint(properties):
            properties = {name: text for name, text in properties.items() if name not in RESERVED}
        return parameters | properties

    def at(self, second: int) -> "Request":
        """
        Return the same at another second; `attrs.evolve` takes twice as long.
        """
        return Request(
            path=self.path,
            identity=self.identity,
            name=self.name,
            second=second,
            properties=self.properties,
            ip=self.ip,
            user_agent=self.user_agent,
            taken=self.taken,
        )

    def query(self) -> str:
        """
        Return all of these as a query, encoded.
        """
        if type(self.properties) is not EncodedProperties or self.taken:
            return encode(self.parameters())
        start = f"_p={escaped_again(self.identity)}"
        if self.name is not None:
            start = f"{start}&_n={escaped_again(self.name)}"
        if self.second is not None:
            start = f"{start}&_d=1&_t={self.second}"
        if self.ip is not None:
            start = f"{start}&_ip={escaped_again(self.ip)}"
        if self.user_agent is not None:
            start = f"{start}&_ua={escaped_again(self.user_agent)}"
        return start + self.properties.query


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
    """
    return "&".join([f"{escaped_again(name)}={escaped_again(value)}" for name, value in parameters.items()])
