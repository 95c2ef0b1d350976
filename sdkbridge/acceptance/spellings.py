"""
How event and property names were first written, since Kissmetrics compares them without case.
"""

from collections.abc import Sequence

from identity.database import Database, Migrations
from sdkbridge.kissmetrics.requests import RECORD, EncodedProperties, Request
from sdkbridge.mapping.names import compared_name
from sdkbridge.receipt import CallWarning
from sdkbridge.remarks import Problem, Remarks

MIGRATIONS: Migrations = {
    "1_spellings": (
        """
        CREATE TABLE spelling (
            kind TEXT NOT NULL, -- event or property
            compared TEXT NOT NULL, -- as Kissmetrics compares it
            written TEXT NOT NULL, -- as it was first written
            place INTEGER NOT NULL, -- the how manieth of its kind
            PRIMARY KEY (kind, compared),
            UNIQUE (kind, place)
        ) STRICT, WITHOUT ROWID
        """,
    ),
}

MOST_NAMES = 65_535
"""Event names, and again property names, in one product (Kissmetrics' technical limitations)."""


class Spellings:
    """
    The names that one database has seen.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._written: dict[tuple[str, str], str] = {}
        self._as_first_written: dict[str, set[str]] = {"event": set(), "property": set()}
        database.migrate("sdkbridge.spellings", MIGRATIONS)

    def remarks(self, requests: Sequence[Request]) -> tuple[CallWarning, ...]:
        """
        Learn the names in a call's requests; return what Kissmetrics would make of them.
        """
        if all(map(self.knows, requests)):
            return ()
        remarks = Remarks()
        for kind, name in _names(requests):
            if name in self._as_first_written[kind]:
                continue
            written = self._first_written(kind, name)
            if written is None:
                remarks.add(Problem.TOO_MANY_NAMES, name)
            elif written != name:
                remarks.add(Problem.OTHER_SPELLING, name)
        return remarks.warnings()

    def knows(self, request: Request) -> bool:
        """
        Tell whether all names in a request are known to be written as they first were: nothing is to be remarked.
        """
        if request.path == RECORD and request.name not in self._as_first_written["event"]:
            return False
        properties = request.properties
        names = properties.names if type(properties) is EncodedProperties else dict(properties)
        return self._as_first_written["property"].issuperset(names)

    def _first_written(self, kind: str, name: str) -> str | None:
        """
        Return how a name was first written, this one if it is new, or None if there is no room for it.
        """
        key = (kind, compared_name(name))
        if key not in self._written:
            with self._database.transaction() as connection:
                # Until it is committed a name is read again, since it may yet be undone.
                learned = self._database.notes().setdefault(Spellings, set())
                row = self._database.row("SELECT written FROM spelling WHERE kind = ? AND compared = ?", key)
                if row is None:
                    known = self._count(kind)
                    if known >= MOST_NAMES:
                        return None
                    connection.execute("INSERT INTO spelling VALUES (?, ?, ?, ?)", (*key, name, known + 1))
                    learned.add(key)
                    return name
                if key in learned:
                    return str(row[0])
                self._written[key] = row[0]
                self._as_first_written[kind].add(row[0])
        return self._written[key]

    def _count(self, kind: str) -> int:
        # Not counted one by one: a call may bring tens of thousands of new names.
        row = self._database.row("SELECT max(place) FROM spelling WHERE kind = ?", (kind,))
        return 0 if row is None or row[0] is None else int(row[0])


def _names(requests: Sequence[Request]) -> dict[tuple[str, str], None]:
    """
    Return the kinds and names in requests, each once, in order.
    """
    events = dict.fromkeys(("event", request.name or "") for request in requests if request.path == RECORD)
    return events | dict.fromkeys(("property", name) for request in requests for name, _ in request.properties)
