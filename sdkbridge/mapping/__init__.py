"""
Segment calls to Kissmetrics requests.

Start at `map_call`. Each of the modules is one part of it: names and properties, tracks, views (pages and
screens), and what all of a call's requests share.
"""

from sdkbridge.mapping.calls import SWITCHED_OFF, Mapped, map_call, wanted

__all__ = ["SWITCHED_OFF", "Mapped", "map_call", "wanted"]
