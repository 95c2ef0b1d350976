"""
Which of a call's identities can be used: folded, not too long, and not a placeholder.
"""

from hashlib import sha256
from typing import Literal, TypeVar

from attrs import evolve, frozen

from identity.errors import InvalidIdentity
from identity.ids import LONGEST_IDENTITY, checked, is_placeholder
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


def admit(call: AnyCall, *, needs_identity: bool = True, long_id: LongId = "reject") -> Admitted:
    """
    Fold a call's identities, and set aside placeholders.

    An alias is left to the graph, which refuses placeholders with a verdict on record.

    Args:
        call: the call as it came.
        needs_identity: whether the call must bring an identity of its own; not so on a device, which has one.
        long_id: whether an identity that is too long is refused, or its SHA-256 taken instead.

    Raises:
        InvalidCall: an identity is too long, or none is left that can be used.
    """
    folded = _folded(call, long_id)
    if isinstance(folded, Alias):
        return Admitted(folded)
    warnings = []
    refused = None
    if folded.user_id is not None and is_placeholder(folded.user_id):
        refused = folded.user_id
        warnings.append(_stands_for_nobody("userId", refused))
        folded = evolve(folded, user_id=None)
    if folded.anonymous_id is not None and is_placeholder(folded.anonymous_id):
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
