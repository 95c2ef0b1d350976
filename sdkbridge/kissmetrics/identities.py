"""
The identities that were heard of, and which of them aliases have joined to one person.

A person is known by the number of one of its identities, in a column: so every question about people is a join in
SQL, and none has to be answered from memory. When two persons become one, the smaller one's rows are rewritten.
"""

import json
from collections.abc import Sequence

from attrs import frozen

from identity.database import Database

MIGRATIONS = {
    "identities": (
        """
        CREATE TABLE kissmetrics_identities (
            id INTEGER PRIMARY KEY,
            product INTEGER NOT NULL,
            identity TEXT NOT NULL,
            folded TEXT,                      -- without case, if that differs
            person INTEGER NOT NULL,          -- the identity that stands for all that are joined
            joined INTEGER NOT NULL DEFAULT 1, -- how many are joined, where person = id
            earliest INTEGER,                 -- second of the first record; nothing if there is none
            latest INTEGER,
            UNIQUE (product, identity)
        )
        """,
        "CREATE INDEX kissmetrics_identities_by_person ON kissmetrics_identities (person)",
    ),
}

REMEMBER = """
    WITH heard (next, product, identity, folded, second) AS (
        VALUES (COALESCE((SELECT MAX(id) FROM kissmetrics_identities), 0) + 1, ?, ?, ?, ?)
    )
    INSERT INTO kissmetrics_identities (id, product, identity, folded, person, earliest, latest)
    SELECT next, product, identity, folded, next, second, second FROM heard WHERE TRUE
    ON CONFLICT (product, identity) DO UPDATE SET
        earliest = MIN(COALESCE(earliest, excluded.earliest), COALESCE(excluded.earliest, earliest)),
        latest = MAX(COALESCE(latest, excluded.latest), COALESCE(excluded.latest, latest))
    RETURNING id, person
"""

SEARCH = """
    WITH sought (text, folded) AS (VALUES (?, ?)),
    found AS (
        SELECT person, identity, CASE
            WHEN identity = text THEN 0 WHEN COALESCE(known.folded, identity) = sought.folded THEN 1 ELSE 2
        END AS distance
        FROM kissmetrics_identities AS known, sought
        WHERE product IN (SELECT value FROM json_each(?)) AND latest IS NOT NULL
        AND instr(COALESCE(known.folded, identity), sought.folded) > 0
    )
    SELECT person, MIN(distance) AS nearest, MIN(identity) AS smallest
    FROM found GROUP BY person ORDER BY nearest, smallest, person LIMIT ?
"""


@frozen
class Known:
    """
    One identity that was heard of.

    Attributes:
        id: its number, and that of nothing else.
        person: the same number for all that are joined.
    """

    id: int
    person: int


class Identities:
    """
    The identities in one database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("kissmetrics_identities", MIGRATIONS)

    def remember(self, product: int, identity: str, *, second: int | None = None) -> Known:
        """
        Keep an identity, and that something was recorded under it at that second.
        """
        row = [product, identity, _folded(identity), second]
        with self._database.transaction() as connection:
            ((id_, person),) = connection.execute(REMEMBER, row).fetchall()
        return Known(id_, person)

    def join(self, one: Known, other: Known) -> None:
        """
        Make one person of two, for good.
        """
        if one.person == other.person:
            return
        with self._database.transaction() as connection:
            sql = "SELECT joined, id FROM kissmetrics_identities WHERE id IN (?, ?) ORDER BY joined, id"
            (fewer, small), (more, large) = connection.execute(sql, [one.person, other.person]).fetchall()
            connection.execute("UPDATE kissmetrics_identities SET person = ? WHERE person = ?", [large, small])
            connection.execute("UPDATE kissmetrics_identities SET joined = ? WHERE id = ?", [fewer + more, large])

    def person(self, product: int, identity: str) -> int | None:
        """
        Return the number of the person whom an identity belongs to, or None if it was never heard of.
        """
        sql = "SELECT person FROM kissmetrics_identities WHERE product = ? AND identity = ?"
        row = self._database.row(sql, [product, identity])
        return row[0] if row else None

    def search(self, text: str, products: Sequence[int], *, limit: int) -> list[int]:
        """
        Return the persons with a visible identity that contains a text, exact matches first, case set aside.

        Args:
            text: any part of an identity.
            products: the numbers of those to search.
            limit: how many persons at most.
        """
        rows = self._database.rows(SEARCH, [text, text.casefold(), json.dumps(products), limit])
        return [person for person, *_ in rows]


def _folded(identity: str) -> str | None:
    folded = identity.casefold()
    return None if folded == identity else folded
