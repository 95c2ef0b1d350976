"""
A bridge's database after one day, with something in its tables; and the file that a version leaves behind.

    python tests/one_day.py 0.1.0

writes ``fixtures/schemas/0.1.0.sql``, from which the tests make a file of that version for ever after.
"""

import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from identity.database import Database
from sdkbridge import Bridge
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.kissmetrics.server import KissmetricsServer
from sdkbridge.options import MappingOptions
from sdkbridge.outbox.placing import Placing

SCHEMAS = Path(__file__).parent.parent / "fixtures" / "schemas"


def live_one_day(address: str | Path, *, url: str) -> None:
    """
    Fill the tables of a bridge: people, devices, something delivered, something dead, something waiting.
    """
    with Bridge(address, api_key="k", url=url, options=MappingOptions(drop_carried_traits=True)) as bridge:
        bridge.identify("dan", {"plan": "free"}, anonymous_id="a1")
        phone = bridge.device("iphone")
        phone.track("App Opened", message_id="m1")
        phone.identify("ann@example.com", {"plan": "pro"})
        bridge.track("bob", "Paid", {"revenue": 5}, timestamp="2026-03-01T10:00:00Z")
        bridge.flush()
    with Bridge(address, api_key="k", url="http://127.0.0.1:9", deliver=False) as bridge:
        other = bridge.device("tablet")
        other.identify("cyd")
        other.identify("ann@example.com")
        bridge.alias("ann@example.com", "bob")
        bridge.track("bob", "Visited")
        bridge.track("bob", "Left")
    with closing(Database(address)) as database, database.transaction() as connection:
        Placing(database).keep_numbers(connection)
        # The newest request is gone, but its number must not be given again.
        connection.execute("DELETE FROM outbox WHERE request = (SELECT max(request) FROM outbox)")
        connection.execute(
            "INSERT INTO dead_letter"
            " SELECT request + 1000, lane, other_lane, identity, other_identity, path, query, call, accepted_ms,"
            " 1, 'x', 1"
            " FROM outbox WHERE request = (SELECT min(request) FROM outbox)"
        )


def write_schema(version: str) -> Path:
    """
    Write the file of this version as SQL text.
    """
    with tempfile.TemporaryDirectory() as folder, closing(Database()) as memory:
        path = Path(folder) / "bridge.db"
        with KissmetricsServer(LocalKissmetrics(memory)) as kissmetrics:
            live_one_day(path, url=kissmetrics.url)
        with closing(sqlite3.connect(path)) as connection:
            text = "\n".join(connection.iterdump()) + "\n"
    SCHEMAS.mkdir(exist_ok=True)
    written = SCHEMAS / f"{version}.sql"
    written.write_text(text, encoding="utf-8")
    return written


if __name__ == "__main__":
    sys.stdout.write(f"{write_schema(sys.argv[1])}\n")
