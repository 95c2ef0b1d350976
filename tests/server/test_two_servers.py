"""
Two servers on one PostgreSQL, behind a load balancer: the same people as of one server.
"""

import asyncio
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families
from running_server import WRITE_KEY, Running, wait_until
from serving_process import Process

from identity.database import Database
from identity.simulate import population
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.kissmetrics.server import KissmetricsServer
from sdkbridge.pytest_plugin import RunningKissmetrics

CLIENTS = 4
LONGEST_BATCH = 12
PATIENCE_S = 100


@contextmanager
def round_robin(*servers: Running) -> Iterator[Running]:
    """
    A load balancer on a port of its own: each connection goes to the next server.
    """
    targets = cycle([(url.hostname, url.port) for url in (urlsplit(server.url) for server in servers)])
    ready: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = []
    is_ready = threading.Event()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_there, to_there = await asyncio.open_connection(*next(targets))
        await asyncio.gather(copy(reader, to_there), copy(from_there, writer))

    async def balance() -> None:
        async with await asyncio.start_server(pass_on, "127.0.0.1", 0) as listening:
            stop = asyncio.Event()
            ready.append((asyncio.get_running_loop(), stop, listening.sockets[0].getsockname()[1]))
            is_ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(balance()), daemon=True)
    thread.start()
    assert is_ready.wait(20), "the load balancer did not start"
    loop, stop, port = ready[0]
    try:
        yield Running(f"http://127.0.0.1:{port}", None)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)


@pytest.fixture
def another_kissmetrics() -> Iterator[RunningKissmetrics]:
    with KissmetricsServer(LocalKissmetrics(Database(":memory:"))) as server:
        yield RunningKissmetrics(server)


def server_on(database: str, kissmetrics: RunningKissmetrics) -> Process:
    return Process(
        *("--db", database, "--url", kissmetrics.url, "--write-key", WRITE_KEY, "--api-key", "shop-api-key")
    )


def requests_of(calls: Sequence[dict[str, Any]], dice: random.Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """
    Cut calls into requests, as SDKs do: batches of any length, and one alone now and then.
    """
    start = 0
    while start < len(calls):
        size = dice.randint(1, LONGEST_BATCH)
        together = calls[start : start + size]
        start += size
        yield (f"/v1/{together[0]['type']}", together[0]) if size == 1 else ("/v1/batch", {"batch": together})


def send(server: Running, path: str, body: dict[str, Any]) -> None:
    answers = []

    def taken() -> bool:
        answers.append(server.post(path, body))
        assert answers[-1].status in {200, 503}, answers[-1]
        return answers[-1].status == 200

    wait_until(taken, what="a request is taken", timeout_s=PATIENCE_S)


def send_all(calls: Sequence[dict[str, Any]], server: Running, *, seed: int) -> None:
    """
    Send calls in their order; every third request twice at once, as after an answer that was lost.
    """
    dice = random.Random(seed)
    with ThreadPoolExecutor(2) as pool:
        for number, (path, body) in enumerate(requests_of(calls, dice)):
            again = pool.submit(send, server, path, body) if number % 3 == 0 else None
            send(server, path, body)
            if again is not None:
                again.result(PATIENCE_S)


def counted(server: Running, name: str) -> float:
    families = text_string_to_metric_families(server.get("/metrics").body.decode())
    return sum(sample.value for family in families for sample in family.samples if sample.name == name)


def aliases(kissmetrics: RunningKissmetrics) -> list[tuple[str, str]]:
    """
    Every alias that arrived, as often as it did.
    """
    return sorted(
        (request.parameters["_p"], request.parameters["_n"])
        for request in kissmetrics.requests
        if request.path == "/a"
    )


def test_two_servers_behind_a_load_balancer_make_the_same_people_as_one(
    postgres_url: str, tmp_path: Path, kissmetrics: RunningKissmetrics, another_kissmetrics: RunningKissmetrics
) -> None:
    """
    Real calls of several clients at once, repeats that land on the other server at the same moment, both deliver:
    people, events and properties are those of one server with a file, and each alias leaves once.
    """
    rates = {"kiosks": 0, "identifies_at_launch": 0.6, "shared_tablets": 1, "borrows": 0.5, "email_changes": 0.1}
    calls = list(population(people=30, seed=5, days=12, rates=rates))
    single = str(tmp_path / "shop.db")
    with ExitStack() as stack:
        processes = [
            stack.enter_context(closing(server_on(postgres_url, kissmetrics))),
            stack.enter_context(closing(server_on(postgres_url, kissmetrics))),
            stack.enter_context(closing(server_on(single, another_kissmetrics))),
        ]
        first, second, one = [Running(process.url(), None) for process in processes]
        balancer = stack.enter_context(round_robin(first, second))
        with ThreadPoolExecutor(CLIENTS) as clients:
            # Who is somebody's decides about links, so a household is with one client, and in order.
            shares = [[call for call in calls if client_of(call) == number] for number in range(CLIENTS)]
            sending = [
                clients.submit(send_all, share, balancer, seed=number) for number, share in enumerate(shares)
            ]
            for start in range(0, len(calls), 100):
                send(one, "/v1/batch", {"batch": calls[start : start + 100]})
            for client in sending:
                client.result(PATIENCE_S)
        for server in (first, one):
            wait_until(is_delivered(server), what="all is delivered", timeout_s=PATIENCE_S)
        accepted = [counted(server, "sdkbridge_calls_accepted_total") for server in (first, second, one)]
        repeated = [counted(server, "sdkbridge_calls_repeated_total") for server in (first, second)]
        held = [counted(server, "sdkbridge_links_held") for server in (first, second, one)]

    assert kissmetrics.people == another_kissmetrics.people
    assert aliases(kissmetrics) == aliases(another_kissmetrics)
    assert len(set(aliases(kissmetrics))) == len(aliases(kissmetrics)) > 20
    assert accepted[0] + accepted[1] == accepted[2]
    assert min(*accepted, *repeated) > 0
    assert held == [held[0]] * 3 != [0] * 3


def client_of(call: dict[str, Any]) -> int:
    household = call["messageId"].partition("-")[0]
    return int(household.removeprefix("h")) % CLIENTS


def is_delivered(server: Running) -> Callable[[], bool]:
    return lambda: counted(server, "sdkbridge_outbox_waiting") == 0
