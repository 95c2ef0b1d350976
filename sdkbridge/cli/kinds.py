"""
Options that say what identities look like.
"""

import re
from collections.abc import Callable
from typing import TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., object])


def kind_option(command: Command) -> Command:
    """
    Add ``--kind``, whose values arrive as ``kinds``.
    """
    return click.option(
        "--kind",
        "kinds",
        multiple=True,
        metavar="KIND=REGEX",
        callback=_patterns,
        help="Take identities that match REGEX as a whole for KIND: account, email, phone, anonymous, "
        "placeholder, or a word of your own for a name of which nobody has two. Can be given several times; the "
        "first that matches counts.",
    )(command)


def _patterns(
    _: click.Context, __: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, re.Pattern[str]], ...]:
    found = []
    for value in values:
        kind, equals, regex = value.partition("=")
        if not equals or not re.fullmatch(r"[a-z][a-z_ -]*", kind):
            raise click.BadParameter(f"{value!r} is not KIND=REGEX, with a kind in small letters")
        try:
            found.append((kind, re.compile(regex)))
        except re.error as error:
            raise click.BadParameter(f"{regex!r} is no regular expression ({error})") from error
    return tuple(found)
