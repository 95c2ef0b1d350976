"""
Track calls: events, revenue, completed orders with their products, and experiments.

Sources: Segment's Kissmetrics destination page and ``integration-kissmetrics`` (revenue, prefixes, products);
Segment's e-commerce specification (Order Completed); Kissmetrics' page on tracking refunds.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sdkbridge.calls import Track
from sdkbridge.javascript import number_text
from sdkbridge.kissmetrics.requests import Request
from sdkbridge.mapping.envelope import Envelope, checked_event
from sdkbridge.mapping.properties import Naming, Properties, compared_name, key_of, properties_of
from sdkbridge.options import MappingOptions
from sdkbridge.plain import Unusable, plain, written
from sdkbridge.remarks import Problem
from sdkbridge.revenue import revenue_amount

Values = Mapping[Any, Any]

_COMPLETED_ORDER = re.compile(r"[ _]?completed[ _]?order[ _]?|[ _]?order[ _]?completed[ _]?", re.IGNORECASE)
_EXPERIMENT_VIEWED = re.compile(r"[ _]?experiment[ _]?viewed[ _]?", re.IGNORECASE)


def track_requests(call: Track, envelope: Envelope) -> Iterator[Request]:
    """
    Make the requests of a track: the event, then what belongs to it.
    """
    options = envelope.options
    event = checked_event(call.event, field="event", remarks=envelope.remarks)
    is_order = _COMPLETED_ORDER.fullmatch(event) is not None
    products_key = key_of(call.properties, "products")
    properties = _without(call.properties, products_key)
    fallback = is_order and options.order_total_fallback
    yield envelope.record(event, _event_properties(event, properties, envelope, total_counts=fallback))
    if products_key is not None:
        yield from _products(event, call.properties[products_key], envelope, is_order=is_order)
    if options.experiment_as_property and _EXPERIMENT_VIEWED.fullmatch(event):
        yield from _experiment(properties, envelope)


def _event_properties(event: str, values: Values, envelope: Envelope, *, total_counts: bool) -> Properties:
    """
    Return an event's properties, with its revenue under the billing property too.
    """
    options = envelope.options
    key = key_of(values, "revenue")
    source = values[key] if key is not None else None
    if _says_nothing(source) and total_counts:
        total_key = key_of(values, "total")
        source = values[total_key] if total_key is not None else None
    amount = revenue_amount(source)
    own = {}
    if amount is None and not _says_nothing(source):
        envelope.remarks.add(Problem.UNREADABLE_REVENUE, "revenue")
    if amount is not None:
        values = _without(values, key)
        text = number_text(amount)
        # Nothing was earned: Segment sends the zero, and counts no revenue.
        if amount:
            own[options.billing_property] = text
        if options.send_revenue_property or not amount:
            own["revenue"] = text
    naming = _naming(event, envelope)
    return properties_of(values, own=own, naming=naming, options=options, remarks=envelope.remarks)


def _says_nothing(value: object) -> bool:
    return plain(value) in (None, "")


def _without(values: Values, key: str | None) -> Values:
    return values if key is None else {name: value for name, value in values.items() if name != key}


def _naming(event: str, envelope: Envelope) -> Naming:
    options = envelope.options
    prefix = f"{event}{options.prefix_separator}" if options.prefix_properties else ""
    return Naming(prefix=prefix, bare=compared_name(options.billing_property))


def _products(event: str, products: object, envelope: Envelope, *, is_order: bool) -> Iterator[Request]:
    """
    Set the properties of each product, each a little later than the one before.

    Kissmetrics keeps one value of a property in a second.
    """
    options = envelope.options
    if products is None or options.order_products == "drop":
        return
    if not isinstance(products, list | tuple) or (products and not is_order):
        envelope.remarks.add(Problem.DROPPED_PRODUCTS, "products")
        return
    for index, product in enumerate(products):
        if not isinstance(product, Mapping):
            envelope.remarks.add(Problem.UNSUPPORTED_VALUE, f"products[{index}]")
            continue
        properties = _product_properties(event, product, envelope)
        if properties:
            yield envelope.set(properties, later_s=index * options.product_time_step)


def _product_properties(event: str, product: Values, envelope: Envelope) -> Properties:
    options = envelope.options
    if options.product_revenue:
        return _event_properties(event, product, envelope, total_counts=False)
    billing = compared_name(options.billing_property)
    counted = [key for key in product if isinstance(key, str) and compared_name(key) == billing]
    for key in counted:
        envelope.remarks.add(Problem.PRODUCT_REVENUE, key)
    values = {key: value for key, value in product.items() if key not in counted}
    naming = _naming(event, envelope)
    return properties_of(values, own={}, naming=naming, options=options, remarks=envelope.remarks)


def _experiment(values: Values, envelope: Envelope) -> Iterator[Request]:
    """
    Set which variation of an experiment somebody saw; each by its name, or else by its id.
    """
    options = envelope.options
    experiment = _first_text(values, ("experiment_name", "experiment_id"), options)
    variation = _first_text(values, ("variation_name", "variation_id"), options)
    if not experiment or not variation:
        return
    # A dash, because Kissmetrics would turn the usual colon into a space.
    naming = Naming(prefix=f"Experiment{options.prefix_separator}")
    properties = properties_of(
        {}, own={experiment: variation}, naming=naming, options=options, remarks=envelope.remarks
    )
    if properties:
        yield envelope.set(properties)


def _first_text(values: Values, names: tuple[str, ...], options: MappingOptions) -> str:
    singles = (plain(values.get(name)) for name in names)
    texts = (written(single, options) for single in singles if not isinstance(single, Unusable))
    return next(filter(None, texts), "")
