"""
Links on disk while they are looked at: however many there are, memory holds a few bytes for each identity.

Everything is in one temporary SQLite file, which is gone when it is closed. Identities become numbers from 0, in
the order of their texts; the links between two of them become one.
"""

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Self

from attrs import frozen

from identity.links import Link, LinkKind

BATCH = 20_000
CACHE_KB = 64_000


@frozen
class Joined:
    """
    Everything that says that two identities are one person, as one link.

    Attributes:
        older: the identity that was there before, by the first of the links.
        newer: the other one.
        at_ms: when it was said first, in milliseconds since 1970 UTC.
        count: how often.
        kind: where the first of the links came from.
    """

    older: int
    newer: int
    at_ms: int
    count: int
    kind: LinkKind


_TABLES = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA locking_mode = EXCLUSIVE;
    CREATE TABLE said (older TEXT, newer TEXT, at_ms INTEGER, kind TEXT);
"""

# SQLite takes the bare columns of a group from the row that has the minimum. The names come sorted, so that the
# table and its index are written from front to back.
_NUMBER = """
    CREATE TABLE identity (identity INTEGER PRIMARY KEY, name TEXT);
    INSERT INTO identity (name) SELECT older FROM said UNION SELECT newer FROM said ORDER BY 1;
    CREATE UNIQUE INDEX identity_name ON identity (name);
    CREATE TABLE joined (older INTEGER, newer INTEGER, at_ms INTEGER, count INTEGER, kind TEXT);
    INSERT INTO joined
    SELECT older.identity - 1, newer.identity - 1, min(at_ms), count(*), kind
    FROM said CROSS JOIN identity AS older ON older.name = said.older
              CROSS JOIN identity AS newer ON newer.name = said.newer
    GROUP BY min(older.identity, newer.identity), max(older.identity, newer.identity);
    DROP TABLE said;
"""


class Spill:
    """
    A temporary file of links.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="identity-")
        self._connection = sqlite3.connect(Path(self._folder.name) / "links.db", isolation_level=None)
        self._connection.executescript(_TABLES)
        self._connection.execute(f"PRAGMA cache_size = -{CACHE_KB:d}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._folder.cleanup()

    def take(self, links: Iterable[Link]) -> int:
        """
        Keep links, number their identities, and return how many identities there are.

        A link of an identity with itself says nothing and is passed over.
        """
        remaining = (link for link in links if link.older != link.newer)
        while batch := [
            (link.older, link.newer, link.at_ms, link.kind.value) for link in islice(remaining, BATCH)
        ]:
            with self._transaction():
                self._connection.executemany("INSERT INTO said VALUES (?, ?, ?, ?)", batch)
        self._connection.executescript(_NUMBER)
        ((identities,),) = self._connection.execute("SELECT count(*) FROM identity")
        return int(identities)

    def _transaction(self) -> sqlite3.Connection:
        self._connection.execute("BEGIN")
        return self._connection

    def names(self) -> Iterator[str]:
        """
        Yield every identity in the order of its number.
        """
        for (name,) in self._connection.execute("SELECT name FROM identity ORDER BY identity"):
            yield name

    def pairs(self) -> Iterator[tuple[int, int]]:
        """
        Yield the two ends of every link.
        """
        return self._connection.execute("SELECT older, newer FROM joined")

    def mark(self, people: Iterable[tuple[int, int]]) -> None:
        """
        Note which identities will be asked for.

        Args:
            people: the number of an identity, and that of its person.
        """
        with self._transaction():
            self._connection.execute("CREATE TABLE marked (identity INTEGER PRIMARY KEY, person INTEGER)")
            self._connection.executemany("INSERT INTO marked VALUES (?, ?)", people)

    def marked_names(self) -> Iterator[tuple[int, int, str]]:
        """
        Yield person, identity and text of every marked identity, one person after another.
        """
        return self._connection.execute(
            """
            SELECT person, marked.identity, name
            FROM marked JOIN identity ON identity.identity = marked.identity + 1
            ORDER BY person, marked.identity
            """
        )

    def marked_links(self) -> Iterator[tuple[int, Joined]]:
        """
        Yield person and link of every marked identity, one person after another, each from the oldest link on.
        """
        rows = self._connection.execute(
            """
            SELECT person, older, newer, at_ms, count, kind FROM joined JOIN marked ON identity = older
            ORDER BY person, at_ms, older, newer
            """
        )
        for person, older, newer, at_ms, count, kind in rows:
            yield person, Joined(older, newer, at_ms, count, LinkKind(kind))
