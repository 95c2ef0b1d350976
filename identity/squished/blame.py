"""
Which links of a component are to blame.
"""

from collections.abc import Mapping, Sequence

from attrs import frozen

from identity.squished.bridges import bridges
from identity.squished.component import Component, claims, takeovers
from identity.squished.cut import cheapest_cut
from identity.squished.kinds import Kind
from identity.squished.spill import Joined
from identity.squished.tangle import Claim, Tangle, contradict, neighbours_of, parts

TAKEOVER = 0
ONE_KIND = 1
DEVICE = 2
ACCOUNT_AND_EMAIL = 3
"""How well a link holds: two accounts are joined by mistake more easily than an account and its address."""

UNNAMED = frozenset({Kind.ANONYMOUS, Kind.PHONE})


@frozen
class Blame:
    """
    The links to drop from a component, by their numbers.

    Attributes:
        dropped: all of them.
        exact: whether no smaller set would do.
        bridges: links without which alone the component falls apart.
        takeovers: changes of address to somebody else's.
        parts: the identities of each part that is left.
    """

    dropped: frozenset[int]
    exact: bool
    bridges: frozenset[int]
    takeovers: frozenset[Joined]
    parts: Sequence[Sequence[int]]


def blame(component: Component) -> Blame:
    """
    Find the fewest links without which no part holds two accounts of one form or two histories of addresses.

    All links of a placeholder or a hub go. Among sets of links of one size, those go that hold worst, and of those
    the latest: whoever came first keeps a device.
    """
    forced = frozenset(n for n, link in enumerate(component.links) if component.forced(link))
    neighbours = neighbours_of(len(component.names), [(link.older, link.newer) for link in component.links])
    changes = takeovers(component)
    claimed = claims(component, changes)
    dropped, exact = set(forced), True
    for part in parts(neighbours, forced):
        if contradict(claimed[node] for node in part if node in claimed):
            inside = sorted({link for node in part for _, link in neighbours[node]} - forced)
            cut = cheapest_cut(_tangle(component, part, inside, changes, claimed))
            dropped |= {inside[link] for link in cut.links}
            exact = exact and cut.exact
    return Blame(
        dropped=frozenset(dropped),
        exact=exact,
        bridges=frozenset(bridges(neighbours)),
        takeovers=changes,
        parts=list(parts(neighbours, dropped)),
    )


def _tangle(
    component: Component,
    part: Sequence[int],
    inside: Sequence[int],
    changes: frozenset[Joined],
    claimed: Mapping[int, Claim],
) -> Tangle:
    """
    Return one part of a component, its identities numbered anew.
    """
    numbers = {node: number for number, node in enumerate(part)}
    links = [component.links[number] for number in inside]
    # A link fewer outweighs everything else, then how well the links hold, then their age.
    much = 5 * len(links) ** 2 + 1
    return Tangle(
        size=len(part),
        links=[(numbers[link.older], numbers[link.newer]) for link in links],
        costs=[much + (_hold(component, link, changes) + 1) * len(links) - age for age, link in enumerate(links)],
        claims={numbers[node]: claimed[node] for node in part if node in claimed},
    )


def _hold(component: Component, link: Joined, changes: frozenset[Joined]) -> int:
    kinds = {component.kinds[link.older], component.kinds[link.newer]}
    if link in changes:
        return TAKEOVER
    if kinds & UNNAMED:
        return DEVICE
    return ONE_KIND if len(kinds) == 1 else ACCOUNT_AND_EMAIL
