"""
Revenue under its two names: ``revenue``, and the billing property that Kissmetrics' revenue report reads.

Source: ``segmentio-facade`` (which values count as revenue, and when total stands in for it) and the ``prefix``
functions of Segment's browser integration and of RudderStack.
"""

import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from sdkbridge.mapping.properties import key_of
from sdkbridge.options import MappingOptions
from sdkbridge.remarks import Problem, Remarks
from sdkbridge.values.javascript import number_text
from sdkbridge.values.plain import Unusable, plain, written
from sdkbridge.values.revenue import revenue_amount, segment_amount

Values = Mapping[Any, Any]

_EITHER_ORDER_NAME = re.compile(r"[ _]?completed[ _]?order[ _]?|[ _]?order[ _]?completed[ _]?", re.IGNORECASE)
_FIRST_ORDER_NAME = re.compile(r"completed ?order", re.IGNORECASE)


@frozen
class Billed:
    """
    An event's values, its revenue apart.

    Attributes:
        own: the revenue as texts, by name.
        rest: the other values.
    """

    own: Mapping[str, str]
    rest: Values


def billed(
    values: Values, options: MappingOptions, remarks: Remarks, *, total_counts: bool, bills: bool
) -> Billed:
    """
    Read the revenue among an event's values.

    Args:
        values: the event's properties.
        options: how it is read and under which names it is sent.
        remarks: where it is noted if it cannot be read.
        total_counts: whether total stands in for a revenue that says nothing.
        bills: whether the billing property is sent.
    """
    key = key_of(values, "revenue")
    source = values[key] if key is not None else None
    if total_counts and _says_nothing(source, options):
        total_key = key_of(values, "total")
        source = values[total_key] if total_key is not None else None
    if source is None:
        return Billed({}, values)
    amount = revenue_amount(source) if options.revenue_parser == "bridge" else segment_amount(source)
    if amount is None and not _says_nothing(source, options):
        remarks.add(Problem.UNREADABLE_REVENUE, "revenue")
    if amount is None or (not amount and options.revenue_parser == "segment"):
        return Billed({}, values)
    own = {}
    text = number_text(amount)
    # Nothing was earned: Segment sends the zero, and counts no revenue.
    if amount and bills:
        own[options.billing_property] = text
    if options.send_revenue_property or not amount:
        own["revenue"] = text
    return Billed(own, without(values, key))


def billed_as_it_came(values: Values, options: MappingOptions, *, bills: bool) -> Billed:
    """
    Send the revenue as the caller wrote it, under both names.
    """
    single = plain(values.get("revenue"))
    text = "" if isinstance(single, Unusable) else written(single, options)
    return Billed({options.billing_property: text} if text and bills else {}, values)


def total_counts(event: str, options: MappingOptions, *, is_order: bool) -> bool:
    """
    Tell whether an event's total stands in for its revenue.
    """
    if options.order_total_fallback == "v1_only":
        return _FIRST_ORDER_NAME.search(event) is not None
    if options.order_total_fallback == "both":
        return is_order or _EITHER_ORDER_NAME.fullmatch(event) is not None
    return False


def without(values: Values, key: str | None) -> Values:
    """
    Return an object without one of its members.
    """
    return values if key is None else {name: value for name, value in values.items() if name != key}


def _says_nothing(value: object, options: MappingOptions) -> bool:
    single = plain(value)
    # To JavaScript zero and false say nothing either.
    return not single if options.revenue_parser == "segment" else single in (None, "")
