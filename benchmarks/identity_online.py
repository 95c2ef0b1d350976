"""
How fast the identity graph takes links one by one, beside the least that raw sqlite3 could do for the same rows.

    python benchmarks/identity_online.py                       a million identities
    python benchmarks/identity_online.py --identities 10000    a quick look

The raw side has the same tables and indexes and writes the same rows, without a policy, values or checks: it is
the limit for this design, not a rival. Both sides take turns within one process, 500 links each, and medians
count. The stream is 55 % new anonymous identities of known people, 25 % repeats, 10 % changes of name and 10 %
merges of two people. Then: how long `resolve` takes, and what a link costs while a chain, a hub and a person grow,
against links between strangers.
"""

import argparse
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from identity import Database, IdentityGraph, Link, MergePolicy

Triple = tuple[str, str, str]

POLICIES = {"guarded": MergePolicy.guarded(), "permissive": MergePolicy.permissive()}


HELD_BETWEEN = """
    SELECT link FROM identity AS near JOIN link ON older = near.name AND outcome = 'hold'
    JOIN identity AS far ON far.name = newer AND far.person = ? WHERE near.person = ?
    UNION
    SELECT link FROM identity AS near JOIN link ON newer = near.name AND outcome = 'hold'
    JOIN identity AS far ON far.name = older AND far.person = ? WHERE near.person = ?
"""
"""The links that a merge settles, without which nobody would know that they are."""


class Raw:
    """
    The same rows by hand: what each link costs SQLite itself.
    """

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA synchronous = NORMAL")

    def write(self, triples: Sequence[Triple], batch: int) -> None:
        """
        Write links, so many in each commit.
        """
        for start in range(0, len(triples), batch):
            self.connection.execute("BEGIN IMMEDIATE")
            for kind, older, newer in triples[start : start + batch]:
                self.link(kind, older, newer, 1)
            self.connection.execute("COMMIT")

    def link(self, kind: str, older: str, newer: str, at_ms: int) -> None:
        """
        Do for a link what the tables need.
        """
        run = self.connection.execute
        found = {
            row[0]: row
            for row in run(
                "SELECT name, kind, identity.person, identities, named, known_as, rank, sorts, joined, sort, "
                "records FROM identity JOIN person ON person.person = identity.person "
                "WHERE identity.name IN (?, ?)",
                (older, newer),
            )
        }
        one, other = found.get(older), found.get(newer)
        if one and other:
            known = run(
                "SELECT link, outcome FROM link WHERE (older = ? AND newer = ?) OR (older = ? AND newer = ?) "
                "ORDER BY link DESC LIMIT 1",
                (older, newer, newer, older),
            ).fetchone()
            if one[2] == other[2]:
                if known is None:
                    self._record(kind, older, newer, at_ms, "known")
                return
        self._record(kind, older, newer, at_ms, "merge")
        if one and other:
            large, small = (one, other) if one[3] >= other[3] else (other, one)
            run(HELD_BETWEEN, (large[2], small[2], large[2], small[2])).fetchall()
            run("UPDATE identity SET person = ? WHERE person = ?", (large[2], small[2]))
            run("DELETE FROM person WHERE person = ?", (small[2],))
            self._person(large, small[3], small[4])
        elif one or other:
            there, new = (one, newer) if one else (other, older)
            self._identity(new, "anonymous" if new == older else "named", there[2], at_ms)
            self._person(there, 1, 0)
        else:
            (person,) = run(
                "INSERT INTO person (known_as, rank, identities, named, sorts, joined) VALUES (?, 0, 2, 1, ?, ?) "
                "RETURNING person",
                (newer, "account_id", str(at_ms)),
            ).fetchone()
            self._identity(older, "anonymous", person, at_ms)
            self._identity(newer, "named", person, at_ms)

    def _record(self, kind: str, older: str, newer: str, at_ms: int, outcome: str) -> None:
        run = self.connection.execute
        (link,) = run(
            "INSERT INTO link (older, newer, outcome) VALUES (?, ?, ?) RETURNING link", (older, newer, outcome)
        ).fetchone()
        run(
            "INSERT INTO decision (link, outcome, reason, explanation, warnings, decided_by, decided_ms, at_ms, "
            "kind, call, device) VALUES (?, ?, ?, ?, '', 'policy', ?, ?, ?, NULL, NULL)",
            (link, outcome, kind, f"'{newer}' is the first to be identified on '{older}'.", at_ms, at_ms, kind),
        )

    def _identity(self, name: str, kind: str, person: int, at_ms: int) -> None:
        self.connection.execute(
            "INSERT INTO identity (name, kind, sort, person, records, first_ms, last_ms, named_ms) "
            "VALUES (?, ?, 'email', ?, 0, ?, ?, NULL)",
            (name, kind, person, at_ms, at_ms),
        )

    def _person(self, row: Sequence[object], identities: int, named: int) -> None:
        self.connection.execute(
            "UPDATE person SET known_as = ?, rank = ?, identities = ?, named = ?, sorts = ?, joined = ? "
            "WHERE person = ?",
            (row[5], row[6], row[3] + identities, row[4] + named, row[7], row[8], row[2]),
        )

    def resolve(self, name: str) -> str:
        """
        Ask who stands for a person.
        """
        row = self.connection.execute(
            "SELECT known_as FROM identity JOIN person ON person.person = identity.person WHERE name = ?", (name,)
        ).fetchone()
        return name if row is None else row[0]


class Ours:
    """
    The identity graph, driven in the same way.
    """

    def __init__(self, path: Path, policy: MergePolicy, safety: dict[str, str]) -> None:
        self.database = Database(path, **safety)
        self.graph = IdentityGraph(self.database, policy=policy)
        self.resolve = self.graph.resolve

    def write(self, triples: Sequence[Triple], batch: int) -> None:
        """
        Write links, so many in each commit.
        """
        if batch == 1:
            for kind, older, newer in triples:
                self.graph.link(older, newer, kind=kind, at_ms=1)
            return
        for start in range(0, len(triples), batch):
            self.graph.link_many(
                Link(older=older, newer=newer, kind=kind, at_ms=1)
                for kind, older, newer in triples[start : start + batch]
            )


def prepared(path: Path, people: int) -> None:
    """
    Fill a file with people of one named and one anonymous identity each.
    """
    with IdentityGraph(path):
        pass
    connection = sqlite3.connect(path)
    with connection:
        connection.executemany(
            "INSERT INTO person VALUES (?, ?, 1, 2, 1, 'email', '0')",
            ((n + 1, f"u{n}@mail.example") for n in range(people)),
        )
        connection.executemany(
            "INSERT INTO identity (name, kind, sort, person, records, first_ms, last_ms, named_ms) "
            "VALUES (?, ?, ?, ?, 1, 0, 0, ?)",
            (
                row
                for n in range(people)
                for row in (
                    (device(n), "anonymous", "anonymous", n + 1, None),
                    (f"u{n}@mail.example", "named", "email", n + 1, 0),
                )
            ),
        )
    connection.close()


def device(number: int) -> str:
    """
    Return the anonymous identity of a device.
    """
    return f"{number:08X}-0000-4000-8000-{number * 2654435761 % 2**48:012X}"


def stream(people: int, length: int, seed: int) -> Iterator[Triple]:
    """
    Yield links as a shop has them.
    """
    chance = random.Random(seed)
    fresh, past = people + seed * 10_000_000, [("first_identify", device(0), "u0@mail.example")]
    for _ in range(length):
        drawn = chance.random()
        if drawn < 0.25:
            yield chance.choice(past)
            continue
        user = f"u{chance.randrange(people)}@mail.example"
        if drawn < 0.80:
            fresh += 1
            made = ("first_identify", device(fresh), user)
        elif drawn < 0.90:
            fresh += 1
            made = ("identity_change", user, f"v{fresh}@mail.example")
        else:
            made = ("identity_change", user, f"u{chance.randrange(people)}@mail.example")
        past.append(made)
        yield made


def slices(triples: Sequence[Triple], size: int = 500) -> Iterator[Sequence[Triple]]:
    """
    Yield short stretches of a stream, to be written by both sides in turn.
    """
    for start in range(0, len(triples), size):
        yield triples[start : start + size]


def per_second(work: Callable[[Sequence[Triple], int], None], part: Sequence[Triple], batch: int) -> float:
    """
    Return how many links were written in a second.
    """
    begun = time.perf_counter()
    work(part, batch)
    return len(part) / (time.perf_counter() - begun)


def compare_writing(folder: Path, arguments: argparse.Namespace, safety: str, policy: str) -> None:
    """
    Print how many links a second both sides write.
    """
    people = arguments.identities // 2
    raw_path, our_path = folder / f"raw-{safety}-{policy}.db", folder / f"ours-{safety}-{policy}.db"
    for path in (raw_path, our_path):
        prepared(path, people)
    raw = Raw(raw_path)
    if safety == "power":
        raw.connection.execute("PRAGMA synchronous = FULL")
    ours = Ours(our_path, POLICIES[policy], {} if safety == "process" else {"safety": safety})
    for name, batch in (("one by one", 1), ("batches of 100", 100)):
        rates = [
            (per_second(raw.write, part, batch), per_second(ours.write, part, batch))
            for part in slices(list(stream(people, arguments.links, seed=batch)))
        ]
        limit, got = (statistics.median(side) for side in zip(*rates, strict=True))
        ratio = statistics.median(ours_rate / raw_rate for raw_rate, ours_rate in rates)
        label = f"{name}, safety {safety}, {policy}"
        print(f"{label:<44} raw {limit:>9,.0f}/s   ours {got:>9,.0f}/s   ratio {ratio:.2f}")
    ours.database.close()
    raw.connection.close()


def resolve_times(folder: Path, arguments: argparse.Namespace) -> None:
    """
    Print how long it takes to ask who stands for a person.
    """
    path = folder / "resolve.db"
    prepared(path, arguments.identities // 2)
    raw, ours = Raw(path), Ours(path, POLICIES["guarded"], {})
    chance = random.Random(7)
    names = [device(chance.randrange(arguments.identities // 2)) for _ in range(50_000)]
    for name, resolve in (("raw", raw.resolve), ("ours", ours.resolve)):
        for one in names:
            resolve(one)
        took = []
        for one in names:
            begun = time.perf_counter_ns()
            resolve(one)
            took.append(time.perf_counter_ns() - begun)
        took.sort()
        p50, p99 = took[len(took) // 2] / 1000, took[len(took) * 99 // 100] / 1000
        print(f"resolve, {arguments.identities:,} identities, {name:<5} p50 {p50:6.1f} µs   p99 {p99:6.1f} µs")
    ours.database.close()
    raw.connection.close()


SHAPES: dict[str, Callable[[int], Triple]] = {
    "strangers": lambda n: ("first_identify", f"s{n}", f"t{n}"),
    "a chain": lambda n: ("identity_change", f"c{n}", f"c{n + 1}"),
    "a hub of devices": lambda n: ("first_identify", f"d{n}", "hub"),
    "a shared device": lambda n: ("first_identify", "shared", f"somebody{n}"),
}


def growing(arguments: argparse.Namespace) -> None:
    """
    Print what a link costs at the end of a growing shape, against the beginning and against strangers.
    """
    count, part = arguments.growth, max(1, arguments.growth // 10)
    costs: dict[str, tuple[float, float]] = {}
    for shape, link in SHAPES.items():
        with IdentityGraph(policy=POLICIES["guarded" if "shared" in shape else "permissive"]) as graph:
            took = []
            for start in range(0, count, part):
                begun = time.process_time()
                for n in range(start, min(start + part, count)):
                    kind, older, newer = link(n)
                    graph.link(older, newer, kind=kind, at_ms=n)
                took.append((time.process_time() - begun) / part * 1e6)
        costs[shape] = (took[0], min(took[-3:]))
        first, last = costs[shape]
        against = last / costs["strangers"][1]
        print(f"{shape:<18} {count:>9,} links: first {first:6.1f} µs, last {last:6.1f} µs, ×{against:.2f}")


def into_one(arguments: argparse.Namespace) -> None:
    """
    Print what a merge costs that brings a person of two into one that grows, against merging such people in pairs.
    """
    count = min(10_000, arguments.growth)
    for shape in ("pairs", "into one"):
        with IdentityGraph(policy=POLICIES["permissive"]) as graph:
            for n in range(2 * count):
                graph.link(f"d{n}", f"p{n}", kind="first_identify", at_ms=n)
            begun = time.process_time()
            for n in range(count):
                older = f"p{2 * n}" if shape == "pairs" else "p0"
                graph.link(older, f"p{2 * n + 1}", kind="identity_change", at_ms=n)
            cost = (time.process_time() - begun) / count * 1e6
        print(f"{count:,} merges of two people, {shape:<9} {cost:6.1f} µs each")


def main() -> None:
    """
    Run everything.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--identities", type=int, default=1_000_000, help="how many are on disk at the beginning")
    parser.add_argument("--links", type=int, default=10_000, help="how many to write")
    parser.add_argument("--growth", type=int, default=100_000, help="how long the chain and the hub grow")
    parser.add_argument("--safety", nargs="*", default=["process"], help="safety levels that Database takes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for safety in arguments.safety:
            for policy in POLICIES:
                compare_writing(Path(folder), arguments, safety, policy)
        resolve_times(Path(folder), arguments)
    growing(arguments)
    into_one(arguments)


if __name__ == "__main__":
    main()
