"""
The local Kissmetrics: its people, what they did, and a funnel.
"""

from itertools import islice
from typing import Any

from starlette.responses import Response

from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.server.pages.frame import Visit, not_found

FOUND = 50
HAPPENINGS = 200
MOST_EVENTS = 100
MOST_STEPS = 6
LONGEST_TEXT = 255


def show(visit: Visit) -> Response:
    """
    Show its people and events, and how many people came how far in a funnel.
    """
    kissmetrics, key = _kissmetrics(visit), visit.served.project.api_key
    text = visit.asked("text").strip()[:LONGEST_TEXT]
    steps = [step.strip()[:LONGEST_TEXT] for step in visit.request.query_params.getlist("step")]
    steps = [step for step in steps if step][:MOST_STEPS]
    people = kissmetrics.search(text, limit=FOUND + 1, api_key=key)
    funnel = kissmetrics.funnel(steps, api_key=key) if steps else []
    events = visit.frame.events[visit.served.project.name].latest()
    values: dict[str, Any] = {
        "text": text,
        "people": people[:FOUND],
        "more": len(people) > FOUND,
        "steps": [*steps, *[""] * (3 - len(steps))] if len(steps) < 3 else steps,
        "funnel": funnel,
        "most": max((step.people for step in funnel), default=0),
        "events": None if events is None else events[:MOST_EVENTS],
    }
    return visit.page("kissmetrics.html", values)


def person(visit: Visit) -> Response:
    """
    Show one of its people, and what they did.
    """
    kissmetrics, key = _kissmetrics(visit), visit.served.project.api_key
    identity = visit.asked("identity")
    found = kissmetrics.people(identity, api_key=key)
    happenings = islice(kissmetrics.timeline(identity, api_key=key), HAPPENINGS + 1)
    shown = list(happenings)
    values = {
        "identity": identity,
        "found": found[0] if found else None,
        "happenings": shown[:HAPPENINGS],
        "more": len(shown) > HAPPENINGS,
    }
    return visit.page("kissmetrics_person.html", values, status=200 if found else 404)


def _kissmetrics(visit: Visit) -> LocalKissmetrics:
    if visit.frame.kissmetrics is None:
        raise not_found("kissmetrics")
    return visit.frame.kissmetrics
