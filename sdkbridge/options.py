"""
How calls are mapped: options, and the profiles that bundle them.

Segment's server integration, its browser integration and RudderStack disagree in places. Each option is one
such place; the defaults are the `bridge` profile.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Literal

from attrs import Attribute, field, fields, frozen

from sdkbridge.errors import BridgeError


class InvalidOption(BridgeError, ValueError):
    """
    An option that does not exist, or cannot have the value it was given.

    Attributes:
        option: its name.
        problem: what is wrong, and what would be right.
    """

    def __init__(self, option: str, problem: str) -> None:
        super().__init__(f"{option} {problem}")
        self.option = option
        self.problem = problem


def _flag(*, default: bool, meaning: str) -> Any:  # noqa: ANN401 - typed where it is assigned
    def check(_: object, attribute: "Attribute[bool]", value: object) -> None:
        if not isinstance(value, bool):
            raise InvalidOption(attribute.name, f"must be true or false, not {type(value).__name__}")

    return field(default=default, validator=check, metadata={"meaning": meaning})


def _choice(*choices: str, meaning: str) -> Any:  # noqa: ANN401 - typed where it is assigned
    def check(_: object, attribute: "Attribute[str]", value: object) -> None:
        if value not in choices:
            raise InvalidOption(attribute.name, f"must be one of {', '.join(choices)}")

    return field(default=choices[0], validator=check, metadata={"meaning": meaning, "choices": choices})


def _text(default: str, *, meaning: str, may_be_empty: bool = False) -> Any:  # noqa: ANN401 - as above
    def check(_: object, attribute: "Attribute[str]", value: object) -> None:
        if not isinstance(value, str):
            raise InvalidOption(attribute.name, f"must be a text, not {type(value).__name__}")
        if not value and not may_be_empty:
            raise InvalidOption(attribute.name, "must not be empty")

    return field(default=default, validator=check, metadata={"meaning": meaning})


def _seconds(default: int, *, meaning: str) -> Any:  # noqa: ANN401 - typed where it is assigned
    def check(_: object, attribute: "Attribute[int]", value: object) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise InvalidOption(attribute.name, "must be a whole number of seconds, 0 or more")

    return field(default=default, validator=check, metadata={"meaning": meaning})


@frozen(kw_only=True)
class MappingOptions:
    """
    Every choice in the mapping of Segment calls to Kissmetrics requests; the defaults are the `bridge` profile.

    What an option does is in its field's metadata, under ``meaning``; its allowed texts, if limited, under
    ``choices``. The first choice is the default.

    Raises:
        InvalidOption: a value has the wrong type or is not among the choices.
    """

    identify_order: Literal["alias_first", "set_first"] = _choice(
        "alias_first", "set_first", meaning="Which request of a first identify is sent first."
    )
    identify_id_trait: bool = _flag(default=True, meaning="Set the property id to the userId on an identify.")
    strip_sdk_traits: bool = _flag(
        default=True,
        meaning="Leave out the traits anonymousId and userId that mobile SDKs add, if they repeat the call's own.",
    )
    send_empty_set: bool = _flag(
        default=False, meaning="Send an identify or group without any property all the same."
    )
    billing_property: str = _text(
        "Billing Amount", meaning="The property that carries an event's revenue, never prefixed."
    )
    send_revenue_property: bool = _flag(
        default=True, meaning="Send the property revenue beside the billing property."
    )
    prefix_properties: bool = _flag(
        default=True, meaning="Put the event's name before the name of each of its properties."
    )
    prefix_separator: str = _text(
        " - ", meaning="What stands between a prefix and a property's name.", may_be_empty=True
    )
    order_total_fallback: bool = _flag(
        default=True, meaning="Take total for the revenue of a completed order that names none."
    )
    order_products: Literal["set", "drop"] = _choice(
        "set", "drop", meaning="Set the properties of each product of a completed order, or leave products out."
    )
    product_revenue: bool = _flag(
        default=False, meaning="Count the revenue of each product too, besides that of its order."
    )
    product_time_step: int = _seconds(
        1, meaning="Seconds between the products of an order, so that none replaces another's properties."
    )
    page_event_template: str = _text(
        "Viewed {page} Page", meaning="The event of a page; {page} is its name, or else its category."
    )
    screen_event_template: str = _text(
        "Viewed {screen} Screen", meaning="The event of a screen; {screen} is its name, or else its category."
    )
    track_named_pages: bool = _flag(default=True, meaning="Record pages and screens under their name.")
    track_categorized_pages: bool = _flag(
        default=True, meaning="Record pages and screens without a recorded name under their category."
    )
    track_all_pages: bool = _flag(
        default=False, meaning="Record every page and screen that has a name or a category."
    )
    unnamed_page: Literal["drop", "loaded"] = _choice(
        "drop", "loaded", meaning="Drop a page without name and category, or record it as Loaded a Page."
    )
    experiment_as_property: bool = _flag(
        default=False, meaning="Also set the variation of an Experiment Viewed as a property of the person."
    )
    forward_ip: bool = _flag(default=True, meaning="Send the address in the call's context.")
    forward_user_agent: bool = _flag(default=True, meaning="Send the user agent in the call's context.")
    object_array: Literal["json", "js", "drop"] = _choice(
        "json", "js", "drop", meaning="Send an array of objects as JSON, as [object Object], or not at all."
    )
    bool_style: Literal["text", "int"] = _choice("text", "int", meaning="Write true and false, or 1 and 0.")
    iso_dates: Literal["unix", "keep"] = _choice(
        "unix", "keep", meaning="Turn texts that are ISO 8601 dates into seconds since 1970, or keep them."
    )


PROFILES: Mapping[str, Mapping[str, object]] = MappingProxyType({"bridge": MappingProxyType({})})
"""Name → the options in which the profile differs from the defaults."""


def options_for(profile: str, settings: Mapping[str, object]) -> MappingOptions:
    """
    Return a profile's options, changed by the caller's settings.

    Raises:
        InvalidOption: the profile or an option does not exist, or a value is wrong.
    """
    if profile not in PROFILES:
        raise InvalidOption("profile", f"must be one of {', '.join(PROFILES)}")
    known = [attribute.name for attribute in fields(MappingOptions)]
    for name in settings:
        if name not in known:
            raise InvalidOption(str(name), _unknown(str(name), known))
    chosen: dict[str, Any] = {**PROFILES[profile], **settings}
    return MappingOptions(**chosen)


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"is no option; {hint}There are: {', '.join(known)}"
