"""
The server run by itself, for a command line or a test: on a socket of its own, until it is asked to stop.
"""

import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from multiprocessing import parent_process
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
from attrs import frozen
from uvicorn.supervisors import Multiprocess

from sdkbridge.server.app import ServerApp, create_app
from sdkbridge.server.logs import log_to_stderr
from sdkbridge.server.metrics import SHARED_COUNTS
from sdkbridge.server.settings import InvalidSettings, ServerSettings

STOP_S = 20
"""How long requests on their way may take once the server is asked to stop, in seconds."""

NEW_OBJECTS = 50_000
"""How many objects are made before Python looks for garbage among them, in place of 700: a batch of a hundred
calls has a thousand and more, nearly all of which go as soon as it is answered, without being looked for."""

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@frozen(kw_only=True)
class Listening:
    """
    Where a server listens, and for whom.

    Attributes:
        host: only this machine reaches the usual one.
        port: 0 chooses a free one.
        trusted_proxies: whose ``X-Forwarded-For`` is believed: addresses, with commas between.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    trusted_proxies: str = "127.0.0.1"

    @property
    def is_open(self) -> bool:
        """
        Whether other machines may reach it.
        """
        return self.host not in LOOPBACK

    def bind(self) -> socket.socket:
        """
        Return a socket that is bound there.

        Raises:
            OSError: the address or the port cannot be had.
        """
        family, kind, protocol, _, address = socket.getaddrinfo(
            self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
        bound.set_inheritable(True)
        return bound

    def options(self) -> dict[str, Any]:
        """
        Return uvicorn's options. No access log: its lines would hold the write key of a settings route.
        """
        return {
            "access_log": False,
            "log_config": None,
            "server_header": False,
            "proxy_headers": True,
            "forwarded_allow_ips": self.trusted_proxies,
            "timeout_keep_alive": 75,
            "timeout_graceful_shutdown": STOP_S,
            "ws": "none",
        }


class RunningServer(uvicorn.Server):
    """
    One process that serves an app.

    Args:
        app: what answers.
        listening: where.
        bound: the socket that is bound there.
        on_ready: is told the address once connections are accepted.
    """

    def __init__(
        self, app: ServerApp, listening: Listening, bound: socket.socket, *, on_ready: Callable[[str], None]
    ) -> None:
        super().__init__(uvicorn.Config(app, **listening.options()))
        self._bound = bound
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """
        Open the databases, accept connections, and tell of it.
        """
        await super().startup(sockets)
        self._on_ready(url_of(self._bound))


def run(app: ServerApp, listening: Listening, *, on_ready: Callable[[str], None]) -> None:
    """
    Serve until SIGTERM or Ctrl-C: requests on their way are answered, and what was taken is on disk.

    Raises:
        OSError: the address or the port cannot be had.
        StoreError: a database cannot be used.
    """
    # Before the socket is there, so that a database that cannot be used is told in one sentence.
    app.server.open()
    bound = listening.bind()
    log_to_stderr()
    collect_garbage_rarely()
    _end_well_on_sigterm()
    RunningServer(app, listening, bound, on_ready=on_ready).run(sockets=[bound])


def run_workers(
    settings: ServerSettings, listening: Listening, *, workers: int, on_ready: Callable[[str], None]
) -> None:
    """
    Serve by several processes, which share the socket, the databases and what they count.

    One that dies or hangs is replaced. SIGTERM and Ctrl-C end all of them as well as one, and so does the end of
    this process, however sudden.

    Args:
        settings: of each process; handed to it through a pipe, since it holds keys.
        listening: where.
        workers: how many processes.
        on_ready: is told the address once it can be connected to.

    Raises:
        InvalidSettings: a database is in memory, where no other process can reach it.
        OSError: the address or the port cannot be had.
        StoreError: a database cannot be used.
    """
    for project in settings.projects:
        if project.database == ":memory:":
            raise InvalidSettings(f"projects.{project.name}.database", "must be a file, for workers to share it")
    app = create_app(settings)
    app.server.open()
    app.close()
    bound = listening.bind()
    log_to_stderr()
    options = uvicorn.Config(partial(worker_app, settings), factory=True, workers=workers, **listening.options())
    # From here on whoever connects waits for the first worker, and is not refused.
    bound.listen(options.backlog)
    on_ready(url_of(bound))
    with TemporaryDirectory(prefix="sdkbridge-counts-") as folder:
        os.environ[SHARED_COUNTS] = folder
        Multiprocess(options, sockets=[bound]).run()


def worker_app(settings: ServerSettings) -> ServerApp:
    """
    Make the app of a worker process.
    """
    log_to_stderr()
    collect_garbage_rarely()
    threading.Thread(target=_end_with_parent, name="sdkbridge-parent", daemon=True).start()
    return create_app(settings)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        # Else it would keep the port, and nobody would know of it; and the parent's folder has to go, too.
        rmtree(os.environ[SHARED_COUNTS], ignore_errors=True)
        os.kill(os.getpid(), signal.SIGTERM)


def collect_garbage_rarely() -> None:
    """
    Let this process, which does nothing but serve, spend its time on calls, and not on looking for garbage.
    """
    gc.collect()
    # What was imported stays until the end: it need not be looked through ever again.
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)


def url_of(bound: socket.socket) -> str:
    """
    Return the address of a bound socket, such as ``http://127.0.0.1:8080``.
    """
    host, port, *_ = bound.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _end_well_on_sigterm() -> None:
    # uvicorn stops at the first SIGTERM, and then raises it again for whoever handled it before.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
