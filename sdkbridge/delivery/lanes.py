"""
What a worker holds, and what it writes down of it: plain values.
"""

from attrs import Factory, define, frozen

from sdkbridge.outbox.queue import QueuedRequest


@frozen
class Lane:
    """
    A lane that a worker has claimed.

    Attributes:
        key: which one.
        requests: what it may send, in order.
        progressed: whether anything of it was delivered or given up since it was claimed.
        claim: tells this time that it was claimed from others.
    """

    key: int
    requests: tuple[QueuedRequest, ...]
    progressed: bool = False
    claim: int = 0


@frozen
class Failure:
    """
    A request that is to be tried again.

    Attributes:
        request: which one.
        error: what went wrong.
        wait_ms: how long to wait before the next try.
    """

    request: QueuedRequest
    error: str
    wait_ms: int


@frozen
class LaneEnd:
    """
    A lane that a worker gives back.

    Attributes:
        key: which one.
        progressed: whether anything of it was delivered or given up.
        failure: its next request, if that failed.
    """

    key: int
    progressed: bool
    failure: Failure | None = None


@define
class Settled:
    """
    What became of requests, to be written down.

    Attributes:
        delivered: what arrived.
        dead: what never can, with the reason.
        ended: lanes that are given back.
    """

    delivered: list[QueuedRequest] = Factory(list)
    dead: list[tuple[QueuedRequest, str]] = Factory(list)
    ended: list[LaneEnd] = Factory(list)

    def add(self, other: "Settled") -> None:
        """
        Put what another one holds behind what is here.
        """
        self.delivered += other.delivered
        self.dead += other.dead
        self.ended += other.ended

    def __len__(self) -> int:
        return len(self.delivered) + len(self.dead) + len(self.ended)
