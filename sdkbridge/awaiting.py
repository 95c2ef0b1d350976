"""
How a program on asyncio waits for what blocks: beside the event loop, never on it.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from sdkbridge.acceptance.proposals import RefusedAlias
from sdkbridge.core import BridgeCore

Result = TypeVar("Result")


async def committed(core: BridgeCore, work: Callable[[], Result]) -> Result:
    """
    Take a call in the next commit, which all share that wait for one, and return what came of it.
    """
    outcome = await asyncio.wrap_future(core.submit(work))
    if isinstance(outcome, RefusedAlias):
        raise outcome
    return outcome


async def in_a_thread(work: Callable[[], Result]) -> Result:
    """
    Do what blocks in a thread of its own.

    Unlike a thread of the loop's pool it cannot be short of threads that wait, nor hold up the end of the loop.
    """
    future: Future[Result] = Future()
    # Marked as running, so that it cannot be cancelled while it is being done.
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - whoever awaits it is told
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=run, name="sdkbridge-awaited", daemon=True).start()
    return await asyncio.wrap_future(future)
