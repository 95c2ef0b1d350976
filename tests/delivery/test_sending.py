"""
The connections of a worker: each is closed in the end, whatever it was doing.
"""

import asyncio
import math

from sdkbridge.delivery.lanes import Lane
from sdkbridge.delivery.problems import Problems
from sdkbridge.delivery.sending import Senders
from sdkbridge.delivery.settings import AS_USUAL
from sdkbridge.kissmetrics.client import Answer
from sdkbridge.kissmetrics.requests import IOS_RULE, WireRequest
from sdkbridge.outbox.queue import QueuedRequest


class Slow:
    """
    A connection whose answer does not come.
    """

    def __init__(self) -> None:
        self.sent = 0
        self.is_closed = False

    async def send(self, request: WireRequest) -> Answer:
        self.sent += 1
        await asyncio.Event().wait()
        raise AssertionError

    async def close(self) -> None:
        self.is_closed = True


def lanes(*keys: int) -> list[Lane]:
    return [
        Lane(
            key,
            (
                QueuedRequest(
                    number=key,
                    lane=key,
                    other_lane=None,
                    identity="ann",
                    path="/e",
                    query="_p=ann",
                    accepted_ms=0,
                    attempts=0,
                ),
            ),
        )
        for key in keys
    ]


def test_closing_closes_every_connection() -> None:
    """
    Those that send, those that were about to begin, and those that have nothing to do.
    """
    made: list[Slow] = []

    def connect() -> Slow:
        made.append(Slow())
        return made[-1]

    async def work() -> None:
        senders = Senders(
            connect,
            api_key="k",
            sending=IOS_RULE,
            settings=AS_USUAL,
            problems=Problems(),
            chance=lambda: 0.5,
            changed=lambda: None,
            connections=[connect(), connect(), connect()],
        )
        senders.fresh_until = math.inf
        senders.take(lanes(1))
        await asyncio.sleep(0.01)
        senders.take(lanes(2, 3, 4))
        senders.give_back()
        await senders.close()

    asyncio.run(work())

    assert sorted(one.sent for one in made) == [0, 0, 0, 1]
    assert all(one.is_closed for one in made)
