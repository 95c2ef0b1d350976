"""
One setting: what it takes, from a program, a file or a variable alike.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from sdkbridge.errors import BridgeError

MASKED = "••••••••"
"""What is shown of a secret."""


class InvalidSetting(BridgeError, ValueError):
    """
    A setting that does not exist, or cannot have the value it was given.

    Attributes:
        setting: its name.
        origin: where the value came from: ``argument``, a variable, or a file.
        problem: what is wrong, without the value.
    """

    def __init__(self, setting: str, origin: str, problem: str) -> None:
        super().__init__(f"{setting} ({origin}) {problem}")
        self.setting = setting
        self.origin = origin
        self.problem = problem


class Unsuitable(Exception):
    """
    A value that a setting cannot have; the text says what would be right.
    """


Read = Callable[[object], Any]
"""Turns what was written, a text or what TOML knows, into the value. Raises `Unsuitable`."""


def as_it_is(value: object) -> object:
    """
    Show a value that holds no secret.
    """
    return value


def masked(_: object) -> str:
    """
    Show that there is a secret.
    """
    return MASKED


@frozen(kw_only=True)
class Setting:
    """
    One setting.

    Attributes:
        name: what it is called, as an argument and in a file; a variable has it in capitals, after ``SDKBRIDGE_``.
        default: what it is if nobody says.
        meaning: what it does, in a sentence.
        read: turns what was written into its value.
        show: makes of its value what may be shown of it.
    """

    name: str
    default: Any
    meaning: str
    read: Read
    show: Callable[[Any], object] = as_it_is

    def shown(self, value: object) -> object:
        """
        Return a value as it may be shown.
        """
        return None if value is None else self.show(value)


def text(value: object) -> str:
    """
    Read any text that says something.
    """
    if not isinstance(value, str) or not value.strip():
        raise Unsuitable("must be a text, and not empty")
    return value


def text_for(make: Callable[[str], object]) -> Read:
    """
    Make the reader of a text of which something can be made, or else there is a ValueError without the text in it.
    """

    def read(value: object) -> str:
        try:
            return str(make(text(value)))
        except ValueError as problem:
            raise Unsuitable(str(problem)) from None

    return read


def choice(*choices: str) -> Read:
    """
    Make the reader of one of a few texts.
    """

    def read(value: object) -> str:
        if value not in choices:
            raise Unsuitable(f"must be one of {', '.join(choices)}")
        return str(value)

    return read


def flag(value: object) -> bool:
    """
    Read true or false; in the environment 1 and 0, yes and no, on and off will do.
    """
    if isinstance(value, bool):
        return value
    known = {
        "true": True,
        "1": True,
        "yes": True,
        "on": True,
        "false": False,
        "0": False,
        "no": False,
        "off": False,
    }
    if not isinstance(value, str) or value.strip().lower() not in known:
        raise Unsuitable("must be true or false")
    return known[value.strip().lower()]


def amount(*, of: str, least: float = 0.0, most: float = math.inf, but_not_0: bool = False) -> Read:
    """
    Make the reader of a number, of seconds say, between a least and a greatest one.
    """
    right = f"must be a number of {of}, {'more than 0' if but_not_0 else f'{least:g} or more'}"
    right += "" if most == math.inf else f" and {most:g} at most"

    def read(value: object) -> float:
        try:
            number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type] # or TypeError
        except (TypeError, ValueError):
            number = math.nan
        if not (math.isfinite(number) and least <= number <= most) or (but_not_0 and number == 0):
            raise Unsuitable(right)
        return number

    return read


def count(*, of: str, least: int = 1) -> Read:
    """
    Make the reader of a whole number.
    """
    number = amount(of=of, least=least)

    def read(value: object) -> int:
        whole = number(value)
        if whole != int(whole):
            raise Unsuitable(f"must be a whole number of {of}, {least} or more")
        return int(whole)

    return read


def table(value: object) -> Mapping[str, object]:
    """
    Read a table; in the environment, a JSON object.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise Unsuitable("must be a JSON object") from None
    if not isinstance(value, Mapping):
        raise Unsuitable("must be a table of names and values")
    return value
