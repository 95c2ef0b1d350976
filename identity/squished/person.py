"""
A component as a squished person: whom it would be, what is to blame, and how bad it is.
"""

from collections.abc import Sequence

from identity.squished import words
from identity.squished.blame import Blame, blame
from identity.squished.causes import Causes
from identity.squished.component import Component, both_went_on
from identity.squished.kinds import Kind
from identity.squished.spill import Joined
from identity.squished.values import (
    AuditedIdentity,
    AuditedLink,
    BlamedLink,
    Part,
    Severity,
    SquishedPerson,
)

CRITICAL_FROM = 10
SERIOUS_FROM = 3

_STANDING: dict[str, int] = {
    Kind.ACCOUNT: 2,
    Kind.EMAIL: 3,
    Kind.PHONE: 1,
    Kind.ANONYMOUS: 0,
    Kind.PLACEHOLDER: -1,
}


def squished_person(component: Component, *, crowd_of: int) -> SquishedPerson | None:
    """
    Return what is wrong with a component, or None if nothing is.

    Args:
        component: the identities and links.
        crowd_of: how many identities without contradiction are odd.
    """
    found = blame(component)
    if not found.dropped and len(component.names) < crowd_of:
        return None
    parts = _parts(component, found)
    name = _stands_for(parts)
    blamed = _blamed(component, found)
    return SquishedPerson(
        name=name,
        severity=_severity(component, found, parts),
        explanation=_explanation(parts, blamed) if blamed else words.crowd(name, len(component.names)),
        blamed=blamed,
        exact=found.exact,
        parts=parts,
        links=tuple(_link(component, link) for link in component.links),
    )


def _parts(component: Component, found: Blame) -> tuple[Part, ...]:
    parts = []
    for members in found.parts:
        identities = sorted((_identity(component, member) for member in members), key=_renown)
        nobody = len(members) == 1 and members[0] in component.aside
        parts.append(Part(name=identities[0].name, identities=tuple(identities), nobody=nobody))
    return tuple(sorted(parts, key=lambda part: (part.nobody, -len(part.identities), -part.records)))


def _blamed(component: Component, found: Blame) -> tuple[BlamedLink, ...]:
    owners = {
        member: min((_identity(component, one) for one in members), key=_renown).name
        for members in found.parts
        for member in members
    }
    causes = Causes(component, owners, found.takeovers)
    blamed = []
    for number in sorted(found.dropped):
        link = component.links[number]
        cause, through, explanation = causes.of(link)
        blamed.append(
            BlamedLink(
                link=_link(component, link),
                cause=cause,
                through=through,
                bridge=number in found.bridges,
                explanation=explanation,
            )
        )
    return tuple(blamed)


def _explanation(parts: tuple[Part, ...], blamed: tuple[BlamedLink, ...]) -> str:
    causes = [one.cause for one in blamed]
    through = list(dict.fromkeys(one.through for one in blamed if one.through is not None))
    people = sum(not part.nobody for part in parts)
    frequent_first = sorted(dict.fromkeys(causes), key=causes.count, reverse=True)
    return words.summary(people, frequent_first, through, len(blamed))


def _severity(component: Component, found: Blame, parts: tuple[Part, ...]) -> Severity:
    people = sum(not part.nobody for part in parts)
    if found.dropped and people >= CRITICAL_FROM:
        return Severity.CRITICAL
    if found.dropped and people >= SERIOUS_FROM:
        return Severity.SERIOUS
    dropped = [component.links[number] for number in found.dropped]
    doubtful = all(link in found.takeovers and not both_went_on(component, link) for link in dropped)
    return Severity.DOUBTFUL if doubtful else Severity.MODERATE


def _identity(component: Component, number: int) -> AuditedIdentity:
    return AuditedIdentity(
        name=component.names[number], kind=component.kinds[number], activity=component.life(number)
    )


def _link(component: Component, link: Joined) -> AuditedLink:
    return AuditedLink(
        older=component.names[link.older],
        newer=component.names[link.newer],
        at_ms=link.at_ms,
        count=link.count,
        kind=link.kind,
    )


def _renown(identity: AuditedIdentity) -> tuple[int, int, str]:
    return -_STANDING.get(identity.kind, 2), -identity.activity.records, identity.name


def _stands_for(parts: Sequence[Part]) -> str:
    """
    Return the name of the part with the most records that is somebody.
    """
    somebody = [part for part in parts if not part.nobody] or parts
    return min(somebody, key=lambda part: (_renown(part.identities[0])[0], -part.records, part.name)).name
