"""
Options of the requests themselves, in all calls.
"""

from typing import Literal

from attrs import frozen

from sdkbridge.options.kinds import choice, flag, whole_number


@frozen(kw_only=True, slots=False)
class RequestOptions:
    """
    Options of times and of how requests are sent.
    """

    timestamp_policy: Literal["device", "segment", "received"] = choice(
        "device",
        "segment",
        "received",
        meaning="Which time counts: the sender's own, corrected only if it cannot be right; the one that "
        "Segment's servers reckon from sentAt; or the time of arrival.",
    )
    forward_ip: bool = flag(default=True, meaning="Send the address in the call's context.")
    forward_user_agent: bool = flag(default=True, meaning="Send the user agent in the call's context.")
    method: Literal["auto", "get", "post"] = choice(
        "auto",
        "get",
        "post",
        meaning="Send by GET up to get_max_query and by POST beyond, or always by one of them.",
    )
    get_max_query: int = whole_number(
        2000, of="characters", meaning="Characters of encoded query, the key included, up to which GET is used."
    )
    nudge_duplicates: bool = flag(
        default=True,
        meaning="Move the second of two same events in one second, which Kissmetrics would drop, to the next free "
        "second. Needs a Bridge's memory.",
    )
    duplicate_rule: Literal["current", "legacy"] = choice(
        "current",
        "legacy",
        meaning="Which of Kissmetrics' rules on duplicates to be safe under: by the legacy one, until 2016, a "
        "second value of a property in one second would be lost, too, and is moved as a second event is.",
    )
    coalesce_set: bool = flag(
        default=False,
        meaning="Make one request of those of a call that set properties in one second; the last value counts.",
    )
