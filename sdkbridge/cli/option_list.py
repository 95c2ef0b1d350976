"""
The list of the mapping's options, on the terminal and as JSON.
"""

import json
import textwrap
from collections.abc import Iterator
from itertools import groupby
from shutil import get_terminal_size

from attrs import asdict

from sdkbridge.options.described import Description, described

WIDEST = 100


def options_as_json() -> str:
    """
    Return every option with its default, choices, meaning and what each profile says otherwise.
    """
    return json.dumps([asdict(option) for option in described()], ensure_ascii=False, indent=2)


def options_as_text() -> str:
    """
    Return the same for people, as wide as the terminal.
    """
    width = min(get_terminal_size().columns, WIDEST)
    lines = []
    for about, options in groupby(described(), key=lambda option: option.about):
        lines += [about, ""]
        for option in options:
            lines += _lines(option, width)
    return "\n".join(lines).rstrip()


def _lines(option: Description, width: int) -> Iterator[str]:
    others = ", ".join(choice for choice in option.choices if choice != option.default)
    yield f"  {option.name} = {_written(option.default)}{f' (or {others})' if others else ''}"
    yield from textwrap.wrap(option.meaning, width, initial_indent=" " * 6, subsequent_indent=" " * 6)
    for profile, value in option.profiles.items():
        yield f"      {profile}: {_written(value)}"
    yield ""


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, str) or value != value.strip() else value
