"""
All identities that links join, and what contradicts what among them.

Accounts of one form contradict each other, and so do e-mail addresses of two histories. Addresses are one history
if they differ in case only, belong to one account, or follow each other by a change; a change between two
addresses that both had a life of their own is none.
"""

from collections.abc import Mapping, Sequence

from attrs import frozen

from identity.ids import fold
from identity.squished.kinds import Kind, rivalry
from identity.squished.spill import Joined
from identity.squished.survey import Sets
from identity.squished.tangle import Claim
from identity.squished.values import Activity

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
LATE_MS = 14 * DAY_MS

UNKNOWN = Activity()


@frozen(kw_only=True)
class Component:
    """
    Identities by numbers from 0, and the links between them, oldest first.

    Attributes:
        names: the identities.
        kinds: what each was taken for.
        aside: those that stand for nobody.
        links: with the numbers used here.
        activity: what was recorded, by identity.
    """

    names: Sequence[str]
    kinds: Sequence[str]
    aside: frozenset[int]
    links: Sequence[Joined]
    activity: Mapping[str, Activity]

    def forced(self, link: Joined) -> bool:
        """
        Tell whether a link leads to what stands for nobody, and so has to go whatever else does.
        """
        return link.older in self.aside or link.newer in self.aside

    def life(self, identity: int) -> Activity:
        """
        Return what was recorded under an identity.
        """
        return self.activity.get(self.names[identity], UNKNOWN)

    def between_emails(self, link: Joined) -> bool:
        """
        Tell whether a link is a change of e-mail address.
        """
        return self.kinds[link.older] == Kind.EMAIL and self.kinds[link.newer] == Kind.EMAIL


def claims(component: Component, takeovers: frozenset[Joined]) -> dict[int, Claim]:
    """
    Return what the identities claim that a person has only one of.
    """
    history = _histories(component, takeovers)
    found: dict[int, Claim] = {}
    for identity, (name, kind) in enumerate(zip(component.names, component.kinds, strict=True)):
        sort = rivalry(name, kind)
        if sort is not None and identity not in component.aside:
            found[identity] = (sort, history.find(identity) if kind == Kind.EMAIL else identity)
    return found


def takeovers(component: Component) -> frozenset[Joined]:
    """
    Return the changes of address to somebody else's.

    At the time both, or the addresses they had before, were linked with something of their own, which the other
    never was; and records came under both for more than two weeks. (A device that was offline may send
    records under an old address for a while.)
    """
    own, histories = _own(component), Sets(len(component.names))
    found = []
    for link in component.links:
        if not component.between_emails(link) or component.forced(link):
            continue
        older, newer = histories.find(link.older), histories.find(link.newer)
        sides = own.get(older, {}), own.get(newer, {})
        if older != newer and _settled(sides, link) and _both_alive_ms(component, link) > LATE_MS:
            found.append(link)
        else:
            histories.join(older, newer)
            own[histories.find(older)] = sides[0] | sides[1]
    return frozenset(found)


def both_went_on(component: Component, link: Joined) -> bool:
    """
    Tell whether records came under both ends for long after they were joined.
    """
    lasts = [component.life(end).last_ms for end in (link.older, link.newer)]
    return all(last is not None and last > link.at_ms + DAY_MS for last in lasts)


def _own(component: Component) -> dict[int, dict[int, int]]:
    """
    Return what each identity was linked with that is no address, and when.
    """
    own: dict[int, dict[int, int]] = {}
    for link in component.links:
        if not (component.between_emails(link) or component.forced(link)):
            for one, other in ((link.older, link.newer), (link.newer, link.older)):
                own.setdefault(one, {})[other] = link.at_ms
    return own


def _settled(sides: tuple[Mapping[int, int], Mapping[int, int]], link: Joined) -> bool:
    apart = not sides[0].keys() & sides[1].keys()
    return apart and all(any(at_ms < link.at_ms - HOUR_MS for at_ms in side.values()) for side in sides)


def _both_alive_ms(component: Component, link: Joined) -> int:
    lives = component.life(link.older), component.life(link.newer)
    firsts = [life.first_ms for life in lives if life.first_ms is not None]
    lasts = [life.last_ms for life in lives if life.last_ms is not None]
    return min(lasts) - max(firsts) if len(firsts) == len(lasts) == len(lives) else 0


def _histories(component: Component, takeovers: frozenset[Joined]) -> Sets:
    histories = Sets(len(component.names))
    spelt: dict[str, int] = {}
    for identity, (name, kind) in enumerate(zip(component.names, component.kinds, strict=True)):
        if kind == Kind.EMAIL:
            histories.join(identity, spelt.setdefault(fold(name), identity))
    owners: dict[int, int] = {}
    for link in component.links:
        if component.forced(link) or link in takeovers:
            continue
        ends = {component.kinds[end]: end for end in (link.older, link.newer)}
        if component.between_emails(link):
            histories.join(link.older, link.newer)
        elif Kind.EMAIL in ends and Kind.ACCOUNT in ends:
            email = ends[Kind.EMAIL]
            histories.join(email, owners.setdefault(ends[Kind.ACCOUNT], email))
    return histories
