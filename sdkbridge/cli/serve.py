"""
``sdkbridge serve``: the server that Segment's SDKs talk to.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from identity.errors import StoreError
from sdkbridge.cli.addresses import DatabaseAddress
from sdkbridge.cli.exits import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdkbridge.server.running import Listening
    from sdkbridge.server.settings import ServerSettings


@click.command()
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="SDKBRIDGE_SERVER_CONFIG",
    help="TOML file of projects, limits and secrets; or name one project by the options below.",
)
@click.option("--db", type=DatabaseAddress(must_exist=False), help="The project's SQLite file, or PostgreSQL URL.")
@click.option("--write-key", envvar="SDKBRIDGE_WRITE_KEY", help="The key that SDKs send with.")
@click.option("--api-key", envvar="SDKBRIDGE_API_KEY", help="The Kissmetrics key.")
@click.option("--url", help="Where Kissmetrics is; by default the real one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--trusted-proxies",
    default="127.0.0.1",
    show_default=True,
    help="Whose X-Forwarded-For is believed: addresses, with commas between.",
)
@click.option(
    "--token", envvar="SDKBRIDGE_TOKEN", help="What opens /metrics and the pages; or set it in --config."
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Processes that share the port and the databases.",
)
@click.option("--demo", is_flag=True, help="Serve a story that is playing, with a Kissmetrics on this machine.")
def serve(  # noqa: PLR0913, PLR0917 - one argument for each option
    config: Path | None,
    db: str | Path | None,
    write_key: str | None,
    api_key: str | None,
    url: str | None,
    host: str,
    port: int,
    trusted_proxies: str,
    token: str | None,
    workers: int,
    demo: bool,
) -> None:
    """
    Take what Segment's SDKs send, and deliver it to Kissmetrics.

    Prints its URL once it accepts requests; logs to stderr, as JSON. SIGTERM ends it well: what was answered with
    200 is on disk, and what is not delivered yet waits there.
    """
    try:
        from sdkbridge.server import create_app, running  # noqa: PLC0415 - only this command needs a server
    except ImportError as error:
        raise Failure(str(error)) from error
    listening = running.Listening(host=host, port=port, trusted_proxies=trusted_proxies)
    with _told_in_a_sentence(listening):
        if demo:
            if workers > 1 or db is not None or url is not None:
                raise click.UsageError("--demo is one process with settings of its own; leave out the others")
            _show_demo(listening)
            return
        settings = _settings(config, db, write_key, api_key, url, token)
        _warn_if_open(listening, settings)
        if workers > 1:
            running.run_workers(settings, listening, workers=workers, on_ready=_announce)
        else:
            running.run(create_app(settings), listening, on_ready=_announce)


@contextmanager
def _told_in_a_sentence(listening: Listening) -> Iterator[None]:
    from sdkbridge.server.settings import InvalidSettings  # noqa: PLC0415

    try:
        yield
    except (InvalidSettings, StoreError) as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"cannot listen on {listening.host}:{listening.port} ({error.strerror})") from error


def _settings(
    config: Path | None,
    db: str | Path | None,
    write_key: str | None,
    api_key: str | None,
    url: str | None,
    token: str | None,
) -> ServerSettings:
    from attrs import evolve  # noqa: PLC0415

    from sdkbridge.kissmetrics.client import DEFAULT_URL  # noqa: PLC0415
    from sdkbridge.server import Project, ServerSettings, read_settings  # noqa: PLC0415

    if config is not None:
        if db is not None or url is not None:
            raise click.UsageError("--config holds the projects; leave out --db and --url")
        settings = read_settings(config)
        return settings if token is None else evolve(settings, token=token)
    if db is None or write_key is None or api_key is None:
        raise click.UsageError("give --config, or --db, --write-key and --api-key, or --demo")
    project = Project(name="default", write_keys=[write_key], api_key=api_key, database=db, url=url or DEFAULT_URL)
    return ServerSettings(projects=[project], token=token)


def _show_demo(listening: Listening) -> None:
    from sdkbridge.server.app import create_app  # noqa: PLC0415
    from sdkbridge.server.demonstration import WRITE_KEY, Teller, households, stage  # noqa: PLC0415
    from sdkbridge.server.running import run  # noqa: PLC0415
    from sdkbridge.stories import load_story  # noqa: PLC0415

    if listening.is_open:
        raise click.UsageError("--demo is for this machine only; leave out --host")
    with stage() as set_up:
        teller = Teller(chain(load_story("shop").messages, households()))

        def ready(url: str) -> None:
            _announce(url)
            click.echo(f"people    {set_up.kissmetrics.url}/people", err=True)
            click.echo(f"write key {WRITE_KEY}", err=True)
            teller.start(url)

        try:
            app = create_app(set_up.settings, kissmetrics=set_up.kissmetrics.kissmetrics)
            run(app, listening, on_ready=ready)
        finally:
            teller.stop()


def _warn_if_open(listening: Listening, settings: ServerSettings) -> None:
    if listening.is_open and settings.token is None:
        click.echo(
            f"Warning: {listening.host} can be reached from other machines, and no token is set: anybody there "
            "can read /metrics, and the pages stay shut for them. Set --token.",
            err=True,
        )


def _announce(url: str) -> None:
    print(url, flush=True)  # noqa: T201 - the one line that scripts wait for
