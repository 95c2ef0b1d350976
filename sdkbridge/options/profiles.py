"""
Whose way of mapping: the options in which other systems differ from the bridge.

Sources: segment-boneyard/integration-kissmetrics 1.2.3 (``segment-server``), segmentio/analytics.js-integrations,
``integrations/kissmetrics`` 2.2.0 (``segment-browser``), rudderlabs/rudder-transformer 1.145,
``v0/destinations/kissmetrics`` (``rudderstack``), and the libraries that they stand on.
"""

from collections.abc import Mapping
from types import MappingProxyType

_ALL_THREE: Mapping[str, object] = {
    "identities": "as_sent",
    "strip_sdk_traits": False,
    "send_empty_set": True,
    "revenue_parser": "segment",
    "product_revenue": True,
    "nested_null": "empty",
    "send_empty": True,
    "object_array": "js",
    "allow_reserved": True,
    "long_name": "keep",
    "nudge_duplicates": False,
}

_SEGMENT_SERVER: Mapping[str, object] = {
    **_ALL_THREE,
    "auto_alias": "always",
    "identify_order": "set_first",
    "alias_from_anonymous_id": False,
    "self_alias": True,
    # Segment's users see it switched on; the published code, and its own tests, leave it off.
    "prefix_properties": False,
    "order_total_fallback": "v1_only",
    # Only the second half is anchored at its end, as in analytics-events 2.
    "order_event_pattern": r"^[ _]?completed[ _]?order[ _]?|^[ _]?order[ _]?completed[ _]?\Z",
    "track_all_pages": True,
    "unnamed_page": "undefined",
    "page_clean": False,
    "nested_dates": "iso",
    "array_dates": "js",
    "timestamp_policy": "segment",
    "get_max_query": 2048,
}

_SEGMENT_BROWSER: Mapping[str, object] = {
    **_ALL_THREE,
    "alias_call_direction": "new_old",
    "group_clean": False,
    "billing_needs_prefix": "orders",
    "non_order_products": "keep",
    # analytics-events 1 knows the first name only.
    "order_event_pattern": r"^[ _]?completed[ _]?order[ _]?",
    "order_clean": False,
    "product_prefix": "always",
    "product_clean": False,
    "page_clean": False,
    "page_view_event": True,
    "send_screens": False,
    "flatten_objects": "first_branch",
    "nested_dates": "iso",
    "array_dates": "js",
    "forward_ip": False,
    "forward_user_agent": False,
}

_RUDDERSTACK: Mapping[str, object] = {
    **_ALL_THREE,
    "auto_alias": "never",
    "alias_from_anonymous_id": False,
    "self_alias": True,
    "identify_id_trait": False,
    "send_groups": False,
    "billing_needs_prefix": "always",
    "order_total_fallback": "never",
    "prefix_separator": "-",
    "revenue_prefix_separator": " - ",
    "non_order_products": "fanout",
    # It has no orders: products are set one by one whatever the event.
    "order_event_pattern": "(?!)",
    "product_clean": False,
    "product_timestamps": False,
    "page_event_template": "Viewed {page} page",
    "screen_event_template": "Viewed {screen} screen",
    "page_category_template": "Viewed {properties.category} {name} page",
    # It says page for a screen, too.
    "screen_category_template": "Viewed {properties.category} {name} page",
    "page_named_by": "name",
    "page_own_properties": False,
    "track_all_pages": True,
    "unnamed_page": "loaded",
    "page_prefix": "as_events",
    "screen_prefix": "never",
    "flatten_objects": "one_level",
    "iso_dates": "keep",
    "timestamp_policy": "segment",
    "forward_ip": False,
    "forward_user_agent": False,
    "method": "get",
}

PROFILES: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "bridge": MappingProxyType({}),
        "segment-server": MappingProxyType({**_SEGMENT_SERVER}),
        "segment-browser": MappingProxyType({**_SEGMENT_BROWSER}),
        "rudderstack": MappingProxyType({**_RUDDERSTACK}),
    }
)
"""Name → the options in which the profile differs from the defaults."""
