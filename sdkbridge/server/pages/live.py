"""
Calls as they come.
"""

from starlette.responses import Response

from sdkbridge.server.pages.frame import Visit

SHOWN = 60
LONGEST_FILTER = 255


def show(visit: Visit) -> Response:
    """
    Show the calls that came last, the newest first, with what was decided and what they became.
    """
    identity, device = (visit.asked(name).strip()[:LONGEST_FILTER] for name in ("identity", "device"))
    problems = visit.asked("problems") == "yes"
    calls = visit.served.recent.latest(identity=identity, device=device, only_problems=problems, limit=SHOWN)
    values = {
        "calls": calls,
        "identity": identity,
        "device": device,
        "problems": problems,
        "kept": visit.served.recent.kept,
        "shown": SHOWN,
    }
    return visit.page("live.html", values)
