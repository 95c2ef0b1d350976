"""
A bridge, its delivery workers, and a Kissmetrics that answers what a test says; each step of a delivery by itself.
"""

from collections.abc import Callable
from pathlib import Path

from attrs import Factory, define

from identity.database import Database
from sdkbridge import Bridge, MappingOptions
from sdkbridge.delivery import DeliverySettings
from sdkbridge.delivery.lanes import Failure, Lane, LaneEnd, Settled
from sdkbridge.delivery.outbox_worker import OutboxWorker
from sdkbridge.outbox.queue import QueuedRequest

Pair = tuple[str, str]


@define
class World:
    """
    One bridge on a database, and who delivers for it.

    Attributes:
        address: the database.
        grace_s: how long aliases wait.
        auto_alias: when an identify aliases.
        now_s: the time, in seconds since 1970 UTC.
        arrived: the aliases that Kissmetrics took, as `_p` and `_n`, in order.
    """

    address: str | Path
    grace_s: float = 0.0
    auto_alias: str = "first"
    now_s: float = 1_700_000_000.0
    arrived: list[Pair] = Factory(list)
    bridge: Bridge = Factory(lambda self: self._open(), takes_self=True)

    def _open(self) -> Bridge:
        return Bridge(
            self.address,
            api_key="k",
            deliver=False,
            clock=lambda: self.now_s,
            alias_grace=self.grace_s,
            options=MappingOptions(auto_alias=self.auto_alias),  # type: ignore[arg-type]
        )

    @property
    def database(self) -> Database:
        return self.bridge._core.database

    @property
    def now_ms(self) -> int:
        return int(self.now_s * 1000)

    def worker(self) -> OutboxWorker:
        """
        Return a new worker; it holds what it claims until it says what became of it.
        """
        return OutboxWorker(self.database, DeliverySettings(), release=self.bridge._core.aliases.release)

    def claim(self, worker: OutboxWorker) -> list[Lane]:
        """
        Claim all that may be sent.
        """
        lanes: list[Lane] = []
        more = True
        while more:
            exchanged = worker.exchange(Settled(), limit=100, now_ms=self.now_ms)
            lanes += exchanged.lanes
            more = exchanged.more
        return lanes

    def settle(self, worker: OutboxWorker, lanes: list[Lane], answer: Callable[[], int]) -> None:
        """
        Have Kissmetrics answer the requests of some lanes, up to one that fails, and write down what it said.

        Args:
            worker: who claimed the lanes.
            lanes: what it claimed.
            answer: the status for each alias; all else is taken.
        """
        settled = Settled()
        for lane in lanes:
            failure = None
            for request in lane.requests:
                status = answer() if request.path == "/a" else 200
                if status == 500:
                    failure = Failure(request, "answered 500", 0)
                    break
                if status == 200:
                    settled.delivered.append(request)
                else:
                    settled.dead.append((request, f"answered {status}"))
            settled.ended.append(LaneEnd(lane.key, progressed=failure is None, failure=failure))
        for request in settled.delivered:
            if request.path == "/a":
                self.arrived.append(ends_of(request))
        worker.exchange(settled, limit=0, now_ms=self.now_ms)

    def deliver(self, aliases: int = 200) -> None:
        """
        Deliver all that waits; aliases are answered with a status, everything else is taken.
        """
        worker = self.worker()
        for _ in range(20):
            lanes = self.claim(worker)
            if not lanes:
                return
            self.settle(worker, lanes, lambda: aliases)
            if aliases == 500:
                return

    def retry(self) -> int:
        """
        Queue again all that was given up.
        """
        return self.bridge.dead_letters.retry(self.bridge.dead_letters.numbers(), now_ms=self.now_ms)

    def drop(self) -> int:
        """
        Drop all that was given up.
        """
        return self.bridge.dead_letters.drop(self.bridge.dead_letters.numbers())

    def send(self) -> int:
        """
        Send what the plan says now.
        """
        return self.bridge.send(self.bridge.plan())

    def planned(self) -> list[Pair]:
        """
        Return whom the aliases of the plan would join.
        """
        return [alias.ends for alias in self.bridge.plan().aliases]

    def queued(self) -> list[Pair]:
        """
        Return the aliases that wait in the outbox, as `_p` and `_n`.
        """
        return [
            (one, other)
            for one, other in self.database.rows(
                "SELECT identity, other_identity FROM outbox WHERE path = '/a' ORDER BY request"
            )
        ]


def ends_of(request: QueuedRequest) -> Pair:
    """
    Return `_p` and `_n` of an alias.
    """
    parameters = dict(part.split("=", 1) for part in request.query.split("&"))
    return request.identity, parameters["_n"].replace("%40", "@")
