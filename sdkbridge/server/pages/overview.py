"""
How a project is doing, at one look.
"""

from starlette.responses import Response

from sdkbridge.server.pages.frame import Visit

LAST_PROBLEMS = 8


def show(visit: Visit) -> Response:
    """
    Show people, identities, held links, the outbox, and what went wrong last.
    """
    served = visit.served
    values = {
        "counted": visit.frame.counts[served.project.name].latest(),
        "refused": served.bridge.refused.latest(LAST_PROBLEMS),
        "delivers": served.project.deliver,
        "kissmetrics_url": served.project.url,
        "full": served.has_too_much_waiting,
    }
    return visit.page("overview.html", values)
