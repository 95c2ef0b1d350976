"""
What a bridge reports of itself.
"""

from attrs import frozen

from identity.person import GraphCounts
from sdkbridge.outbox.queue import OutboxCounts


@frozen(kw_only=True)
class FlushReport:
    """
    What came of a flush.

    It counts what happened while the flush lasted. A bridge delivers as calls come, so what was called just before
    may have been delivered, or given up, before the flush began, and all three counts may be 0: `BridgeStatus` has
    what became of all requests.

    Attributes:
        delivered: requests delivered while it lasted, by whomever.
        dead: requests given up while it lasted.
        waiting: requests that are left, those queued in the meantime included.
        last_error: why the lane that has been failing for longest was not delivered, if any is failing.
    """

    delivered: int
    dead: int
    waiting: int
    last_error: str | None = None


@frozen(kw_only=True)
class BridgeStatus:
    """
    How much a bridge's file holds.

    Attributes:
        graph: identities, people and links.
        outbox: requests waiting, delivered and dead.
        last_error: why the lane that has been failing for longest was not delivered, if any is failing.
        refused_full: calls that this bridge refused because too much was waiting.
    """

    graph: GraphCounts
    outbox: OutboxCounts
    last_error: str | None
    refused_full: int = 0
