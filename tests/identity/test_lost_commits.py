"""
A connection to PostgreSQL that ends in the middle of a commit: what was kept is known, and nothing is done twice.
"""

import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from identity import StoreError
from identity.database import Connection, Database


class Interruption:
    """
    A socket between a program and its server, which ends the connection at a commit when it is told to.
    """

    def __init__(self, server: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sdkbridge-"))
        self.next_commit: str | None = None
        self.cut = 0
        self._server = server
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.folder / ".s.PGSQL.5432"))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with closing(client), closing(socket.socket(socket.AF_UNIX)) as server, suppress(OSError):
            server.connect(self._server)
            back = threading.Thread(target=forward, args=(server, client), daemon=True)
            back.start()
            while said := client.recv(65536):
                if self.next_commit is not None and b"COMMIT" in said:
                    kept, self.next_commit = self.next_commit == "kept", None
                    self.cut += 1
                    client.shutdown(socket.SHUT_RDWR)
                    if kept:
                        server.sendall(said)
                    server.shutdown(socket.SHUT_WR)
                    back.join()
                    return
                server.sendall(said)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        shutil.rmtree(self.folder)


def forward(source: socket.socket, target: socket.socket) -> None:
    """
    Pass on what the server says until it ends, to nobody once the client is cut off.
    """
    with suppress(OSError):
        while said := source.recv(65536):
            with suppress(OSError):
                target.sendall(said)


@pytest.fixture
def interruption(postgres_url: str) -> Iterator[Interruption]:
    """
    An interruption in front of the server.
    """
    (folder,) = parse_qs(urlsplit(postgres_url).query)["host"]
    interruption = Interruption(f"{folder}/.s.PGSQL.5432")
    yield interruption
    interruption.close()


@pytest.fixture
def database(postgres_url: str, interruption: Interruption) -> Database:
    """
    A database with a small table, reached through the interruption.
    """
    (folder,) = parse_qs(urlsplit(postgres_url).query)["host"]
    database = Database(postgres_url.replace(folder, str(interruption.folder)), wait_s=10)
    database.migrate("test", {"1": ("CREATE TABLE kept (name TEXT NOT NULL) STRICT",)})
    return database


def keep(database: Database, done: list[str]) -> str:
    with database.transaction() as connection:
        connection.execute("INSERT INTO kept VALUES (?)", ("one",))
    done.append("done")
    return "receipt"


@pytest.mark.parametrize(("what", "times"), [("kept", 1), ("lost", 2)])
def test_a_commit_without_an_answer_is_kept_once(
    database: Database, interruption: Interruption, what: str, times: int
) -> None:
    """
    The server is asked what became of it: the work is done again only if it was not kept.
    """
    done: list[str] = []
    interruption.next_commit = what

    assert database.write(lambda: keep(database, done)) == "receipt"
    assert interruption.cut == 1
    assert len(done) == times
    assert database.rows("SELECT name FROM kept") == [("one",)]


def test_where_nobody_can_say_the_caller_is_told(
    database: Database, interruption: Interruption, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    On a server that gives transactions no number, the error says how the call is repeated without harm.
    """
    monkeypatch.setattr(database._store._connections, "tells_what_committed", False)
    interruption.next_commit = "kept"
    with pytest.raises(StoreError, match="may have been kept or not: repeat the call with the same message id"):
        database.write(lambda: keep(database, []))

    assert database.rows("SELECT name FROM kept") == [("one",)]


def test_no_password_is_ever_shown(postgres_url: str) -> None:
    """
    Neither the text of a database nor its errors hold what is secret in its address.
    """
    secret = postgres_url.replace("postgres:@", "postgres:s3cret@") + "&sslpassword=s3cret"
    database = Database(secret)
    texts = [repr(database), database.path]
    with pytest.raises(StoreError) as failed:
        database.rows("SELECT * FROM nowhere")
    texts.append(str(failed.value))
    nobody = "postgresql://u:s3cret@127.0.0.1:1/x"
    for wrong in (secret.replace("/postgres?", "/nosuch?"), nobody, "postgresql://u:s3cret@[::/x"):
        with pytest.raises((StoreError, ValueError)) as failed:
            Database(wrong)
        texts.append(str(failed.value))

    assert [text for text in texts if "s3cret" in text] == []


def test_an_error_names_no_value(database: Database) -> None:
    """
    What PostgreSQL says of a row it refused is left out, since it may be a user's.
    """
    database.migrate("other", {"1": ("CREATE TABLE named (name TEXT PRIMARY KEY) STRICT",)})

    def insert() -> None:
        with database.transaction() as connection:
            connection.execute("INSERT INTO named VALUES (?)", ("ann@example.com",))

    database.write(insert)
    with pytest.raises(StoreError) as failed:
        database.write(insert)

    assert "example.com" not in f"{failed.value} {failed.value.__cause__}"
    assert "23505" in str(failed.value)


def test_a_connection_that_ends_among_many_rows_is_replaced_in_silence(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The work is done again on another one, and no library logs what became of the first.
    """
    psycopg = pytest.importorskip("psycopg")
    tries = []

    def keep(connection: Connection) -> None:
        tries.append(connection.execute("SELECT pg_backend_pid()").fetchone()[0])
        if len(tries) == 1:
            with psycopg.connect(postgres_url, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", tries)
        connection.executemany("INSERT INTO kept (name) VALUES (?)", [(str(n),) for n in range(1000)])

    with closing(Database(postgres_url)) as database:
        database.migrate("kept", {"1": ("CREATE TABLE kept (name TEXT NOT NULL) STRICT",)})
        database.write_through(keep)

        assert database.row("SELECT count(*) FROM kept") == (1000,)
    assert len(set(tries)) == 2
    assert caplog.records == []
