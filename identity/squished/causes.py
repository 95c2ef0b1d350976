"""
Why a link is to blame.
"""

from collections import Counter
from collections.abc import Mapping

from identity.squished import words
from identity.squished.blame import UNNAMED
from identity.squished.component import Component
from identity.squished.kinds import Kind
from identity.squished.spill import Joined
from identity.squished.values import Cause

Reason = tuple[Cause, str | None, str]
"""The cause, the identity to blame if there is one, and a sentence."""


class Causes:
    """
    What is wrong with the links of one component.

    Args:
        component: the identities and links.
        owners: by identity, the name of the part that it would belong to.
        takeovers: changes of address to somebody else's.
    """

    def __init__(self, component: Component, owners: Mapping[int, str], takeovers: frozenset[Joined]) -> None:
        self._component = component
        self._owners = owners
        self._takeovers = takeovers
        self._named_around = Counter(
            hub
            for link in component.links
            for hub, other in ((link.older, link.newer), (link.newer, link.older))
            if hub in component.aside and component.kinds[other] not in UNNAMED
        )

    def of(self, link: Joined) -> Reason:
        """
        Return why a link is to blame.
        """
        names, kinds = self._component.names, self._component.kinds
        for one, other in self._ends(link):
            if one in self._component.aside:
                return self._nobody(one, names[other])
        for device, other in self._ends(link):
            if kinds[device] in UNNAMED:
                said = words.why_device(names[device], self._owners[device], names[other])
                return Cause.SHARED_DEVICE, names[device], said
        older, newer = names[link.older], names[link.newer]
        if self._component.between_emails(link):
            said = words.why_address(older, newer, lives=link in self._takeovers)
            return Cause.ADDRESS_CHANGE, None, said
        owners = self._owners[link.older], self._owners[link.newer]
        return Cause.TWO_ACCOUNTS, None, words.why_accounts(older, newer, owners)

    def _ends(self, link: Joined) -> list[tuple[int, int]]:
        """
        Return each end with the one opposite, a placeholder first.
        """
        both = [(link.older, link.newer), (link.newer, link.older)]
        return sorted(both, key=lambda ends: self._component.kinds[ends[0]] != Kind.PLACEHOLDER)

    def _nobody(self, hub: int, other: str) -> Reason:
        name = self._component.names[hub]
        if self._component.kinds[hub] == Kind.PLACEHOLDER:
            return Cause.PLACEHOLDER, name, words.why_placeholder(name, other)
        return Cause.HUB, name, words.why_hub(name, other, self._named_around[hub])
