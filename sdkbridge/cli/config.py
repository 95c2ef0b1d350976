"""
``sdkbridge config``: every setting, and where it comes from.
"""

import json

import click

from sdkbridge.cli.exits import Failure


@click.command(short_help="Show every setting, and where each comes from.")
@click.option("--show", is_flag=True, help="Print each value and where it came from; what happens anyway.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def config(show: bool, as_json: bool) -> None:  # noqa: ARG001 - there is nothing else to do yet
    """
    Show the settings that a bridge started here would have, and where each comes from.

    An argument of a program goes before SDKBRIDGE_… in the environment, that before the nearest sdkbridge.toml or
    [tool.sdkbridge] in pyproject.toml (SDKBRIDGE_CONFIG names another file), and that before the default.
    """
    from sdkbridge.settings import SETTINGS, InvalidSetting, resolve  # noqa: PLC0415 - commands load what they need
    from sdkbridge.settings.bridge import mapping_options  # noqa: PLC0415 - likewise

    try:
        resolved = resolve({})
        mapping_options(resolved)
    except InvalidSetting as error:
        raise Failure(str(error)) from error
    rows = [
        (name, setting.shown(resolved.values[name]), resolved.origins[name]) for name, setting in SETTINGS.items()
    ]
    if as_json:
        click.echo(json.dumps({name: {"value": value, "from": origin} for name, value, origin in rows}, indent=2))
        return
    texts = [(name, _written(value), origin) for name, value, origin in rows]
    widths = [max(len(text) for text in column) for column in zip(*texts, strict=True)]
    for row in texts:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _written(value: object) -> str:
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
