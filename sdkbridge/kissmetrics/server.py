"""
The local Kissmetrics on a socket, for tests and tries on one's own machine: started, stopped, or run for good.
"""

import logging
import signal
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from identity.clock import Clock, system_clock
from identity.database import Database
from sdkbridge.kissmetrics.connection import Connection, Service
from sdkbridge.kissmetrics.faults import Fault, Faults
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.kissmetrics.reopening import NO_CHANGES, Changes, reopened

logger = logging.getLogger(__name__)

STOP_TIMEOUT_S = 5.0


class KissmetricsServer:
    """
    A local Kissmetrics that listens, from ``start()`` or on entering a ``with`` block, until it is stopped.

    Args:
        kissmetrics: what takes the requests.
        host: the address to listen on: only this machine reaches the usual one.
        port: 0 chooses a free one.
        clock: seconds since 1970 UTC, for what expires.
    """

    def __init__(
        self,
        kissmetrics: LocalKissmetrics,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock = system_clock,
    ) -> None:
        self.kissmetrics = kissmetrics
        self._faults = Faults()
        self._service = Service(kissmetrics, self._faults, clock)
        self._host = host
        self._port = port
        self._listener: _Listener | None = None
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"KissmetricsServer({self.url if self._listener else 'stopped'})"

    @property
    def url(self) -> str:
        """
        Where it listens, such as ``http://127.0.0.1:8080``.

        Raises:
            RuntimeError: it was not started.
        """
        if self._listener is None:
            raise RuntimeError("the local Kissmetrics has no address before it is started")
        host, port = self._listener.server_name, self._listener.server_port
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> Self:
        """
        Listen, in a thread of its own; a second call does nothing.

        Raises:
            OSError: the address or port cannot be had.
        """
        if self._listener is None:
            self._listener = _Listener(self._host, self._port, self._service)
            self._thread = threading.Thread(
                target=self._listener.serve_forever, args=[0.05], name="local Kissmetrics", daemon=True
            )
            self._thread.start()
        return self

    def stop(self) -> None:
        """
        Answer what has come in, forget all faults, and then listen no more; a second call does nothing.
        """
        if self._listener is None or self._thread is None:
            return
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()
        self.heal()
        self._listener.end_connections()
        self._listener = self._thread = None

    def fail(
        self,
        what: str | int,
        *,
        times: int | None = None,
        share: float = 1.0,
        seed: int | None = None,
        path: str | None = None,
        seconds: float | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        """
        Let requests to ``/e``, ``/s`` and ``/a`` go wrong from now on; a second fault waits for the first.

            server.fail(500, times=3)
            server.fail("reset", share=0.2, seed=1)

        Args:
            what: ``latency``, ``reset``, ``lost_answer``, ``hang``, ``garbage``, ``drip`` or a status; see
                `Fault`.
            times: how many requests; without it, all that come until `heal`.
            share: which part of them, by chance.
            seed: makes the same choice each time.
            path: only ``/e``, ``/s`` or ``/a``.
            seconds: how long ``latency``, ``drip`` or ``hang`` take.
            retry_after_s: the ``Retry-After`` of a status.

        Raises:
            InvalidFault: something of this cannot be.
        """
        self._faults.add(
            Fault(
                what,
                times=times,
                share=share,
                seed=seed,
                path=path,
                seconds=seconds,
                retry_after_s=retry_after_s,
            )
        )

    def heal(self) -> None:
        """
        Forget all faults, and end those that are going on.
        """
        self._faults.heal()

    def faults(self) -> list[dict[str, Any]]:
        """
        Return the faults asked for since the last healing, each with how many requests it ``met``.
        """
        return self._faults.report()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def run(
    host: str,
    port: int,
    database_path: str | Path = ":memory:",
    *,
    on_ready: Callable[[str], None],
    rules: Changes = NO_CHANGES,
) -> None:
    """
    Serve until Ctrl-C or SIGTERM, for a command line: only the main thread can wait for these.

    Args:
        host: the address to listen on.
        port: 0 chooses a free one.
        database_path: the SQLite file, created if missing; nothing outlives the usual one.
        on_ready: is told the address once connections are accepted.
        rules: by name, those that are to be other than the file's, or in a new file than the usual ones.

    Raises:
        OSError: the address or port cannot be had.
        StoreError: the file cannot be used, or was filled under other rules.
    """
    database = Database(database_path)
    try:
        server = KissmetricsServer(reopened(database, changed=rules), host=host, port=port)
        with _until_asked_to_stop() as asked, server:
            on_ready(server.url)
            # Windows does not wake an endless wait for Ctrl-C.
            while not asked.wait(0.5):
                pass
    finally:
        database.close()


@contextmanager
def _until_asked_to_stop() -> Iterator[threading.Event]:
    asked = threading.Event()
    signals = signal.SIGINT, signal.SIGTERM
    before = [signal.signal(number, lambda *_: asked.set()) for number in signals]
    try:
        yield asked
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


class _Listener(ThreadingHTTPServer):
    """
    The socket, one thread per connection, and which connections are open.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, service: Service) -> None:
        self._open: set[socket.socket] = set()
        self._closed = threading.Condition()
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), partial(Connection, service))

    def server_bind(self) -> None:
        # HTTPServer would ask the name service what this host is called, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        with self._closed:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - socketserver's type
        super().shutdown_request(request)
        with self._closed:
            self._open.discard(request)
            self._closed.notify_all()

    def end_connections(self) -> None:
        """
        Let each connection finish its answer and read no further; cut off those that take too long.
        """
        for direction in (socket.SHUT_RD, socket.SHUT_RDWR):
            with self._closed:
                for connection in self._open:
                    # One that has gone by itself has nothing left to shut.
                    with suppress(OSError):
                        connection.shutdown(direction)
                self._closed.wait_for(lambda: not self._open, timeout=STOP_TIMEOUT_S)

    def handle_error(self, *_: object, **__: object) -> None:
        # The usual traceback would show the address, and so the key. A peer that went away is no news.
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            logger.error("a connection ended with %s", type(error).__name__)
