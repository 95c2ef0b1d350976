"""
From what happens on a device to the calls that arrive, and the truth about them.
"""

from collections.abc import Iterator
from typing import Any

from identity.simulate.calls import JSONObject
from identity.simulate.households.people import DAY_MS, Device, Person
from identity.simulate.truth import Truth, moment_text


class Post:
    """
    Calls on their way, by the day on which they arrive.

    Attributes:
        truth: who truly made each call.
    """

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self._days: dict[int, list[tuple[int, int, JSONObject]]] = {}
        self._sent = 0

    def send(
        self,
        person: Person,
        device: Device | None,
        at_ms: int,
        kind: str,
        *,
        delay_ms: int = 0,
        again: bool = False,
        **own: Any,  # noqa: ANN401 - members of a message
    ) -> None:
        """
        Send a call.

        Args:
            person: who makes it.
            device: where; None for the server.
            at_ms: when, by a clock that is right.
            kind: its type.
            delay_ms: how much later it arrives.
            again: whether it arrives twice.
            own: what else is in the message; on a device, its identities are added.
        """
        arrives_ms = at_ms + delay_ms
        clock_ms = at_ms
        message: dict[str, Any] = {"messageId": f"{person.name}-{self._sent:x}"}
        if device is not None:
            # What one device did arrives in the order in which it did it.
            arrives_ms = device.delivered_ms = max(arrives_ms, device.delivered_ms)
            clock_ms += device.skew_ms
            self.truth.holds(person.name, device.anonymous_id, from_ms=clock_ms, to_ms=clock_ms)
            message |= {"userId": device.user_id, "anonymousId": device.anonymous_id}
        message |= {"type": kind, "timestamp": moment_text(clock_ms)}
        if arrives_ms != clock_ms:
            skew = 0 if device is None else device.skew_ms
            message |= {"sentAt": moment_text(arrives_ms + skew), "receivedAt": moment_text(arrives_ms)}
        self._put(arrives_ms, message | own)
        if again:
            self._put(arrives_ms + 2000, message | own)

    def _put(self, arrives_ms: int, message: JSONObject) -> None:
        self._sent += 1
        self._days.setdefault(arrives_ms // DAY_MS, []).append((arrives_ms, self._sent, message))

    def delivered(self, day: int) -> Iterator[JSONObject]:
        """
        Yield what arrives on a day, in order.
        """
        for _, _, message in sorted(self._days.pop(day, ()), key=lambda call: call[:2]):
            yield message

    def late(self) -> Iterator[JSONObject]:
        """
        Yield what is left, in order.
        """
        for day in sorted(self._days):
            yield from self.delivered(day)
