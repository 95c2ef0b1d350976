"""
The kinds of options: what each takes, and how a wrong value is refused.

What an option does is in its field's metadata under ``meaning``; the texts it is limited to under ``choices``.
"""

import re
from typing import TYPE_CHECKING, Any

from attrs import field

from sdkbridge.errors import BridgeError

if TYPE_CHECKING:  # generic only for type checkers
    from attrs import Attribute


class InvalidOption(BridgeError, ValueError):
    """
    An option that does not exist, or cannot have the value it was given.

    Attributes:
        option: its name.
        problem: what is wrong, and what would be right.
    """

    def __init__(self, option: str, problem: str) -> None:
        super().__init__(f"{option} {problem}")
        self.option = option
        self.problem = problem


def flag(*, default: bool, meaning: str) -> Any:  # noqa: ANN401 - typed where it is assigned
    """
    Make an option that is true or false.
    """

    def check(_: object, attribute: "Attribute[bool]", value: object) -> None:
        if not isinstance(value, bool):
            raise InvalidOption(attribute.name, f"must be true or false, not {type(value).__name__}")

    return field(default=default, validator=check, metadata={"meaning": meaning})


def choice(*choices: str, meaning: str) -> Any:  # noqa: ANN401 - typed where it is assigned
    """
    Make an option that is one of a few texts, by default the first.
    """

    def check(_: object, attribute: "Attribute[str]", value: object) -> None:
        if value not in choices:
            raise InvalidOption(attribute.name, f"must be one of {', '.join(choices)}")

    return field(default=choices[0], validator=check, metadata={"meaning": meaning, "choices": choices})


def text(default: str, *, meaning: str, may_be_empty: bool = False) -> Any:  # noqa: ANN401 - as above
    """
    Make an option that is any text.
    """

    def check(_: object, attribute: "Attribute[str]", value: object) -> None:
        if not isinstance(value, str):
            raise InvalidOption(attribute.name, f"must be a text, not {type(value).__name__}")
        if not value and not may_be_empty:
            raise InvalidOption(attribute.name, "must not be empty")

    return field(default=default, validator=check, metadata={"meaning": meaning})


def text_or_null(*, meaning: str) -> Any:  # noqa: ANN401 - typed where it is assigned
    """
    Make an option that is any text, or null, which is the default.
    """

    def check(_: object, attribute: "Attribute[str | None]", value: object) -> None:
        if value is not None and not isinstance(value, str):
            raise InvalidOption(attribute.name, f"must be a text or null, not {type(value).__name__}")

    return field(default=None, validator=check, metadata={"meaning": meaning})


def pattern(default: str, *, meaning: str) -> Any:  # noqa: ANN401 - typed where it is assigned
    """
    Make an option that is a regular expression, found anywhere in a text and in any case.
    """

    def check(_: object, attribute: "Attribute[str]", value: object) -> None:
        if not isinstance(value, str):
            raise InvalidOption(attribute.name, f"must be a text, not {type(value).__name__}")
        try:
            re.compile(value)
        except (re.error, OverflowError, RecursionError) as error:
            raise InvalidOption(attribute.name, f"must be a regular expression ({error})") from None

    return field(default=default, validator=check, metadata={"meaning": meaning})


def whole_number(default: int, *, of: str, meaning: str) -> Any:  # noqa: ANN401 - typed where it is assigned
    """
    Make an option that counts something.
    """

    def check(_: object, attribute: "Attribute[int]", value: object) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise InvalidOption(attribute.name, f"must be a whole number of {of}, 0 or more")

    return field(default=default, validator=check, metadata={"meaning": meaning})
