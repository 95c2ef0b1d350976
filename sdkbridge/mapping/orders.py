"""
Completed orders, and the products of any event that has them.

Sources: ``analytics-events`` (which events are completed orders), ``integration-kissmetrics`` (a request for each
product, a second apart, since Kissmetrics keeps one value of a property in a second), RudderStack's transformer.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache

from attrs import frozen

from sdkbridge.kissmetrics.requests import Request
from sdkbridge.mapping.billing import Billed, Values, billed, billed_as_it_came, total_counts
from sdkbridge.mapping.envelope import Envelope, checked_event
from sdkbridge.mapping.names import Naming, compared_name
from sdkbridge.mapping.properties import Properties, properties_of
from sdkbridge.options import MappingOptions
from sdkbridge.remarks import Problem
from sdkbridge.values.arrays import Allowance, TooManyValuesError, json_text
from sdkbridge.values.flattening import LONGEST_NAME
from sdkbridge.values.plain import is_writable


@frozen(slots=False)
class Event:
    """
    The event of a track, which may be a completed order.
    """

    name: str
    options: MappingOptions

    @cached_property
    def is_completed(self) -> bool:
        """
        Whether the event is a completed order by its name.
        """
        return _is_completed(self.options.order_event_pattern, self.name)

    @cached_property
    def naming(self) -> Naming:
        """
        How the event's properties are named.
        """
        return self._naming(prefixed=self.options.prefix_properties)

    @cached_property
    def product_naming(self) -> Naming:
        """
        How its products' properties are named.
        """
        return self._naming(prefixed=self.prefixes_products)

    @property
    def prefixes_products(self) -> bool:
        """
        Whether its products' properties are prefixed.
        """
        return self.options.prefix_properties or self.options.product_prefix == "always"

    @cached_property
    def total_counts(self) -> bool:
        """
        Whether its total stands in for its revenue.
        """
        return total_counts(self.name, self.options, is_order=self.is_completed)

    @cached_property
    def is_sent_as_it_is(self) -> bool:
        """
        Whether its name can be sent with nothing to remark on.
        """
        return is_writable(self.name) and len(self.name) <= LONGEST_NAME and not {",", ":"} & set(self.name)

    def bills(self, *, prefixed: bool) -> bool:
        """
        Tell whether the billing property is sent.
        """
        needs = self.options.billing_needs_prefix
        return prefixed or needs == "never" or (needs == "orders" and not self.is_completed)

    @cached_property
    def products_become(self) -> str:
        """
        What becomes of the products: ``set``, ``events``, ``json``, or ``drop``.
        """
        if self.is_completed:
            return "json" if self.options.order_products == "json_property" else self.options.order_products
        return "set" if self.options.non_order_products == "fanout" else self.options.non_order_products

    def _naming(self, *, prefixed: bool) -> Naming:
        options = self.options
        if not prefixed:
            return _naming(options.billing_property)
        revenue_separator = options.revenue_prefix_separator
        return _naming(
            options.billing_property,
            prefix=f"{self.name}{options.prefix_separator}",
            revenue_prefix=None if revenue_separator is None else f"{self.name}{revenue_separator}",
        )


def event_named(name: str, options: MappingOptions) -> Event:
    """
    Return the event of a name.
    """
    return _event_before(name, options) if len(name) <= LONGEST_NAME else Event(name, options)


# The same few events come again and again.
_event_before = lru_cache(maxsize=1024)(Event)


@lru_cache(maxsize=1024)
def _is_completed(pattern: str, event: str) -> bool:
    return re.search(pattern, event, re.IGNORECASE) is not None


@lru_cache(maxsize=1024)
def _naming(billing_property: str, *, prefix: str = "", revenue_prefix: str | None = None) -> Naming:
    return Naming(prefix=prefix, bare=compared_name(billing_property), revenue_prefix=revenue_prefix)


def own_products(event: Event, products: object, envelope: Envelope) -> dict[str, str]:
    """
    Return the products as a property of the event, if they are to be one.
    """
    if event.products_become != "json" or not isinstance(products, list | tuple) or not products:
        return {}
    try:
        array = json_text(products, envelope.options, Allowance())
    except TooManyValuesError:
        envelope.remarks.add(Problem.TOO_MANY_VALUES, "products")
        return {}
    for problem in array.problems:
        envelope.remarks.add(problem, "products")
    return {"products": array.text or ""}


def product_requests(event: Event, products: object, envelope: Envelope) -> Iterator[Request]:
    """
    Make a request for each product, each a little later than the one before.
    """
    options = envelope.options
    dropped_as_told = event.is_completed and event.products_become == "drop"
    if products is None or dropped_as_told:
        return
    if not isinstance(products, list | tuple) or (products and event.products_become == "drop"):
        envelope.remarks.add(Problem.DROPPED_PRODUCTS, "products")
        return
    if event.products_become == "json":
        return
    for index, product in enumerate(products):
        if not isinstance(product, Mapping):
            envelope.remarks.add(Problem.UNSUPPORTED_VALUE, f"products[{index}]")
            continue
        properties = _product_properties(event, product, envelope)
        if properties:
            yield _product_request(event, properties, envelope, later_s=index * options.product_time_step)


def _product_request(event: Event, properties: Properties, envelope: Envelope, *, later_s: int) -> Request:
    options = envelope.options
    timed = options.product_timestamps
    if event.products_become == "set":
        return envelope.set(properties, later_s=later_s, timed=timed)
    name = options.product_event_template.replace("{event}", event.name)
    name = checked_event(name, field="event", options=options, remarks=envelope.remarks)
    return envelope.record(name, properties, later_s=later_s, timed=timed)


def _product_properties(event: Event, product: Values, envelope: Envelope) -> Properties:
    revenue = _product_revenue(event, product, envelope)
    return properties_of(
        revenue.rest,
        own=revenue.own,
        naming=event.product_naming,
        options=envelope.options,
        remarks=envelope.remarks,
        clean=envelope.options.product_clean,
    )


def _product_revenue(event: Event, product: Values, envelope: Envelope) -> Billed:
    options = envelope.options
    if options.product_revenue:
        bills = event.bills(prefixed=event.prefixes_products)
        if not options.product_clean:
            return billed_as_it_came(product, options, bills=bills)
        return billed(product, options, envelope.remarks, total_counts=event.total_counts, bills=bills)
    billing = compared_name(options.billing_property)
    counted = [key for key in product if isinstance(key, str) and compared_name(key) == billing]
    for key in counted:
        envelope.remarks.add(Problem.PRODUCT_REVENUE, key)
    return Billed({}, {key: value for key, value in product.items() if key not in counted})
