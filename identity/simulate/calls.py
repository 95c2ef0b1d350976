"""
What a simulation needs to know of a call: who, when, which event.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from typing import Any

from attrs import evolve, frozen

from identity.errors import InvalidIdentity
from identity.ids import LONGEST_IDENTITY, checked, fold, is_placeholder

JSONObject = Mapping[str, Any]

TYPES = frozenset({"identify", "track", "page", "screen", "group", "alias"})
RESET = "reset"
"""A device's reset: the one call that Segment's API does not have."""

CLOCK_AHEAD_MS = 300_000
"""Sent this much later than it was received: no delay explains it, so the sender's clock is ahead."""

EARLIEST_MS = 1_230_768_000_000
"""2009-01-01 UTC; Kissmetrics stores nothing older."""

REMEMBERED_TEXTS = 1 << 16


@frozen
class Call:
    """
    One call, as far as identities and counts go.

    Attributes:
        type: identify, track, page, screen, group or alias.
        user_id: the named identity, or None.
        anonymous_id: the anonymous identity, or None.
        previous_id: the identity that an alias says somebody had before, or None.
        event: the name under which it is recorded as an event, or None.
        at_ms: when it happened, in milliseconds since 1970 UTC; None if nobody said.
        clock_ms: the same by the clock of whoever made the call, right or wrong.
        arrived_ms: when it arrived; when it happened, if nobody said.
        message_id: unique per call; a repeat of it is the same call again.
        has_traits: whether it says something of a person besides who they are.
        device: the device whose session it goes through, or None for a call that carries its own identities.
        proposes: whether its two identities say anything of each other; not so once a device's session named
            a second person without a reset.
        refused_user_id: a placeholder that stood in its userId and was set aside.
    """

    type: str
    user_id: str | None = None
    anonymous_id: str | None = None
    previous_id: str | None = None
    event: str | None = None
    at_ms: int | None = None
    clock_ms: int | None = None
    arrived_ms: int | None = None
    message_id: str | None = None
    has_traits: bool = False
    device: str | None = None
    proposes: bool = True
    refused_user_id: str | None = None

    @property
    def identity(self) -> str | None:
        """
        Whom it is recorded under: the named identity, else the anonymous one.
        """
        return self.user_id or self.anonymous_id

    @property
    def is_recorded(self) -> bool:
        """
        Whether Kissmetrics hears of anything besides an alias: an event, or a property of a person.
        """
        if self.type == "identify":
            return self.user_id is not None or self.has_traits
        return self.event is not None or self.type == "group"


def read_call(message: JSONObject) -> Call:
    """
    Read one message in Segment's spelling.

    Identities stay as they are spelled, numbers are taken for texts; null and empty texts count as absent.
    Properties are not looked at.

    Raises:
        InvalidIdentity: an identity is no text, or holds half of a surrogate pair.
        ValueError: it is no object, or its type is unknown, or no text, as its device and message id must be.
    """
    if not isinstance(message, Mapping):
        raise ValueError("a call must be a JSON object")  # noqa: TRY004 - every wrong input is a ValueError
    kind, device, message_id = (_text(message, field) for field in ("type", "device", "messageId"))
    if kind is None or (kind not in TYPES and not (kind == RESET and device is not None)):
        raise ValueError(f"a call's type must be one of {', '.join(sorted(TYPES))}")
    get = message.get
    user, anonymous, previous = get("userId"), get("anonymousId"), get("previousId")
    at_ms, clock_ms, arrived_ms = _times(message)
    return Call(
        kind,
        None if user is None else _identity(user, "userId"),
        None if anonymous is None else _identity(anonymous, "anonymousId"),
        None if previous is None else _identity(previous, "previousId"),
        _event(kind, message),
        at_ms,
        clock_ms,
        arrived_ms,
        message_id,
        kind == "identify" and _has_traits(message),
        device,
    )


def screened(call: Call) -> Call:
    """
    Return the call as our bridge takes it: identities folded, and placeholders set aside.

    An alias keeps its placeholders, to be refused. A named identity that is also the anonymous one is one
    identity, and nothing to join.
    """
    user, anonymous, previous = _folded(call.user_id), _folded(call.anonymous_id), _folded(call.previous_id)
    refused = None
    if call.type != "alias":
        if user is not None and stands_for_nobody(user):
            user, refused = None, user
        if anonymous is not None and (anonymous == user or stands_for_nobody(anonymous)):
            anonymous = None
    if user == call.user_id and anonymous == call.anonymous_id and previous == call.previous_id:
        return call
    return evolve(call, user_id=user, anonymous_id=anonymous, previous_id=previous, refused_user_id=refused)


@lru_cache(REMEMBERED_TEXTS)
def stands_for_nobody(identity: str) -> bool:
    """
    Tell whether an identity is a placeholder; the same as `identity.ids.is_placeholder`, remembered.
    """
    return is_placeholder(identity)


def _identity(value: object, field: str) -> str | None:
    if isinstance(value, str):
        return _usable(value, field)
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        whole = isinstance(value, int) or value.is_integer()
        return str(int(value)) if whole else repr(value)
    raise InvalidIdentity(field, f"must be a text, not {type(value).__name__}")


def _text(message: JSONObject, field: str) -> str | None:
    value = message.get(field)
    if value is None or isinstance(value, str):
        return value or None
    raise ValueError(f"{field} must be a text, not {type(value).__name__}")


def _has_traits(message: JSONObject) -> bool:
    context = message.get("context")
    # The recorded form of older libraries carries the traits in the context.
    return bool(message.get("traits") or (isinstance(context, Mapping) and context.get("traits")))


@lru_cache(REMEMBERED_TEXTS)
def _usable(text: str, field: str) -> str | None:
    if not text.strip():
        return None
    if len(checked(text, field)) > LONGEST_IDENTITY:
        raise InvalidIdentity(field, f"has {len(text)} characters; Kissmetrics keeps {LONGEST_IDENTITY}")
    return text


@lru_cache(REMEMBERED_TEXTS)
def _folded(text: str | None) -> str | None:
    return None if text is None else fold(text)


def _event(kind: str, message: JSONObject) -> str | None:
    if kind == "track":
        event = message.get("event")
        if not isinstance(event, str) or not event.strip():
            raise ValueError("a track must name its event")
        return event
    if kind in {"page", "screen"}:
        name = message.get("name") or message.get("category")
        return f"Viewed {name} {kind.capitalize()}" if name else None
    return None


def _times(message: JSONObject) -> tuple[int | None, int | None, int | None]:
    """
    Return when a call happened, what its sender's clock showed, and when it arrived.

    The sender's clock is believed unless it cannot be right; then it is corrected by the difference of the two
    clocks, as Segment's servers do.
    """
    clock = moment_ms(message.get("timestamp"))
    received = moment_ms(message.get("receivedAt"))
    if clock is None or received is None:
        known = received if clock is None else clock
        return known, clock, known
    sent = moment_ms(message.get("sentAt"))
    impossible = clock > received or clock < EARLIEST_MS
    if sent is not None and (impossible or sent > received + CLOCK_AHEAD_MS):
        return received - (sent - clock), clock, received
    return clock, clock, received


def moment_ms(value: object) -> int | None:
    """
    Return an ISO 8601 text, a datetime, or a number of seconds or milliseconds, as milliseconds since 1970 UTC.

    What cannot be read counts as absent. Without an offset it is UTC.
    """
    if value is None or isinstance(value, bool):
        return None
    try:
        if isinstance(value, int | float):
            milliseconds = int(value if value >= MILLISECONDS_FROM else value * 1000)
        else:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else value
            if not isinstance(moment, datetime):
                return None
            aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
            milliseconds = round(aware.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
    return milliseconds if 0 <= milliseconds < YEAR_10000_MS else None


YEAR_10000_MS = 253_402_300_800_000

MILLISECONDS_FROM = 100_000_000_000
"""A number this large is meant in milliseconds (Kissmetrics' own URL builder draws the same line)."""
