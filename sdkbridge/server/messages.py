"""
What a request's body holds: one call or a batch of them, each as the bridge takes it, or refused.

Source: the requests of Segment's SDKs. On ``/v1/track`` and its like the type is in the path; browsers shorten
it to its first letter. A batch may carry a context, integrations and a sentAt for all its calls.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from attrs import Factory, define, frozen

from sdkbridge.calls import JSONObject
from sdkbridge.errors import InvalidCall
from sdkbridge.refused import RefusedMessage
from sdkbridge.server.answers import Refusal
from sdkbridge.server.decoding import checked
from sdkbridge.server.settings import InferIp, Limits

TYPES = ("identify", "track", "page", "screen", "group", "alias")

_IDENTITIES = ("userId", "anonymousId", "previousId", "groupId", "messageId")
_CONTROL = re.compile(r"[\x00-\x1f]")

LONGEST_MESSAGE_ID = 255

_PHONES_AND_BROWSERS = re.compile(
    r"""
    analytics\.js | analytics[-_](ios|swift|kotlin|android|flutter) | (@segment/)?analytics-react-native
    | rudder-ios-library | com\.rudderstack\.android\..* | rudderlabs[ ]javascript[ ]sdk
    | rudder-(react-native|flutter).*
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Names in ``context.library``: where these run, the one who sends is the one who acts."""


@define
class Messages:
    """
    The calls of one request.

    Attributes:
        good: as the bridge takes them.
        refused: what is no call at all, and why.
    """

    good: list[JSONObject] = Factory(list)
    refused: list[RefusedMessage] = Factory(list)


@frozen(kw_only=True)
class Sender:
    """
    Where a request came from, and whose address is taken for that of who acts.
    """

    address: str | None
    infer_ip: InferIp

    def located(self, context: JSONObject) -> JSONObject:
        """
        Return a context with the sender's address, if it has none and the sender is the one who acts.
        """
        if context.get("ip") or self.address is None or not self._acts(context):
            return context
        return {**context, "ip": self.address}

    def _acts(self, context: JSONObject) -> bool:
        if self.infer_ip != "client":
            return self.infer_ip == "always"
        # Segment's own word for it, from callers of its HTTP API.
        if context.get("direct") is True:
            return True
        library = context.get("library")
        name = library.get("name") if isinstance(library, Mapping) else None
        return isinstance(name, str) and _runs_where_people_act(name)


@lru_cache(maxsize=256)
def _runs_where_people_act(library: str) -> bool:
    return _PHONES_AND_BROWSERS.fullmatch(library) is not None


def one_message(body: dict[str, Any], kind: str, *, limits: Limits, sender: Sender) -> Messages:
    """
    Return the call of a request that holds one.

    Args:
        body: the call.
        kind: its type, which the path says.
        limits: how large it may be.
        sender: where it came from.
    """
    found = Messages()
    body["type"] = kind
    _add(found, body, shared={}, limits=limits, sender=sender)
    return found


def several_messages(body: JSONObject, *, limits: Limits, sender: Sender) -> Messages:
    """
    Return the calls of a batch.

    Raises:
        Refusal: there is no batch, it is too long, or what it says of all its calls cannot be used.
    """
    batch = body.get("batch")
    if not isinstance(batch, list):
        raise Refusal(400, "invalid_batch", "the body must hold an array named batch")
    if len(batch) > limits.batch_calls:
        message = f"the batch holds {len(batch)} calls; at most {limits.batch_calls} are taken"
        raise Refusal(400, "too_many_calls", message)
    shared = {name: body[name] for name in ("context", "integrations", "sentAt") if body.get(name) is not None}
    try:
        checked(shared, limits.call_bytes)
    except InvalidCall as error:
        raise Refusal(400, error.reason, f"what is said of the whole batch {error.problem}") from None
    found = Messages()
    for message in batch:
        _add(found, message, shared=shared, limits=limits, sender=sender)
    return found


def _add(found: Messages, message: Any, *, shared: JSONObject, limits: Limits, sender: Sender) -> None:  # noqa: ANN401 - JSON
    try:
        _check_members(message, checked(message, limits.call_bytes))
    except InvalidCall as error:
        found.refused.append(RefusedMessage(message, error))
        return
    found.good.append(_merged(message, shared, sender))


def _check_members(message: Any, written: bytes) -> None:  # noqa: ANN401 - any JSON value
    if not isinstance(message, dict):
        raise InvalidCall("message", "must be a JSON object", reason="type")
    message_id = message.get("messageId")
    if isinstance(message_id, str) and len(message_id) > LONGEST_MESSAGE_ID:
        raise InvalidCall("messageId", f"has more than {LONGEST_MESSAGE_ID} characters", reason="too_long")
    # A control character is written with a backslash, which most calls are without.
    if b"\\" in written:
        _check_identities(message)


def _check_identities(message: JSONObject) -> None:
    for field in _IDENTITIES:
        value = message.get(field)
        if isinstance(value, str) and _CONTROL.search(value):
            raise InvalidCall(field, "holds a control character, such as a line break", reason="control_character")


def _merged(message: dict[str, Any], shared: JSONObject, sender: Sender) -> JSONObject:
    """
    Return a call with what its batch says of all; what the call says itself goes before it.
    """
    # The bridge plays a call that names a device through a session of its own; these come with theirs.
    message.pop("device", None)
    if shared:
        _share(message, shared)
    context = message.get("context") or {}
    if isinstance(context, dict):
        message["context"] = sender.located(context)
    return message


def _share(message: dict[str, Any], shared: JSONObject) -> None:
    if message.get("sentAt") is None and "sentAt" in shared:
        message["sentAt"] = shared["sentAt"]
    for name in ("context", "integrations"):
        if isinstance(ours := shared.get(name), dict) and isinstance(own := message.get(name) or {}, dict):
            message[name] = {**ours, **own}
