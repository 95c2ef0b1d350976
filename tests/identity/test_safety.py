"""
What a commit survives: the level that was asked for is the one that is kept.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from crashes.disturbance import unavailable

from identity.database import Database

missing = unavailable()

WRITES = """
import sys
from identity.database import Database
database = Database(sys.argv[1], safety=sys.argv[2])
database.migrate("test", {"1": ("CREATE TABLE kept (number INTEGER) STRICT",)})
def keep():
    with database.transaction() as connection:
        connection.execute("INSERT INTO kept VALUES (1)")
def say():
    sys.stdout.write("kept\\n")
    sys.stdout.flush()
for _ in range(5):
    database.write(keep)
    say()
database.write_many([keep] * 5)
say()
database.submit(keep).result()
say()
"""


@pytest.mark.skipif(missing is not None, reason=str(missing))
@pytest.mark.parametrize("safety", ["process", "power"])
def test_a_write_that_returned_was_synced_if_it_must_survive_the_power(tmp_path: Path, safety: str) -> None:
    """
    Under ``power``, as the system saw it, the log is synced after the last byte and before the caller goes on.
    """
    trace = tmp_path / "trace"
    seen = "trace=pwrite64,fdatasync,fsync,write"
    strace = ["strace", "-f", "-y", "-qq", "-e", seen, "-o", trace]
    program = [sys.executable, "-c", WRITES, tmp_path / "one.db", safety]
    subprocess.run([*strace, *program], check=True, timeout=60, capture_output=True)
    synced = []
    written = False
    for line in trace.read_text().splitlines():
        if re.search(r"pwrite64\(\d+<.*-wal>", line):
            written = True
        elif re.search(r"f(data)?sync\(\d+<.*-wal>", line):
            written = False
        elif '"kept\\n"' in line:
            synced.append(not written)

    assert synced == [safety == "power"] * 7


@pytest.mark.parametrize(("safety", "setting"), [(None, "on"), ("power", "on"), ("process", "off")])
def test_on_postgresql_the_server_waits_for_its_disk_unless_told_otherwise(
    postgres_url: str, safety: str | None, setting: str
) -> None:
    """
    The level is a setting of each connection, and power is what a server keeps by itself.
    """
    database = Database(postgres_url, safety=safety)

    assert database.row("SHOW synchronous_commit") == (setting,)
    assert database.safety == (safety or "power")


def test_a_level_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    """
    A wrong word is an error before a file is made.
    """
    with pytest.raises(ValueError, match="full"):
        Database(tmp_path / "one.db", safety="full")

    assert list(tmp_path.iterdir()) == []
