"""
One device's session: what version 2 of Kissmetrics' iOS SDK remembers between two calls.

Source: KISSmetrics-iOS-SDK, ``KMAArchiver.m``. What its Android twin does not write down is forgotten there; here
the caller keeps the whole value.
"""

from collections.abc import Mapping
from enum import StrEnum

from attrs import Factory, frozen


class Once(StrEnum):
    """
    How often an event is recorded at most (the SDK's ``KMARecordCondition``).
    """

    PER_IDENTITY = "identity"
    """Once until somebody else is identified, or a reset."""
    PER_INSTALL = "install"
    """Once for as long as the app stays installed."""


@frozen(kw_only=True)
class DeviceSession:
    """
    What a device remembers between two calls.

    Attributes:
        device: the installation's own name, chosen by the caller.
        identity: the identity that its calls go under.
        anonymous_id: the identity that was generated when the session began.
        switched: whether a second person was named since, without a reset.
        traits: what was said of the person since, as texts, by name.
        once_per_identity: events that are not to be recorded again under this identity.
        once_per_install: events that are not to be recorded again at all.
        distinct: the texts last sent by `set_distinct`, by name.
    """

    device: str
    identity: str
    anonymous_id: str
    switched: bool = False
    traits: Mapping[str, str] = Factory(dict)
    once_per_identity: frozenset[str] = frozenset()
    once_per_install: frozenset[str] = frozenset()
    distinct: Mapping[str, str] = Factory(dict)

    @property
    def is_anonymous(self) -> bool:
        """
        Whether nobody has been identified since the session began.
        """
        return self.identity == self.anonymous_id

    @property
    def user_id(self) -> str | None:
        """
        The named identity, or None while the session is anonymous.
        """
        return None if self.is_anonymous else self.identity


class Change(StrEnum):
    """
    What an identify did to a session.
    """

    NONE = "none"
    """Nobody was named."""
    AGAIN = "again"
    """The one who was there already was named."""
    FIRST = "first"
    """Somebody anonymous was named: the one moment at which the SDK sends an alias."""
    SWITCH = "switch"
    """Somebody else was named without a reset: another person, and no alias."""
