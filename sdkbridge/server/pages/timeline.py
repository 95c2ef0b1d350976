"""
All that is still known of one person, in the order of time: calls, what they became, and what was decided.

Links and decisions are kept for ever. A request is deleted once it is delivered, so of calls only those are here
that this process took last, or of which something waits, was given up or was refused.
"""

from collections.abc import Sequence
from urllib.parse import parse_qs

from attrs import evolve, frozen

from identity.links import POLICY, Outcome, Verdict
from identity.person import Person
from identity.told import Telling
from sdkbridge.kissmetrics.requests import ALIAS, Request
from sdkbridge.outbox.queue import LOOKED_AT, WaitingRequest
from sdkbridge.server.recent import RecentCall
from sdkbridge.server.serving import ServedProject

MOST_MOMENTS = 150
MOST_REQUESTS = 200
MOST_REFUSED = 50
MOST_IDENTITIES = 200

WAITS, GIVEN_UP, SENT = "waits", "given up", "sent"


@frozen(kw_only=True)
class Sent:
    """
    A request that a call became.

    Attributes:
        path: ``/e``, ``/s`` or ``/a``.
        text: its event, or whom an alias joins.
        state: whether it waits, was given up, or was sent; nothing where that is not known.
        problem: what went wrong with it.
    """

    path: str
    text: str
    state: str = ""
    problem: str = ""


@frozen(kw_only=True)
class Moment:
    """
    One thing that happened.

    Attributes:
        at_ms: when, in milliseconds since 1970 UTC.
        sort: its kind, in one word.
        what: a few words.
        identities: under which, or between which.
        said: a sentence about it.
        by: who decided it, if a person did.
        requests: what it became.
        order: what comes later of that which happened at once.
    """

    at_ms: int
    sort: str
    what: str
    identities: tuple[str, ...]
    said: str = ""
    by: str = ""
    requests: tuple[Sent, ...] = ()
    order: int = 0


@frozen(kw_only=True)
class Timeline:
    """
    The time line of a person.

    Attributes:
        moments: the newest first.
        more: how many older ones are not shown.
        calls_from_ms: since when all calls that this process took are on it.
        waiting: how many requests wait.
        given_up: how many were given up.
    """

    moments: tuple[Moment, ...]
    more: int
    calls_from_ms: int
    waiting: int
    given_up: int


def timeline_of(served: ServedProject, person: Person) -> Timeline:
    """
    Return the time line of a person.
    """
    names = [known.name for known in person.identities][:MOST_IDENTITIES]
    queue = _Queue.of(served, names)
    calls = [call for call in served.recent.latest(limit=served.recent.kept) if _is_of(person, call)]
    moments = [
        *_appearances(person),
        *_decisions(served, person, names, queue),
        *(_call(call, queue) for call in calls),
        *queue.of_other_calls({call.message_id for call in calls}),
        *_refused(served, names),
    ]
    moments.sort(key=lambda moment: (moment.at_ms, moment.order), reverse=True)
    return Timeline(
        moments=tuple(moments[:MOST_MOMENTS]),
        more=max(len(moments) - MOST_MOMENTS, 0),
        calls_from_ms=served.recent.since_ms,
        waiting=sum(one.sent.state == WAITS for one in queue.requests),
        given_up=sum(one.sent.state == GIVEN_UP for one in queue.requests),
    )


def _is_of(person: Person, call: RecentCall) -> bool:
    """
    Tell whether a call is a person's: by what it became, and if it became nothing, by whom it names.

    One that was refused is kept in the database, and longer.
    """
    if call.problem is not None:
        return False
    if call.requests:
        return any(request.identity in person.names for request in call.requests)
    return not person.names.isdisjoint(call.identities)


@frozen(kw_only=True)
class _Queued:
    """
    A request that waits, or was given up.
    """

    call: str
    identity: str
    at_ms: int
    sent: Sent

    @property
    def ends(self) -> frozenset[str]:
        """
        The identities that it joins, if it is an alias.
        """
        return frozenset({self.identity, self.sent.text})


@frozen
class _Queue:
    """
    What is kept of a person's requests, and whether that is all there is.
    """

    requests: Sequence[_Queued]
    is_whole: bool

    @classmethod
    def of(cls, served: ServedProject, names: Sequence[str]) -> "_Queue":
        outbox, letters = served.bridge.outbox, served.bridge.dead_letters
        waiting = outbox.of(names, limit=MOST_REQUESTS) if names else []
        dead = letters.of(names, limit=MOST_REQUESTS) if names else []
        ends = outbox.ends()
        is_short = ends is None or ends[1] - ends[0] < LOOKED_AT
        found = [
            _Queued(
                call=one.call,
                identity=one.identity,
                at_ms=one.accepted_ms,
                sent=Sent(path=one.path, text=one.other_identity or "", state=WAITS, problem=_tried(one)),
            )
            for one in waiting
        ]
        found += [
            _Queued(
                call=one.call,
                identity=one.identity,
                at_ms=one.died_ms,
                sent=Sent(path=one.path, text=_name(one.query), state=GIVEN_UP, problem=one.reason),
            )
            for one in dead
        ]
        return cls(found, is_short and max(len(waiting), len(dead)) < MOST_REQUESTS)

    def record(self, call: str, request: Request) -> Sent:
        """
        Return an event or properties that a call became, with what is known of their way.
        """
        text = request.name or _counted(len(request.properties))
        for one in self.requests:
            if (one.call, one.sent.path) == (call, request.path):
                return evolve(one.sent, text=text)
        return Sent(path=request.path, text=text, state=SENT if self.is_whole else "")

    def alias(self, telling: Telling | None, ends: tuple[str, str]) -> Sent:
        """
        Return the alias of a merge, with what is known of its way.
        """
        older, newer = ends
        for one in self.requests:
            if one.sent.path == ALIAS and one.ends == {older, newer}:
                return evolve(one.sent, text=f"{older} = {newer}")
        state = WAITS if telling is None else SENT if self.is_whole else ""
        return Sent(path=ALIAS, text=f"{older} = {newer}", state=state)

    def of_other_calls(self, calls: set[str]) -> list[Moment]:
        """
        Return the requests of calls that are not shown themselves; an alias is shown with its link.
        """
        return [
            Moment(
                at_ms=one.at_ms, sort="request", what="", identities=(one.identity,), requests=(one.sent,), order=1
            )
            for one in self.requests
            if one.call not in calls and one.sent.path != ALIAS
        ]


def _tried(request: WaitingRequest) -> str:
    return f"tried {request.attempts:,} times: {request.error}" if request.attempts and request.error else ""


def _name(query: str) -> str:
    return parse_qs(query).get("_n", [""])[0]


def _appearances(person: Person) -> list[Moment]:
    return [
        Moment(at_ms=known.first_ms, sort="first seen", what="", identities=(known.name,), order=-1)
        for known in person.identities
    ]


def _decisions(served: ServedProject, person: Person, names: Sequence[str], queue: _Queue) -> list[Moment]:
    graph = served.bridge.graph
    # A decision on a link between two of them is told by both.
    found: dict[tuple[object, ...], Verdict] = {}
    for name in names:
        for verdict in graph.history(name).verdicts:
            found[_key(verdict)] = verdict
    standing = {_key(verdict) for verdict in person.verdicts if verdict.outcome is Outcome.MERGE}
    return [
        Moment(
            at_ms=verdict.decided_ms,
            sort=verdict.outcome.value,
            what=verdict.link.kind.replace("_", " ")
            + (f" on {verdict.link.device}" if verdict.link.device else ""),
            identities=verdict.link.ends,
            said=verdict.explanation,
            by="" if verdict.by == POLICY else verdict.by,
            requests=(queue.alias(graph.telling(verdict), verdict.link.ends),) if key in standing else (),
        )
        for key, verdict in found.items()
    ]


def _key(verdict: Verdict) -> tuple[object, ...]:
    return (*verdict.link.ends, verdict.decided_ms, verdict.outcome, verdict.reason)


def _call(call: RecentCall, queue: _Queue) -> Moment:
    return Moment(
        at_ms=call.at_ms,
        sort="repeated" if call.repeated else "call",
        what=f"{call.kind} {call.name}".strip(),
        identities=call.identities,
        said="; ".join(map(str, call.warnings)),
        requests=tuple(
            queue.record(call.message_id, request) for request in call.requests if request.path != ALIAS
        ),
        order=1,
    )


def _counted(properties: int) -> str:
    return f"{properties:,} propert{'y' if properties == 1 else 'ies'}"


def _refused(served: ServedProject, names: Sequence[str]) -> list[Moment]:
    return [
        Moment(
            at_ms=call.at_ms, sort="refused", what=call.message, identities=(), said=f"{call.field} {call.problem}"
        )
        for call in (served.bridge.refused.of(names, limit=MOST_REFUSED) if names else ())
    ]
