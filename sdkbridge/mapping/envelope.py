"""
What all requests of one call share, and how each of them is made.
"""

from attrs import frozen

from sdkbridge.calls import AnyCall
from sdkbridge.errors import InvalidCall
from sdkbridge.kissmetrics.requests import ALIAS, RECORD, RESERVED, SET, Path, Request
from sdkbridge.mapping.names import fitting_name
from sdkbridge.mapping.properties import Properties
from sdkbridge.options import MappingOptions
from sdkbridge.remarks import Problem, Remarks
from sdkbridge.values.flattening import LONGEST_NAME
from sdkbridge.values.plain import is_writable


@frozen(kw_only=True)
class Envelope:
    """
    Who a call is about, when it happened and where it came from; with the options and the remarks on it.
    """

    identity: str
    second: int
    ip: str | None
    user_agent: str | None
    options: MappingOptions
    remarks: Remarks

    def record(self, event: str, properties: Properties, *, later_s: int = 0, timed: bool = True) -> Request:
        """
        Return the request that records an event, so many seconds after the call.
        """
        return self._request(
            path=RECORD, name=event, properties=properties, second=self._second(later_s, timed=timed)
        )

    def set(self, properties: Properties, *, later_s: int = 0, timed: bool = True) -> Request:
        """
        Return the request that sets properties, so many seconds after the call.
        """
        return self._request(path=SET, properties=properties, second=self._second(later_s, timed=timed))

    def alias(self, identity: str, other: str) -> Request:
        """
        Return the request that joins two identities; it has no time, unless the options say so.
        """
        second = self._second(0, timed=self.options.alias_time)
        return Request(
            path=ALIAS, identity=identity, name=other, second=second, ip=self.ip, user_agent=self.user_agent
        )

    def _second(self, later_s: int, *, timed: bool) -> int | None:
        return self.second + later_s if timed else None

    def _request(
        self, *, path: Path, properties: Properties, second: int | None, name: str | None = None
    ) -> Request:
        taken: Properties = ()
        if self.options.allow_reserved:
            taken = tuple([pair for pair in properties if pair[0] in RESERVED])
        return Request(
            path=path,
            identity=self.identity,
            name=name,
            second=second,
            properties=tuple([pair for pair in properties if pair[0] not in RESERVED]) if taken else properties,
            ip=self.ip,
            user_agent=self.user_agent,
            taken=taken,
        )


def envelope_of(call: AnyCall, *, second: int, options: MappingOptions, remarks: Remarks) -> Envelope:
    """
    Return what a call's requests share; its named identity comes before its anonymous one.
    """
    identity = call.user_id or call.anonymous_id
    assert identity is not None  # noqa: S101 - calls without an identity are refused before they are mapped
    return Envelope(
        identity=identity,
        second=second,
        ip=_context_text(call, "ip", remarks) if options.forward_ip else None,
        user_agent=_context_text(call, "userAgent", remarks) if options.forward_user_agent else None,
        options=options,
        remarks=remarks,
    )


def checked_event(event: str, *, field: str, options: MappingOptions, remarks: Remarks) -> str:
    """
    Return an event's name.

    Args:
        event: the name.
        field: the member of the call that it came from.
        options: what becomes of a name that is too long.
        remarks: where it is noted that Kissmetrics will change it.

    Raises:
        InvalidCall: it is longer than Kissmetrics keeps, or cannot be encoded.
    """
    if not is_writable(event):
        raise InvalidCall(field, "holds half of a surrogate pair, which is no character", reason="type")
    if len(event) > LONGEST_NAME and options.long_name == "reject":
        raise InvalidCall(
            field,
            f"makes an event's name of {len(event)} characters; Kissmetrics keeps {LONGEST_NAME}",
            reason="too_long",
        )
    if "," in event or ":" in event:
        remarks.add(Problem.NAME_CHANGED, event)
    return fitting_name(event, options, remarks) or event


def _context_text(call: AnyCall, name: str, remarks: Remarks) -> str | None:
    value = call.context.get(name)
    if not isinstance(value, str) or not value.strip():
        return None
    if not is_writable(value):
        remarks.add(Problem.HALF_CHARACTER, f"context.{name}")
        return None
    return value
