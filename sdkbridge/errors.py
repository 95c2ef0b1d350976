"""
What can go wrong in the bridge.

    BridgeError
    ├── InvalidCall     a call that cannot be taken (also a ValueError)
    ├── OutboxFull      too much is waiting to be delivered
    └── BridgeClosed    the bridge was closed before the call

The store's errors are identity's own `StoreError`.
"""


class BridgeError(Exception):
    """
    Base of everything that this package raises on purpose.
    """


class InvalidCall(BridgeError, ValueError):
    """
    A call that was refused: nothing of it is kept, nothing of it is sent.

    Attributes:
        field: the member of the call that is wrong, in Segment's spelling (``userId``).
        reason: one word that says why, for programs: ``required``, ``type``, ``placeholder``, ``too_long``…
        problem: what is wrong, for people; never the value of a property or trait.
    """

    def __init__(self, field: str, problem: str, *, reason: str = "invalid") -> None:
        super().__init__(f"{field} {problem}")
        self.field = field
        self.reason = reason
        self.problem = problem


class BridgeClosed(BridgeError):
    """
    The bridge was closed; what it had accepted is in its file and is delivered by the next one.
    """


class OutboxFull(BridgeError):
    """
    As much waits to be delivered as the outbox may hold: the call was refused, and nothing of it is kept.

    Attributes:
        limit: how many requests may wait.
    """

    def __init__(self, limit: int) -> None:
        wait = "1 request waits" if limit == 1 else f"{limit} requests wait"
        super().__init__(f"{wait} to be delivered, which is all that outbox_limit allows: try again later")
        self.limit = limit
