"""
The simulator beside the plainest script that does its work: pandas to read and count, networkx to join.

Each run is a process of its own that reads a file of calls; its processor time and peak memory are told. The calls
are those of made-up people: the same people for longer (memory should stay where it is), and more people for as
long (memory should grow with them). The plain script does one strategy, that of Segment's server; the simulator
does each one alone, and all four at once.

    python benchmarks/simulate.py                                     # 1e5 and 1e6 calls, every way
    python benchmarks/simulate.py 10000000 --growth longer --way ios  # so many, and this alone

What is measured is kept in a file, a line a run: an interrupted benchmark goes on where it was, and measures only
what is missing. Take the file away to measure anew. Files of calls are taken away once all that was asked is done.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from identity.simulate import compare, population, strategy_named

STRATEGIES = ("never", "ios", "segment-server", "guarded")
ALL = "all four at once"
PLAIN = "plain script"
WRITE = "write"
LIKE_PLAIN = "segment-server"
WAYS = (*STRATEGIES, ALL, PLAIN)
GROWTHS = {"longer": "The same people for longer:", "more": "More people, for a month each:"}
RESULTS = Path(tempfile.gettempdir()) / "sdkbridge-benchmarks" / "simulate.ndjson"
STEPS = ("Application Installed", "Signed Up", "Order Completed")
SAME_PEOPLE = 20_000
CALLS_A_DAY = 1.3
"""Of one person, by the usual rates; only to make enough days."""

STEADY = {"logs_out": 0.0, "reinstalls": 0.0, "kiosks": 0.0}
"""Rates under which nobody gets a further anonymous identity, however long it goes on."""


def write_calls(path: Path, lines: int, *, people: int, steady: bool) -> None:
    """
    Write so many calls of so many people.
    """
    days = max(2, round(lines / people / CALLS_A_DAY * 1.6))
    made_up = population(people, seed=7, days=days, rates=STEADY if steady else {})
    with path.open("w") as file:
        file.writelines(json.dumps(call) + "\n" for call in islice(made_up, lines))


def simulate(path: Path, strategies: Sequence[str]) -> dict[str, Any]:
    """
    Do it with the simulator, and return what comes of it.
    """
    with path.open("rb") as file:
        calls: Iterator[Any] = map(json.loads, file)
        comparison = compare(calls, [strategy_named(name) for name in strategies], funnel=STEPS)
    last = comparison.strategies[-1]
    return {"people": last.people, "identities": comparison.identities, "funnel": [s.people for s in last.funnel]}


def plainly(path: Path) -> dict[str, Any]:
    """
    Do it as one would in a notebook, for the strategy of Segment's server.
    """
    import networkx as nx
    import pandas as pd

    calls = pd.read_json(path, lines=True, dtype=False, convert_dates=False)
    calls = calls.drop_duplicates("messageId")
    calls["identity"] = calls["userId"].fillna(calls["anonymousId"])
    graph = nx.Graph()
    recorded = calls[calls["type"] != "alias"]
    graph.add_nodes_from(recorded["identity"])
    both = calls[(calls["type"] == "identify") & calls["userId"].notna() & calls["anonymousId"].notna()]
    graph.add_edges_from(zip(both["anonymousId"], both["userId"], strict=True))
    if "previousId" in calls:
        asked = calls[calls["type"] == "alias"]
        graph.add_edges_from(zip(asked["previousId"], asked["userId"], strict=True))
    person = {name: place for place, one in enumerate(nx.connected_components(graph)) for name in one}
    recorded = recorded.assign(
        person=recorded["identity"].map(person), at=pd.to_datetime(recorded["timestamp"], format="ISO8601")
    )
    steps = recorded[recorded["event"].isin(STEPS)].sort_values("at")
    reached = [0] * len(STEPS)
    for _, did in steps.groupby("person"):
        step = 0
        for event in did["event"]:
            if step < len(STEPS) and event == STEPS[step]:
                reached[step] += 1
                step += 1
    weeks = recorded.assign(week=recorded["at"].dt.tz_localize(None).dt.to_period("W"))
    weeks.groupby("person")["week"].nunique()
    return {"people": len(set(person.values())), "identities": len(graph), "funnel": reached}


def file_of(growth: str, lines: int, people: int) -> Path:
    """
    Return the file with so many calls, written now if it is not there yet.
    """
    folder = Path(tempfile.gettempdir()) / "sdkbridge-benchmarks"
    folder.mkdir(exist_ok=True)
    path = folder / f"calls-{growth}-{lines}-{people}.ndjson"
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        # Not by this process: one that it starts afterwards would be told to have held as much as it did.
        in_a_process(WRITE, unfinished, growth, lines, people)
        unfinished.rename(path)
    return path


def in_a_process(*arguments: object) -> str:
    """
    Run this file again for one thing to do, and return what it prints.
    """
    command = [sys.executable, "-W", "ignore", __file__, "--child", *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def child(how: str, path: Path, *arguments: str) -> None:
    """
    Be that process: write calls, or do one way and tell what came of it, its seconds and its peak memory.
    """
    if how == WRITE:
        growth, lines, people = arguments
        write_calls(path, int(lines), people=int(people), steady=growth == "longer")
        return
    started = time.process_time()
    told = plainly(path) if how == PLAIN else simulate(path, STRATEGIES if how == ALL else [how])
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    print(json.dumps({**told, "seconds": seconds, "peak_mb": peak}))


def known(results: Path) -> list[dict[str, Any]]:
    """
    Return what was measured before.
    """
    return [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []


def measure(growth: str, lines: int, people: int, ways: list[str], results: Path) -> None:
    """
    Measure what is not in the results yet for one file of calls, and add it to them.
    """
    done = {run["how"] for run in known(results) if (run["growth"], run["lines"]) == (growth, lines)}
    missing = [how for how in ways if how not in done]
    if not missing:
        return
    path = file_of(growth, lines, people)
    for how in missing:
        run = {"growth": growth, "lines": lines, "how": how, **json.loads(in_a_process(how, path))}
        with results.open("a") as file:
            file.write(json.dumps(run) + "\n")
        print(f"{growth}, {lines:,} lines, {how}: {run['seconds']:.1f} s", file=sys.stderr, flush=True)
    path.unlink()


def table(growth: str, runs: list[dict[str, Any]]) -> Iterator[str]:
    """
    Yield the lines of a table, each time and memory beside those of Segment's rule on the same calls.
    """
    yield "| lines | | calls a second | peak memory | identities | time | memory |"
    yield "| ---: | --- | ---: | ---: | ---: | ---: | ---: |"
    mine = [run for run in runs if run["growth"] == growth]
    for lines in sorted({run["lines"] for run in mine}):
        by_way = {run["how"]: run for run in mine if run["lines"] == lines}
        ours = by_way.get(LIKE_PLAIN)
        first = f"{lines:,}"
        for how in WAYS:
            if (run := by_way.get(how)) is None:
                continue
            name = how if how in (ALL, PLAIN) else f"`{how}`"
            beside = ("", "")
            if ours:
                beside = tuple(f"{run[what] / ours[what]:.2f}×" for what in ("seconds", "peak_mb"))
            rate = f"{lines / run['seconds']:,.0f}"
            yield (
                f"| {first} | {name} | {rate} | {run['peak_mb']:,.0f} MB | {run['identities']:,} "
                f"| {beside[0]} | {beside[1]} |"
            )
            first = ""
        plain = by_way.get(PLAIN)
        if plain and ours and any(plain[what] != ours[what] for what in ("people", "funnel")):
            yield f"\nThey disagree at {lines:,} lines: plain script {plain}, ours {ours}."


def main() -> None:
    """
    Measure what is missing, and print a table for each way to grow.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("lines", nargs="*", type=int, default=[100_000, 1_000_000], help="how many calls")
    parser.add_argument("--growth", choices=GROWTHS, action="append", help="only this one")
    parser.add_argument("--way", choices=WAYS, action="append", help="only this one, or these")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"what is measured; {RESULTS} if not given")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        how, path, *others = arguments.child
        child(how, Path(path), *others)
        return
    for growth in arguments.growth or GROWTHS:
        for lines in arguments.lines:
            people = SAME_PEOPLE if growth == "longer" else max(1, round(lines / 30 / CALLS_A_DAY))
            measure(growth, lines, people, arguments.way or list(WAYS), arguments.results)
    runs = known(arguments.results)
    for growth, said in GROWTHS.items():
        print(f"\n{said}\n")
        print("\n".join(table(growth, runs)))


if __name__ == "__main__":
    main()
