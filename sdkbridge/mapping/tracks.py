"""
Track calls: events with their revenue, experiments, and an app's lifecycle.

Sources: Segment's Kissmetrics destination page and ``integration-kissmetrics`` (revenue, prefixes, products);
Segment's specifications of mobile lifecycle events and of A/B testing; Kissmetrics' iOS SDK (its own names).
"""

import re
from collections.abc import Iterator
from types import MappingProxyType

from sdkbridge.calls import Track
from sdkbridge.kissmetrics.requests import Request
from sdkbridge.mapping.billing import Billed, Values, billed, billed_as_it_came, without
from sdkbridge.mapping.envelope import Envelope, checked_event
from sdkbridge.mapping.names import prefixed
from sdkbridge.mapping.orders import Event, event_named, own_products, product_requests
from sdkbridge.mapping.properties import key_of, properties_of
from sdkbridge.options import MappingOptions
from sdkbridge.values.plain import Unusable, plain, written

_EXPERIMENT_VIEWED = re.compile(r"[ _]?experiment[ _]?viewed[ _]?", re.IGNORECASE)

LIFECYCLE_NAMES = MappingProxyType(
    {
        "Application Installed": "Installed App",
        "Application Updated": "Updated App",
        "Application Opened": "Launched App",
        "Application Backgrounded": "App moved to background",
        "Application Foregrounded": "App became active",
    }
)
"""Segment's names of an app's lifecycle events → those of Kissmetrics' own SDKs."""


def track_requests(call: Track, envelope: Envelope) -> Iterator[Request]:
    """
    Make the requests of a track: the event, then what belongs to it.
    """
    options = envelope.options
    event = _event_of(call, envelope)
    key = key_of(call.properties, "products")
    kept = options.non_order_products == "keep" and not event.is_completed
    values = call.properties if kept else without(call.properties, key)
    products = None if kept or key is None else call.properties[key]
    revenue = _revenue(event, values, envelope)
    properties = properties_of(
        revenue.rest,
        own=revenue.own if products is None else {**revenue.own, **own_products(event, products, envelope)},
        naming=event.naming,
        options=options,
        remarks=envelope.remarks,
        clean=options.order_clean or not event.is_completed,
    )
    yield envelope.record(event.name, properties)
    if products is not None:
        yield from product_requests(event, products, envelope)
    if is_experiment(event):
        yield from _experiment(values, envelope)


def is_experiment(event: Event) -> bool:
    """
    Tell whether an event is that an experiment was viewed, which sets a property besides.
    """
    return event.options.experiment_as_property and _EXPERIMENT_VIEWED.fullmatch(event.name) is not None


def _event_of(call: Track, envelope: Envelope) -> Event:
    options = envelope.options
    name = LIFECYCLE_NAMES.get(call.event, call.event) if options.lifecycle_names == "kissmetrics" else call.event
    event = event_named(name, options)
    if event.is_sent_as_it_is:
        return event
    name = checked_event(name, field="event", options=options, remarks=envelope.remarks)
    return event_named(name, options)


def _revenue(event: Event, values: Values, envelope: Envelope) -> Billed:
    options = envelope.options
    bills = event.bills(prefixed=options.prefix_properties)
    if event.is_completed and not options.order_clean:
        return billed_as_it_came(values, options, bills=bills)
    return billed(values, options, envelope.remarks, total_counts=event.total_counts, bills=bills)


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
    naming = prefixed(f"Experiment{options.prefix_separator}")
    properties = properties_of(
        {}, own={experiment: variation}, naming=naming, options=options, remarks=envelope.remarks
    )
    if properties:
        yield envelope.set(properties)


def _first_text(values: Values, names: tuple[str, ...], options: MappingOptions) -> str:
    singles = (plain(values.get(name)) for name in names)
    texts = (written(single, options) for single in singles if not isinstance(single, Unusable))
    return next(filter(None, texts), "")
