"""
``sdkbridge map``: pure mapping, without any memory.
"""

import json
import time
from typing import BinaryIO

import click

from identity.policy import MergePolicy
from sdkbridge.cli.exits import REFUSED
from sdkbridge.cli.option_list import options_as_json, options_as_text
from sdkbridge.errors import InvalidCall
from sdkbridge.kissmetrics.requests import Request, Sending, encode, wire
from sdkbridge.messages import Line, read_lines
from sdkbridge.options import PROFILES, InvalidOption, MappingOptions, options_for
from sdkbridge.stateless import map_alone


@click.command("map", short_help="Show the requests that each call becomes, on its own.")
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--api-key", help="Kissmetrics key to put into the requests.")
@click.option(
    "--profile",
    default="bridge",
    show_default=True,
    type=click.Choice(list(PROFILES)),
    help="Whose way of mapping.",
)
@click.option("--set", "settings", multiple=True, metavar="OPTION=VALUE", help="Change one option of the profile.")
@click.option(
    "--list-options", is_flag=True, help="List every option: what it does, and who behaves how; map nothing."
)
@click.option("--json", "as_json", is_flag=True, help="With --list-options: list them as JSON.")
def map_calls(
    file: BinaryIO, api_key: str | None, profile: str, settings: tuple[str, ...], list_options: bool, as_json: bool
) -> None:
    """
    Show what each call of FILE becomes, as if its identities were met for the first time.

    FILE holds one Segment message a line; - is standard input. For each line, one line of JSON comes out:
    {"requests": [{"method", "path", "params"}], "warnings": […]}, with "refused" where a call cannot be taken
    (exit code 3). VALUE is true, false, a number, any JSON, or a plain text.
    """
    if list_options:
        click.echo(options_as_json() if as_json else options_as_text())
        return
    if api_key is None:
        raise click.UsageError("Missing option '--api-key'.")
    try:
        options = options_for(profile, dict(_setting(text) for text in settings))
    except InvalidOption as error:
        raise click.UsageError(str(error)) from error
    refused = False
    for line in read_lines(file):
        answer = _mapped(line, api_key, options)
        refused = refused or "refused" in answer
        click.echo(json.dumps(answer, ensure_ascii=False))
    if refused:
        raise SystemExit(REFUSED)


def _setting(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--set takes OPTION=VALUE, not {text!r}")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value


def _mapped(line: Line, api_key: str, options: MappingOptions) -> dict[str, object]:
    try:
        mapped = map_alone(line.message(), options=options, policy=MergePolicy.guarded(), received=time.time())
    except InvalidCall as error:
        refused = {"field": error.field, "reason": error.reason, "problem": str(error)}
        return {"requests": [], "warnings": [], "refused": refused}
    return {
        "requests": [_shown(request, api_key, options) for request in mapped.requests],
        "warnings": [str(warning) for warning in mapped.warnings],
    }


def _shown(request: Request, api_key: str, options: MappingOptions) -> dict[str, object]:
    parameters = request.parameters()
    sending = Sending(method=options.method, get_max_query=options.get_max_query)
    sent = wire(request.path, encode(parameters), api_key, sending=sending)
    return {"method": sent.method, "path": sent.path, "params": {"_k": api_key, **parameters}}
