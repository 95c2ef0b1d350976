"""
How fast ``sdkbridge audit`` reads an export, and how much memory that takes.

    .venv/bin/python benchmarks/audit.py 100000 1000000

For each number of lines an export of made-up people with planted faults is written to a temporary folder and read
by four programs, each in a process of its own, so that its peak memory is its own:

- ``json.loads``: every line parsed and thrown away, the least that any reader does;
- ``networkx``: the aliases as a graph in memory, and its connected components;
- ``read``: every line read as ``sdkbridge import`` reads it, and thrown away;
- ``audit``: the audit, with the links to blame.

Times are the best of ``--repeat`` runs. 10,000,000 lines take half an hour and 2 GB of disk: ``nice`` it.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
sys.path.insert(0, str(CHECKOUT / "tests"))

PEOPLE_AT_ONCE = 20_000


def main() -> None:
    """
    Compare for each number of lines that was asked for.
    """
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("lines", type=int, nargs="+")
    arguments.add_argument("--repeat", type=int, default=1)
    arguments.add_argument("--run", help=argparse.SUPPRESS)
    arguments.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.run:
        print(json.dumps(measured(PROGRAMS[given.run], given.folder)))
        return
    print(f"{'lines':>11} {'program':<12} {'seconds':>9} {'lines/s':>10} {'peak MB':>8}  against json.loads")
    for lines in given.lines:
        with tempfile.TemporaryDirectory() as folder:
            written = write(Path(folder), lines)
            compare(Path(folder), written, given.repeat)


def compare(folder: Path, lines: int, repeat: int) -> None:
    """
    Print what each program needs for one export.
    """
    least = None
    for name in PROGRAMS:
        runs = [run(name, folder) for _ in range(repeat)]
        seconds = min(one["seconds"] for one in runs)
        least = least or seconds
        peak = max(one["peak_mb"] for one in runs)
        print(
            f"{lines:>11,} {name:<12} {seconds:>9.2f} {lines / seconds:>10,.0f} {peak:>8.0f}  "
            f"× {seconds / least:.2f}  {runs[0]['said']}"
        )


def run(name: str, folder: Path) -> dict[str, object]:
    """
    Let a program read an export in a process of its own.
    """
    command = [sys.executable, __file__, "0", "--run", name, "--folder", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def measured(program: Callable[[Path], str], folder: Path) -> dict[str, object]:
    """
    Return how long a program takes, and its peak memory.
    """
    began = time.perf_counter()
    said = program(folder)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "peak_mb": peak_mb(), "said": said}


def peak_mb() -> float:
    """
    Return the peak memory of this process.
    """
    # Not getrusage: its figure includes that of the process that started this one.
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def write(folder: Path, lines: int) -> int:
    """
    Write an export of so many lines.
    """
    from planted_faults import squished_export, write_revisions

    written = batch = 0
    while written < lines:
        people = min(PEOPLE_AT_ONCE, max(5_000, (lines - written) // 10))
        export = squished_export(people=people, faults=50, seed=batch, number_from=batch * PEOPLE_AT_ONCE)
        # The faults are the last lines.
        del export.lines[: max(0, len(export.lines) - (lines - written))]
        write_revisions(export, folder, first_file=100 * batch + 1)
        written += len(export.lines)
        batch += 1
    return written


def texts(folder: Path) -> Iterator[bytes]:
    """
    Yield every line of an export.
    """
    for path in folder.glob("revisions/*.json"):
        with path.open("rb") as file:
            yield from file


def only_json(folder: Path) -> str:
    """
    Parse every line, the least that any reader does.
    """
    for text in texts(folder):
        json.loads(text)
    return ""


def with_networkx(folder: Path) -> str:
    """
    Put the people together in memory.
    """
    import networkx as nx

    graph = nx.Graph()
    for text in texts(folder):
        line = json.loads(text)
        if "_p2" in line:
            graph.add_edge(line["_p"], line["_p2"])
    return f"{nx.number_connected_components(graph):,} people"


def only_read(folder: Path) -> str:
    """
    Read every line as an import does.
    """
    from sdkbridge.kissmetrics.export_lines import parse_export_line

    for text in texts(folder):
        parse_export_line(text)
    return ""


def audited(folder: Path) -> str:
    """
    Find the squished people.
    """
    from sdkbridge.export_audit import audit_export

    found = audit_export([folder]).found
    return f"{found.people:,} people, {len(found.squished):,} squished, {len(found.blamed):,} links to blame"


PROGRAMS: dict[str, Callable[[Path], str]] = {
    "json.loads": only_json,
    "networkx": with_networkx,
    "read": only_read,
    "audit": audited,
}

if __name__ == "__main__":
    main()
