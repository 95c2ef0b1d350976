"""
Which of a call's identities can be used: folded, not too long, and not a placeholder.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Literal, TypeVar

from attrs import evolve, frozen

from identity.errors import InvalidIdentity
from identity.ids import LONGEST_IDENTITY, checked
from identity.placeholders import PLACEHOLDERS, Placeholders
from sdkbridge.calls import Alias, AnyCall
from sdkbridge.errors import InvalidCall
from sdkbridge.receipt import CallWarning

C = TypeVar("C", bound=AnyCall)


@frozen
class Admitted:
    """
    A call whose identities can be used as they are.

    Attributes:
        call: the call; a placeholder counts as absent.
        refused_user_id: the placeholder that stood in its userId, if one did.
        warnings: what the sender should look at.
    """

    call: AnyCall
    refused_user_id: str | None = None
    warnings: tuple[CallWarning, ...] = ()


LongId = Literal["reject", "sha256"]
"""What becomes of an identity that is longer than Kissmetrics keeps."""


def admit(
    call: AnyCall,
    *,
    needs_identity: bool = True,
    long_id: LongId = "reject",
    placeholders: Placeholders = PLACEHOLDERS,
) -> Admitted:
    """
    Fold a call's identities, and set aside placeholders.

    An alias is left to the graph, which refuses placeholders with a verdict on record.

    Args:
        call: the call as it came.
        needs_identity: whether the call must bring an identity of its own; not so on a device, which has one.
        long_id: whether an identity that is too long is refused, or its SHA-256 taken instead.
        placeholders: what stands for nobody.

    Raises:
        InvalidCall: an identity is too long, or none is left that can be used.
    """
    folded = _folded(call, long_id)
    if isinstance(folded, Alias):
        return Admitted(folded)
    warnings: list[CallWarning] = []
    refused = None
    if folded.user_id is not None and folded.user_id in placeholders:
        refused = folded.user_id
        warnings.append(_stands_for_nobody("userId", refused))
        folded = evolve(folded, user_id=None)
    if folded.anonymous_id is not None and folded.anonymous_id in placeholders:
        warnings.append(_stands_for_nobody("anonymousId", folded.anonymous_id))
        folded = evolve(folded, anonymous_id=None)
    if needs_identity and folded.user_id is None and folded.anonymous_id is None:
        if warnings:
            raise InvalidCall("userId", "stands for nobody, and there is no other identity", reason="placeholder")
        raise InvalidCall("userId", "is required, or else anonymousId", reason="required")
    if folded.user_id == folded.anonymous_id:
        # An app that passes the anonymous id back as the user's: one identity, and nothing to join.
        folded = evolve(folded, anonymous_id=None)
    return Admitted(folded, refused, tuple(warnings))


def without_forgotten(admitted: Admitted, is_forgotten: Callable[[str], bool]) -> Admitted | None:
    """
    Set aside an anonymous identity that was forgotten; return None if nothing of the call may be kept.

    A call that names somebody who was forgotten is theirs, and so is an alias on either side. An anonymous
    identity alone may be that of a browser which others use now.
    """
    call = admitted.call
    named = [call.user_id, *([call.previous_id, call.anonymous_id] if isinstance(call, Alias) else [])]
    if any(identity is not None and is_forgotten(identity) for identity in named):
        return None
    if call.anonymous_id is None or not is_forgotten(call.anonymous_id):
        return admitted
    if call.user_id is None:
        return None
    warnings = (*admitted.warnings, forgotten("anonymousId"))
    return evolve(admitted, call=evolve(call, anonymous_id=None), warnings=warnings)


def forgotten(field: str) -> CallWarning:
    """
    Return the warning that a call names somebody who was forgotten.
    """
    return CallWarning("forgotten", f"{field} belonged to somebody who was forgotten; nothing of them is kept")


def _folded(call: C, long_id: LongId) -> C:
    user_id = _usable(call.user_id, "userId", long_id)
    anonymous_id = _usable(call.anonymous_id, "anonymousId", long_id)
    folded = call
    if (user_id, anonymous_id) != (call.user_id, call.anonymous_id):
        folded = evolve(call, user_id=user_id, anonymous_id=anonymous_id)
    if isinstance(folded, Alias):
        return evolve(folded, previous_id=_usable(folded.previous_id, "previousId", long_id))
    return folded


def _usable(identity: str | None, field: str, long_id: LongId) -> str | None:
    if identity is None:
        return None
    try:
        folded = checked(identity, field)
    except InvalidIdentity as error:
        raise InvalidCall(error.field, error.problem, reason="type") from error
    if len(folded) > LONGEST_IDENTITY and long_id == "sha256":
        return sha256(folded.encode()).hexdigest()
    if len(folded) > LONGEST_IDENTITY:
        raise InvalidCall(
            field, f"has {len(folded)} characters; Kissmetrics keeps {LONGEST_IDENTITY}", reason="too_long"
        )
    return folded


def _stands_for_nobody(field: str, value: str) -> CallWarning:
    return CallWarning("placeholder", f"{field} {value!r} stands for nobody and counts as absent")
