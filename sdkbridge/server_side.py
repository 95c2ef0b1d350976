"""
The calls of a server, with the names, the order and the keywords of Segment's Python library.

Source: segment-analytics-python 2.4.0, ``Client``; a test compares the signatures with the released library.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import date
from typing import Generic, TypeVar

from sdkbridge.calls import JSONObject

Timestamp = str | float | date | None
"""ISO 8601 text, seconds or milliseconds since 1970 UTC, or a datetime; now by default."""

Taken = TypeVar("Taken")


class ServerSideCalls(ABC, Generic[Taken]):
    """
    Segment's six calls for somebody whom the caller names, each one taken by `accept`.
    """

    @abstractmethod
    def accept(self, message: JSONObject) -> Taken:
        """
        Take a call in Segment's spelling.
        """

    def identify(
        self,
        user_id: str | int | None = None,
        traits: JSONObject | None = None,
        context: JSONObject | None = None,
        timestamp: Timestamp = None,
        anonymous_id: str | None = None,
        integrations: JSONObject | None = None,
        message_id: str | None = None,
    ) -> Taken:
        """
        Say who somebody is; an anonymous id that belongs to nobody yet is joined with the user id, by one alias.
        """
        own = {"userId": user_id, "anonymousId": anonymous_id, "traits": traits}
        return self.accept(_message("identify", own, context, timestamp, integrations, message_id))

    def track(
        self,
        user_id: str | int | None = None,
        event: str | None = None,
        properties: JSONObject | None = None,
        context: JSONObject | None = None,
        timestamp: Timestamp = None,
        anonymous_id: str | None = None,
        integrations: JSONObject | None = None,
        message_id: str | None = None,
    ) -> Taken:
        """
        Record an event.
        """
        own = {"userId": user_id, "anonymousId": anonymous_id, "event": event, "properties": properties}
        return self.accept(_message("track", own, context, timestamp, integrations, message_id))

    def alias(
        self,
        previous_id: str | int | None = None,
        user_id: str | int | None = None,
        context: JSONObject | None = None,
        timestamp: Timestamp = None,
        integrations: JSONObject | None = None,
        message_id: str | None = None,
    ) -> Taken:
        """
        Ask to join a previous identity with a new one, through the identity graph.

        Raises:
            InvalidCall: it can only be a mistake: a placeholder, one identity on both sides, or one too long.
        """
        own = {"userId": user_id, "previousId": previous_id}
        return self.accept(_message("alias", own, context, timestamp, integrations, message_id))

    def group(
        self,
        user_id: str | int | None = None,
        group_id: str | int | None = None,
        traits: JSONObject | None = None,
        context: JSONObject | None = None,
        timestamp: Timestamp = None,
        anonymous_id: str | None = None,
        integrations: JSONObject | None = None,
        message_id: str | None = None,
    ) -> Taken:
        """
        Say which company or team somebody belongs to.
        """
        own = {"userId": user_id, "anonymousId": anonymous_id, "groupId": group_id, "traits": traits}
        return self.accept(_message("group", own, context, timestamp, integrations, message_id))

    def page(  # noqa: PLR0913, PLR0917 - Segment's signature
        self,
        user_id: str | int | None = None,
        category: str | None = None,
        name: str | None = None,
        properties: JSONObject | None = None,
        context: JSONObject | None = None,
        timestamp: Timestamp = None,
        anonymous_id: str | None = None,
        integrations: JSONObject | None = None,
        message_id: str | None = None,
    ) -> Taken:
        """
        Record that a page was seen.
        """
        own = {"userId": user_id, "anonymousId": anonymous_id, **_view(category, name, properties)}
        return self.accept(_message("page", own, context, timestamp, integrations, message_id))

    def screen(  # noqa: PLR0913, PLR0917 - Segment's signature
        self,
        user_id: str | int | None = None,
        category: str | None = None,
        name: str | None = None,
        properties: JSONObject | None = None,
        context: JSONObject | None = None,
        timestamp: Timestamp = None,
        anonymous_id: str | None = None,
        integrations: JSONObject | None = None,
        message_id: str | None = None,
    ) -> Taken:
        """
        Record that a screen of an app was seen.
        """
        own = {"userId": user_id, "anonymousId": anonymous_id, **_view(category, name, properties)}
        return self.accept(_message("screen", own, context, timestamp, integrations, message_id))


def _view(category: str | None, name: str | None, properties: JSONObject | None) -> dict[str, object]:
    return {"category": category, "name": name, "properties": properties}


def _message(
    kind: str,
    own: Mapping[str, object],
    context: JSONObject | None,
    timestamp: Timestamp,
    integrations: JSONObject | None,
    message_id: str | None,
) -> JSONObject:
    common = {
        "context": context,
        "timestamp": timestamp,
        "integrations": integrations,
        "messageId": message_id,
    }
    return {"type": kind, **own, **common}
