"""
Sending what was claimed: many lanes at once, each in order, each connection with one request under way.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from itertools import count

from attrs import evolve

from sdkbridge.delivery.circuit import Circuit
from sdkbridge.delivery.lanes import Failure, Lane, LaneEnd, Settled
from sdkbridge.delivery.pace import Pace
from sdkbridge.delivery.problems import DeliveryProblem, Problems
from sdkbridge.delivery.retries import Outcome, outcome_of, retry_wait_s
from sdkbridge.delivery.settings import DeliverySettings
from sdkbridge.kissmetrics.client import Answer, Connect, Connection, Undelivered, Unsendable
from sdkbridge.kissmetrics.requests import Sending, wire
from sdkbridge.outbox.queue import QueuedRequest


class Senders:
    """
    The connections of one worker, and the lanes that they serve; used within one event loop.

    Args:
        connect: what makes a connection.
        api_key: the Kissmetrics key to send with.
        sending: by which method requests are sent.
        settings: how many at once, and at which pace.
        problems: whom to tell what goes wrong.
        chance: a number from 0 to 1 at each call.
        changed: called when there is something to write down, or nothing left to send.
        connections: those that exist already.

    Attributes:
        settled: what became of requests since it was last taken.
        circuit: whether Kissmetrics counts as down.
        fresh_until: until when no lane that is held can have been taken over, by the loop's clock.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        api_key: str,
        sending: Sending,
        settings: DeliverySettings,
        problems: Problems,
        chance: Callable[[], float],
        changed: Callable[[], None],
        connections: list[Connection],
    ) -> None:
        self._connect = connect
        self._api_key = api_key
        self._sending = sending
        self._concurrency = settings.concurrency
        self._problems = problems
        self._chance = chance
        self._changed = changed
        self._pace = Pace(settings.pace)
        self._loop = asyncio.get_running_loop()
        self._claims = count(1)
        self._held: dict[int, int] = {}
        self._ready: deque[Lane] = deque()
        self._idle = connections
        # All that there are: a task that is cancelled before it began gives none back.
        self._connections = [*connections]
        self._under_way: set[asyncio.Task[None]] = set()
        self._halted = asyncio.Event()
        self._stopping = False
        self.circuit = Circuit(chance)
        self.settled = Settled()
        self.fresh_until = 0.0

    @property
    def held(self) -> int:
        """
        How many lanes are ready or being served.
        """
        return len(self._held)

    @property
    def ready(self) -> int:
        """
        How many lanes wait for a connection.
        """
        return len(self._ready)

    @property
    def busy(self) -> bool:
        """
        Whether any lane is being served.
        """
        return bool(self._under_way)

    def take(self, lanes: Iterable[Lane]) -> None:
        """
        Serve lanes that were claimed.
        """
        for lane in lanes:
            claim = self._held[lane.key] = next(self._claims)
            self._ready.append(evolve(lane, claim=claim))
        self.dispatch()

    def take_settled(self) -> Settled:
        """
        Return what became of requests, and begin anew.
        """
        taken, self.settled = self.settled, Settled()
        return taken

    def keep_only(self, lanes: set[int]) -> None:
        """
        Send nothing more of lanes that were taken over by others.
        """
        self._held = {lane: claim for lane, claim in self._held.items() if lane in lanes}
        self._ready = deque(lane for lane in self._ready if self._holds(lane))

    def halt(self) -> None:
        """
        Send nothing more until `go_on`; what is under way ends.
        """
        self._halted.set()

    def go_on(self) -> None:
        """
        Send again.
        """
        self._halted.clear()
        self.dispatch()

    def give_back(self) -> None:
        """
        Begin nothing more, for good: lanes are given back, those that are being served after their request.
        """
        self._stopping = True
        self.halt()
        while self._ready:
            self._end(self._ready.popleft())

    async def close(self) -> None:
        """
        Break off what is under way, and close all connections.
        """
        late = list(self._under_way)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
        for connection in self._connections:
            await connection.close()
        self._connections.clear()
        self._idle.clear()

    def dispatch(self) -> None:
        """
        Give ready lanes to free connections.
        """
        while self._ready and len(self._under_way) < self._concurrency and not self._is_halted():
            if not self.circuit.lets_through(self._loop.time()):
                return
            connection = self._idle.pop() if self._idle else self._connected()
            task = self._loop.create_task(self._serve(self._ready.popleft(), connection))
            self._under_way.add(task)
            task.add_done_callback(self._served)

    def _connected(self) -> Connection:
        connection = self._connect()
        self._connections.append(connection)
        return connection

    def _served(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self.dispatch()
        self._changed()

    async def _serve(self, lane: Lane, connection: Connection) -> None:
        done, failure = 0, None
        try:
            while done < len(lane.requests) and await self._may_send(lane, is_first=done == 0):
                failure = await self._settle(lane.requests[done], connection)
                if failure is not None:
                    break
                done += 1
        finally:
            self._idle.append(connection)
            left = evolve(lane, requests=lane.requests[done:], progressed=lane.progressed or done > 0)
            if left.requests and failure is None and not self._stopping and self._holds(lane):
                self._ready.appendleft(left)
            else:
                self._end(left, failure)

    async def _may_send(self, lane: Lane, *, is_first: bool) -> bool:
        """
        Wait for the pace, and tell whether a request of the lane may go; the first one was cleared when it came.
        """
        wait_s = self._pace.take(self._loop.time())
        if wait_s > 0 and not self._halted.is_set():
            timer = self._loop.create_task(self._halted.wait())
            await asyncio.wait([timer], timeout=wait_s)
            timer.cancel()
        if self._is_halted() or not self._holds(lane):
            if is_first:
                self.circuit.not_sent()
            return False
        return is_first or self.circuit.lets_through(self._loop.time())

    async def _settle(self, request: QueuedRequest, connection: Connection) -> Failure | None:
        """
        Send a request and note what became of it; return how it failed, if it is to be tried again.
        """
        answer: Answer | None = None
        try:
            answer = await connection.send(wire(request.path, request.query, self._api_key, sending=self._sending))
        except Undelivered as problem:
            return self._failed(request, f"no answer ({problem})", None)
        except Unsendable as problem:
            self._dead(request, str(problem))
            return None
        outcome = outcome_of(answer)
        if outcome is Outcome.FAILED:
            return self._failed(request, f"answered {answer.status}", answer.retry_after_s)
        self.circuit.answered()
        if outcome is Outcome.DEAD:
            self._dead(request, f"answered {answer.status}")
        else:
            self._note_first()
            self.settled.delivered.append(request)
        return None

    def _failed(self, request: QueuedRequest, error: str, retry_after_s: float | None) -> Failure:
        self.circuit.failed(request.lane, now=self._loop.time(), retry_after_s=retry_after_s)
        wait_s = retry_wait_s(request.attempts, jitter=self._chance(), retry_after_s=retry_after_s)
        tried = request.attempts + 1
        self._problems.tell(DeliveryProblem(what="failed", reason=error, request=request.number, attempts=tried))
        return Failure(request, error, int(wait_s * 1000))

    def _dead(self, request: QueuedRequest, reason: str) -> None:
        self._note_first()
        self.settled.dead.append((request, reason))
        tried = request.attempts + 1
        self._problems.tell(DeliveryProblem(what="dead", reason=reason, request=request.number, attempts=tried))

    def _is_halted(self) -> bool:
        return self._halted.is_set() or self._loop.time() > self.fresh_until

    def _holds(self, lane: Lane) -> bool:
        return self._held.get(lane.key) == lane.claim

    def _end(self, lane: Lane, failure: Failure | None = None) -> None:
        if not self._holds(lane):
            return  # it was taken over
        del self._held[lane.key]
        self._note_first()
        self.settled.ended.append(LaneEnd(lane.key, lane.progressed, failure))

    def _note_first(self) -> None:
        if not self.settled:
            self._changed()
