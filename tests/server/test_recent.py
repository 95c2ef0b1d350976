"""
The calls that came last, as the server keeps them for people to look at.
"""

from sdkbridge.errors import InvalidCall
from sdkbridge.receipt import CallWarning, Receipt
from sdkbridge.refused import RefusedMessage
from sdkbridge.server.recent import RecentCalls

KEPT = 30

FINE = Receipt(message_id="m")
REFUSED = InvalidCall("event", "is required", reason="required")


def calls(number: int) -> list[dict[str, object]]:
    return [{"type": "track", "event": f"E{place}", "userId": f"user-{place}"} for place in range(number)]


def test_the_last_ones_are_kept_the_newest_first() -> None:
    """
    A bound on memory, however large a batch is.
    """
    recent = RecentCalls(clock=lambda: 1_700_000_000.0, kept=KEPT)
    recent.add(calls(KEPT + 50), [FINE] * (KEPT + 50), [])
    found = recent.latest(limit=1_000)

    assert (len(found), found[0].name, found[0].at_ms) == (KEPT, f"E{KEPT + 49}", 1_700_000_000_000)
    assert [call.name for call in recent.latest(limit=2)] == [f"E{KEPT + 49}", f"E{KEPT + 48}"]


def test_of_more_than_anybody_could_look_at_some_are_kept() -> None:
    """
    What comes in a second that has brought enough is left out; the next second is as good as any.
    """
    now = [0.0]
    recent = RecentCalls(clock=lambda: now[0], kept=KEPT)
    for second in (10.0, 10.4, 10.9, 11.0):
        now[0] = second
        recent.add(calls(KEPT), [FINE] * KEPT, [])
        recent.add(calls(1), [FINE], [])

    assert {call.at_ms for call in recent.latest(limit=1_000)} == {11_000}
    assert recent.latest()[0].number == 2 * KEPT
    assert recent.since_ms == 11_001


def test_they_are_chosen_by_identity_device_and_problem() -> None:
    """
    Refused ones and those that were warned of are problems; what is no call at all can be shown, too.
    """
    recent = RecentCalls(clock=lambda: 0.0, kept=KEPT)
    phone = {"type": "page", "anonymousId": "A-1", "context": {"device": {"id": "Phone"}}}
    warned = Receipt(message_id="w", warnings=(CallWarning("number_as_text", "It is a number."),))
    recent.add([phone, {"userId": 7, "context": "odd"}], [FINE, warned], [RefusedMessage([1], REFUSED)])

    assert [call.kind for call in recent.latest(identity="a-")] == ["page"]
    assert [call.device for call in recent.latest(device="phone")] == ["Phone"]
    assert [call.identities for call in recent.latest(only_problems=True)] == [(), ("7",)]
    assert recent.latest(only_problems=True)[0].problem == "event is required"


def test_it_tells_since_when_all_are_here() -> None:
    """
    Since the process began, until there were too many.
    """
    now = [100.0]
    recent = RecentCalls(clock=lambda: now[0], kept=KEPT)
    begun = recent.since_ms
    for _ in range(KEPT + 1):
        now[0] += 1
        recent.add(calls(1), [FINE], [])

    assert begun == 100_000
    assert recent.since_ms == 102_000
