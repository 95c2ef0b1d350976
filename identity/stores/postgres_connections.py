"""
Connections to a PostgreSQL server: pooled, set up alike, and never carried over a fork.
"""

from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

import psycopg

from identity.errors import StoreError
from identity.stores.address import for_libpq, shown
from identity.stores.interface import Safety
from identity.stores.postgres_troubles import store_error
from identity.stores.postgres_values import adapt

MOST_CONNECTIONS = 16
"""How many transactions one process has under way at once; further threads wait."""

CONNECT_TIMEOUT_S = 10

PREPARED_AFTER = 1
"""A statement is prepared on the server when it is used for the second time."""

IDLE = psycopg.pq.TransactionStatus.IDLE

Raw = psycopg.Connection[tuple[Any, ...]]


class Connections:
    """
    A pool of connections, each opened when it is first needed.

    Nothing here has a lock or a thread, which a fork would leave behind, and a signal handler could meet.

    Args:
        url: the server and the database.
        safety: what a commit survives.
        read_only: whether nothing may be written.
        wait_s: how long to wait for a free connection, for a lock, or for a server that is away.

    Raises:
        StoreError: the server cannot be reached, refuses, or keeps its texts in another encoding than UTF-8.
    """

    def __init__(self, url: str, *, safety: Safety, read_only: bool, wait_s: float) -> None:
        self._url = for_libpq(url)
        self._name = shown(url)
        self._safety = safety
        self._read_only = read_only
        self._wait_s = wait_s
        self._closed = False
        self.forget()
        self.tells_what_committed = self._look()

    def _look(self) -> bool:
        """
        Make sure that the server is there; return whether it can be asked what became of a transaction.
        """
        try:
            with psycopg.connect(self._url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S) as raw:
                encoding = raw.info.parameter_status("server_encoding")
                if encoding != "UTF8":
                    raise StoreError(
                        self._name, f"keeps texts as {encoding}: make a database with the encoding UTF8"
                    )
                try:
                    raw.execute("SELECT pg_xact_status(pg_current_xact_id())")
                except psycopg.Error:
                    return False
        except psycopg.Error as error:
            raise store_error(self._name, error) from None
        return not self._read_only

    def take(self) -> Raw:
        """
        Return a connection that nobody else uses, to be given back.

        Raises:
            StoreError: none is free for too long.
            psycopg.Error: none can be made.
        """
        self._refuse_if_closed()
        try:
            self._free.get(timeout=self._wait_s)
        except Empty:
            raise StoreError(self._name, f"is busy: all {MOST_CONNECTIONS} connections are in use") from None
        try:
            self._refuse_if_closed()
            with suppress(IndexError):
                return self._idle.pop()
            return self._connect()
        except BaseException:
            self._free.put(None)
            raise

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreError(self._name, "is closed")

    def _connect(self) -> Raw:
        raw: Raw = psycopg.connect(
            self._url,
            autocommit=True,
            prepare_threshold=PREPARED_AFTER,
            connect_timeout=CONNECT_TIMEOUT_S,
            fallback_application_name="sdkbridge",
        )
        try:
            self._set_up(raw)
        except BaseException:
            raw.close()
            raise
        return raw

    def _set_up(self, raw: Raw) -> None:
        adapt(raw)
        settings = [f"SET lock_timeout = {int(self._wait_s * 1000)}"]
        if self._safety is Safety.PROCESS:
            settings.append("SET synchronous_commit = off")
        if self._read_only:
            settings.append("SET default_transaction_read_only = on")
        raw.execute("; ".join(settings).encode())

    def give_back(self, raw: Raw) -> None:
        """
        Let another thread use a connection.
        """
        if raw.closed:
            # What ended one connection may have ended all of them, as a restart of the server does.
            self._close_idle()
        elif self._closed or raw.pgconn.transaction_status != IDLE:
            # Not in a transaction that nobody could end, as when a signal interrupted its end.
            raw.close()
        else:
            self._idle.append(raw)
        self._free.put(None)

    def close(self) -> None:
        """
        Close the connections; a second call does nothing.
        """
        self._closed = True
        self._close_idle()

    def _close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def forget(self) -> None:
        """
        Start with none; what a child process inherited is its parent's, and is left to it.
        """
        _inherited.append(getattr(self, "_idle", None))
        self._idle: deque[Raw] = deque()
        self._free: SimpleQueue[None] = SimpleQueue()
        for _ in range(MOST_CONNECTIONS):
            self._free.put(None)


_inherited: list[object] = []
"""Kept for ever: ending them here would end them in the parent."""
