"""
Whole logs, side by side: who is one person, from a Parquet file of links to a column of canonical identities.

    python benchmarks/identity_batch.py                               # 100,000 and a million links, all engines
    python benchmarks/identity_batch.py 10000000 --only ours igraph   # two of them
    python benchmarks/identity_batch.py 1000000 --chain               # half of the links are one long chain

Needs the packages of requirements/benchmarks.txt. Each run is a process of its own: it imports, warms up what it
compiles, and then reads, resolves and hands over the identities with their canonical ones, both as columns of
text. `seconds` is the best of several runs, from the file to those columns; `CPU` is the processor's time for the
same, which says more where others use the machine; `memory` is the most that the process and its children held,
sampled every 20 ms. All partitions are compared. The others take as canonical whichever identity is at hand, and
so do less than is done here.

A file of links is made anew from a seed (benchmarks/links.py) and kept in the temporary folder.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

sys.path.insert(0, str(Path(__file__).parent.parent))

from measuring import held, log_of

PATIENCE_S = 900
CHOOSING = ("ours", "ours, links in memory")
MEASURED = ("seconds", "cpu_s", "memory_mb")
SAMPLED_EVERY_S = 0.02


def main() -> None:
    """
    Run every engine on logs of several sizes, and print a table for each.
    """
    parser = argparse.ArgumentParser(description="Whole logs, side by side.")
    parser.add_argument("rows", nargs="*", type=int, default=[100_000, 1_000_000])
    parser.add_argument("--only", nargs="*", metavar="ENGINE", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--chain", action="store_true", help="half of the links are one long chain")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        print(json.dumps(measured(options.run, options.rows[0], chain=options.chain)))
        return
    for rows in options.rows:
        report(rows, options.only, repeat=options.repeat, chain=options.chain)


def report(rows: int, names: list[str], *, repeat: int, chain: bool) -> None:
    """
    Print what each engine takes for so many links, slowest last.
    """
    log_of(rows, chain=chain)
    runs = sorted(best(names, rows, repeat=repeat, chain=chain), key=lambda one: one["seconds"])
    if not runs:
        return
    reference = next((one["people"] for one in runs if one["engine"].startswith("ours")), runs[0]["people"])
    print(f"\n{rows:,} links{', half of them one chain' if chain else ''}\n")
    print("| engine | seconds | × ours | CPU, s | × ours | memory, MB | × ours | the same people |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    ours = next((one for one in runs if one["engine"] == "ours"), runs[0])
    for one in runs:
        print(
            f"| {one['engine']} "
            + "".join(f"| {one[what]:,.4g} | {one[what] / ours[what]:.2f} " for what in MEASURED)
            + f"| {'yes' if one['people'] == reference else 'NO'} |",
            flush=True,
        )


def best(names: list[str], rows: int, *, repeat: int, chain: bool) -> Iterator[dict[str, Any]]:
    """
    Yield the best of several runs of each engine that ends; all run once before any runs again.
    """
    runs: dict[str, list[dict[str, Any]]] = {}
    for _ in range(repeat):
        for name in names:
            one = in_process(name, rows, chain=chain)
            if one is None:
                print(f"{name} did not end within {PATIENCE_S} seconds, or failed", file=sys.stderr)
                names = [other for other in names if other != name]
            else:
                runs.setdefault(name, []).append(one)
    for of_one in runs.values():
        yield of_one[0] | {what: min(one[what] for one in of_one) for what in MEASURED}


def in_process(name: str, rows: int, *, chain: bool) -> dict[str, Any] | None:
    """
    Run an engine once in a new process, and watch how much memory it takes.
    """
    command = [sys.executable, __file__, str(rows), "--run", name, *(["--chain"] if chain else [])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    started, most = time.monotonic(), 0
    while process.poll() is None:
        most = max(most, held(process.pid))
        time.sleep(SAMPLED_EVERY_S)
        if time.monotonic() - started > PATIENCE_S:
            process.kill()
    out, _ = process.communicate()
    return json.loads(out) | {"engine": name, "memory_mb": most / 1e6} if process.returncode == 0 else None


def measured(name: str, rows: int, *, chain: bool) -> dict[str, Any]:
    """
    Time an engine in this process, and say which people it found.
    """
    engine = ENGINES[name]()
    engine(log_of(1_000, chain=False))
    if name in CHOOSING:
        load_chosen(rows)
    log = log_of(rows, chain=chain)
    started, cpu_started = time.perf_counter(), time.process_time()
    people = engine(log)
    seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu_started
    return {"seconds": seconds, "cpu_s": cpu_s, "people": fingerprint(people)}


def load_chosen(rows: int) -> None:
    """
    Load what this package takes for so many links, as the others have loaded what they take.
    """
    from identity.batch import resolve
    from identity.batch.engines import fastest

    resolve(log_of(1_000, chain=False), engine=fastest(rows))


def fingerprint(people: pl.DataFrame) -> str:
    """
    Return what two results share exactly if they divide the identities in the same way.
    """
    persons = people.group_by("canonical").agg(pl.col("id").hash(1).sum().alias("members"), pl.len())
    return f"{people.height} {persons.height} {persons['members'].hash(2).sum()}"


Resolve = Callable[[Path], pl.DataFrame]


def ours(**options: Any) -> Callable[[], Resolve]:
    """
    Return this package, with some engine or the one that it chooses.
    """

    def made() -> Resolve:
        from identity.batch import resolve

        return lambda path: resolve(path, **options)

    return made


def ours_in_memory() -> Resolve:
    """
    Return this package, with links that are in memory already, as the others have them.
    """
    from identity.batch import resolve

    return lambda path: resolve(pl.read_parquet(path))


def coded(path: Path) -> tuple[Any, Any, Any]:
    """
    Return pyarrow's numbering of all identities: the identities, and both ends of the links.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    both = pa.chunked_array([*table["older"].chunks, *table["newer"].chunks]).combine_chunks()
    both = pa.concat_arrays(both.chunks) if isinstance(both, pa.ChunkedArray) else both
    encoded = both.dictionary_encode()
    codes = encoded.indices.to_numpy()
    return encoded.dictionary, codes[: len(table)], codes[len(table) :]


def named(ids: Any, first: Any) -> pl.DataFrame:
    """
    Return identities with those that stand for their persons, as columns of text.
    """
    column = pl.Series("id", ids)
    return pl.DataFrame({"id": column, "canonical": column.gather(first)})


def representatives(label: Any) -> Any:
    """
    Return for each identity the last one with its label.
    """
    import numpy as np

    last = np.empty(label.max() + 1, np.int64)
    last[label] = np.arange(len(label))
    return last[label]


def pyarrow_scipy() -> Resolve:
    """
    Return scipy's connected components on pyarrow's numbers.
    """
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    def resolve(path: Path) -> pl.DataFrame:
        ids, older, newer = coded(path)
        graph = coo_array((np.ones(len(older), np.int8), (older, newer)), shape=(len(ids), len(ids)))
        return named(ids, representatives(connected_components(graph, directed=False)[1]))

    return resolve


def pyarrow_numba() -> Resolve:
    """
    Return a compiled disjoint set on pyarrow's numbers.
    """
    import numba
    import numpy as np

    @numba.njit
    def join(parent: Any, older: Any, newer: Any) -> None:
        for row in range(len(older)):
            one, other = older[row], newer[row]
            while parent[one] != one:
                parent[one] = parent[parent[one]]
                one = parent[one]
            while parent[other] != other:
                parent[other] = parent[parent[other]]
                other = parent[other]
            parent[max(one, other)] = min(one, other)
        for node in range(len(parent)):
            parent[node] = parent[parent[node]]

    def resolve(path: Path) -> pl.DataFrame:
        ids, older, newer = coded(path)
        parent = np.arange(len(ids), dtype=np.int32)
        join(parent, older, newer)
        return named(ids, parent)

    return resolve


def pandas_scipy() -> Resolve:
    """
    Return what a pandas user would write: factorize, and scipy.
    """
    import numpy as np
    import pandas as pd
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    def resolve(path: Path) -> pl.DataFrame:
        frame = pd.read_parquet(path)
        codes, ids = pd.factorize(pd.concat([frame["older"], frame["newer"]], ignore_index=True))
        pairs = codes.reshape(2, -1)
        graph = coo_array((np.ones(pairs.shape[1], np.int8), pairs), shape=(len(ids), len(ids)))
        first = representatives(connected_components(graph, directed=False)[1])
        people = pd.DataFrame({"id": ids, "canonical": ids[first]})
        return pl.from_pandas(people)

    return resolve


def rustworkx() -> Resolve:
    """
    Return rustworkx's connected components on pyarrow's numbers.
    """
    import numpy as np
    import rustworkx as rx

    def resolve(path: Path) -> pl.DataFrame:
        ids, older, newer = coded(path)
        graph = rx.PyGraph()
        graph.add_nodes_from(range(len(ids)))
        graph.add_edges_from_no_data(list(zip(older.tolist(), newer.tolist(), strict=True)))
        first = np.empty(len(ids), np.int64)
        for component in rx.connected_components(graph):
            first[list(component)] = min(component)
        return named(ids, first)

    return resolve


def igraph() -> Resolve:
    """
    Return igraph's connected components on pyarrow's numbers.
    """
    import igraph as ig
    import numpy as np

    def resolve(path: Path) -> pl.DataFrame:
        ids, older, newer = coded(path)
        graph = ig.Graph(n=len(ids), edges=np.column_stack([older, newer]))
        return named(ids, representatives(np.array(graph.connected_components().membership)))

    return resolve


def networkx() -> Resolve:
    """
    Return networkx's disjoint set on the texts, which is faster than its graphs.
    """
    from networkx.utils import UnionFind

    def resolve(path: Path) -> pl.DataFrame:
        sets = UnionFind()
        for older, newer in pl.read_parquet(path).iter_rows():
            sets.union(older, newer)
        return pl.DataFrame([(one, sets[one]) for one in sets], schema=["id", "canonical"], orient="row")

    return resolve


def networkx_graph() -> Resolve:
    """
    Return networkx's connected components.
    """
    import networkx as nx

    def resolve(path: Path) -> pl.DataFrame:
        graph = nx.Graph(pl.read_parquet(path).iter_rows())
        rows = [(one, next(iter(people))) for people in nx.connected_components(graph) for one in people]
        return pl.DataFrame(rows, schema=["id", "canonical"], orient="row")

    return resolve


def splink() -> Resolve:
    """
    Return splink's clustering, if it is installed: it is in no list of pins.
    """
    from splink import DuckDBAPI
    from splink.clustering import cluster_pairwise_predictions_at_threshold

    def resolve(path: Path) -> pl.DataFrame:
        links = pl.read_parquet(path).rename({"older": "unique_id_l", "newer": "unique_id_r"})
        ids = pl.concat([links["unique_id_l"], links["unique_id_r"].alias("unique_id_l")]).unique()
        database = DuckDBAPI()
        edges = links.with_columns(match_probability=pl.lit(1.0)).to_pandas()
        nodes = pl.DataFrame({"unique_id": ids}).to_pandas()
        clustered = cluster_pairwise_predictions_at_threshold(
            nodes, edges, database, node_id_column_name="unique_id", threshold_match_probability=0.5
        )
        people = clustered.as_pandas_dataframe()[["unique_id", "cluster_id"]]
        return pl.from_pandas(people).rename({"unique_id": "id", "cluster_id": "canonical"})

    return resolve


ENGINES: dict[str, Callable[[], Resolve]] = {
    "ours": ours(),
    "ours, links in memory": ours_in_memory,
    "ours, numba": ours(engine="numba"),
    "ours, scipy": ours(engine="scipy"),
    "ours, python": ours(engine="python"),
    "pyarrow + numba": pyarrow_numba,
    "pyarrow + scipy": pyarrow_scipy,
    "pandas + scipy": pandas_scipy,
    "igraph": igraph,
    "rustworkx": rustworkx,
    "networkx, disjoint set": networkx,
    "networkx, graph": networkx_graph,
    "splink": splink,
}

if __name__ == "__main__":
    main()
