"""
What the bridge does about each thing that it warns of, or refuses, in one sentence.
"""

from collections.abc import Mapping
from types import MappingProxyType

from sdkbridge.remarks import SENTENCES, Problem

_KEPT = "It is sent as it is."
_LEFT_OUT = "It leaves it out, and sends the rest."
_REFUSED = "It refuses the call, and says so."
_EXPORT = "Nothing: the line is in Kissmetrics already."

REMEDIES: Mapping[str, str] = MappingProxyType(
    dict.fromkeys((problem.value for problem in SENTENCES), _KEPT)
    | dict.fromkeys(
        (
            problem.value
            for problem in (
                Problem.EMPTY_NAME,
                Problem.NAME_TOO_LONG,
                Problem.RESERVED_NAME,
                Problem.REPLACED_PROPERTY,
                Problem.UNSUPPORTED_VALUE,
                Problem.HALF_CHARACTER,
                Problem.CONTAINS_ITSELF,
                Problem.TOO_MANY_VALUES,
                Problem.OBJECT_ARRAY,
                Problem.PRODUCT_REVENUE,
                Problem.DROPPED_PRODUCTS,
            )
        ),
        _LEFT_OUT,
    )
    | dict.fromkeys(("json", "type", "required", "too_long", "itself", "invalid"), _REFUSED)
    | {
        Problem.SAME_SECOND.value: "It moves it to the next free second.",
        Problem.DENSE.value: "It leaves it in its second: there is no free one within a minute.",
        Problem.UNNAMED_PAGE.value: "It sends nothing.",
        Problem.SWITCHED_OFF.value: "It sends nothing.",
        "before_2009": "It sends the time of arrival instead.",
        "unreadable_time": "It sends the time of arrival instead.",
        "future_time": _KEPT,
        "milliseconds": "It sends whole seconds.",
        "placeholder": "It takes the identity for absent, never joins it, and refuses a call that has no other.",
        "user_switch_without_reset": "It does not join the two people.",
        "history_on_both_sides": "It joins them, as asked; this cannot be undone.",
    }
)
"""Code of a warning or reason of a refusal → what is done."""


def remedy_for(code: str, *, exported: bool) -> str:
    """
    Return what the bridge does about something.

    Args:
        code: of a warning, or the reason of a refusal.
        exported: whether it was found in an export, whose lines are past mending.
    """
    return _EXPORT if exported else REMEDIES.get(code, _KEPT)
