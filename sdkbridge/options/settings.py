"""
All options in one value, and how it is made of a profile and a caller's settings.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from attrs import fields, frozen

from sdkbridge.options.events import OrderOptions, TrackOptions
from sdkbridge.options.identities import IdentityOptions
from sdkbridge.options.kinds import InvalidOption
from sdkbridge.options.profiles import PROFILES
from sdkbridge.options.requests import RequestOptions
from sdkbridge.options.values import ValueOptions
from sdkbridge.options.views import ViewOptions


@frozen(kw_only=True, slots=False, cache_hash=True)
class MappingOptions(IdentityOptions, TrackOptions, OrderOptions, ViewOptions, ValueOptions, RequestOptions):
    """
    Every choice in the mapping of Segment calls to Kissmetrics requests; the defaults are the `bridge` profile.

    Raises:
        InvalidOption: a value has the wrong type or is not among the choices.
    """


SECTIONS: Mapping[str, type] = MappingProxyType(
    {
        "Identify, group and alias": IdentityOptions,
        "Track": TrackOptions,
        "Completed orders": OrderOptions,
        "Page and screen": ViewOptions,
        "Names and values": ValueOptions,
        "Requests": RequestOptions,
    }
)
"""What an option is about → the class that has it; every option is in one of them."""


def options_for(profile: str, settings: Mapping[str, object]) -> MappingOptions:
    """
    Return a profile's options, changed by the caller's settings.

    Raises:
        InvalidOption: the profile or an option does not exist, or a value is wrong.
    """
    if profile not in PROFILES:
        raise InvalidOption("profile", f"must be one of {', '.join(PROFILES)}")
    known = [option.name for section in SECTIONS.values() for option in fields(section)]
    for name in settings:
        if name not in known:
            raise InvalidOption(str(name), _unknown(str(name), known))
    chosen: dict[str, Any] = {**PROFILES[profile], **settings}
    return MappingOptions(**chosen)


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"is no option; {hint}There are: {', '.join(known)}"
