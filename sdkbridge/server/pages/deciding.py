"""
Links that wait for a person: both sides, why, what would happen, and the decision.
"""

import re
from collections.abc import Callable
from typing import Any

from attrs import frozen
from starlette.responses import Response

from identity.errors import InvalidDecision, InvalidIdentity
from identity.links import POLICY, Outcome, Verdict
from sdkbridge.server.pages.frame import Visit

SHOWN = 20
SHOWN_DECISIONS = 12
MOST_AT_ONCE = 500
"""Links that one form may decide on; what is left over is shown again."""

LONGEST_TEXT = 500

DONE = {
    "approved": "Approved: they are one person now.",
    "rejected": "Rejected: they stay two people.",
    "retracted": "Undone: they are two people again.",
}

Decide = Callable[..., Verdict]


@frozen(kw_only=True)
class Past:
    """
    A decision that a person made, and whether it can be undone.
    """

    verdict: Verdict
    undone_by: str | None


def show(visit: Visit) -> Response:
    """
    Show the held links, the worst first, and what was decided last.
    """
    return _page(visit)


def decide(visit: Visit) -> Response:
    """
    Approve, reject or undo.
    """
    by, why = visit.said("by")[:LONGEST_TEXT], visit.said("why")[:LONGEST_TEXT]
    act = _ACTS.get(visit.said("do"))
    if act is None:
        return _page(visit, problem="Nothing was decided: the page was too old.", status=400)
    if not by or by == POLICY:
        return _page(visit, problem="Say who decides, so that others can ask.", status=400)
    try:
        done = act(visit, by, why)
    except (InvalidDecision, InvalidIdentity) as error:
        return _page(visit, problem=f"Nothing was decided: {error}.", status=409)
    response = visit.back_to("decide", done=done)
    response.set_cookie("sdkbridge_by", by.encode().hex(), max_age=31_536_000, httponly=True, samesite="strict")
    return response


def _page(visit: Visit, *, problem: str = "", status: int = 200) -> Response:
    graph, reason = visit.served.bridge.graph, visit.asked("reason") or visit.said("only")
    values: dict[str, Any] = {
        "reasons": graph.held_reasons(),
        "reason": reason,
        "held": graph.held_links(limit=SHOWN, reason=reason or None),
        "decisions": [_past(visit, verdict) for verdict in graph.decided(limit=SHOWN_DECISIONS)],
        "grace_s": graph.alias_grace,
        "most": MOST_AT_ONCE,
        "by": visit.said("by") or last_by(visit),
        "why": visit.said("why"),
        "done": _told(visit.asked("done")),
        "problem": problem,
    }
    return visit.page("decide.html", values, status=status)


def _told(done: str) -> str:
    """
    Say what was decided, by the word that `decide` puts into the address, and the number where it was many.
    """
    what, _, number = done.partition(" ")
    if what not in DONE or not re.fullmatch("[0-9]{0,3}", number):
        return ""
    return f"{what.capitalize()} {number} link{'s' if number != '1' else ''}." if number else DONE[what]


def _past(visit: Visit, verdict: Verdict) -> Past:
    if verdict.outcome is Outcome.MERGE:
        return Past(verdict=verdict, undone_by="retract" if visit.served.bridge.can_retract(verdict) else None)
    return Past(verdict=verdict, undone_by="approve" if verdict.outcome is Outcome.REFUSE else None)


def last_by(visit: Visit) -> str:
    """
    Return who decided last in this browser, so that nobody has to type it again.
    """
    try:
        return bytes.fromhex(visit.request.cookies.get("sdkbridge_by", ""))[:LONGEST_TEXT].decode()
    except ValueError:
        return ""


def _one(visit: Visit, decide: Decide, by: str, why: str) -> Verdict:
    return decide((visit.said("older"), visit.said("newer")), by=by, why=why)


def _approve(visit: Visit, by: str, why: str) -> str:
    _one(visit, visit.served.bridge.approve, by, why)
    return "approved"


def _reject(visit: Visit, by: str, why: str) -> str:
    _one(visit, visit.served.bridge.reject, by, why)
    return "rejected"


def _retract(visit: Visit, by: str, why: str) -> str:
    _one(visit, visit.served.bridge.retract, by, why)
    return "retracted"


def _approve_all(visit: Visit, by: str, why: str) -> str:
    return f"approved {len(visit.served.bridge.approve_all(_held(visit), by=by, why=why))}"


def _reject_all(visit: Visit, by: str, why: str) -> str:
    return f"rejected {len(visit.served.bridge.reject_all(_held(visit), by=by, why=why))}"


def _held(visit: Visit) -> list[Verdict]:
    """
    Return the links that are held for the form's reason.
    """
    reason = visit.said("only")
    if not reason or visit.said("sure") != "yes":
        raise InvalidDecision("unsure", "choose a reason, and tick that you are sure")
    return [link.verdict for link in visit.served.bridge.graph.held_links(limit=MOST_AT_ONCE, reason=reason)]


_ACTS: dict[str, Callable[[Visit, str, str], str]] = {
    "approve": _approve,
    "reject": _reject,
    "retract": _retract,
    "approve_all": _approve_all,
    "reject_all": _reject_all,
}
