"""
Whole logs on a cluster, growing: rounds, seconds, what is written, and whether the answer is that of one machine.

    python benchmarks/spark.py                                      # Sail, started here; 1e4, 1e5 and 1e6 links
    python benchmarks/spark.py 5000000                              # so many links
    python benchmarks/spark.py 1000000 --chain                      # half of the links are one long chain
    python benchmarks/spark.py 100000 --spark sc://localhost:15002  # a cluster that runs already, on this machine

`seconds` is from the file of links to the file of people; `CPU` is the processor's time that Sail's process took,
and `memory` the most that it held, sampled every 20 ms; `written` is what is in the folder of checkpoints at the
end. Links are those of benchmarks/links.py.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import psutil

sys.path.insert(0, str(Path(__file__).parent.parent))

from measuring import held, log_of

from identity.batch import resolve, spark

SAIL = """
from pysail.spark import SparkConnectServer
server = SparkConnectServer()
server.start()
print(server.listening_address[1], flush=True)
input()
"""


def main() -> None:
    """
    Resolve logs of several sizes, and print a line for each.
    """
    parser = argparse.ArgumentParser(description="Whole logs on a cluster.")
    parser.add_argument("rows", nargs="*", type=int, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--chain", action="store_true", help="half of the links are one long chain")
    parser.add_argument("--spark", metavar="URL", help="a cluster that runs already")
    options = parser.parse_args()
    print("| links | rounds | seconds | CPU, s | memory, MB | written, MB | the same people |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    for rows in options.rows:
        with cluster(options.spark) as (url, pid):
            print(line(url, pid, rows, chain=options.chain), flush=True)


@contextmanager
def cluster(url: str | None) -> Iterator[tuple[str, int | None]]:
    """
    Start Sail, unless there is a cluster.
    """
    if url:
        yield url, None
        return
    sail = subprocess.Popen(
        [sys.executable, "-c", SAIL],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert sail.stdout is not None
    yield f"sc://127.0.0.1:{sail.stdout.readline().strip()}", sail.pid
    sail.kill()
    sail.wait()


def line(url: str, pid: int | None, rows: int, *, chain: bool) -> str:
    """
    Resolve one log, and return what it took.
    """
    log = log_of(rows, chain=chain)
    scratch = Path(tempfile.mkdtemp(prefix="sdkbridge-spark-"))
    rounds: list[spark.Round] = []
    most = [0]
    watching = threading.Thread(target=watch, args=(pid, most, scratch), daemon=True)
    session = spark.connect(url)
    watching.start()
    started = time.perf_counter()
    people = spark.resolve(session.read.parquet(str(log)), checkpoints=str(scratch / "rounds"), told=rounds.append)
    people.write.parquet(str(scratch / "people"))
    seconds = time.perf_counter() - started
    cpu = f"{sum(psutil.Process(pid).cpu_times()[:2]):.3g}" if pid else ""
    written = sum(path.stat().st_size for path in (scratch / "rounds").rglob("*") if path.is_file())
    found = pl.read_parquet(scratch / "people" / "*.parquet").sort("id")
    same = "yes" if found.equals(resolve(log).sort("id")) else "NO"
    session.stop()
    shutil.rmtree(scratch)
    memory = f"{most[0] / 1e6:,.0f}" if pid else ""
    return f"| {rows:,} | {rounds[-1].number} | {seconds:.3g} | {cpu} | {memory} | {written / 1e6:,.0f} | {same} |"


def watch(pid: int | None, most: list[int], scratch: Path) -> None:
    """
    Keep the most memory that a process held while a folder is there.
    """
    while pid is not None and scratch.exists():
        most[0] = max(most[0], held(pid))
        time.sleep(0.02)


if __name__ == "__main__":
    main()
