"""
Delivering to a sink on this machine: ours, durable and in order, against clients that only send.

Beside the rate stand the processor time of a request, which other work on the machine changes least, and for how
much of the time the sink was busy: it is a process of its own, and must never be what all wait for. Before each
comparison its own limit is measured by bare sockets, as many as there are connections.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import httpx
import KISSmetrics
from attrs import frozen
from filling import fill, request
from sink import Sink, measure_limit, sink
from timing import Measured, spread, summary, timed, title

from identity.database import Database
from sdkbridge.delivery import Delivery, DeliverySettings
from sdkbridge.kissmetrics.client import KissmetricsClient
from sdkbridge.kissmetrics.requests import encode
from sdkbridge.kissmetrics.transports import aiohttp_transport, httpx_transport
from sdkbridge.outbox.queue import Outbox

TOO_BUSY = 0.8
"""For how much of the time the sink may be busy before a figure is doubtful."""


@frozen
class Peer:
    """
    A way to send, and how to measure it with a URL, a number of requests, and one of connections.
    """

    name: str
    measure: Callable[[str, int, int], Measured]


def bridge_outbox(transport: Callable[[str], object]) -> Callable[[str, int, int], Measured]:
    """
    Deliver from a file, with one lane for each person, and all of it written down.
    """

    def measure(url: str, requests: int, connections: int) -> Measured:
        with tempfile.TemporaryDirectory() as folder:
            database = Database(Path(folder) / "outbox.db")
            fill(database, requests, people=max(1000, 2 * connections))
            client = KissmetricsClient(url, transport=lambda: transport("http"))
            settings = DeliverySettings(concurrency=connections)
            delivery = Delivery(database, client.connect, api_key="key", settings=settings)
            measured = timed(delivery.run_once, requests)
            counts = Outbox(database).counts()
            if (counts.waiting, counts.delivered) != (0, requests):
                raise RuntimeError(f"not all was delivered: {counts}")
            database.close()
        return measured

    return measure


def urls(url: str, requests: int) -> list[str]:
    """
    Return what the others send, encoded beforehand.
    """
    return [f"{url}/e?_k=key&{encode(request(n, people=1000).parameters())}" for n in range(requests)]


def shared_client(url: str, requests: int, connections: int) -> Measured:
    """
    Send with one httpx.AsyncClient that all tasks share: the obvious way.
    """

    async def run() -> None:
        left = iter(urls(url, requests))
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client:

            async def work() -> None:
                for one in left:
                    (await client.get(one)).raise_for_status()

            await asyncio.gather(*(work() for _ in range(connections)))

    return timed(lambda: asyncio.run(run()), requests)


def bare_aiohttp(url: str, requests: int, connections: int) -> Measured:
    """
    Send with one aiohttp session, which stores nothing, orders nothing and retries nothing.
    """

    async def run() -> None:
        left = iter(urls(url, requests))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:

            async def work() -> None:
                for one in left:
                    async with session.get(one) as answer:
                        await answer.read()

            await asyncio.gather(*(work() for _ in range(connections)))

    return timed(lambda: asyncio.run(run()), requests)


def py_kissmetrics(url: str, requests: int, connections: int) -> Measured:  # noqa: ARG001 - it has one
    """
    Send with Kissmetrics' own client, one request after the other.
    """
    client = KISSmetrics.Client(key="key", trk_host=url.removeprefix("http://"), trk_scheme="http")
    events = [request(n, people=1000) for n in range(requests)]

    def work() -> None:
        for one in events:
            client.record(one.identity, one.name, dict(one.properties), timestamp=one.second)

    return timed(work, requests)


OURS = "sdkbridge, aiohttp (extra fast)"
PLAIN = "sdkbridge, httpx"
SHARED = "one shared httpx.AsyncClient"
BARE = "aiohttp bare"
KISS = "py-KISSmetrics"
PEERS = (
    Peer(OURS, bridge_outbox(aiohttp_transport)),
    Peer(PLAIN, bridge_outbox(httpx_transport)),
    Peer(SHARED, shared_client),
    Peer(BARE, bare_aiohttp),
    Peer(KISS, py_kissmetrics),
)


def requests_for(peer: Peer, requests: int, connections: int, delay_s: float) -> int:
    """
    Return how many requests a peer gets: fewer where it takes so long that all of them would never end.
    """
    if peer.name == KISS and delay_s:
        return 60
    return min(requests, 4 * connections if delay_s else requests // 4) if peer.name == SHARED else requests


def compare(delay_s: float, connections: int, *, requests: int, rounds: int) -> None:
    """
    Print what each peer delivers a second.
    """
    found: dict[str, list[Measured]] = {peer.name: [] for peer in PEERS}
    busy = dict.fromkeys(found, 0.0)
    with sink(delay_s) as running:
        limit = measure_limit(running.port, connections)
        for _ in range(rounds):
            for peer in PEERS:
                count = requests_for(peer, requests, connections, delay_s)
                measured, share = watched(running, lambda: peer.measure(running.url, count, connections))  # noqa: B023
                found[peer.name].append(measured)
                busy[peer.name] = max(busy[peer.name], share)
    title(
        f"delivering: answers after {delay_s * 1000:.0f} ms, {connections} in flight, {requests:,} requests;"
        f" bare sockets {limit:,.0f}/s"
    )
    print(
        f"{'':<36}{'requests/s':>10}{'':<18}{'CPU':<9}{'sink busy':>9}"
        f"{'ceiling':>9}{'shared':>8}{'KISS':>8}{'bare':>8}"
    )
    medians = {name: summary(measured) for name, measured in found.items()}
    for name, one in medians.items():
        of_ceiling = f"{one.rate * delay_s / connections:9.2f}" if delay_s else f"{'':9}"
        against = "".join(f"{one.rate / medians[other].rate:8.2f}" for other in (SHARED, KISS, BARE))
        print(
            f"  {name:<33}{one.rate:>10,.0f} {spread(found[name]):<16}{one.cpu_us:7,.0f} µs"
            f"{busy[name]:>10.0%}{of_ceiling}{against}",
            flush=True,
        )
        if busy[name] > TOO_BUSY:
            print(f"  {'':<33}the sink was nearly always busy: this figure may be its own")


def watched(running: Sink, measure: Callable[[], Measured]) -> tuple[Measured, float]:
    """
    Return what was measured, and for how much of the time the sink was busy.
    """
    began_cpu, began = running.cpu_s(), time.perf_counter()
    measured = measure()
    return measured, (running.cpu_s() - began_cpu) / (time.perf_counter() - began)


def compare_delivering(*, requests: int, rounds: int) -> None:
    """
    Compare with a sink that answers at once, and with one that is 50 ms away.
    """
    for delay_s, connections in ((0.0, 64), (0.05, 64), (0.05, 256)):
        # As many for each connection, so that opening them weighs the same.
        compare(delay_s, connections, requests=requests * connections // 64, rounds=rounds)
