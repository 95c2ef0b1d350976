"""
The names of events and properties that a product has, each kept once and shown as it was first spelt.
"""

from typing import Literal

from identity.database import Database
from sdkbridge.kissmetrics.intake import Name

NameKind = Literal["event", "property"]

MIGRATIONS = {
    "names": (
        """
        CREATE TABLE kissmetrics_names (
            id INTEGER PRIMARY KEY,
            product INTEGER NOT NULL,
            kind TEXT NOT NULL,     -- event, property
            name TEXT NOT NULL,     -- lower case
            spelling TEXT NOT NULL,
            place INTEGER NOT NULL, -- the how manieth of its kind in the product
            UNIQUE (product, kind, name),
            UNIQUE (product, kind, place)
        )
        """,
    ),
}

KNOWN = "SELECT id FROM kissmetrics_names WHERE product = ? AND kind = ? AND name = ?"

LEARN = """
    INSERT INTO kissmetrics_names (product, kind, name, spelling, place)
    VALUES (?, ?, ?, ?, 1 + COALESCE((SELECT MAX(place) FROM kissmetrics_names WHERE product = ? AND kind = ?), 0))
    RETURNING id, place
"""


class Names:
    """
    The names in one database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("kissmetrics_names", MIGRATIONS)

    def learn(self, product: int, kind: NameKind, name: Name) -> tuple[int, int | None]:
        """
        Return a name's number, and, if it is new, how many of its kind the product has with it.
        """
        with self._database.transaction() as connection:
            known = self.number(product, kind, name)
            if known is not None:
                return known, None
            row = [product, kind, name.key, name.spelling, product, kind]
            ((id_, place),) = connection.execute(LEARN, row).fetchall()
        return id_, place

    def number(self, product: int, kind: NameKind, name: Name) -> int | None:
        """
        Return a name's number, or None if the product never heard of it.
        """
        row = self._database.row(KNOWN, [product, kind, name.key])
        return row[0] if row else None
