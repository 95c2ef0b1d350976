"""
Options of page and screen calls.
"""

from typing import Literal

from attrs import frozen

from sdkbridge.options.kinds import choice, flag, text


@frozen(kw_only=True, slots=False)
class ViewOptions:
    """
    Options of page and screen calls.
    """

    page_event_template: str = text(
        "Viewed {page} Page",
        meaning="The event of a page; {page} is its name, or else its category. Also {name}, {category} and "
        "{properties.category}.",
    )
    screen_event_template: str = text(
        "Viewed {screen} Screen",
        meaning="The event of a screen; {screen} is its name, or else its category. Also as for a page.",
    )
    page_category_template: str = text(
        "",
        may_be_empty=True,
        meaning="The event of a page instead, if everything in the template is known; empty: none.",
    )
    screen_category_template: str = text(
        "",
        may_be_empty=True,
        meaning="The event of a screen instead, if everything in the template is known; empty: none.",
    )
    page_named_by: Literal["name_or_category", "name"] = choice(
        "name_or_category",
        "name",
        meaning="What names a page or screen: a category counts if it has no name, or not.",
    )
    page_own_properties: bool = flag(
        default=True, meaning="Send a page's or screen's name and category as properties too."
    )
    track_named_pages: bool = flag(default=True, meaning="Record pages and screens under their name.")
    track_categorized_pages: bool = flag(
        default=True, meaning="Record pages and screens without a recorded name under their category."
    )
    track_all_pages: bool = flag(
        default=False, meaning="Record every page and screen that has a name or a category."
    )
    unnamed_page: Literal["drop", "loaded", "undefined"] = choice(
        "drop",
        "loaded",
        "undefined",
        meaning="Drop a page or screen that nothing names, record it as Loaded a Page, or name it undefined.",
    )
    page_prefix: Literal["always", "as_events", "never"] = choice(
        "always",
        "as_events",
        "never",
        meaning="Whether the names of a page's properties begin with Page: always, if those of events are "
        "prefixed, or never.",
    )
    screen_prefix: Literal["always", "as_events", "never"] = choice(
        "always", "as_events", "never", meaning="The same for a screen's properties, with Screen."
    )
    page_clean: bool = flag(
        default=True,
        meaning="Write the properties of a page or screen as an event's; if false, nested ones in brackets, empty "
        "ones too.",
    )
    page_view_event: bool = flag(
        default=False, meaning="Also record each page as Page View, with Viewed URL and Referrer."
    )
    send_screens: bool = flag(default=True, meaning="Send screen calls.")
