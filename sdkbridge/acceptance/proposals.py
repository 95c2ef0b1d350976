"""
Which link a call proposes by the identities that it carries.
"""

from attrs import frozen

from identity.links import LinkKind, Outcome, Verdict
from sdkbridge.calls import Alias, AnyCall, Identify
from sdkbridge.errors import InvalidCall
from sdkbridge.options import MappingOptions


@frozen
class Proposed:
    """
    The link that a call proposes.

    Attributes:
        older: the identity that was there before.
        newer: the identity that it is said to belong to.
        kind: where the evidence comes from; None for an alias that was asked for.
    """

    older: str
    newer: str
    kind: LinkKind | None


class RefusedAlias(InvalidCall):
    """
    An alias that can only be a mistake.

    Attributes:
        verdict: what the graph decided, and why.
    """

    def __init__(self, verdict: Verdict) -> None:
        super().__init__("alias", f"was refused: {verdict.explanation}", reason=verdict.reason)
        self.verdict = verdict


def proposed_by(call: AnyCall, refused_user_id: str | None) -> Proposed | None:
    """
    Return the link that a call proposes, if any: an alias always does, an identify that carries both ids.

    Args:
        call: the call, its identities folded and filled in.
        refused_user_id: a placeholder that stood in its userId: proposed all the same, for the verdict on record.

    Raises:
        InvalidCall: an alias has no previous identity.
    """
    if isinstance(call, Alias):
        older = call.previous_id or call.anonymous_id
        if older is None or call.user_id is None:
            raise InvalidCall("previousId", "is required, or else anonymousId", reason="required")
        return Proposed(older, call.user_id, None)
    newer = refused_user_id or call.user_id
    if isinstance(call, Identify) and call.anonymous_id is not None and newer is not None:
        return Proposed(call.anonymous_id, newer, LinkKind.FIRST_IDENTIFY)
    return None


def heeded(proposed: Proposed | None, call: AnyCall, options: MappingOptions) -> Proposed | None:
    """
    Return a call's proposal if the options let it make one.

    Raises:
        InvalidCall: an alias has no previousId, and the options take nothing else for it.
    """
    if isinstance(call, Alias) and call.previous_id is None and not options.alias_from_anonymous_id:
        raise InvalidCall("previousId", "is required", reason="required")
    return None if isinstance(call, Identify) and options.auto_alias == "never" else proposed


def sends_alias(verdict: Verdict | None, call: AnyCall, options: MappingOptions) -> bool:
    """
    Tell whether an alias leaves: after a verdict to merge, and of a known link if an identify always sends one.
    """
    if verdict is None:
        return False
    again = isinstance(call, Identify) and options.auto_alias == "always"
    return verdict.outcome is Outcome.MERGE or (again and verdict.outcome is Outcome.KNOWN)
