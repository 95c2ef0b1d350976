"""
Tracks as nearly all calls are, from the message to the request in one go.

Somebody who can be named did something that has no price, at a time that can be read: nothing has to be decided or
remarked on. What is answered here is what `parse_call`, `admit`, `stamp_message` and `map_call` answer one after
the other, and that is where to read what is meant; they take 1.7 times as long.
"""

from functools import lru_cache
from math import floor
from typing import Any

from attrs import define, frozen

from identity.errors import InvalidIdentity
from identity.ids import LONGEST_IDENTITY, IdentityKind, checked
from identity.placeholders import PLACEHOLDERS, Placeholders
from sdkbridge.acceptance.stamping import identity_lane
from sdkbridge.kissmetrics.requests import RECORD, EncodedProperties, Request
from sdkbridge.mapping.glance import NeedsACloserLookError, at_a_glance
from sdkbridge.mapping.orders import Event, event_named
from sdkbridge.mapping.tracks import LIFECYCLE_NAMES, is_experiment
from sdkbridge.options import MappingOptions
from sdkbridge.receipt import CallWarning
from sdkbridge.remarks import Remarks
from sdkbridge.values.flattening import LONGEST_NAME
from sdkbridge.values.plain import is_writable
from sdkbridge.values.times import CLOCK_AHEAD_S, is_plausible, usual_second

MONEY = frozenset({"products", "revenue"})
MONEY_OR_TOTAL = MONEY | {"total"}
"""Properties in small letters that mean more than what they say."""


@frozen
class Who:
    """
    Whose a call is.

    Attributes:
        identity: the identity that it goes under.
        kind: whether that is a name.
        lane: whose order its request keeps.
        sole: whether it came without another identity.
    """

    identity: str
    kind: IdentityKind
    lane: str
    sole: bool


@define
class UsualTrack:
    """
    A track that was taken at a glance, whoever's it is.

    Attributes:
        message: it as it came.
        user_id: the named identity in it, as it came.
        anonymous_id: the anonymous one.
        message_id: its message id, if it has one.
        event: what happened.
        properties: as they are sent.
        happened: the second at which it happened by the sender's clock, if that was said.
        sent: likewise, when it was sent.
        context: what is said of the app and the device.
        ip: the person's address.
        user_agent: the person's user agent.
        warnings: what the sender should look at.
    """

    message: dict[str, Any]
    user_id: str | None
    anonymous_id: str | None
    message_id: str | None
    event: str
    properties: EncodedProperties
    happened: int | None
    sent: int | None
    context: dict[str, Any]
    ip: str | None
    user_agent: str | None
    warnings: tuple[CallWarning, ...]

    def request(self, identity: str, received: float) -> Request | None:
        """
        Return its request, or None if its time cannot be right, which needs a closer look.

        Args:
            identity: whose it is.
            received: when it arrived, in seconds since 1970 UTC.
        """
        second, now = self.happened, floor(received)
        if second is None:
            second = now
        elif not is_plausible(second, now) or (self.sent is not None and self.sent >= now + CLOCK_AHEAD_S):
            return None
        return Request(RECORD, identity, self.event, second, self.properties, self.ip, self.user_agent)


class UsualTracks:
    """
    What takes usual tracks.

    Args:
        options: how calls are mapped.
        placeholders: what stands for nobody.
    """

    def __init__(self, options: MappingOptions, placeholders: Placeholders = PLACEHOLDERS) -> None:
        self._options = options
        self._placeholders = placeholders
        self._by_device_clock = options.timestamp_policy == "device"
        # The same people do the same few things.
        self._who = lru_cache(maxsize=8192)(self._who_said)
        self._event = lru_cache(maxsize=1024)(self._usual_event)

    def of(self, message: object) -> UsualTrack | None:
        """
        Return a message as a usual track, or None if it needs a closer look.
        """
        if type(message) is not dict or not self._by_device_clock:
            return None
        kind = message.get("type")
        if type(kind) is not str or kind != "track":
            return None
        try:
            return self._track(message)
        except NeedsACloserLookError:
            return None

    def who(self, track: UsualTrack) -> Who | None:
        """
        Return whose a track is by the identities that it carries, or None if they need a closer look.
        """
        return self._who(track.user_id, track.anonymous_id)

    def _who_said(self, user_id: str | None, anonymous_id: str | None) -> Who | None:
        try:
            named, unnamed = self._usable(user_id), self._usable(anonymous_id)
        except NeedsACloserLookError:
            return None
        identity = named or unnamed
        if identity is None:
            return None
        kind = IdentityKind.ANONYMOUS if named is None else IdentityKind.NAMED
        return Who(identity, kind, identity_lane(unnamed or identity), sole=named is None or unnamed is None)

    def _usable(self, text: str | None) -> str | None:
        """
        Return the identity that a text is, None if it is empty.

        Raises:
            NeedsACloserLookError: there is more to say of it.
        """
        if not text:
            return None
        try:
            identity = checked(text, "identity")
        except InvalidIdentity:
            raise NeedsACloserLookError from None
        if len(identity) > LONGEST_IDENTITY or identity in self._placeholders:
            raise NeedsACloserLookError
        return identity

    def _track(self, message: dict[str, Any]) -> UsualTrack:
        get, options = message.get, self._options
        event = self._event_of(get("event"))
        if _members(get("integrations")):
            raise NeedsACloserLookError
        timestamp, sent_at = get("timestamp"), get("sentAt")
        context = _members(get("context"))
        remarks = Remarks()
        # In the order of its attributes: to name twelve takes half a microsecond.
        return UsualTrack(
            message,
            _identity(get("userId")),
            _identity(get("anonymousId")),
            _text(get("messageId")),
            event.name,
            self._properties(event, _members(get("properties")), remarks),
            None if timestamp is None else _second(timestamp),
            None if timestamp is None or sent_at is None else _second(sent_at),
            context,
            _text(context.get("ip")) if context and options.forward_ip else None,
            _text(context.get("userAgent")) if context and options.forward_user_agent else None,
            remarks.warnings(),
        )

    def _event_of(self, name: object) -> Event:
        event = self._event(name) if type(name) is str and len(name) <= LONGEST_NAME else None
        if event is None:
            raise NeedsACloserLookError
        return event

    def _usual_event(self, name: str) -> Event | None:
        event = event_named(name, self._options)
        special = not name.strip() or name in LIFECYCLE_NAMES or event.is_completed or is_experiment(event)
        return event if event.is_sent_as_it_is and not special else None

    def _properties(self, event: Event, values: dict[str, Any], remarks: Remarks) -> EncodedProperties:
        properties = at_a_glance(
            values,
            {},
            naming=event.naming,
            options=self._options,
            remarks=remarks,
            none_of=MONEY_OR_TOTAL if event.total_counts else MONEY,
        )
        if properties is None:
            raise NeedsACloserLookError
        return properties


def _members(value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if type(value) is not dict:
        raise NeedsACloserLookError
    return value


def _identity(value: object) -> str | None:
    if value is None:
        return None
    # Also on a device, where no identity of the call's own counts, must it be one that can be read.
    if type(value) is not str or len(value) > LONGEST_IDENTITY or not is_writable(value):
        raise NeedsACloserLookError
    return value


def _text(value: object) -> str | None:
    if value is None:
        return None
    if type(value) is not str or not value.isascii() or value.isspace():
        raise NeedsACloserLookError
    return value or None


def _second(value: object) -> int:
    second = usual_second(value)
    if second is None:
        raise NeedsACloserLookError
    return second
