"""
A Kissmetrics that only answers: as fast as asyncio can, after a time that is asked for, in a process of its own.

    python benchmarks/sink.py 0.05     prints its port, and answers each request after 50 ms

What it takes a second at most from so many connections, `measure_limit` says, and how busy it was, `Sink.cpu_s`:
no client measured against it should come near the first, nor keep it busy all of the time.
"""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import psutil
from attrs import frozen

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: image/gif\r\nContent-Length: 4\r\n\r\nGIF8"
ASKED = b"GET /e?_k=key&_p=somebody&_n=Seen" + b"&property=a%20value" * 14 + b" HTTP/1.1\r\nHost: sink\r\n\r\n"
HOW_MANY = b"GET /answered "


@frozen
class Sink:
    """
    A sink that runs.
    """

    port: int
    process: psutil.Process

    @property
    def url(self) -> str:
        """
        Where it listens.
        """
        return f"http://127.0.0.1:{self.port}"

    def cpu_s(self) -> float:
        """
        Return how much processor time it has taken.
        """
        times = self.process.cpu_times()
        return times.user + times.system

    def answered(self) -> int:
        """
        Return how many requests it has answered.
        """
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(HOW_MANY + b"HTTP/1.1\r\n\r\n")
            return int(connection.recv(100))


class Answering(asyncio.Protocol):
    """
    One connection: requests without a body, each answered in order.
    """

    answered = 0

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """
        Answer at once, without waiting to fill a packet.
        """
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """
        Answer as many requests as end in the data.
        """
        data = self._tail + data
        count = data.count(b"\r\n\r\n")
        self._tail = data[data.rfind(b"\r\n\r\n") + 4 :] if count else data
        if not count:
            return
        if data.startswith(HOW_MANY):
            self._transport.write(str(Answering.answered).encode())
            return
        Answering.answered += count
        if self._delay_s:
            self._loop.call_later(self._delay_s, self._transport.write, ANSWER * count)
        else:
            self._transport.write(ANSWER * count)


async def serve(delay_s: float) -> None:
    """
    Answer until the process is ended.
    """
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(delay_s), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def sink(delay_s: float) -> Iterator[Sink]:
    """
    Run a sink until the block ends.
    """
    command = [sys.executable, str(Path(__file__)), str(delay_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            yield Sink(int(cast("BinaryIO", process.stdout).readline()), psutil.Process(process.pid))
        finally:
            process.kill()


class Asking(asyncio.Protocol):
    """
    One connection that always has one request under way.
    """

    answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """
        Ask for the first time.
        """
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(ASKED)

    def data_received(self, data: bytes) -> None:
        """
        Ask again.
        """
        assert data == ANSWER
        Asking.answered += 1
        self._transport.write(ASKED)


def measure_limit(port: int, connections: int, *, seconds: float = 2.0) -> float:
    """
    Return how many requests a second a sink answers to so many bare sockets that each have one under way.
    """

    async def run() -> float:
        loop = asyncio.get_running_loop()
        opened = [await loop.create_connection(Asking, "127.0.0.1", port) for _ in range(connections)]
        began, started = Asking.answered, time.perf_counter()
        await asyncio.sleep(seconds)
        rate = (Asking.answered - began) / (time.perf_counter() - started)
        for transport, _ in opened:
            transport.abort()
        return rate

    return asyncio.run(run())


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
