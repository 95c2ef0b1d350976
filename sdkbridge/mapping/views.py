"""
Page and screen calls: an event named after what was seen.

Sources: Segment's Kissmetrics destination page (names, prefixes and the toggles for named and categorised pages),
its browser integration (Page View), RudderStack's transformer (names by the category among the properties).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sdkbridge.calls import Page, Screen
from sdkbridge.kissmetrics.requests import Request
from sdkbridge.mapping.envelope import Envelope, checked_event
from sdkbridge.mapping.names import UNPREFIXED, Naming, prefixed
from sdkbridge.mapping.properties import properties_of
from sdkbridge.options import MappingOptions
from sdkbridge.remarks import Problem
from sdkbridge.values.plain import Unusable, plain, written

_PLACE = re.compile(r"\{(page|screen|name|category|properties\.category)\}")


def view_requests(call: Page | Screen, envelope: Envelope) -> Iterator[Request]:
    """
    Make the requests of a page or screen, if the options record it.
    """
    options = envelope.options
    word = "Screen" if isinstance(call, Screen) else "Page"
    if word == "Screen" and not options.send_screens:
        envelope.remarks.add(Problem.CALL_NOT_SENT)
        return
    if word == "Page" and options.page_view_event:
        yield _page_view(call, envelope)
    event = _event(call, word, envelope)
    if event is None:
        return
    own = {"name": call.name, "category": call.category} if options.page_own_properties else {}
    properties = properties_of(
        call.properties,
        own={name: text for name, text in own.items() if text},
        naming=_naming(word, options),
        options=options,
        remarks=envelope.remarks,
        clean=options.page_clean,
    )
    yield envelope.record(event, properties)


def _naming(word: str, options: MappingOptions) -> Naming:
    when = options.screen_prefix if word == "Screen" else options.page_prefix
    has_prefix = when == "always" or (when == "as_events" and options.prefix_properties)
    return prefixed(f"{word}{options.prefix_separator}") if has_prefix else UNPREFIXED


def _page_view(call: Page, envelope: Envelope) -> Request:
    """
    Make the event that Kissmetrics' own script records for each page.
    """
    page = call.context.get("page")
    around: Mapping[str, Any] = page if isinstance(page, Mapping) else {}
    url, referrer = (
        _text(call.properties, name, envelope) or _text(around, name, envelope) for name in _PAGE_VIEW
    )
    own = {"Viewed URL": url, "Referrer": referrer or "Direct"}
    properties = properties_of(
        {},
        own={name: text for name, text in own.items() if text},
        naming=UNPREFIXED,
        options=envelope.options,
        remarks=envelope.remarks,
    )
    return envelope.record("Page View", properties)


_PAGE_VIEW = ("url", "referrer")


def _text(values: Mapping[str, Any], name: str, envelope: Envelope) -> str:
    single = plain(values.get(name))
    return "" if isinstance(single, Unusable) else written(single, envelope.options)


def _event(call: Page | Screen, word: str, envelope: Envelope) -> str | None:
    options = envelope.options
    title = _title(call, envelope)
    if title is None:
        return None
    if not title:
        return f"Loaded a {word}"
    known = {
        word.lower(): title,
        "name": call.name or "",
        "category": call.category or "",
        "properties.category": _text(call.properties, "category", envelope),
    }
    event = _PLACE.sub(lambda place: known.get(place[1], place[0]), _template(word, known, options))
    field = "name" if title == call.name else "category"
    return checked_event(event, field=field, options=options, remarks=envelope.remarks)


def _template(word: str, known: Mapping[str, str], options: MappingOptions) -> str:
    for_both = options.screen_category_template if word == "Screen" else options.page_category_template
    if for_both and all(known.get(place) for place in _PLACE.findall(for_both)):
        return for_both
    return options.screen_event_template if word == "Screen" else options.page_event_template


def _title(call: Page | Screen, envelope: Envelope) -> str | None:
    """
    Return what a page or screen is called; an empty text for one that was loaded, None for one not recorded.
    """
    options = envelope.options
    category = call.category if options.page_named_by == "name_or_category" else None
    if not call.name and not category:
        if options.unnamed_page == "drop":
            envelope.remarks.add(Problem.UNNAMED_PAGE)
            return None
        return "" if options.unnamed_page == "loaded" else "undefined"
    if call.name and options.track_named_pages:
        return call.name
    if category and options.track_categorized_pages:
        return category
    if not options.track_all_pages:
        envelope.remarks.add(Problem.SWITCHED_OFF)
        return None
    return call.name or category
