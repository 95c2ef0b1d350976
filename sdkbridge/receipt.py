"""
What a caller gets back for a call.
"""

from attrs import frozen

from identity.links import Verdict
from sdkbridge.kissmetrics.requests import Request


@frozen
class CallWarning:
    """
    One thing about an accepted call that its sender should look at.

    Attributes:
        code: one word for programs, such as ``user_switch_without_reset``.
        message: one sentence for people.
    """

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


@frozen(kw_only=True)
class Receipt:
    """
    Proof that a call is committed, and what came of it.

    Attributes:
        message_id: by which a repeat of the call is recognised.
        verdicts: what the identity graph decided on account of the call.
        requests: what was queued for Kissmetrics, in order.
        warnings: what the sender should look at.
        repeated: the same message id was accepted before; nothing was done this time.
    """

    message_id: str
    verdicts: tuple[Verdict, ...] = ()
    requests: tuple[Request, ...] = ()
    warnings: tuple[CallWarning, ...] = ()
    repeated: bool = False
