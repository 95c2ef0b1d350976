"""
What a call's context says of the app and the device, under the names of Kissmetrics' own SDKs.

Source: KISSmetrics-iOS-SDK and KISSmetrics-Android-SDK, which set these properties when the app starts, each
once per change.
"""

from collections.abc import Mapping
from types import MappingProxyType

from sdkbridge.calls import AnyCall, Identify, JSONObject, Track
from sdkbridge.options import MappingOptions
from sdkbridge.values.plain import Unusable, plain, written

CONTEXT_PROPERTIES = MappingProxyType(
    {
        "App Version": ("app", "version"),
        "App Build": ("app", "build"),
        "Device Manufacturer": ("device", "manufacturer"),
        "Device Platform": ("device", "type"),
        "Device Model": ("device", "model"),
        "System Name": ("os", "name"),
        "System Version": ("os", "version"),
    }
)
"""Property → where it stands in Segment's context."""

_WHEN_THE_APP_STARTS = frozenset({"Application Installed", "Application Updated", "Application Opened"})


def context_texts(context: JSONObject, options: MappingOptions) -> dict[str, str]:
    """
    Return the properties that a call's context gives, if the options send them.
    """
    if not options.context_properties or not context:
        return {}
    texts = {}
    for name, (part, member) in CONTEXT_PROPERTIES.items():
        about = context.get(part)
        single = plain(about.get(member)) if isinstance(about, Mapping) else None
        text = "" if isinstance(single, Unusable) else written(single, options)
        if text:
            texts[name] = text
    return texts


def context_without_memory(call: AnyCall, options: MappingOptions) -> dict[str, str]:
    """
    Return the same for a call of which nothing is known before: only when the app starts, or with an identify.
    """
    starts = isinstance(call, Track) and call.event in _WHEN_THE_APP_STARTS
    return context_texts(call.context, options) if starts or isinstance(call, Identify) else {}
