"""
Every request that was received, as it was received and for good, without its key.

People and exports follow from this log. The key chooses a product, a set of data of its own; only its SHA-256
is kept, so that a file which is handed on gives no key away.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from attrs import frozen

from identity.database import Database, Row
from sdkbridge.kissmetrics.intake import Remark, writable

Outcome = Literal["stored", "duplicate", "rejected"]
Kind = Literal["event", "properties", "alias"]

PAGE_ROWS = 200
MOST_EXAMPLES = 100
NEVER_A_KEY = frozenset({"_p", "_n", "_t", "_d"})
"""What is kept of a request without a key: anything else may hold the key under a wrong name."""

MIGRATIONS = {
    "log": (
        "CREATE TABLE kissmetrics_products (product INTEGER PRIMARY KEY, key_sha256 BLOB NOT NULL UNIQUE)",
        """
        CREATE TABLE kissmetrics_log (
            number INTEGER PRIMARY KEY,
            received_ms INTEGER NOT NULL,
            path TEXT NOT NULL,
            product INTEGER REFERENCES kissmetrics_products,
            parameters TEXT NOT NULL, -- a JSON object
            outcome TEXT NOT NULL,    -- stored, duplicate, rejected
            kind TEXT                 -- event, properties, alias; nothing if rejected
        )
        """,
        "CREATE INDEX kissmetrics_log_by_outcome ON kissmetrics_log (outcome, kind)",
        """
        CREATE TABLE kissmetrics_remarks (
            number INTEGER NOT NULL REFERENCES kissmetrics_log,
            about TEXT NOT NULL, -- rejected, duplicate, note
            reason TEXT NOT NULL,
            field TEXT NOT NULL
        )
        """,
        "CREATE INDEX kissmetrics_remarks_by_number ON kissmetrics_remarks (number)",
        """
        CREATE TRIGGER kissmetrics_log_stays BEFORE UPDATE ON kissmetrics_log
        BEGIN SELECT RAISE(ABORT, 'the log of requests is never changed'); END
        """,
        """
        CREATE TRIGGER kissmetrics_log_keeps BEFORE DELETE ON kissmetrics_log
        BEGIN SELECT RAISE(ABORT, 'the log of requests is never shortened'); END
        """,
    ),
}

PLURALS = {"event": "events", "properties": "property_sets", "alias": "aliases"}
EXAMPLES = """
    SELECT remark.number, path, about, reason, field
    FROM kissmetrics_remarks AS remark JOIN kissmetrics_log USING (number)
    ORDER BY remark.rowid DESC LIMIT ?
"""


@frozen(kw_only=True)
class Received:
    """
    What became of a request.

    Attributes:
        number: its place in the order of receipt, from 1.
        outcome: ``stored``, ``duplicate`` or ``rejected``.
        kind: ``event``, ``properties`` or ``alias``; nothing if it was rejected.
        rejection: why it was rejected, if it was.
        notes: what its sender should look at although it was not.
    """

    number: int
    outcome: Outcome
    kind: Kind | None = None
    rejection: Remark | None = None
    notes: tuple[Remark, ...] = ()

    @property
    def reason(self) -> str | None:
        """
        Why it was rejected, in one word.
        """
        return self.rejection.reason if self.rejection else None

    def remarks(self) -> Iterator[tuple[str, Remark]]:
        """
        Yield all that there is to say of it: ``rejected``, ``duplicate`` or ``note``, and the remark.
        """
        if self.rejection:
            yield "rejected", self.rejection
        if self.outcome == "duplicate":
            yield "duplicate", Remark("duplicate")
        yield from (("note", note) for note in self.notes)


@frozen(kw_only=True)
class LoggedRequest:
    """
    One request of the log.

    Attributes:
        number: its place in the order of receipt, from 1.
        received_ms: when it came in, in milliseconds since 1970 UTC.
        path: ``/e``, ``/s`` or ``/a``, or ``import`` for a line of a file.
        identity: who it is about (``_p``), if it says so.
        parameters: all but the key; of a request without a key, only ``_p``, ``_n``, ``_t`` and ``_d``.
        outcome: ``stored``, ``duplicate`` or ``rejected``.
        reason: why it was rejected, in one word.
    """

    number: int
    received_ms: int
    path: str
    identity: str | None
    parameters: Mapping[str, str]
    outcome: Outcome
    reason: str | None = None


class RequestLog:
    """
    The requests in one database, in the order in which they were received.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("kissmetrics_log", MIGRATIONS)

    def product(self, api_key: str) -> int | None:
        """
        Return the number of the product that a key chooses, or None if it was never used.
        """
        sql = "SELECT product FROM kissmetrics_products WHERE key_sha256 = ?"
        row = self._database.row(sql, [_digest(api_key)])
        return row[0] if row else None

    def ensure_product(self, api_key: str) -> int:
        """
        Return the number of the product that a key chooses, making one for a new key.
        """
        product = self.product(api_key)
        if product is not None:
            return product
        sql = "INSERT INTO kissmetrics_products (key_sha256) VALUES (?) RETURNING product"
        with self._database.transaction() as connection:
            ((created,),) = connection.execute(sql, [_digest(api_key)]).fetchall()
        return int(created)

    def products(self) -> list[int]:
        """
        Return the numbers of all products, oldest first.
        """
        return [
            product
            for (product,) in self._database.rows("SELECT product FROM kissmetrics_products ORDER BY product")
        ]

    def last_number(self) -> int:
        """
        Return the number of the latest request, 0 if there is none.
        """
        return int(self._database.rows("SELECT COALESCE(MAX(number), 0) FROM kissmetrics_log")[0][0])

    def append(
        self,
        received: Received,
        path: str,
        parameters: Mapping[str, str],
        *,
        received_ms: int,
        product: int | None,
    ) -> None:
        """
        Keep a request with what became of it.
        """
        number = received.number
        kept = json.dumps(_without_key(parameters))
        row = (number, received_ms, writable(path), product, kept, received.outcome, received.kind)
        remarks = [(number, about, remark.reason, remark.field) for about, remark in received.remarks()]
        with self._database.transaction() as connection:
            connection.execute("INSERT INTO kissmetrics_log VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            connection.executemany("INSERT INTO kissmetrics_remarks VALUES (?, ?, ?, ?)", remarks)

    def requests(self) -> Iterator[LoggedRequest]:
        """
        Yield every request up to now, oldest first, a page at a time.
        """
        sql = """
            SELECT number, received_ms, path, parameters, outcome, (
                SELECT reason FROM kissmetrics_remarks AS remark
                WHERE remark.number = log.number AND about = 'rejected'
            )
            FROM kissmetrics_log AS log WHERE number > ? AND number <= ? ORDER BY number LIMIT ?
        """
        done, last = 0, self.last_number()
        while page := self._database.rows(sql, [done, last, PAGE_ROWS]):
            yield from map(_logged, page)
            done = page[-1][0]

    def diagnostics(self) -> dict[str, Any]:
        """
        Count what was received and what there is to say of it, with the latest examples.
        """
        with self._database.transaction():
            outcomes = self._database.rows(
                "SELECT outcome, kind, COUNT(*) FROM kissmetrics_log GROUP BY outcome, kind"
            )
            reasons = self._database.rows(
                "SELECT about, reason, COUNT(*) FROM kissmetrics_remarks GROUP BY about, reason"
            )
            examples = self._database.rows(EXAMPLES, [MOST_EXAMPLES])
        stored = {kind: count for outcome, kind, count in outcomes if outcome == "stored"}
        return {
            "received": sum(count for *_, count in outcomes),
            "stored": {name: stored.get(kind, 0) for kind, name in PLURALS.items()},
            "duplicates": sum(count for outcome, _, count in outcomes if outcome == "duplicate"),
            "rejected": {reason: count for about, reason, count in reasons if about == "rejected"},
            "notes": {reason: count for about, reason, count in reasons if about == "note"},
            "examples": [
                dict(zip(("number", "path", "about", "reason", "field"), row, strict=True)) for row in examples
            ],
        }


def _digest(api_key: str) -> bytes:
    return hashlib.sha256(writable(api_key).encode()).digest()


def _without_key(parameters: Mapping[str, str]) -> dict[str, str]:
    if parameters.get("_k", "").strip():
        return {name: value for name, value in parameters.items() if name != "_k"}
    return {name: value for name, value in parameters.items() if name in NEVER_A_KEY}


def _logged(row: Row) -> LoggedRequest:
    number, received_ms, path, parameters, outcome, reason = row
    known = json.loads(parameters)
    return LoggedRequest(
        number=number,
        received_ms=received_ms,
        path=path,
        identity=known.get("_p"),
        parameters=known,
        outcome=outcome,
        reason=reason,
    )
