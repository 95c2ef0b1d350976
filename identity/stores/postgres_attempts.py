"""
Doing it again: when other writers were in the way, or when the server went away and may come back.
"""

import random
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext

import psycopg
from attrs import frozen
from psycopg.errors import UniqueViolation

from identity.errors import StoreError
from identity.stores.interface import MOST_RACES, Result
from identity.stores.postgres_connections import Connections
from identity.stores.postgres_troubles import CONFLICTS, store_error

MOST_CONFLICTS = 200
"""How often a work is repeated because others wrote at the same moment; the time has a limit, too."""

FIRST_PAUSE_S = 0.002
LONGEST_PAUSE_S = 0.5


@frozen
class Begun:
    """
    A transaction under way.

    Attributes:
        number: by which the server knows it.
        server_started: when that server was started.
    """

    number: str
    server_started: str


@frozen
class LostInCommit:
    """
    A commit whose answer never came.

    Attributes:
        begun: its transaction, if the server gives such numbers.
        error: what ended the connection.
    """

    begun: Begun | None
    error: psycopg.Error


class Attempts:
    """
    Repeats what may be repeated, for a bounded time.

    Args:
        name: the database, for errors.
        connections: where to ask what became of a commit.
        wait_s: for how long.
    """

    def __init__(self, name: str, connections: Connections, *, wait_s: float) -> None:
        self._name = name
        self._connections = connections
        self._wait_s = wait_s
        self.forget()

    def forget(self) -> None:
        """
        Start anew in a child process, which has none of the threads that repeat a work in its parent.
        """
        self._one_by_one = threading.RLock()

    def until_done(self, attempt: Callable[[], Result], *, also: tuple[type[psycopg.Error], ...] = ()) -> Result:
        """
        Return what an attempt returns, made again after conflicts, lost connections, and errors of ``also``.

        Raises:
            StoreError: another error, or too many for too long; nothing was written.
        """
        deadline = time.monotonic() + self._wait_s
        failures = 0
        while True:
            try:
                # Whoever collided once waits for others of this process that did, and so collides less.
                with self._one_by_one if failures else nullcontext():
                    return attempt()
            except psycopg.Error as error:
                failures += 1
                raced = isinstance(error, UniqueViolation) and failures <= MOST_RACES
                again = raced or isinstance(error, (*CONFLICTS, *also)) or is_lost(error)
                if not again or failures > MOST_CONFLICTS or time.monotonic() > deadline:
                    raise store_error(self._name, error) from None
            self._pause(failures)

    def _pause(self, failures: int) -> None:
        longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures, 20))
        time.sleep(random.uniform(0, longest))  # noqa: S311 - jitter, not a secret

    def settle(self, lost: LostInCommit) -> None:
        """
        Find out what became of a commit whose answer never came; return if it was kept.

        Raises:
            psycopg.OperationalError: it was not kept, and may be repeated.
            StoreError: nobody can say.
        """
        deadline = time.monotonic() + self._wait_s
        failures = 0
        while lost.begun is not None and time.monotonic() < deadline:
            status, is_same_server = self._status(lost.begun)
            if status == "committed" and is_same_server:
                return
            if status == "committed":
                # A server that crashed may have given the number once more: to somebody who did commit.
                break
            if status == "aborted" or (status == "in progress" and not is_same_server):
                raise lost.error
            failures += 1
            self._pause(failures)
        raise StoreError(
            self._name,
            "went away during a commit that may have been kept or not: repeat the call with the same message id",
        )

    def _status(self, begun: Begun) -> tuple[str | None, bool]:
        """
        Return what the server knows of a transaction, None if it cannot be asked, and whether it ran all along.
        """
        try:
            raw = self._connections.take()
            try:
                row = raw.execute(
                    "SELECT pg_xact_status(%s::xid8), pg_postmaster_start_time()::text", (begun.number,)
                ).fetchone()
            finally:
                self._connections.give_back(raw)
        except (psycopg.Error, StoreError):
            return None, True
        return (None, True) if row is None else (row[0], row[1] == begun.server_started)


def is_lost(error: psycopg.Error) -> bool:
    """
    Tell whether an error ended the connection, or says that the server cannot be reached for now.
    """
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    # 08: connection exceptions; 57P: shut down, crashed, or starting up. Without a code, it never came so far.
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))
