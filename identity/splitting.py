"""
A person worked out anew from its identities and the links that made it.
"""

from collections.abc import Iterable, Iterator, Sequence

from attrs import evolve

from identity.disjoint_set import DisjointSet
from identity.identifiers import Identifiers
from identity.ids import IdentityKind
from identity.known import KnownIdentity
from identity.links import Verdict
from identity.proposal import Side, as_one, stranger


def people_of(
    members: Sequence[KnownIdentity], merges: Iterable[Verdict], identifiers: Identifiers
) -> list[tuple[Side, list[str]]]:
    """
    Return the people that some identities are by some links, each with its counts and its identities.

    What happened is repeated in its order: identities got names, and links joined people.

    Args:
        members: the identities, in the order in which they were first kept.
        merges: the verdicts to merge, in their order.
        identifiers: the sorts of names, and their priority.
    """
    place = {member.name: number for number, member in enumerate(members)}
    sets = DisjointSet()
    sides = {member.name: _nameless(member, identifiers) for member in members}
    for one, other, at_ms in _happenings(members, merges, identifiers):
        first = sides.pop(sets.find(one))
        second = other if isinstance(other, Side) else sides.pop(sets.find(other))
        together = as_one(
            first, second, at_ms=at_ms, elder=min(first.known_as, second.known_as, key=place.__getitem__)
        )
        if isinstance(other, Side):
            together = evolve(together, identities=first.identities)
        else:
            sets.join(one, other)
        sides[sets.find(one)] = together
    people: dict[str, list[str]] = {root: [] for root in sides}
    for member in members:
        people[sets.find(member.name)].append(member.name)
    return [(sides[root], names) for root, names in people.items()]


def _nameless(member: KnownIdentity, identifiers: Identifiers) -> Side:
    kind = IdentityKind.ANONYMOUS if member.kind is IdentityKind.NAMED else member.kind
    return stranger(member.name, kind, identifiers, at_ms=member.first_ms)


def _happenings(
    members: Sequence[KnownIdentity], merges: Iterable[Verdict], identifiers: Identifiers
) -> Iterator[tuple[str, str | Side, int]]:
    """
    Yield in order who was joined with whom, or with a name of their own, and when.
    """
    named = [
        ((member.named_ms, 0), member.name, _name_of(member, identifiers))
        for member in members
        if member.named_ms is not None
    ]
    joined: list[tuple[tuple[int, int], str, str | Side]] = [
        ((verdict.decided_ms, 1), *verdict.link.ends) for verdict in merges
    ]
    for (at_ms, _), one, other in sorted([*joined, *named], key=lambda happening: happening[0]):
        yield one, other, at_ms


def _name_of(member: KnownIdentity, identifiers: Identifiers) -> Side:
    named_ms = member.first_ms if member.named_ms is None else member.named_ms
    return stranger(member.name, IdentityKind.NAMED, identifiers, at_ms=named_ms, sort=member.sort)
