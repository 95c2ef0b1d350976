"""
What was recorded under which identity: counted, and new identities met.
"""

from collections.abc import Sequence

from attrs import frozen

from identity.counting import count, count_all_as_they_are, count_as_it_is, kinds_of
from identity.database import Connection
from identity.ids import IdentityKind
from identity.known import KnownIdentities
from identity.ledger import Ledger
from identity.linking import Linking
from identity.people import People
from identity.policy import MergePolicy
from identity.proposal import stranger
from identity.sightings import Sighting
from identity.splitting import people_of
from identity.tombstones import Tombstones


@frozen
class Seeing:
    """
    What keeps sightings, over the tables of one database.
    """

    people: People
    known: KnownIdentities
    ledger: Ledger
    tombstones: Tombstones
    linking: Linking
    policy: MergePolicy

    def note(self, connection: Connection, sighting: Sighting) -> None:
        """
        Keep one.
        """
        name, kind, sort = sighting.name, sighting.kind, sighting.sort
        if sort is None and count_as_it_is(connection, sighting):
            return
        before = count(connection, sighting)
        if before is None:
            if name not in self.tombstones:
                self._meet(connection, sighting)
        elif _becomes_a_name(before, kind):
            side = self.people.kept_side(name)
            self.linking.name(connection, side, at_ms=sighting.first_ms, sort=sort)
        elif before is IdentityKind.NAMED and sort is not None:
            self._tell_sort(connection, name, sort)

    def note_all(self, connection: Connection, sightings: Sequence[Sighting]) -> None:
        """
        Keep several: as one by one in this order, in fewer statements.
        """
        names = [*{sighting.name for sighting in sightings}] if len(sightings) > 1 else []
        if len(names) < len(sightings):
            for sighting in sightings:
                self.note(connection, sighting)
            return
        unsorted = [sighting for sighting in sightings if sighting.sort is None]
        # Nearly always all are known.
        if count_all_as_they_are(connection, unsorted) and len(unsorted) == len(sightings):
            return
        kinds = kinds_of(connection, names)
        somebody_was_forgotten = self.tombstones.exist()
        for sighting in sightings:
            before = kinds.get(sighting.name)
            if before is None and not somebody_was_forgotten:
                self._meet(connection, sighting)
            elif before is None or sighting.sort is not None or not _stays_as_it_is(before, sighting.kind):
                self.note(connection, sighting)

    def _meet(self, connection: Connection, sighting: Sighting) -> None:
        """
        Keep an identity that was never seen, as a person of its own.
        """
        first_ms, last_ms = sighting.first_ms, sighting.last_ms
        new = stranger(sighting.name, sighting.kind, self.policy.identifiers, at_ms=first_ms, sort=sighting.sort)
        self.people.add(connection, new, seen_ms=(first_ms, last_ms), records=sighting.records)

    def _tell_sort(self, connection: Connection, name: str, sort: str) -> None:
        side = self.people.kept_side(name)
        if side.sort == sort or side.person is None:
            return
        self.people.set_sort(connection, name, sort)
        members = self.known.of_person(side.person)
        merges = [stored.verdict for stored in self.ledger.merges_of(side.person)]
        self.people.replace(connection, side.person, people_of(members, merges, self.policy.identifiers))


def _stays_as_it_is(before: IdentityKind, kind: IdentityKind) -> bool:
    """
    Tell what `count_all_as_they_are` goes by.
    """
    return before is IdentityKind.NAMED or kind is not IdentityKind.NAMED


def _becomes_a_name(before: IdentityKind, kind: IdentityKind) -> bool:
    return before is IdentityKind.ANONYMOUS and kind is IdentityKind.NAMED
