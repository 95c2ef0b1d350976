"""
One device, as a backend holds it in its hand.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Generic, TypedDict, Unpack

from sdkbridge.calls import JSONObject, device_of, parse_call
from sdkbridge.core import BridgeCore
from sdkbridge.errors import InvalidCall
from sdkbridge.receipt import Receipt
from sdkbridge.server_side import Taken, Timestamp
from sdkbridge.sessions.session import DeviceSession, Once


class Common(TypedDict, total=False):
    """
    What every call takes beside its own arguments.

    Attributes:
        context: Segment's context object.
        timestamp: when it happened; now by default.
        integrations: which destinations are switched on or off.
        message_id: a repeat of it is the same call again; made up by default.
    """

    context: JSONObject
    timestamp: Timestamp
    integrations: JSONObject
    message_id: str


class DeviceCalls(ABC, Generic[Taken]):
    """
    The calls that a mobile SDK offers, each one done by `_do`.

    Args:
        name: the installation.
        core: what takes them.
    """

    def __init__(self, name: str, core: BridgeCore) -> None:
        self.name = name
        self._core = core

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    @abstractmethod
    def _do(self, work: Callable[[], Receipt]) -> Taken:
        """
        Commit a call.
        """

    def identify(
        self, user_id: str | None = None, traits: JSONObject | None = None, **common: Unpack[Common]
    ) -> Taken:
        """
        Say who uses the device, and what is known of them.

        The first name since the session began is joined with its anonymous identity, by one alias. Another name
        without a reset is another person: no alias, and the warning ``user_switch_without_reset``.

        Args:
            user_id: the named identity; without one only the traits are set.
            traits: properties of the person.
            common: what all calls take, see `Common`.
        """
        return self._call("identify", common, userId=user_id, traits=traits)

    def track(
        self,
        event: str,
        properties: JSONObject | None = None,
        *,
        once: Once | str | None = None,
        **common: Unpack[Common],
    ) -> Taken:
        """
        Record an event.

        Args:
            event: its name.
            properties: its properties.
            once: ``"identity"`` or ``"install"`` to record it at most once for as long as that lasts.
            common: what all calls take, see `Common`.
        """
        return self._call("track", common, event=event, properties=properties, once=once)

    def screen(
        self,
        name: str,
        properties: JSONObject | None = None,
        *,
        category: str | None = None,
        **common: Unpack[Common],
    ) -> Taken:
        """
        Record that a screen was seen.
        """
        return self._call("screen", common, name=name, category=category, properties=properties)

    def page(
        self,
        name: str,
        properties: JSONObject | None = None,
        *,
        category: str | None = None,
        **common: Unpack[Common],
    ) -> Taken:
        """
        Record that a page was seen.
        """
        return self._call("page", common, name=name, category=category, properties=properties)

    def group(self, group_id: str, traits: JSONObject | None = None, **common: Unpack[Common]) -> Taken:
        """
        Say which company or team the person belongs to.
        """
        return self._call("group", common, groupId=group_id, traits=traits)

    def alias(self, user_id: str, **common: Unpack[Common]) -> Taken:
        """
        Ask to join the session's identity with another; the session keeps its own.
        """
        return self._call("alias", common, userId=user_id)

    def set_distinct(self, properties: JSONObject, *, message_id: str | None = None) -> Taken:
        """
        Set those properties of the person whose value differs from the one last set in this way.

        As the iOS SDK's ``setDistinct:forKey:``: texts are compared, and a reset or another person forgets them.
        """
        message = {"type": "identify", "traits": properties, "messageId": message_id}
        return self._do(lambda: self._core.acceptance.devices.set_distinct(self.name, parse_call(message)))

    def reset(self, *, message_id: str | None = None) -> Taken:
        """
        Forget the person, after a log-out say: a new anonymous identity, no traits; the queue stays.
        """
        return self.accept({"type": "reset", "messageId": message_id})

    def accept(self, message: JSONObject) -> Taken:
        """
        Take a call in Segment's spelling; ``reset`` is one too, and a track may carry ``once``.

        Identities in it count only where they name somebody: the userId of an identify or an alias.

        Raises:
            InvalidCall: it was refused.
        """
        return self._do(lambda: self._core.take_on(self.name, message))

    def _call(self, kind: str, common: Common, **own: object) -> Taken:
        if unknown := common.keys() - Common.__annotations__.keys():
            raise TypeError(f"{kind} got an unexpected argument {min(unknown)!r}")
        spelled = {"messageId" if name == "message_id" else name: value for name, value in common.items()}
        return self.accept({"type": kind, **own, **spelled})


class Device(DeviceCalls[Receipt]):
    """
    A device whose session the bridge keeps, with the calls that a mobile SDK offers.

    Made by `Bridge.device`; two of the same name share one session. Every call returns a `Receipt` once it is
    committed, and raises `InvalidCall` if it cannot be taken.
    """

    @property
    def identity(self) -> str:
        """
        The identity that calls go under now.
        """
        return self._session().identity

    @property
    def anonymous_id(self) -> str:
        """
        The anonymous identity that was generated when the session began.
        """
        return self._session().anonymous_id

    @property
    def is_anonymous(self) -> bool:
        """
        Whether nobody has been identified since the session began.
        """
        return self._session().is_anonymous

    @property
    def traits(self) -> Mapping[str, str]:
        """
        What was said of the person since the session began: names and texts, as they were sent.
        """
        return self._session().traits

    def _session(self) -> DeviceSession:
        return self._core.opened().acceptance.devices.session(self.name)

    def _do(self, work: Callable[[], Receipt]) -> Receipt:
        return self._core.commit(work)


def device_name(device: object) -> str:
    """
    Return the name of an installation, as it is kept.

    Raises:
        InvalidCall: it is empty, or no text.
    """
    named = device_of({"device": device})
    if named is None:
        raise InvalidCall("device", "is required", reason="required")
    return named
