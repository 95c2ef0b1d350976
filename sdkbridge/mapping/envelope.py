"""
What all requests of one call share, and how each of them is made.
"""

from typing import Any

from attrs import evolve, frozen

from sdkbridge.calls import AnyCall
from sdkbridge.errors import InvalidCall
from sdkbridge.kissmetrics.requests import ALIAS, RECORD, SET, Request
from sdkbridge.mapping.properties import Properties
from sdkbridge.options import MappingOptions
from sdkbridge.plain import is_writable
from sdkbridge.remarks import Problem, Remarks
from sdkbridge.values import LONGEST_NAME


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

    def record(self, event: str, properties: Properties) -> Request:
        """
        Return the request that records an event.
        """
        return self._request(path=RECORD, name=event, properties=properties)

    def set(self, properties: Properties, *, later_s: int = 0) -> Request:
        """
        Return the request that sets properties, so many seconds after the call.
        """
        request = self._request(path=SET, properties=properties)
        return evolve(request, second=self.second + later_s)

    def alias(self, identity: str, other: str) -> Request:
        """
        Return the request that joins two identities; it has no time.
        """
        return Request(path=ALIAS, identity=identity, name=other, ip=self.ip, user_agent=self.user_agent)

    def _request(self, **own: Any) -> Request:  # noqa: ANN401 - the members of a request
        return Request(identity=self.identity, second=self.second, ip=self.ip, user_agent=self.user_agent, **own)


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


def checked_event(event: str, *, field: str, remarks: Remarks) -> str:
    """
    Return an event's name.

    Args:
        event: the name.
        field: the member of the call that it came from.
        remarks: where it is noted that Kissmetrics will change it.

    Raises:
        InvalidCall: it is longer than Kissmetrics keeps, or cannot be encoded.
    """
    if not is_writable(event):
        raise InvalidCall(field, "holds half of a surrogate pair, which is no character", reason="type")
    if len(event) > LONGEST_NAME:
        raise InvalidCall(
            field,
            f"makes an event's name of {len(event)} characters; Kissmetrics keeps {LONGEST_NAME}",
            reason="too_long",
        )
    if "," in event or ":" in event:
        remarks.add(Problem.NAME_CHANGED, event)
    return event


def _context_text(call: AnyCall, name: str, remarks: Remarks) -> str | None:
    value = call.context.get(name)
    if not isinstance(value, str) or not value.strip():
        return None
    if not is_writable(value):
        remarks.add(Problem.HALF_CHARACTER, f"context.{name}")
        return None
    return value
