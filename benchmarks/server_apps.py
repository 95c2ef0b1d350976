"""
What `server.py` measures, each as a process of its own: the server, and apps that do less and less of its work.

    python benchmarks/server_apps.py APP FOLDER WORKERS

Prints its URL once it accepts requests, and logs as the server does.
"""

import asyncio
import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from identity.database import Database
from sdkbridge.calls import JSONObject
from sdkbridge.receipt import Receipt
from sdkbridge.refused import RefusedMessage
from sdkbridge.server import Project, ServerSettings, create_app
from sdkbridge.server.answers import taken
from sdkbridge.server.logs import log_to_stderr
from sdkbridge.server.running import Listening, RunningServer, collect_garbage_rarely, url_of
from sdkbridge.server.serving import Outcomes

WRITE_KEY = "benchmark-write-key"

ROWS = "CREATE TABLE IF NOT EXISTS call (call BLOB)"
KEEP = "INSERT INTO call VALUES (?)"


def rows_of(folder: Path) -> Callable[[Sequence[JSONObject]], None]:
    """
    Return what keeps each call as one row, and commits once for all of them.
    """
    database = sqlite3.connect(folder / "rows.db", isolation_level=None, check_same_thread=False, timeout=30)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(ROWS)

    def keep(messages: Sequence[JSONObject]) -> None:
        database.execute("BEGIN IMMEDIATE")
        database.executemany(KEEP, [(orjson.dumps(message),) for message in messages])
        database.execute("COMMIT")

    return keep


def nothing(_: Path) -> Starlette:
    """
    Read the body, and answer.
    """

    async def answer(request: Request) -> Response:
        await request.body()
        return taken()

    return _on_both_routes(answer)


def decode_and_commit(folder: Path) -> Starlette:
    """
    Decode the body, keep each call as a row, commit, and answer.
    """
    keep = rows_of(folder)

    async def answer(request: Request) -> Response:
        body = orjson.loads(await request.body())
        keep(body.get("batch", [body]))
        return taken()

    return _on_both_routes(answer)


def _on_both_routes(answer: Callable[[Request], object]) -> Starlette:
    return Starlette(routes=[Route(path, answer, methods=["POST"]) for path in ("/v1/batch", "/v1/track")])


def server(folder: Path) -> object:
    """
    Serve as users do, but deliver nothing, since that is measured elsewhere.
    """
    project = Project(
        name="benchmark",
        write_keys=[WRITE_KEY],
        api_key="benchmark-api-key",
        database=folder / "bridge.db",
        url="http://127.0.0.1:9",
        deliver=False,
    )
    return create_app(ServerSettings(projects=[project]))


def server_without_bridge(folder: Path) -> object:
    """
    Put the server in front of something that only keeps each call as a row: what it costs by itself.
    """
    app = server(folder)
    database = Database(folder / "rows.db", safety="power")
    database.migrate("benchmark", {"1": (ROWS,)})

    async def keep(messages: Sequence[JSONObject], _: Sequence[RefusedMessage]) -> Outcomes:
        def work() -> Outcomes:
            with database.transaction() as connection:
                connection.executemany(KEEP, [(orjson.dumps(message),) for message in messages])
            return [Receipt(message_id=message["messageId"]) for message in messages]

        return await asyncio.wrap_future(database.submit(work, size=len(messages)))

    app.server.projects["benchmark"]._committed = keep  # noqa: SLF001 - see above
    return app


APPS = {
    "nothing": nothing,
    "decode-and-commit": decode_and_commit,
    "server-without-bridge": server_without_bridge,
}


def main() -> None:
    """
    Serve one of them until the process is killed.
    """
    app, folder, workers = APPS[sys.argv[1]], Path(sys.argv[2]), int(sys.argv[3])
    listening = Listening(port=0)
    bound = listening.bind()
    log_to_stderr()
    # So that the file is there, and no two processes make it at once.
    rows_of(folder)
    for _ in range(workers - 1):
        if os.fork() == 0:
            break
    else:
        bound.listen()
        print(url_of(bound), flush=True)
    collect_garbage_rarely()
    RunningServer(app(folder), listening, bound, on_ready=lambda _: None).run(sockets=[bound])


if __name__ == "__main__":
    main()
