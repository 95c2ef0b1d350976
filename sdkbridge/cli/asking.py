"""
Whom a question goes to: a file that a local Kissmetrics keeps, or one that runs.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import click
from attrs import frozen

from sdkbridge.cli.exits import Failure
from sdkbridge.cli.keys import is_loopback

TIMEOUT_S = 300.0

Parameters = Sequence[tuple[str, str]]
Command = Callable[..., None]


@frozen
class Source:
    """
    A local Kissmetrics to ask.

    Attributes:
        path: the file, if it is one.
        url: where it runs, if it does.
        api_key: whose people are meant; all if there is none.
    """

    path: Path | None
    url: str | None
    api_key: str | None

    def ask(self, page: str, parameters: Parameters) -> dict[str, Any]:
        """
        Return what a page shows as one JSON object.

        Raises:
            Failure: it cannot be asked.
        """
        return next(self.lines(page, parameters))

    def lines(self, page: str, parameters: Parameters) -> Iterator[dict[str, Any]]:
        """
        Yield the lines that a page shows, as they come.

        Raises:
            Failure: it cannot be asked.
        """
        given = [*parameters, *([("_k", self.api_key)] if self.api_key else [])]
        return _from_file(self.path, page, given) if self.path else _over_http(str(self.url), page, given)


def source_options(command: Command) -> Command:
    """
    Give a command the options that say whom to ask, and hand it a `Source` first.
    """

    @click.option(
        "--db",
        "path",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="The file of a local Kissmetrics, running or not.",
    )
    @click.option("--url", help="A local Kissmetrics that runs, such as http://127.0.0.1:8080.")
    @click.option("--key", "api_key", help="Only the people of the product with this Kissmetrics key.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @wraps(command)
    def with_source(path: Path | None, url: str | None, api_key: str | None, **others: object) -> None:
        if (path is None) == (url is None):
            raise click.UsageError("give either --db or --url: whom to ask")
        if url is not None and urlsplit(url).scheme not in {"http", "https"}:
            raise click.UsageError("--url must begin with http:// or https://")
        command(Source(path, url, api_key), **others)

    return with_source


def _from_file(path: Path, page: str, parameters: Parameters) -> Iterator[dict[str, Any]]:
    from sdkbridge.cli.opening import opened  # noqa: PLC0415 - commands load what they need
    from sdkbridge.kissmetrics.pages import UnclearQuestion, show  # noqa: PLC0415

    with opened(path, must_be_one=True) as kissmetrics:
        try:
            answer = show(kissmetrics, page, parameters)
        except UnclearQuestion as error:
            raise click.UsageError(str(error)) from error
        yield from [answer] if isinstance(answer, dict) else answer


def _over_http(url: str, page: str, parameters: Parameters) -> Iterator[dict[str, Any]]:
    from http.client import HTTPException  # noqa: PLC0415 - commands load what they need
    from urllib.error import HTTPError  # noqa: PLC0415
    from urllib.request import ProxyHandler, build_opener  # noqa: PLC0415

    # This machine is never behind a proxy, whatever the environment says.
    opener = build_opener(ProxyHandler({})) if is_loopback(url) else build_opener()
    try:
        with opener.open(f"{url.rstrip('/')}{page}?{urlencode(parameters)}", timeout=TIMEOUT_S) as answer:
            for line in answer:
                yield _object(line, url)
    except HTTPError as error:
        with error:
            problem = _object(error.read(), url).get("error", f"status {error.code}")
        raise (click.UsageError if error.code == 400 else Failure)(f"{url} answers: {problem}") from None
    except (OSError, HTTPException) as error:
        # Its own text can hold the whole address, and so the key.
        raise Failure(f"{url} cannot be asked ({type(error).__name__})") from None


def _object(line: bytes, url: str) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Failure(f"{url} is no local Kissmetrics: it does not answer in JSON")
    return answer
