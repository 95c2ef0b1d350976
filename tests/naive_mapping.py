"""
What becomes of a message, worked out the slow and obvious way, from what Segment and RudderStack published.

The oracle of the differential test: it shares no line with the mapping, reads no option, and looks texts of dates,
amounts and identities up in the tables that they were made from.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from made_messages import DATES, EPOCH

RESERVED = {"_k", "_p", "_n", "_t", "_d", "_ip", "_ua", "_c", "_u"}
BOTH_ORDERS = {"Order Completed", "Completed Order", "order_completed", "completed_order", "OrderCompleted"}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """
    What is known of one system, in words of its own.
    """

    alias_on_identify: bool
    alias_first: bool = True
    aliases_itself: bool = False
    previous_id_needed: bool = False
    alias_new_first: bool = False
    checks: bool = False
    adds_id: bool = True
    groups: bool = True
    group_in_brackets: bool = False
    prefixed: bool = True
    separator: str = " - "
    orders: set[str]
    totals: set[str]
    order_in_brackets: bool = False
    products_of_others: str = "dropped"
    products_in_brackets: bool = False
    products_prefixed: bool = True
    products_timed: bool = True
    product_revenue: bool = True
    reads_amounts: int = 1
    page_in_brackets: bool = True
    page_word: dict[str, str] = field(default_factory=lambda: {"page": "Page", "screen": "Screen"})
    page_prefixed: dict[str, bool] = field(default_factory=lambda: {"page": True, "screen": True})
    page_named_by_properties: bool = False
    unnamed: str | None = None
    page_view: bool = False
    screens: bool = True
    nesting: str = "deep"
    empties: bool = True
    array_of_objects: str = "js"
    top_date: str = "unix"
    nested_date: str = "iso"
    array_date: str = "js"
    address: bool = True
    corrects_clocks: bool = False


SYSTEMS = {
    "bridge": Facts(
        alias_on_identify=True,
        checks=True,
        orders=BOTH_ORDERS,
        totals=BOTH_ORDERS,
        product_revenue=False,
        reads_amounts=0,
        page_in_brackets=False,
        empties=False,
        array_of_objects="json",
        nested_date="unix",
        array_date="kept",
    ),
    "segment-server": Facts(
        alias_on_identify=True,
        alias_first=False,
        aliases_itself=True,
        previous_id_needed=True,
        prefixed=False,
        orders=BOTH_ORDERS | {"Completed Order Again"},
        totals={"Completed Order", "Completed Order Again"},
        products_prefixed=False,
        unnamed="Viewed undefined {word}",
        corrects_clocks=True,
    ),
    "segment-browser": Facts(
        alias_on_identify=True,
        alias_new_first=True,
        group_in_brackets=True,
        orders={"Completed Order", "completed_order", "Completed Order Again"},
        totals={"Order Completed", "order_completed", "OrderCompleted"},
        order_in_brackets=True,
        products_of_others="kept",
        products_in_brackets=True,
        page_view=True,
        screens=False,
        nesting="first branch",
        address=False,
    ),
    "rudderstack": Facts(
        alias_on_identify=False,
        aliases_itself=True,
        previous_id_needed=True,
        adds_id=False,
        groups=False,
        separator="-",
        orders=set(),
        totals=set(),
        products_of_others="sent",
        products_in_brackets=True,
        products_timed=False,
        page_in_brackets=False,
        page_word={"page": "page", "screen": "screen"},
        page_prefixed={"page": True, "screen": False},
        page_named_by_properties=True,
        unnamed="Loaded a {kind}",
        nesting="one level",
        top_date="kept",
        nested_date="kept",
        array_date="kept",
        address=False,
        corrects_clocks=True,
    ),
}


class RefusedError(Exception):
    """
    The message cannot be taken.
    """


@dataclass(frozen=True)
class Leaf:
    """
    A value under its whole name; without a text it is left out, for a reason unless it says nothing.
    """

    name: str
    text: str | None
    reason: str = ""
    own: bool = False


@dataclass(frozen=True, kw_only=True)
class Expected:
    """
    A request: its own parameters, and the values that it carries or leaves out for a reason.
    """

    path: str
    reserved: dict[str, str]
    leaves: list[Leaf] = field(default_factory=list)
    even_empty: bool = True


# Texts, as JavaScript writes them.


def js_number(number: float) -> str:
    """
    Follow ECMAScript's Number::toString: the fewest digits that read back, then where the point goes.
    """
    double = float(number)
    if double == 0:
        return "0"
    if double < 0:
        return "-" + js_number(-double)
    places = next(places for places in range(17) if float(f"{double:.{places}e}") == double)
    mantissa, _, exponent = f"{double:.{places}e}".partition("e")
    digits = mantissa.replace(".", "").rstrip("0")
    k, n = len(digits), int(exponent) + 1
    if k <= n <= 21:
        return digits + "0" * (n - k)
    if 0 < n <= 21:
        return digits[:n] + "." + digits[n:]
    if -6 < n <= 0:
        return "0." + "0" * -n + digits
    sign = "+" if n > 0 else "-"
    return f"{digits[0]}{'.' if k > 1 else ''}{digits[1:]}e{sign}{abs(n - 1)}"


def js_iso(milliseconds: int) -> str:
    """
    Write a moment as ``toISOString`` does.
    """
    moment = EPOCH + timedelta(milliseconds=milliseconds)
    return f"{moment.year:04}{moment:-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z"


def js_date(milliseconds: int) -> str:
    """
    Write a moment as ``Date.prototype.toString`` does where the clock is UTC.
    """
    moment = EPOCH + timedelta(milliseconds=milliseconds)
    return f"{moment:%a %b %d} {moment.year:04} {moment:%H:%M:%S} GMT+0000 (Coordinated Universal Time)"


def js_json(value: Any) -> str:
    """
    Write a value as ``JSON.stringify`` does; None where a text or number cannot be sent.
    """
    if isinstance(value, dict):
        members = [(key, one) for key, one in value.items() if not is_half(key)]
        return "{" + ",".join(f"{quoted(key)}:{js_json(one)}" for key, one in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(js_json(one) for one in value) + "]"
    if isinstance(value, str):
        return "null" if is_half(value) else quoted(value)
    return js_single(value) or "null"


def quoted(text: str) -> str:
    """
    Quote a text as ``JSON.stringify`` does.
    """
    short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    return '"' + "".join(short.get(letter, letter) for letter in text) + '"'


def js_single(value: Any) -> str:
    """
    Write what is no object and no array; what says nothing, or cannot be sent, is empty.
    """
    if value is None or unsendable(value):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return "" if math.isnan(value) else js_number(value)


def is_half(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def unsendable(value: Any) -> str:
    """
    Return the reason why a single value cannot be sent, or nothing.
    """
    if isinstance(value, str):
        return "half_character" if is_half(value) else ""
    if value is None or isinstance(value, bool):
        return ""
    return "unsupported_value" if value in {10**400, math.inf, -math.inf} else ""


# Values to leaves.


def of_array(facts: Facts, array: list[Any]) -> tuple[str, list[str]]:
    """
    Return the text of an array, and what is wrong with parts of it.
    """
    reasons: list[str] = []
    if facts.array_of_objects == "json" and has_object(array):
        collect(array, reasons, into_objects=True)
        return js_json(array), reasons
    collect(array, reasons, into_objects=False)
    return joined(facts, array), reasons


def has_object(array: list[Any]) -> bool:
    return any(isinstance(one, dict) or (isinstance(one, list) and has_object(one)) for one in array)


def collect(value: Any, reasons: list[str], *, into_objects: bool) -> None:
    if isinstance(value, list):
        for one in value:
            collect(one, reasons, into_objects=into_objects)
    elif isinstance(value, dict):
        for key, one in value.items() if into_objects else ():
            if is_half(key):
                reasons.append("half_character")
            else:
                collect(one, reasons, into_objects=True)
    elif unsendable(value):
        reasons.append(unsendable(value))


def joined(facts: Facts, array: list[Any]) -> str:
    texts = []
    for one in array:
        if isinstance(one, list):
            texts.append(joined(facts, one))
        elif isinstance(one, dict):
            texts.append("[object Object]")
        elif facts.array_date == "js" and one.__hash__ and one in DATES:
            texts.append(js_date(DATES[one]))
        else:
            texts.append(js_single(one))
    return ",".join(texts)


def flat(facts: Facts, values: dict[str, Any], way: str = "", depth: int = 0) -> Iterator[Leaf]:
    """
    Find the values of an object under their names joined by dots.
    """
    members = list(values.items())
    for place, (key, value) in enumerate(members):
        name = way + key
        if is_half(key):
            yield Leaf(name, None, "half_character")
        elif not name and not isinstance(value, dict):
            yield Leaf(name, None, "empty_name" if arrives_at_all(facts, value) else "")
        elif not isinstance(value, dict):
            yield from single_leaf(facts, name, value, depth)
        elif len(name) > 255:
            yield Leaf(name, None, "name_too_long")
        elif value and depth and facts.nesting == "one level":
            yield Leaf(name, "[object Object]")
        else:
            yield from flat(facts, value, f"{name}.", depth + 1)
            if value and depth and facts.nesting == "first branch":
                yield from (Leaf(way + lost, None, "lost_sibling") for lost, _ in members[place + 1 :])
                return


def arrives_at_all(facts: Facts, value: Any) -> bool:
    return any(leaf.text is not None for leaf in single_leaf(facts, "it", value, 0))


def single_leaf(facts: Facts, name: str, value: Any, depth: int) -> Iterator[Leaf]:
    if isinstance(value, list):
        text, reasons = of_array(facts, value)
        yield from (Leaf(name, None, reason) for reason in reasons)
        yield Leaf(name, text if text or facts.empties else None)
    elif value.__hash__ and value in DATES and (facts.nested_date if depth else facts.top_date) != "kept":
        moment = DATES[value]
        yield Leaf(name, js_iso(moment) if depth and facts.nested_date == "iso" else str(moment // 1000))
    elif unsendable(value):
        yield Leaf(name, None, unsendable(value))
    elif value is None or (isinstance(value, float) and math.isnan(value)):
        yield Leaf(name, "" if depth and facts.empties else None)
    else:
        text = js_single(value)
        yield Leaf(name, text if text or facts.empties else None)


def in_brackets(facts: Facts, values: dict[str, Any] | list[Any], way: str | None = None) -> Iterator[Leaf]:
    """
    Find the values of an object under their names in brackets, as the package qs writes them.
    """
    members = values.items() if isinstance(values, dict) else ((str(n), one) for n, one in enumerate(values))
    for key, value in members:
        name = key if way is None else f"{way}[{key}]"
        if is_half(key):
            yield Leaf(name, None, "half_character")
        elif not name and not isinstance(value, dict | list):
            yield Leaf(name, None, unsendable(value) or "empty_name")
        elif isinstance(value, dict | list):
            yield from [Leaf(name, None, "name_too_long")] if len(name) > 255 else in_brackets(facts, value, name)
        elif value.__hash__ and value in DATES and facts.top_date != "kept":
            yield Leaf(name, js_iso(DATES[value]))
        elif unsendable(value):
            yield Leaf(name, None, unsendable(value))
        else:
            yield Leaf(name, js_single(value))
