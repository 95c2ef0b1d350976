"""
The bridge beside what others use: accepting calls, mapping and delivering them, with ever more of them, for long.

    python benchmarks/bridge.py                       all parts but the soak, which takes ten minutes
    python benchmarks/bridge.py accepting delivering  some of them
    python benchmarks/bridge.py soak --soak 600       a steady rate for so many seconds: memory and file size

Parts, each in a module of its own name with what it measures in its first lines: ``accepting``, ``mapping``,
``delivering``, ``sharing`` (two processes and one PostgreSQL), ``growing``, ``soak``.

Needs the dependency group ``benchmarks`` and the extras ``fast`` and ``postgres``. All peers of a part take their
turn in each round, and ratios are between peers of one run, since machines differ. A rate is the median of the
rounds; processor time is the least of them. Every sink is another process, which should have a core of its own.
"""

import argparse
import os
import platform
import sqlite3
import time
from pathlib import Path

PARTS = ("accepting", "mapping", "delivering", "sharing", "growing", "soak")


def main() -> None:
    """
    Measure what was asked for.
    """
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--calls", type=int, default=6000, help="calls that each peer accepts in a round")
    asked.add_argument("--messages", type=int, default=20_000, help="messages that are mapped")
    asked.add_argument("--requests", type=int, default=6000, help="requests for 64 connections in a round")
    asked.add_argument("--seconds", type=float, default=6.0, help="how long processes that share are counted")
    asked.add_argument("--most", type=int, default=6, choices=(4, 5, 6, 7), help="grow to 10 to this power")
    asked.add_argument("--soak", type=float, default=600.0, metavar="SECONDS")
    asked.add_argument("--rate", type=int, default=300, help="calls a second of the soak")
    asked.add_argument("--folder", type=Path, default=None, help="where files are made")
    arguments = asked.parse_args()
    parts = arguments.parts or PARTS[:-1]
    if unknown := set(parts) - set(PARTS):
        asked.error(f"no such part: {', '.join(sorted(unknown))}")
    print(
        f"{time.strftime('%Y-%m-%d %H:%M')}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f},"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        flush=True,
    )
    for part in parts:
        run(part, arguments)


def run(part: str, arguments: argparse.Namespace) -> None:
    """
    Measure one part; what the others need need not be installed.
    """
    if part == "accepting":
        from accepting import compare_accepting

        compare_accepting(calls=arguments.calls, rounds=arguments.rounds, folder=arguments.folder)
    elif part == "mapping":
        from mapping import compare_mapping

        compare_mapping(arguments.messages)
    elif part == "delivering":
        from delivering import compare_delivering

        compare_delivering(requests=arguments.requests, rounds=arguments.rounds)
    elif part == "sharing":
        from sharing import compare_sharing

        compare_sharing(seconds=arguments.seconds, rounds=arguments.rounds)
    elif part == "growing":
        from growing import show_growing

        show_growing(most=arguments.most, folder=arguments.folder)
    else:
        from soaking import soak

        soak(seconds=arguments.soak, rate=arguments.rate, folder=arguments.folder)


if __name__ == "__main__":
    main()
