"""
Delivering to a sink on this machine: ours, durable and in order, against clients that only send.

    python benchmarks/delivery.py                  all peers, with a sink that answers at once and one after 50 ms
    python benchmarks/delivery.py --waiting        what a claim and a call cost with 10^4 and 10^6 requests waiting
    python benchmarks/delivery.py --waiting --most 7          and 10^7

Needs the dependency group ``benchmarks`` and the extra ``fast``. Every figure is the median of some rounds, in
which all take their turn; ratios are between peers of one run, since machines differ. Beside the rate stands the
processor time of a request, which other work on the machine changes least.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import httpx
import KISSmetrics
from attrs import frozen
from sink import measure_limit, sink

from identity.database import Database
from sdkbridge.delivery import Delivery, DeliverySettings
from sdkbridge.delivery.lanes import LaneEnd, Settled
from sdkbridge.delivery.outbox_worker import OutboxWorker
from sdkbridge.kissmetrics.client import KissmetricsClient
from sdkbridge.kissmetrics.requests import Request, encode
from sdkbridge.kissmetrics.transports import aiohttp_transport, httpx_transport
from sdkbridge.outbox import Outbox

PROPERTIES = tuple((f"property {n}", f"value {n} of some length") for n in range(8))


def request(number: int, *, people: int) -> Request:
    """
    Return one event of one of so many people, about 300 bytes when it is encoded.
    """
    return Request(
        path="/e",
        identity=f"person-{number % people}@example.com",
        name="Product Viewed",
        second=1_700_000_000 + number,
        properties=PROPERTIES,
    )


@frozen
class Peer:
    """
    A way to send, and how to measure it with a URL, a number of requests, and one of connections.
    """

    name: str
    measure: Callable[[str, int, int], "Measured"]


@frozen
class Measured:
    """
    How many requests a second, and how many microseconds of processor time for each.
    """

    rate: float
    cpu_us: float


def timed(work: Callable[[], object], requests: int) -> Measured:
    """
    Return how fast some work did so many requests.
    """
    started, began_cpu = time.perf_counter(), time.process_time()
    work()
    cpu_s = time.process_time() - began_cpu
    return Measured(requests / (time.perf_counter() - started), cpu_s / requests * 1e6)


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


def fill(database: Database, requests: int, *, people: int) -> None:
    """
    Queue so many requests.
    """
    outbox = Outbox(database)
    for start in range(0, requests, 10_000):
        with database.transaction():
            for number in range(start, min(start + 10_000, requests)):
                one = request(number, people=people)
                outbox.add(one, lane=one.identity, other_lane=None, call="m", at_ms=1_700_000_000_000)


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
    Peer(PLAIN, bridge_outbox(httpx_transport)),
    Peer(OURS, bridge_outbox(aiohttp_transport)),
    Peer(SHARED, shared_client),
    Peer(BARE, bare_aiohttp),
    Peer(KISS, py_kissmetrics),
)
SLOW = {SHARED: 8, KISS: 20}
"""Who gets so many times fewer requests where each takes 50 ms, so as to be done in time."""


def compare(delay_s: float, connections: int, *, requests: int, rounds: int) -> None:
    """
    Print what each peer delivers a second.
    """
    found: dict[str, list[Measured]] = {peer.name: [] for peer in PEERS}
    with sink(delay_s) as running:
        for _ in range(rounds):
            for peer in PEERS:
                fewer = SLOW.get(peer.name, 1) if delay_s else 1
                found[peer.name].append(peer.measure(running.url, requests // fewer, connections))
    median = {name: statistics.median(one.rate for one in measured) for name, measured in found.items()}
    ceiling = connections / delay_s if delay_s else None
    print(f"\nanswers after {delay_s * 1000:.0f} ms, {connections} in flight, {requests} requests")
    for name, rate in median.items():
        of_ceiling = "" if ceiling is None else f"{rate / ceiling:8.2f} of the ceiling"
        rates = [one.rate for one in found[name]]
        spread = f"({min(rates):,.0f}-{max(rates):,.0f})"
        cpu = f"{min(one.cpu_us for one in found[name]):7,.0f} µs"
        against = "".join(f"{rate / median[other]:9.2f} x {other}" for other in (SHARED, KISS, BARE))
        print(f"  {name:<34}{rate:>9,.0f}/s {spread:<18}{cpu}{of_ceiling}{against}")


def waiting(most: int) -> None:
    """
    Print what a claim, its settlement and a call cost, with more and more waiting.
    """
    print("\nwaiting in one file        a claim of 64 lanes    settling them      one call queued")
    for power in (4, 5, 6, 7)[: most - 3]:
        for people in (10**power // 100, 10**power // 2):
            with tempfile.TemporaryDirectory() as folder:
                database = Database(Path(folder) / "outbox.db")
                fill(database, 10**power, people=people)
                claim, settle, call = costs(database)
                database.close()
            print(
                f"10^{power} in {people:>9,} lanes {claim * 1e6:>14,.0f} µs"
                f"{settle * 1e6:>18,.0f} µs{call * 1e6:>15,.1f} µs"
            )


def costs(database: Database, *, times: int = 40) -> tuple[float, float, float]:
    """
    Return the median seconds of a claim, of settling what it brought, and of queueing one call by itself.
    """
    worker = OutboxWorker(database, DeliverySettings())
    outbox = Outbox(database)
    claims, settlements, calls = [], [], []
    for number in range(times):
        now_ms = 1_700_000_100_000 + number
        started = time.perf_counter()
        lanes = worker.exchange(Settled(), limit=64, now_ms=now_ms).lanes
        claimed = time.perf_counter()
        settled = Settled(
            delivered=[lane.requests[0] for lane in lanes],
            ended=[LaneEnd(lane.key, progressed=True) for lane in lanes],
        )
        worker.exchange(settled, limit=0, now_ms=now_ms)
        done = time.perf_counter()
        one = request(number, people=10**9)
        outbox.add(one, lane=f"new {number}", other_lane=None, call="m", at_ms=now_ms)
        claims.append(claimed - started)
        settlements.append(done - claimed)
        calls.append(time.perf_counter() - done)
    return statistics.median(claims), statistics.median(settlements), statistics.median(calls)


def main() -> None:
    """
    Measure what was asked for.
    """
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--waiting", action="store_true")
    asked.add_argument("--most", type=int, default=6, choices=(4, 5, 6, 7))
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--requests", type=int, default=6000)
    arguments = asked.parse_args()
    if arguments.waiting:
        waiting(arguments.most)
        return
    with sink(0) as running:
        print(f"the sink itself answers {measure_limit(running.port):,.0f} requests/s")
    for delay_s, connections in ((0.0, 64), (0.05, 64), (0.05, 256)):
        # As many for each connection, so that opening them weighs the same.
        requests = arguments.requests * connections // 64
        compare(delay_s, connections, requests=requests, rounds=arguments.rounds)


if __name__ == "__main__":
    main()
