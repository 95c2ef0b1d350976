"""
Outbox → Kissmetrics: a worker's life, from its first claim to its last.
"""

import asyncio
import random
from collections.abc import Callable

from identity.clock import Clock, system_clock
from identity.database import Database
from sdkbridge.delivery.daemon import DeliveryLoop
from sdkbridge.delivery.outbox_worker import OutboxWorker
from sdkbridge.delivery.problems import DeliveryProblem, Problems
from sdkbridge.delivery.rounds import Rounds
from sdkbridge.delivery.sending import Senders
from sdkbridge.delivery.settings import AS_USUAL, DeliverySettings
from sdkbridge.kissmetrics.client import Connect
from sdkbridge.kissmetrics.requests import IOS_RULE, Sending
from sdkbridge.outbox.queue import Outbox


class Delivery:
    """
    Sends what is due.

    Args:
        database: where the outbox is.
        connect: what makes a connection to Kissmetrics.
        api_key: the Kissmetrics key to send with.
        clock: the time in seconds since 1970 UTC.
        settings: how many at once, at which pace, and so on.
        sending: by which method requests are sent.
        release: asked each time that work is looked for, to queue what has become due by then.
        on_problem: told what goes wrong, in a thread of its own.
        chance: a number from 0 to 1 at each call.
        on_exchange: called each time that something was written down or looked for.
    """

    def __init__(  # noqa: PLR0913 - all but two have defaults
        self,
        database: Database,
        connect: Connect,
        *,
        api_key: str,
        clock: Clock = system_clock,
        settings: DeliverySettings = AS_USUAL,
        sending: Sending = IOS_RULE,
        release: Callable[[], object] = lambda: None,
        on_problem: Callable[[DeliveryProblem], object] | None = None,
        chance: Callable[[], float] = random.random,
        on_exchange: Callable[[], None] = lambda: None,
    ) -> None:
        Outbox(database)  # makes the tables
        self._database = database
        self._connect = connect
        self._api_key = api_key
        self._clock = clock
        self._settings = settings
        self._sending = sending
        self._release = release
        self._problems = Problems(on_problem)
        self._chance = chance
        self._on_exchange = on_exchange
        # Made here: a thread that imports what it needs would lock up a process that is forked off meanwhile.
        self._first = [connect()]
        self._rounds: Rounds | None = None
        self._stops_in_s: float | None = None

    def run_once(self) -> None:
        """
        Send all that is due now, and return.

        Raises:
            StoreError: the outbox cannot be read or written.
        """
        with asyncio.Runner(loop_factory=DeliveryLoop) as runner:
            runner.run(self.run(until_idle=True))

    async def run(self, *, until_idle: bool = False) -> None:
        """
        Send what is due until `stop`, then give back the rest.

        Args:
            until_idle: return once nothing more is due.

        Raises:
            StoreError: the outbox cannot be read or written, and it is not to go on until it can.
        """
        changed = asyncio.Event()
        senders = Senders(
            self._connect,
            api_key=self._api_key,
            sending=self._sending,
            settings=self._settings,
            problems=self._problems,
            chance=self._chance,
            changed=changed.set,
            connections=self._first,
        )
        self._rounds = Rounds(
            OutboxWorker(self._database, self._settings, release=self._release),
            senders,
            changed,
            clock=self._clock,
            settings=self._settings,
            problems=self._problems,
            on_exchange=self._on_exchange,
        )
        if self._stops_in_s is not None:
            self._rounds.stop(self._stops_in_s)
        try:
            await self._rounds.run(until_idle=until_idle)
        finally:
            self._rounds = None

    @property
    def is_idle(self) -> bool:
        """
        Whether nothing is under way, and nothing more can be sent for now.
        """
        rounds = self._rounds
        return rounds is not None and rounds.is_idle

    def wake(self) -> None:
        """
        Look at the outbox now; from any thread.
        """
        if (rounds := self._rounds) is not None:
            rounds.wake()

    def stop(self, grace_s: float) -> None:
        """
        End for good, once what is under way is done, and after so many seconds in any case; from any thread.
        """
        self._stops_in_s = grace_s
        if (rounds := self._rounds) is not None:
            rounds.stop(grace_s)
