"""
Segment-spec calls, parsed and checked.

Source: Segment's specification (spec/common, spec/identify, …) and its HTTP tracking API. A call arrives as a
JSON object in Segment's spelling, with explicit nulls or without, and leaves as one of six frozen classes.
"""

from collections.abc import Callable, Mapping
from numbers import Number
from typing import Any

from attrs import Factory, frozen

from sdkbridge.errors import InvalidCall
from sdkbridge.values.javascript import id_text
from sdkbridge.values.plain import is_writable

JSONObject = Mapping[str, Any]


@frozen(kw_only=True)
class Call:
    """
    What all six calls carry.

    Attributes:
        user_id: the named identity, or None.
        anonymous_id: the anonymous identity, or None.
        message_id: unique per call; a repeat of it is the same call again.
        timestamp: when it happened, as the caller wrote it (ISO 8601, a datetime, seconds, milliseconds).
        sent_at: the device's clock when it sent the call, as the caller wrote it.
        context: Segment's context object.
        integrations: which destinations the caller switched on or off.
    """

    type: str = ""
    user_id: str | None = None
    anonymous_id: str | None = None
    message_id: str | None = None
    timestamp: Any = None
    sent_at: Any = None
    context: JSONObject = Factory(dict)
    integrations: JSONObject = Factory(dict)


@frozen(kw_only=True)
class Identify(Call):
    """
    Who somebody is, and what is known of them.
    """

    type: str = "identify"
    traits: JSONObject = Factory(dict)


@frozen(kw_only=True)
class Track(Call):
    """
    Something that somebody did.
    """

    type: str = "track"
    event: str
    properties: JSONObject = Factory(dict)


@frozen(kw_only=True)
class Page(Call):
    """
    A page of a website that somebody saw.
    """

    type: str = "page"
    name: str | None = None
    category: str | None = None
    properties: JSONObject = Factory(dict)


@frozen(kw_only=True)
class Screen(Page):
    """
    A screen of an app that somebody saw.
    """

    type: str = "screen"


@frozen(kw_only=True)
class Group(Call):
    """
    The company or team that somebody belongs to.
    """

    type: str = "group"
    group_id: str
    traits: JSONObject = Factory(dict)


@frozen(kw_only=True)
class Alias(Call):
    """
    A request to join somebody's previous identity with their new one.
    """

    type: str = "alias"
    previous_id: str | None = None


AnyCall = Identify | Track | Page | Screen | Group | Alias


def parse_call(message: JSONObject) -> AnyCall:
    """
    Check one message in Segment's spelling and return it as a call.

    Unknown members are ignored; null and an empty text count as absent.

    Raises:
        InvalidCall: it is no object, its type is unknown, or a member is missing or has the wrong type.
    """
    if type(message) is not dict and not isinstance(message, Mapping):
        raise InvalidCall("message", "must be a JSON object", reason="type")
    kind = message.get("type")
    if not isinstance(kind, str) or kind not in _OWN_MEMBERS:
        raise InvalidCall("type", f"must be one of {', '.join(_OWN_MEMBERS)}", reason="type")
    common = {
        "user_id": _identity(message, "userId"),
        "anonymous_id": _identity(message, "anonymousId"),
        "message_id": message_id_of(message),
        # Times are judged where they are used: an unreadable one must not cost the caller the call.
        "timestamp": message.get("timestamp"),
        "sent_at": message.get("sentAt"),
        "context": _object(message, "context"),
        "integrations": _object(message, "integrations"),
    }
    return _OWN_MEMBERS[kind](message, common)


def is_reset(message: object) -> bool:
    """
    Tell whether a message is a device's reset, the one call that Segment's API does not have.
    """
    return isinstance(message, Mapping) and message.get("type") == "reset"


def message_id_of(message: JSONObject) -> str | None:
    """
    Return a message's id, or None if it has none.

    Raises:
        InvalidCall: it is no text.
    """
    return _text(message, "messageId")


def device_of(message: JSONObject) -> str | None:
    """
    Return the device that a message is played on, or None if it names none.

    Raises:
        InvalidCall: it is no text, or is empty.
    """
    if message.get("device") is None:
        return None
    return _required(message, "device")


def _identify(message: JSONObject, common: dict[str, Any]) -> Identify:
    # The recorded form of older libraries carries the traits in the context.
    traits = _object(message, "traits") or _object(common["context"], "traits")
    return Identify(traits=traits, **common)


def _track(message: JSONObject, common: dict[str, Any]) -> Track:
    return Track(event=_required(message, "event"), properties=_object(message, "properties"), **common)


def _page(message: JSONObject, common: dict[str, Any]) -> Page:
    return Page(**_view(message), **common)


def _screen(message: JSONObject, common: dict[str, Any]) -> Screen:
    return Screen(**_view(message), **common)


def _view(message: JSONObject) -> dict[str, Any]:
    return {
        "name": _text(message, "name"),
        "category": _text(message, "category"),
        "properties": _object(message, "properties"),
    }


def _group(message: JSONObject, common: dict[str, Any]) -> Group:
    group_id = _identity(message, "groupId")
    if group_id is None:
        raise InvalidCall("groupId", "is required", reason="required")
    return Group(group_id=group_id, traits=_object(message, "traits"), **common)


def _alias(message: JSONObject, common: dict[str, Any]) -> Alias:
    if common["user_id"] is None:
        raise InvalidCall("userId", "is required: it is the new identity of an alias", reason="required")
    return Alias(previous_id=_identity(message, "previousId"), **common)


_OWN_MEMBERS: dict[str, Callable[[JSONObject, dict[str, Any]], AnyCall]] = {
    "identify": _identify,
    "track": _track,
    "page": _page,
    "screen": _screen,
    "group": _group,
    "alias": _alias,
}


def _identity(message: JSONObject, field: str) -> str | None:
    value = message.get(field)
    if type(value) is str:
        return _text(message, field)
    # Segment's libraries take numbers for ids and write them as text.
    if isinstance(value, Number) and not isinstance(value, bool):
        text = id_text(value)
        if text is None:
            raise InvalidCall(field, "is no number that can be an identity", reason="type")
        return text
    return _text(message, field)


def _text(message: JSONObject, field: str) -> str | None:
    value = message.get(field)
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidCall(field, f"must be a text, not {type(value).__name__}", reason="type")
    if not value.isascii() and not is_writable(value):
        raise InvalidCall(field, "holds half of a surrogate pair, which is no character", reason="type")
    # Exactly a text: an enumeration that is one would show its own name where it is put into another.
    return None if not value or value.isspace() else str.__str__(value)


def _required(message: JSONObject, field: str) -> str:
    value = _text(message, field)
    if value is None:
        raise InvalidCall(field, "is required", reason="required")
    return value


def _object(message: JSONObject, field: str) -> JSONObject:
    value = message.get(field)
    if value is None:
        return {}
    if type(value) is not dict and not isinstance(value, Mapping):
        raise InvalidCall(field, f"must be an object, not {type(value).__name__}", reason="type")
    return value
