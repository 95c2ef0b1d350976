"""
The simulator beside the plainest script that does its work: pandas to read and count, networkx to join.

Each run is a process of its own that reads a file of calls; its processor time and peak memory are told. The calls
are those of made-up people: the same people for longer (memory should stay where it is), and more people for as
long (memory should grow with them). The plain script does one strategy, that of Segment's server; the simulator
does each one alone, and all four at once.

    python benchmarks/simulate.py [--most 10000000] [--people 20000] [--alone-most 1000000] [--growth longer|more]
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from identity.simulate import compare, population, strategy_named

FIRST = 100_000
STRATEGIES = ("never", "ios", "segment-server", "guarded")
STEPS = ("Application Installed", "Signed Up", "Order Completed")
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


def simulate(path: Path, strategies: str) -> dict[str, Any]:
    """
    Do it with the simulator, and return what comes of it.
    """
    with path.open("rb") as file:
        calls: Iterator[Any] = map(json.loads, file)
        comparison = compare(calls, [strategy_named(name) for name in strategies.split(",")], funnel=STEPS)
    last = comparison.strategies[-1]
    return {"people": last.people, "identities": comparison.identities, "funnel": [s.people for s in last.funnel]}


def plainly(path: Path, _: str) -> dict[str, Any]:
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


def measured(how: str, path: Path, strategies: str) -> dict[str, Any]:
    """
    Run one of the two in a process of its own; return what came of it, its seconds and its peak memory.
    """
    command = [sys.executable, __file__, "--child", how, str(path), strategies]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def child(how: str, path: str, strategies: str) -> None:
    """
    Be that process.
    """
    started = time.process_time()
    told = (simulate if how == "simulate" else plainly)(Path(path), strategies)
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    print(json.dumps({**told, "seconds": seconds, "peak_mb": peak}))


def compare_at(lines: int, path: Path, *, alone: bool) -> None:
    """
    Measure everything on one file, and print it; the largest files only all four strategies at once.
    """
    print(f"\n{lines:,} lines, {path.stat().st_size / 1e6:,.0f} MB", flush=True)
    together = ",".join(STRATEGIES)
    runs = {name: measured("simulate", path, name) for name in ((*STRATEGIES, together) if alone else (together,))}
    if alone:
        runs["plain script"] = measured("plainly", path, "")
    ours = runs["segment-server" if alone else together]
    for name, run in runs.items():
        shown = "all four at once" if "," in name else name
        times, memories = run["seconds"] / ours["seconds"], run["peak_mb"] / ours["peak_mb"]
        print(
            f"  {shown:<17} {lines / run['seconds']:>9,.0f} calls/s {run['peak_mb']:>7,.0f} MB "
            f"{run['identities']:>9,} identities   {times:5.2f}× the time, {memories:5.2f}× the memory",
            flush=True,
        )
    if alone and any(runs["plain script"][what] != ours[what] for what in ("people", "funnel")):
        print(f"  they disagree: plain {runs['plain script']}, ours {ours}")


def main() -> None:
    """
    Measure, ten times as many lines each time.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--first", type=int, default=FIRST, help="how many lines to begin with")
    parser.add_argument("--most", type=int, default=1_000_000, help="how many lines at most")
    parser.add_argument("--alone-most", type=int, default=1_000_000, help="how many lines each one gets alone")
    parser.add_argument("--people", type=int, default=20_000, help="how many people, where they stay the same")
    parser.add_argument("--growth", choices=("longer", "more"), help="only this one")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(*arguments.child)
        return
    for growth in ("longer", "more") if arguments.growth is None else (arguments.growth,):
        print("\nthe same people for longer" if growth == "longer" else "\nmore people, for a month each")
        lines = arguments.first
        while lines <= arguments.most:
            people = arguments.people if growth == "longer" else max(1, round(lines / 30 / CALLS_A_DAY))
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "calls.ndjson"
                write_calls(path, lines, people=people, steady=growth == "longer")
                compare_at(lines, path, alone=lines <= arguments.alone_most)
            lines *= 10


if __name__ == "__main__":
    main()
