"""
What an option is where the command line does not say: the setting of its name.
"""

from collections.abc import Callable
from typing import Any

import click


def setting(name: str) -> Callable[[], object]:
    """
    Make the default of an option.
    """
    return lambda: _resolved(name, or_default=True)


def said(name: str) -> Callable[[], object]:
    """
    Make the default of an option that somebody must say: nothing, unless the environment or a file says it.
    """
    return lambda: _resolved(name, or_default=False)


def needed(name: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """
    Make the callback of an option that somebody must say, which tells where that can be done.
    """

    def check(ctx: click.Context, param: click.Parameter, value: Any) -> Any:  # noqa: ANN401 - any option's value
        # Not by click's ``required``: it is content with a default that is a function, whatever that returns.
        if value is None:
            raise click.MissingParameter(
                f"Name it, set SDKBRIDGE_{name.upper()}, or write {name} into sdkbridge.toml.", ctx, param
            )
        return value

    return check


def _resolved(name: str, *, or_default: bool) -> object:
    from sdkbridge.settings import InvalidSetting, resolve  # noqa: PLC0415 - commands load what they need

    try:
        resolved = resolve({})
    except InvalidSetting as error:
        raise click.UsageError(str(error)) from error
    value: object = resolved.values[name]
    return value if or_default or resolved.origins[name] != "default" else None
