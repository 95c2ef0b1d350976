"""
Ways to decide on aliases: from a call, and what was remembered of earlier ones, to the aliases that are sent.
"""

import importlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Protocol

from attrs import define, field, frozen

from identity.ids import IdentityKind
from identity.links import LinkKind, Outcome, Verdict
from identity.policy import MergePolicy
from identity.rules import at_most
from identity.simulate.calls import RESET, Call
from identity.simulate.numbered import Identities
from identity.simulate.remembered import RememberedGraph

Alias = tuple[str, str]
"""The older identity, and the newer one that it is joined with."""

NO_ALIASES: tuple[Alias, ...] = ()


class Decide(Protocol):
    """
    What decides: one such object for each world, with a memory of its own.
    """

    def __call__(self, call: Call, /) -> Iterable[Alias]:
        """
        Return the aliases that are sent because of a call.
        """


@frozen
class Strategy:
    """
    A named way to decide on aliases.

    Attributes:
        name: one word for tables.
        begin: returns what decides, with an empty memory; it is handed the numbers of all identities.
        described: a few words for readers.
        screens: whether placeholders count as absent, so that nothing is recorded under them either.
        hears_all: whether it looks at each call, and not only at identifies and aliases.
    """

    name: str
    begin: Callable[[Identities], Decide]
    described: str = ""
    screens: bool = False
    hears_all: bool = True


def _asked_for(call: Call) -> tuple[Alias, ...]:
    older = call.previous_id or call.anonymous_id
    return NO_ALIASES if older is None or call.user_id is None else ((older, call.user_id),)


def decide_never(call: Call) -> tuple[Alias, ...]:  # noqa: ARG001 - a strategy looks at the call; this one need not
    """
    Send no alias at all.
    """
    return NO_ALIASES


def decide_as_segment_server(call: Call) -> tuple[Alias, ...]:
    """
    Send an alias for each identify that carries both ids, and for each alias call, whatever they hold.

    Source: segment-boneyard/integration-kissmetrics 1.2.3, ``lib/mapper.js``.
    """
    if call.type == "alias":
        return NO_ALIASES if call.previous_id is None else _asked_for(call)
    if call.type == "identify" and call.user_id is not None and call.anonymous_id is not None:
        return ((call.anonymous_id, call.user_id),)
    return NO_ALIASES


@define
class DecideAsIOS:
    """
    Send an alias for the first identify of each anonymous identity, and for each alias call, whatever they hold.

    Source: version 2 of Kissmetrics' iOS SDK, ``KMAArchiver.m``. An anonymous identity lasts from one reset to
    the next, so it stands for the device's session.
    """

    _named: set[str] = field(factory=set)

    def __call__(self, call: Call) -> tuple[Alias, ...]:
        """
        Return the alias of a first identify, or the one that was asked for.
        """
        if call.type == "alias":
            return _asked_for(call)
        user, anonymous = call.user_id, call.anonymous_id
        if call.type != "identify" or user is None or anonymous is None or user == anonymous:
            return NO_ALIASES
        if anonymous in self._named:
            return NO_ALIASES
        self._named.add(anonymous)
        return ((anonymous, user),)


@define
class DecideByPolicy:
    """
    Propose what calls say to an identity graph, and send an alias for each verdict to merge.

    Attributes:
        graph: the people so far.
        verdict: what was decided about the last call's link, if it proposed one.
        verdicts: how often each outcome was given, with its reason.
    """

    graph: RememberedGraph
    verdict: Verdict | None = None
    verdicts: dict[tuple[str, str], int] = field(factory=dict)
    _now_ms: int = 0

    def __call__(self, call: Call) -> tuple[Alias, ...]:
        """
        Return the alias of a link that the policy merges.
        """
        if call.device is not None:
            self._note_session(call)
        # As the bridge's clock has it: when calls arrive, whatever their senders' clocks say.
        at_ms = self._now_ms = max(self._now_ms, call.arrived_ms or 0)
        proposed = _proposed_by(call)
        self.verdict = None
        if proposed is not None:
            older, newer, kind = proposed
            self.verdict = self.graph.link(older, newer, kind=kind, at_ms=at_ms, call=call.message_id)
            told = (self.verdict.outcome.value, self.verdict.reason)
            self.verdicts[told] = self.verdicts.get(told, 0) + 1
        if call.is_recorded and call.identity is not None:
            seen_as = IdentityKind.NAMED if call.user_id else IdentityKind.ANONYMOUS
            self.graph.seen(call.identity, seen_as, at_ms=at_ms)
        if self.verdict is None or self.verdict.outcome is not Outcome.MERGE:
            return NO_ALIASES
        return ((self.verdict.link.older, self.verdict.link.newer),)

    def _note_session(self, call: Call) -> None:
        """
        Note what was made up for a device.
        """
        made_up = (call.previous_id, call.anonymous_id) if call.type == RESET else (call.anonymous_id,)
        for identity in made_up:
            if identity is not None:
                self.graph.generated(identity)


def _proposed_by(call: Call) -> tuple[str, str, LinkKind | None] | None:
    """
    Return the link that a screened call proposes: an alias always does, an identify that carries both ids.
    """
    if call.type == "alias":
        asked = _asked_for(call)
        return (*asked[0], None) if asked else None
    newer = call.refused_user_id or call.user_id
    if call.type == "identify" and call.proposes and call.anonymous_id is not None and newer is not None:
        return call.anonymous_id, newer, LinkKind.FIRST_IDENTIFY
    return None


NEVER = Strategy("never", lambda _: decide_never, "no alias at all", hears_all=False)
IOS = Strategy("ios", lambda _: DecideAsIOS(), "the first identify of each session", hears_all=False)
SEGMENT_SERVER = Strategy(
    "segment-server", lambda _: decide_as_segment_server, "each identify with both ids", hears_all=False
)


def by_policy(name: str, policy: MergePolicy, *, described: str = "") -> Strategy:
    """
    Return the strategy of an identity graph with a policy.
    """

    def begin(identities: Identities) -> Decide:
        return DecideByPolicy(RememberedGraph(identities, policy))

    return Strategy(name, begin, described, screens=True)


def guarded(*, identities: int = 100, named: int = 5, named_lately: int = 3, name: str = "guarded") -> Strategy:
    """
    Return our bridge's strategy.

    Args:
        identities: how many identities a person may have before a merge is held.
        named: how many of them may be named.
        named_lately: how many of those may have joined within thirty days.
        name: what to call it.
    """
    policy = MergePolicy.guarded(identities=identities, named=named, named_lately=named_lately)
    return by_policy(name, policy, described="our identity graph")


def limited(*, named: int, identities: int = 100, name: str | None = None) -> Strategy:
    """
    Return a strategy that joins whatever calls say until a person has too many names, as several products do.

    Args:
        named: how many named identities a person may have before a merge is held.
        identities: how many identities in all.
        name: what to call it; ``limit-<named>`` by default.
    """
    policy = MergePolicy.permissive().with_rules(at_most(identities=identities, named=named))
    return by_policy(name or f"limit-{named}", policy, described=f"up to {named} names a person")


GUARDED = guarded()

KNOWN = {strategy.name: strategy for strategy in (NEVER, IOS, SEGMENT_SERVER, GUARDED)}
"""The strategies that have a name."""


def strategy_named(name: str) -> Strategy:
    """
    Return a strategy by its name, or your own function by ``module:function``.

    A function is called as ``function(call, memory)``, with a `Call` and a dict of its own that starts empty,
    and returns pairs of an older and a newer identity.

    Raises:
        ValueError: there is none of that name.
    """
    if name in KNOWN:
        return KNOWN[name]
    module, colon, function = name.partition(":")
    if not colon:
        raise ValueError(f"no strategy {name!r}: there are {', '.join(KNOWN)}, or your own as module:function")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"no strategy {name!r}: {error}") from error
    if isinstance(found, Strategy):
        return found
    return from_function(found, name=name)


def from_function(function: Callable[[Call, dict[Any, Any]], Iterable[Alias]], *, name: str) -> Strategy:
    """
    Make a strategy of a function from a call and a memory to aliases.
    """
    described = (function.__doc__ or "").strip().split("\n")[0]
    return Strategy(name, lambda _: partial(_with_memory, function, {}), described or "your own")


def _with_memory(
    function: Callable[[Call, dict[Any, Any]], Iterable[Alias]], memory: dict[Any, Any], call: Call
) -> Iterable[Alias]:
    return function(call, memory)
