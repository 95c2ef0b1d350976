"""
How long the server's pages take with many people in the store.

    python benchmarks/pages.py --people 100000

Each page is asked for without a browser, in the server's own process; the first and the median of several are
told, in milliseconds, with the processor's time of each. Then a browser opens each, where there is Chromium, and
the median of when it first painted is told. A person has two identities; one of a thousand people has a held link.
"""

import argparse
import http.client
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from browser import browser
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
    "simulate": "/simulations",
}
TIMES = 7
SETTLE_S = 2.0
"""A server that has just begun still loads what the pages need."""
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
            time.sleep(SETTLE_S)
            for name, path in PAGES.items():
                before = time.process_time()
                taken = [asked_ms(server.url, f"/pages/shop{path}") for _ in range(TIMES)]
                used = (time.process_time() - before) * 1000 / TIMES
                print(
                    f"{name:24} first {taken[0]:7.1f}   median {statistics.median(taken):7.1f} ms   "
                    f"processor {used:6.1f} ms"
                )
            if shutil.which("chromium"):
                for name, painted in first_paints(server.url).items():
                    print(f"{name:24} painted after {painted:7.1f} ms")


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


PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def first_paints(url: str) -> dict[str, float]:
    """
    Open each page in a browser, and return after how many milliseconds each showed something, as a rule.
    """
    painted: dict[str, float] = {}
    with browser() as chromium:
        page = chromium.new_page()
        for name, path in PAGES.items():
            times = []
            for _ in range(TIMES):
                page.goto(f"{url}/pages/shop{path}")
                times.append(float(page.wait_for_function(PAINTED, timeout=20_000).json_value()))
            painted[name] = statistics.median(times)
    return painted


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
