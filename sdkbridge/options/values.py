"""
Options of names and values, in all calls.
"""

from typing import Literal

from attrs import frozen

from sdkbridge.options.kinds import choice, flag


@frozen(kw_only=True, slots=False)
class ValueOptions:
    """
    Options of names and values.
    """

    flatten_objects: Literal["deep", "first_branch", "one_level"] = choice(
        "deep",
        "first_branch",
        "one_level",
        meaning="How nested objects are flattened: whole; only up to the first object inside an object, the rest "
        "of which is lost; or one level, below which an object is one text.",
    )
    nested_null: Literal["drop", "empty"] = choice(
        "drop", "empty", meaning="Leave out a null inside an object, or send it as an empty text."
    )
    send_empty: bool = flag(default=False, meaning="Send empty texts and arrays, as an empty text.")
    bool_style: Literal["text", "int"] = choice("text", "int", meaning="Write true and false, or 1 and 0.")
    object_array: Literal["json", "js", "drop"] = choice(
        "json",
        "js",
        "drop",
        meaning="Send an array of objects as JSON, as [object Object], or not at all.",
    )
    iso_dates: Literal["unix", "keep"] = choice(
        "unix", "keep", meaning="Turn texts that are ISO 8601 dates into seconds since 1970, or keep them."
    )
    nested_dates: Literal["unix", "iso"] = choice(
        "unix",
        "iso",
        meaning="Turn dates inside an object into seconds since 1970, or into ISO 8601 with milliseconds.",
    )
    array_dates: Literal["keep", "js"] = choice(
        "keep", "js", meaning="Keep texts that are dates in an array, or write them as JavaScript does."
    )
    allow_reserved: bool = flag(
        default=False,
        meaning="Let properties named _n, _ip, _ua, _c and _u through where the request has none of its own. _k, "
        "_p, _t and _d are never taken from properties.",
    )
    long_name: Literal["reject", "truncate", "keep"] = choice(
        "reject",
        "truncate",
        "keep",
        meaning="Names of more than 255 characters: refuse the event and leave out the property, cut the name, or "
        "send it.",
    )
