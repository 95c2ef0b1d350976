"""
How calls are mapped: options, and the profiles that bundle them.

Segment's server integration, its browser integration and RudderStack disagree in places. Each option is one
such place; the defaults are the `bridge` profile. There is one module for the options of each kind of call.
"""

from sdkbridge.options.kinds import InvalidOption
from sdkbridge.options.profiles import PROFILES
from sdkbridge.options.settings import SECTIONS, MappingOptions, options_for

__all__ = ["PROFILES", "SECTIONS", "InvalidOption", "MappingOptions", "options_for"]
