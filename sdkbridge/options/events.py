"""
Options of track calls, and of completed orders with their products.
"""

from typing import Literal

from attrs import frozen

from sdkbridge.options.kinds import choice, flag, pattern, text, text_or_null, whole_number


@frozen(kw_only=True, slots=False)
class TrackOptions:
    """
    Options of track calls.
    """

    billing_property: str = text(
        "Billing Amount", meaning="The property that carries an event's revenue, never prefixed."
    )
    billing_needs_prefix: Literal["never", "orders", "always"] = choice(
        "never",
        "orders",
        "always",
        meaning="Which events have the billing property only if their properties are prefixed.",
    )
    send_revenue_property: bool = flag(
        default=True, meaning="Send the property revenue beside the billing property."
    )
    revenue_parser: Literal["bridge", "segment"] = choice(
        "bridge",
        "segment",
        meaning="How a text is read as an amount: with any currency and separators, or only up to the first "
        "character that is no number, dollar signs left out.",
    )
    order_total_fallback: Literal["both", "v1_only", "never"] = choice(
        "both",
        "v1_only",
        "never",
        meaning="Take total for the revenue of a completed order that has none: for both names of the event, only "
        "for Completed Order, or never.",
    )
    prefix_properties: bool = flag(
        default=True, meaning="Put the event's name before the name of each of its properties."
    )
    prefix_separator: str = text(
        " - ", meaning="What stands between a prefix and a property's name.", may_be_empty=True
    )
    revenue_prefix_separator: str | None = text_or_null(
        meaning="What stands between the event's name and revenue; null: as for all others."
    )
    non_order_products: Literal["drop", "fanout", "json", "keep"] = choice(
        "drop",
        "fanout",
        "json",
        "keep",
        meaning="What becomes of products in an event that is no completed order: left out, set one by one, sent "
        "as JSON, or sent as any other array.",
    )
    lifecycle_names: Literal["segment", "kissmetrics"] = choice(
        "segment",
        "kissmetrics",
        meaning="Whose names an app's lifecycle events go by: Application Installed, or Installed App.",
    )
    experiment_as_property: bool = flag(
        default=False, meaning="Also set the variation of an Experiment Viewed as a property of the person."
    )


@frozen(kw_only=True, slots=False)
class OrderOptions:
    """
    Options of completed orders.
    """

    order_event_pattern: str = pattern(
        r"^(?:[ _]?completed[ _]?order[ _]?|[ _]?order[ _]?completed[ _]?)\Z",
        meaning="Which events are completed orders: a regular expression, found anywhere in the name in any case.",
    )
    order_products: Literal["set", "json_property", "events", "drop"] = choice(
        "set",
        "json_property",
        "events",
        "drop",
        meaning="What becomes of an order's products: each sets properties, all are one JSON property of the "
        "event, each is an event, or they are left out.",
    )
    order_clean: bool = flag(
        default=True,
        meaning="Write an order's properties as those of any event; if false, nested ones in brackets, and the "
        "revenue as it came.",
    )
    product_prefix: Literal["as_events", "always"] = choice(
        "as_events", "always", meaning="Whether a product's properties are prefixed."
    )
    product_clean: bool = flag(
        default=True,
        meaning="Write a product's properties as those of any event; if false, nested ones in brackets, and the "
        "revenue as it came.",
    )
    product_revenue: bool = flag(
        default=False, meaning="Count the revenue of each product too, besides that of its order."
    )
    product_event_template: str = text(
        "{event} Product", meaning="The event of a product, where products are events; {event} is the order's."
    )
    product_time_step: int = whole_number(
        1,
        of="seconds",
        meaning="Seconds between the products of an order, so that none replaces another's properties.",
    )
    product_timestamps: bool = flag(
        default=True, meaning="Send a time with each product; if false, Kissmetrics takes the time of arrival."
    )
