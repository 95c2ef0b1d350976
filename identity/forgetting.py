"""
Erasing a person, and leaving nothing but what recognises a late call.
"""

import re
from collections.abc import Collection
from typing import Any

from attrs import frozen

from identity.database import Connection
from identity.known import KnownIdentities
from identity.ledger import Ledger
from identity.people import People
from identity.rules import quoted
from identity.tables import Table, counted, plain_values
from identity.told import Told
from identity.tombstones import Tombstones

FORGOTTEN_NAME = "It told of somebody who was forgotten."
SHORTEST_IN_TEXT = 4
"""A shorter identity is only looked for in quotes: any text holds an A."""


@frozen(kw_only=True)
class Forgotten:
    """
    Whom the graph has just forgotten.

    Attributes:
        identities: what to hand to Kissmetrics for deletion, sorted; the graph does not know them any more.
        requests: how many requests that waited to be sent were erased with them.
    """

    identities: tuple[str, ...]
    requests: int = 0

    def __str__(self) -> str:
        count = counted(len(self.identities), "identity", "identities")
        return f"{count} to be deleted at Kissmetrics: {', '.join(self.identities)}"

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as plain values, for JSON.
        """
        return plain_values(self)

    def _repr_html_(self) -> str:
        return Table(("to be deleted at Kissmetrics",), [(name,) for name in self.identities]).html()


@frozen
class Forgetting:
    """
    What erases people from the tables of one database.
    """

    people: People
    known: KnownIdentities
    ledger: Ledger
    told: Told
    tombstones: Tombstones

    def forget(self, connection: Connection, name: str, *, at_ms: int) -> Forgotten:
        """
        Erase the person that an identity belongs to, with every link and word that names them.
        """
        side = self.people.side(name)
        names = [name]
        if side is not None and side.person is not None:
            names = sorted(one.name for one in self.known.of_person(side.person))
            self.people.forget(connection, side.person)
        for one in names:
            self.ledger.forget(connection, one)
            self.told.forget(connection, one)
            self.tombstones.add(connection, one, at_ms=at_ms)
        self._reword(connection, names)
        return Forgotten(identities=tuple(names))

    def _reword(self, connection: Connection, names: Collection[str]) -> None:
        """
        Take the names out of explanations of other people's links: each decision is read, which takes its time.
        """
        naming = _naming(names)
        for decision, explanation in self.ledger.explanations():
            if naming.search(explanation):
                self.ledger.reword(connection, decision, FORGOTTEN_NAME)


def _naming(names: Collection[str]) -> re.Pattern[str]:
    """
    Return what finds any of some names in an explanation, as rules quote them or as a person typed them.
    """
    shown = {re.escape(form) for name in names for form in (repr(name), quoted(name))}
    typed = {rf"(?<!\w){re.escape(name)}(?!\w)" for name in names if len(name) >= SHORTEST_IN_TEXT}
    return re.compile("|".join(sorted(shown | typed)), re.IGNORECASE)
