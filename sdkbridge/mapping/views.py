"""
Page and screen calls: an event named after what was seen.

Source: Segment's Kissmetrics destination page (names, prefixes and the toggles for named and categorised pages).
"""

from collections.abc import Iterator

from sdkbridge.calls import Page, Screen
from sdkbridge.kissmetrics.requests import Request
from sdkbridge.mapping.envelope import Envelope, checked_event
from sdkbridge.mapping.properties import Naming, properties_of
from sdkbridge.options import MappingOptions
from sdkbridge.remarks import Problem


def view_requests(call: Page | Screen, envelope: Envelope) -> Iterator[Request]:
    """
    Make the request of a page or screen, if the options record it.
    """
    word = "Screen" if isinstance(call, Screen) else "Page"
    event = _event(call, word, envelope)
    if event is None:
        return
    own = {"name": call.name, "category": call.category}
    properties = properties_of(
        call.properties,
        own={name: text for name, text in own.items() if text},
        naming=Naming(prefix=f"{word}{envelope.options.prefix_separator}"),
        options=envelope.options,
        remarks=envelope.remarks,
    )
    yield envelope.record(event, properties)


def _event(call: Page | Screen, word: str, envelope: Envelope) -> str | None:
    options = envelope.options
    if not call.name and not call.category:
        if options.unnamed_page == "loaded":
            return f"Loaded a {word}"
        envelope.remarks.add(Problem.UNNAMED_PAGE)
        return None
    title = _title(call, options)
    if title is None:
        envelope.remarks.add(Problem.SWITCHED_OFF)
        return None
    template = options.screen_event_template if word == "Screen" else options.page_event_template
    event = template.replace("{" + word.lower() + "}", title)
    return checked_event(event, field="name" if title == call.name else "category", remarks=envelope.remarks)


def _title(call: Page | Screen, options: MappingOptions) -> str | None:
    if call.name and options.track_named_pages:
        return call.name
    if call.category and options.track_categorized_pages:
        return call.category
    return call.name or call.category if options.track_all_pages else None
