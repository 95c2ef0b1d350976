"""
People: finding them by any identity, and all that is known of one.
"""

from collections import deque
from typing import Any

from attrs import frozen
from starlette.responses import Response

from identity.draw import draw
from identity.ids import LONGEST_IDENTITY
from identity.links import Outcome, Verdict
from identity.person import Person
from sdkbridge.kissmetrics.answers import Happening
from sdkbridge.kissmetrics.answers import Person as KissmetricsPerson
from sdkbridge.server.pages.deciding import last_by
from sdkbridge.server.pages.frame import DOCUMENT, Visit
from sdkbridge.server.pages.timeline import timeline_of

FOUND = 50
MOST_IDENTITIES = 200
MOST_LINKS = 200
MOST_HAPPENINGS = 25


def search(visit: Visit) -> Response:
    """
    Show the people with an identity that contains a text.
    """
    text = visit.asked("text").strip()[:LONGEST_IDENTITY]
    found = visit.reading.graph.search(text, limit=FOUND + 1)
    values = {"text": text, "found": found[:FOUND], "more": len(found) > FOUND}
    return visit.page("people.html", values)


def person(visit: Visit) -> Response:
    """
    Show a person: the drawing, identities, time line and links, and what Kissmetrics shows for them.
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
        "timeline": timeline_of(visit.served, found),
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


@frozen(kw_only=True)
class There:
    """
    Somebody whom the local Kissmetrics takes the person for.

    Attributes:
        person: as it counts them.
        happenings: what they did last, the newest first.
    """

    person: KissmetricsPerson
    happenings: tuple[Happening, ...]


def _there(visit: Visit, names: list[str]) -> list[There]:
    """
    Return whom the local Kissmetrics takes the person for: one, unless an alias is missing.
    """
    kissmetrics, key = visit.frame.kissmetrics, visit.served.project.api_key
    if kissmetrics is None:
        return []
    found: dict[tuple[str, ...], KissmetricsPerson] = {}
    seen: set[str] = set()
    for name in names[:MOST_IDENTITIES]:
        if name not in seen:
            for one in kissmetrics.people(name, api_key=key):
                found[one.identities] = one
                seen.update(one.identities)
    return [
        There(
            person=one,
            happenings=tuple(
                reversed(deque(kissmetrics.timeline(one.label, api_key=key), maxlen=MOST_HAPPENINGS))
            ),
        )
        for one in found.values()
    ]
