"""
A Kissmetrics that only answers: as fast as asyncio can, after a time that is asked for, in a process of its own.

    python benchmarks/sink.py 0.05     prints its port, and answers each request after 50 ms

What it takes a second at most, `measure_limit` says: no client measured against it should come near that.
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

from attrs import frozen

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: image/gif\r\nContent-Length: 4\r\n\r\nGIF8"
ASKED = b"GET /e?_k=key&_p=somebody&_n=Seen HTTP/1.1\r\nHost: sink\r\n\r\n"
PIPELINED = 64


@frozen
class Sink:
    """
    A sink that runs.
    """

    port: int

    @property
    def url(self) -> str:
        """
        Where it listens.
        """
        return f"http://127.0.0.1:{self.port}"


class Answering(asyncio.Protocol):
    """
    One connection: requests without a body, each answered in order.
    """

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
        answers = ANSWER * data.count(b"\r\n\r\n")
        self._tail = data[data.rfind(b"\r\n\r\n") + 4 :] if answers else data
        if not answers:
            return
        if self._delay_s:
            self._loop.call_later(self._delay_s, self._transport.write, answers)
        else:
            self._transport.write(answers)


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
            yield Sink(int(cast("BinaryIO", process.stdout).readline()))
        finally:
            process.kill()


def measure_limit(port: int, *, seconds: float = 1.0) -> float:
    """
    Return how many requests a second a sink answers to one raw connection that always has some under way.
    """
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(ASKED * PIPELINED)
        answered, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            count = len(connection.recv(65536)) // len(ANSWER)
            answered += count
            connection.sendall(ASKED * count)
        return answered / (time.perf_counter() - started)


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
