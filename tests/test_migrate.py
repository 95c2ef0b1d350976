"""
Moving a bridge's database, and opening the one that an earlier version made.
"""

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from one_day import live_one_day

from identity.database import Database
from sdkbridge import Bridge
from sdkbridge.pytest_plugin import RunningKissmetrics
from sdkbridge.schema import make_tables

SCHEMAS = Path(__file__).parent.parent / "fixtures" / "schemas"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sdkbridge", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def contents(address: str | Path) -> dict[str, list[tuple]]:
    """
    Return all rows of all tables.
    """
    with closing(Database(address)) as database:
        return {
            table: sorted(database.rows(f'SELECT {", ".join(columns)} FROM "{table}"'), key=repr)
            for table, columns in sorted((table, sorted(columns)) for table, columns in database.tables().items())
        }


def next_request(address: str | Path) -> int:
    with Bridge(address, api_key="k", url="http://127.0.0.1:9", deliver=False) as bridge:
        bridge.track("bob", "Came Back")
    with closing(Database(address)) as database:
        return int(database.rows("SELECT max(request) FROM outbox")[0][0])


def test_a_schema_made_alone_is_that_of_a_bridge(store_url: str, tmp_path: Path) -> None:
    """
    Whatever table a bridge keeps is known to what moves databases.
    """
    alone, of_a_bridge = Database(store_url), Database(tmp_path / "of-a-bridge.db")
    make_tables(alone)
    Bridge(tmp_path / "of-a-bridge.db", api_key="k", deliver=False).close()

    assert alone.tables() != {}
    assert alone.tables() == of_a_bridge.tables()


@pytest.mark.parametrize("there", ["postgres", "sqlite"])
def test_everything_moves_there_and_back(
    there: str, tmp_path: Path, kissmetrics: RunningKissmetrics, request: pytest.FixtureRequest
) -> None:
    """
    Every row arrives with its number, new numbers go on after the last one, and the bridge goes on as it was.
    """
    before = tmp_path / "before.db"
    live_one_day(before, url=kissmetrics.url)
    with Bridge(before, api_key="k", deliver=False) as bridge:
        bridge.track("eve\0", "Odd\0", {"na\0me": "va\0lue"})
    middle = request.getfixturevalue("postgres_url") if there == "postgres" else tmp_path / "middle.db"
    after = tmp_path / "after.db"
    as_it_was = rows = contents(before)
    assert sum(1 for found in rows.values() if found) > len(rows) / 2
    for source, target in ((before, middle), (middle, after)):
        moved = run("migrate", "--from", source, "--to", target)
        assert (moved.returncode, moved.stderr) == (0, "")
        rows = contents(source)
        counts = {line.split()[0]: int(line.split()[1]) for line in moved.stdout.splitlines()}
        assert counts == {table: len(found) for table, found in rows.items()}
        assert contents(target) == rows

    changed = {table for table, found in as_it_was.items() if found != contents(before)[table]}
    assert changed == {"outbox", "outbox_lane", "outbox_placed"}  # what waited was put in its lane
    following = next_request(before)
    assert [next_request(middle), next_request(after)] == [following, following]
    with Bridge(middle, api_key="k", url=kissmetrics.url) as bridge:
        assert bridge.device("iphone").identity == "ann@example.com"
        assert bridge.accept(
            {"type": "track", "event": "App Opened", "device": "iphone", "messageId": "m1"}
        ).repeated
        assert bridge.flush().waiting == 0


@pytest.mark.parametrize("there", ["postgres", "sqlite"])
def test_numbers_go_on_where_nothing_waits(
    there: str, tmp_path: Path, kissmetrics: RunningKissmetrics, request: pytest.FixtureRequest
) -> None:
    """
    Also where all was delivered, on the way there and on the way back.
    """
    before, after = tmp_path / "before.db", tmp_path / "after.db"
    middle = request.getfixturevalue("postgres_url") if there == "postgres" else tmp_path / "middle.db"
    deliver_three(before, kissmetrics)
    for source, target in ((before, middle), (middle, after)):
        moved = run("migrate", "--from", source, "--to", target)
        assert (moved.returncode, moved.stderr) == (0, "")
        # On both sides, so that the next number is not that of the rows alone.
        assert deliver_three(source, kissmetrics) == deliver_three(target, kissmetrics)


def deliver_three(address: str | Path, kissmetrics: RunningKissmetrics) -> list[int]:
    """
    Deliver three calls; return the numbers that their requests had.
    """
    with Bridge(address, api_key="k", url=kissmetrics.url, deliver=False) as bridge:
        for _ in range(3):
            bridge.track("bob", "Came Back")
        numbers = [
            number for (number,) in bridge._core.database.rows("SELECT request FROM outbox ORDER BY request")
        ]
        assert bridge.flush().waiting == 0
    return numbers


def test_a_database_that_holds_something_is_not_written_over(
    tmp_path: Path, kissmetrics: RunningKissmetrics
) -> None:
    """
    Moving into a database in use is refused, and neither side changes.
    """
    live_one_day(tmp_path / "one.db", url=kissmetrics.url)
    with Bridge(tmp_path / "two.db", api_key="k", deliver=False) as bridge:
        bridge.track("dan", "Paid")
    before = contents(tmp_path / "two.db")
    refused = run("migrate", "--from", tmp_path / "one.db", "--to", tmp_path / "two.db")
    itself = run("migrate", "--from", tmp_path / "one.db", "--to", tmp_path / "one.db")

    assert (refused.returncode, refused.stdout) == (1, "")
    assert re.search(r"two\.db: is not empty: its table \w+ holds rows", refused.stderr)
    assert "cannot be copied into itself" in itself.stderr
    assert contents(tmp_path / "two.db") == before


def test_a_database_that_is_no_bridges_is_not_moved(tmp_path: Path) -> None:
    """
    A table that this version does not know is not left behind in silence.
    """
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE notes (text TEXT)")
    refused = run("migrate", "--from", tmp_path / "other.db", "--to", tmp_path / "new.db")

    assert refused.returncode == 1
    assert "holds a table notes, which no bridge of this version has" in refused.stderr


@pytest.mark.parametrize("schema", sorted(SCHEMAS.glob("*.sql")), ids=lambda path: path.stem)
def test_a_file_of_an_earlier_version_goes_on(
    schema: Path, tmp_path: Path, kissmetrics: RunningKissmetrics
) -> None:
    """
    A file that each version left behind is brought up to date, keeps its people and what it accepted, and delivers
    what waited.

    Until the first release its file is written anew when the tables change: ``python tests/one_day.py 0.1.0``.
    """
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as old:
        old.executescript(schema.read_text(encoding="utf-8"))
        known = old.execute("SELECT count(DISTINCT person), count(*) FROM identity").fetchone()
    with Bridge(path, api_key="k", url=kissmetrics.url) as bridge:
        counts = bridge.status().graph
        assert (counts.people, counts.identities) == known
        assert bridge.device("iphone").identity == "ann@example.com"
        bridge.track("bob", "Came Back")
        assert bridge.track("bob", "Came Back", message_id="m1").repeated
        assert bridge.flush().waiting == 0

    assert kissmetrics.person("bob").event_counts == {"Visited": 1, "Came Back": 1}
    made_now = Database(tmp_path / "new.db")
    make_tables(made_now)
    upgraded = Database(path)
    assert {table: set(columns) for table, columns in upgraded.tables().items()} == {
        table: set(columns) for table, columns in made_now.tables().items()
    }
    assert indexes(upgraded) == indexes(made_now)


@pytest.mark.parametrize("schema", sorted(SCHEMAS.glob("*.sql")), ids=lambda path: path.stem)
def test_numbers_of_an_earlier_file_are_not_given_again(schema: Path, tmp_path: Path) -> None:
    """
    Not even where all was delivered: an alias that was queued is remembered by its number.
    """
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as old:
        old.executescript(schema.read_text(encoding="utf-8"))
        (last,) = old.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
        old.executescript("DELETE FROM outbox; DELETE FROM outbox_lane; DELETE FROM dead_letter;")

    assert next_request(path) == last + 1


def indexes(database: Database) -> set[tuple[str, str]]:
    """
    Return the indexes that migrations made in a file, and what each is on.
    """
    rows = database.rows(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name NOT LIKE '\\_%' ESCAPE '\\'"
        " AND sql IS NOT NULL"
    )
    return {(name, sql.replace("IF NOT EXISTS ", "")) for name, sql in rows}


def test_a_check_says_whether_a_file_is_whole(tmp_path: Path, kissmetrics: RunningKissmetrics) -> None:
    """
    ``sdkbridge check`` names the damage and the remedy, and exits with 1; a whole file is said to be whole.
    """
    path = tmp_path / "bridge.db"
    live_one_day(path, url=kissmetrics.url)
    whole = run("check", path)
    with path.open("r+b") as file:
        file.seek(4096 * 5)
        file.write(b"\xff" * 4096)
    damaged = run("check", path)
    path.write_bytes(b"no database, but long enough to be taken for one" * 100)
    other = run("check", path)

    assert (whole.returncode, whole.stdout) == (0, f"{path}: no damage found\n")
    assert damaged.returncode == 1
    assert "restore a backup" in damaged.stderr
    assert other.returncode == 1
    assert "is no SQLite database" in other.stderr


def test_a_check_is_for_files() -> None:
    """
    A PostgreSQL URL is wrong usage, and is not taken for a file's name.
    """
    done = run("check", "postgresql://kim:hush@127.0.0.1:9/bridge")

    assert done.returncode == 2
    assert "check reads SQLite files; PostgreSQL checks its own" in done.stderr
    assert "hush" not in done.stderr
