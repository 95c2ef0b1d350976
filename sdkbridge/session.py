"""
One device's session, as version 2 of Kissmetrics' iOS SDK keeps it: a pure state machine.

Source: KISSmetrics-iOS-SDK, ``KMAArchiver.m`` and ``KMATrackingOperations_TrackingState.m``. Two of its habits
are left behind: it compares identities by pointer (here: by text), and it forgets what Android's twin does not
write down (here: the caller keeps the whole value).
"""

from collections.abc import Mapping
from enum import StrEnum

from attrs import Factory, evolve, frozen


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


def begin(device: str, anonymous_id: str) -> DeviceSession:
    """
    Return the session of an app that was just installed; nothing is sent for it.
    """
    return DeviceSession(device=device, identity=anonymous_id, anonymous_id=anonymous_id)


def identify(session: DeviceSession, user_id: str | None) -> tuple[DeviceSession, Change]:
    """
    Name the person who uses the device.

    No id, the current one, or the session's own anonymous one changes nothing. From anonymous to named keeps the
    once-only marks; from named to another name clears them, and the traits.
    """
    if not user_id or user_id == session.anonymous_id:
        return session, Change.NONE
    if user_id == session.identity:
        return session, Change.AGAIN
    if session.is_anonymous:
        return evolve(session, identity=user_id), Change.FIRST
    return evolve(_unmarked(session), identity=user_id, switched=True), Change.SWITCH


def reset(session: DeviceSession, anonymous_id: str) -> DeviceSession:
    """
    Forget the person: a new anonymous identity, even if the session was anonymous already.

    What was marked as once per install stays marked.
    """
    return evolve(_unmarked(session), identity=anonymous_id, anonymous_id=anonymous_id, switched=False)


def _unmarked(session: DeviceSession) -> DeviceSession:
    return evolve(session, traits={}, once_per_identity=frozenset(), distinct={})


def describe(session: DeviceSession, traits: Mapping[str, str]) -> DeviceSession:
    """
    Add what is said of the person; a name said before takes its new value.
    """
    return evolve(session, traits={**session.traits, **traits}) if traits else session


def record_once(session: DeviceSession, event: str, once: Once) -> tuple[DeviceSession, bool]:
    """
    Mark an event as recorded; return whether it is to be recorded now.
    """
    if once is Once.PER_INSTALL:
        if event in session.once_per_install:
            return session, False
        return evolve(session, once_per_install=session.once_per_install | {event}), True
    if event in session.once_per_identity:
        return session, False
    return evolve(session, once_per_identity=session.once_per_identity | {event}), True


def set_distinct(session: DeviceSession, texts: Mapping[str, str]) -> tuple[DeviceSession, frozenset[str]]:
    """
    Remember what is about to be sent; return the names whose text differs from the last one sent.
    """
    changed = frozenset(name for name, text in texts.items() if session.distinct.get(name) != text)
    return (evolve(session, distinct={**session.distinct, **texts}) if changed else session), changed
