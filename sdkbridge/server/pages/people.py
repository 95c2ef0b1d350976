"""
People: finding them by any identity, and all that is known of one.
"""

from typing import Any

from starlette.responses import Response

from identity.draw import draw
from identity.ids import LONGEST_IDENTITY
from identity.links import Outcome, Verdict
from identity.person import Person
from sdkbridge.server.pages.deciding import last_by
from sdkbridge.server.pages.frame import DOCUMENT, Visit

FOUND = 50
MOST_IDENTITIES = 200
MOST_LINKS = 200
MOST_WAITING = 50
MOST_CALLS = 15


def search(visit: Visit) -> Response:
    """
    Show the people with an identity that contains a text.
    """
    text = visit.asked("text").strip()[:LONGEST_IDENTITY]
    found = visit.served.bridge.graph.search(text, limit=FOUND + 1)
    values = {"text": text, "found": found[:FOUND], "more": len(found) > FOUND}
    return visit.page("people.html", values)


def person(visit: Visit) -> Response:
    """
    Show a person: the drawing, identities, links, decisions, and what waits.
    """
    identity, bridge = visit.asked("identity"), visit.served.bridge
    if not identity.strip():
        return visit.back_to("people")
    found = bridge.graph.person(identity)
    names = [known.name for known in found.identities]
    values: dict[str, Any] = {
        "person": found,
        "asked": identity,
        "by": last_by(visit),
        "joined": _joined(found),
        "identities": found.identities[:MOST_IDENTITIES],
        "links": found.verdicts[::-1][:MOST_LINKS],
        "retractable": _retractable(visit, found.verdicts[::-1][:MOST_LINKS]),
        "history": bridge.graph.history(identity).verdicts[::-1][:MOST_LINKS],
        "waiting": bridge.outbox.of(names, limit=MOST_WAITING) if names else [],
        "calls": [call for call in visit.served.recent.latest(limit=1_000) if set(call.identities) & found.names][
            :MOST_CALLS
        ],
        "there": _there(visit, names),
    }
    return visit.page("person.html", values, status=200 if names else 404)


def drawing(visit: Visit) -> Response:
    """
    Answer with the drawing of a person: a document of its own, since it has a style of its own.
    """
    found = visit.served.bridge.graph.person(visit.asked("identity") or " ")
    return Response(draw(found).svg, headers=DOCUMENT, media_type="image/svg+xml")


def _joined(person: Person) -> dict[str, Verdict]:
    """
    Return by identity the link by which it joined: the first merge that touches it, for the older end last.
    """
    joined: dict[str, Verdict] = {}
    merges = [verdict for verdict in person.verdicts if verdict.outcome is Outcome.MERGE]
    order = {known.name: place for place, known in enumerate(person.identities)}
    for verdict in sorted(merges, key=lambda verdict: verdict.decided_ms):
        first, second = sorted(verdict.link.ends, key=lambda end: order.get(end, 0))
        for end in (second, first):
            if end not in joined and order.get(end, 0) > 0:
                joined[end] = verdict
                break
    return joined


def _retractable(visit: Visit, links: tuple[Verdict, ...]) -> set[tuple[str, str]]:
    can = visit.served.bridge.can_retract
    return {link.link.ends for link in links if link.outcome is Outcome.MERGE and can(link)}


def _there(visit: Visit, names: list[str]) -> list[Any]:
    """
    Return whom the local Kissmetrics takes the person for: one, unless an alias is missing.
    """
    if visit.frame.kissmetrics is None:
        return []
    found: dict[tuple[str, ...], Any] = {}
    for name in names[:MOST_IDENTITIES]:
        for one in visit.frame.kissmetrics.people(name, api_key=visit.served.project.api_key):
            found[one.identities] = one
    return list(found.values())
