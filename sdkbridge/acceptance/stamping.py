"""
Under which identities a call goes, and which link it proposes.
"""

from collections.abc import Mapping

from attrs import evolve, frozen

from sdkbridge.acceptance.admission import Admitted
from sdkbridge.acceptance.proposals import Proposed, proposed_by
from sdkbridge.calls import Alias, AnyCall, Identify
from sdkbridge.receipt import CallWarning
from sdkbridge.sessions import transitions
from sdkbridge.sessions.session import Change, DeviceSession


@frozen(kw_only=True)
class Stamped:
    """
    A call under the identities that it goes by, and the link that it proposes.

    Attributes:
        call: the call, its identities filled in.
        lane: whose order its requests keep.
        own: the identities whose order that lane keeps.
        proposed: the link, if it proposes one.
        change: what the call did to a device's session.
        warnings: what the sender should look at.
    """

    call: AnyCall
    lane: str
    own: frozenset[str]
    proposed: Proposed | None = None
    change: Change = Change.NONE
    warnings: tuple[CallWarning, ...] = ()


def identity_lane(identity: str) -> str:
    """
    Return the lane of what an identity did without a device.
    """
    return f"identity {identity}"


def device_lane(device: str) -> str:
    """
    Return the lane of what was done on a device, whoever used it.
    """
    return f"device {device}"


def stamp_message(admitted: Admitted) -> Stamped:
    """
    Take a call as it is: it carries its own identities.

    An anonymous identity stands for a device, so its order goes before the named one's.
    """
    call = admitted.call
    proposed = proposed_by(call, admitted.refused_user_id)
    own = proposed.older if proposed is not None else call.anonymous_id or call.user_id
    assert own is not None  # noqa: S101 - an admitted call has an identity
    return Stamped(
        call=call,
        lane=identity_lane(own),
        own=frozenset({own}),
        proposed=proposed,
        warnings=admitted.warnings,
    )


def stamp_on(before: DeviceSession, admitted: Admitted, texts: Mapping[str, str]) -> tuple[DeviceSession, Stamped]:
    """
    Put a device's call under its session's identities, as the SDK on the device would.

    Args:
        before: the session so far.
        admitted: the call.
        texts: the traits of an identify, as they are sent.
    """
    call, after, change = admitted.call, before, Change.NONE
    if isinstance(call, Identify):
        after, change = transitions.identify(before, call.user_id)
        after = transitions.describe(after, texts)
    if isinstance(call, Alias):
        call = evolve(call, previous_id=call.previous_id or before.identity)
    else:
        call = evolve(call, user_id=after.user_id, anonymous_id=after.anonymous_id)
    return after, Stamped(
        call=call,
        lane=device_lane(before.device),
        own=frozenset({before.identity, before.anonymous_id}),
        proposed=_proposed_on(after, call, change, admitted.refused_user_id),
        change=change,
        warnings=admitted.warnings,
    )


def _proposed_on(
    after: DeviceSession, call: AnyCall, change: Change, refused_user_id: str | None
) -> Proposed | None:
    """
    Return the link that a device's call proposes.

    An identify proposes one if it named somebody and nobody else was named since the session began: once a
    second person was, the anonymous identity says nothing of either.
    """
    if isinstance(call, Identify) and refused_user_id is None:
        named = change in {Change.FIRST, Change.AGAIN}
        return proposed_by(call, None) if named and not after.switched else None
    return proposed_by(call, refused_user_id)
