"""
Threads and an event loop that never keep a process from ending, nor mind a clock that is frozen.
"""

import asyncio
import queue
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class DaemonExecutor(Executor):
    """
    Runs one piece of work after the other in a daemon thread, which begins with the first.

    The standard library's executors are waited for when a process ends, even where the work is stuck on a lock.

    Args:
        name: what the thread is called.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._started = False

    def submit(
        self, work: Callable[Parameters, Result], /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> "Future[Result]":
        """
        Do some work soon.
        """
        future: Future[Result] = Future()

        def do() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(work(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - it is for whoever waits
                future.set_exception(error)

        self._work.put(do)
        if not self._started:
            self._started = True
            threading.Thread(target=self._run, name=self._name, daemon=True).start()
        return future

    def _run(self) -> None:
        while (do := self._work.get()) is not None:
            do()

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - Executor's
        """
        End the thread after the work that it has.
        """
        self._work.put(None)


class DeliveryLoop(asyncio.SelectorEventLoop):
    """
    An event loop whose time passes even where a test has frozen it, and that looks names up in a daemon thread.
    """

    def time(self, now: Callable[[], float] = time.monotonic) -> float:
        """
        Return the time of the machine's monotonic clock, taken hold of before anybody could replace it.
        """
        return now()

    async def getaddrinfo(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the library's signature
        """
        Look a name up; the standard loop's thread would hold up the end of the process.
        """
        executor = DaemonExecutor("sdkbridge-names")
        try:
            return await self.run_in_executor(executor, lambda: socket.getaddrinfo(*args, **kwargs))
        finally:
            executor.shutdown()
