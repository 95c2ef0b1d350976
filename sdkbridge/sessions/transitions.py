"""
What calls do to a device's session: a pure state machine, as version 2 of Kissmetrics' iOS SDK has it.

Source: KISSmetrics-iOS-SDK, ``KMATrackingOperations_TrackingState.m``. One habit is left behind: it compares
identities by pointer, and here they are compared by their text.
"""

from collections.abc import Mapping

from attrs import evolve

from sdkbridge.sessions.session import Change, DeviceSession, Once


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
