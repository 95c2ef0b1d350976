"""
How long the server's pages take with many people in the store.

    python benchmarks/pages.py --people 100000

Each page is asked for without a browser, in the server's own process; the first, the best and the median of
several are told, in milliseconds. A person has two identities, and of a thousand people one has a held link.
"""

import argparse
import http.client
import statistics
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from running_server import running

from identity import IdentityGraph
from identity.database import Database
from sdkbridge.server import Project, ServerSettings, create_app

PAGES = {
    "overview, shown first": "",
    "to decide": "/decide",
    "search, the very text": "/people?text=user-77@example.com",
    "search, found at once": "/people?text=example",
    "search, found late": "/people?text=last-of-all",
    "search, found never": "/people?text=nobody-at-all",
    "a person": "/person?identity=user-77@example.com",
    "a person's drawing": "/person.svg?identity=user-77@example.com",
    "live": "/live",
}
TIMES = 7
AT_ONCE = 2_000
HELD_EVERY = 1_000


def main() -> None:
    """
    Fill a store, and ask for each page.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    people = parser.parse_args().people
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "shop.db"
        started = time.perf_counter()
        fill(database, people)
        print(f"{people:,} people, stored in {time.perf_counter() - started:.0f} s")
        project = Project(name="shop", write_keys=["w"], api_key="k", database=database, deliver=False)
        with running(create_app(ServerSettings(projects=[project]))) as server:
            for name, path in PAGES.items():
                taken = [asked_ms(server.url, f"/pages/shop{path}") for _ in range(TIMES)]
                print(
                    f"{name:24} first {taken[0]:7.1f}   best {min(taken):7.1f}   "
                    f"median {statistics.median(taken):7.1f} ms"
                )


def fill(path: Path, people: int) -> None:
    """
    Make people of two identities each, all in a few transactions.
    """
    database = Database(path)
    graph = IdentityGraph(database)
    for start in range(0, people, AT_ONCE):
        with database.transaction():
            for number in range(start, min(start + AT_ONCE, people)):
                name = f"user-{number}@example.com" if number + 1 < people else "last-of-all"
                graph.link(f"device-{number}", name, kind="first_identify", at_ms=1_700_000_000_000 + number)
                if number % HELD_EVERY == 1:
                    graph.link(f"device-{number}", f"other-{number}@example.com", kind="first_identify")
    database.close()


def asked_ms(url: str, path: str) -> float:
    """
    Ask for a page, and return how long its last byte took, in milliseconds.
    """
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    started = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    taken = time.perf_counter() - started
    connection.close()
    if answer.status not in {200, 404}:
        raise SystemExit(f"{path} answered {answer.status}")
    return taken * 1000


if __name__ == "__main__":
    main()
