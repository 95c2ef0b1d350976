"""
``sdkbridge deliver``: delivery as a process of its own.
"""

import asyncio
import json
import signal
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import click

from identity.clock import system_clock
from identity.database import Database
from identity.errors import StoreError
from sdkbridge.cli.addresses import DatabaseAddress
from sdkbridge.cli.defaults import needed, said, setting
from sdkbridge.cli.exits import Failure
from sdkbridge.cli.keys import key_for

POLL_S = 0.1


@click.command(short_help="Deliver what waits in a bridge's database, until stopped.")
@click.argument(
    "path",
    metavar="FILE_OR_URL",
    default=said("database"),
    callback=needed("database"),
    type=DatabaseAddress(must_exist=True),
)
@click.option("--url", default=setting("url"), help="Where Kissmetrics is; by default Kissmetrics itself.")
@click.option(
    "--api-key",
    default=said("api_key"),
    envvar="SDKBRIDGE_API_KEY",
    help="Kissmetrics key; not needed when the URL is on this machine. [env: SDKBRIDGE_API_KEY]",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1),
    default=setting("concurrency"),
    show_default="32",
    help="Requests under way at once.",
)
@click.option(
    "--pace",
    type=click.FloatRange(0, min_open=True),
    default=setting("pace"),
    help="Requests a second at most.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=setting("timeout"),
    show_default="20",
    help="Seconds for a request.",
)
@click.option(
    "--alias-wait",
    type=click.FloatRange(0),
    default=setting("alias_wait"),
    show_default="60",
    help="Seconds for which an alias waits for its other side while that is failing.",
)
@click.option(
    "--method",
    type=click.Choice(["auto", "get", "post"]),
    default="auto",
    show_default=True,
    help="How requests are sent: auto is GET, and POST where that would be long.",
)
@click.option(
    "--grace",
    type=click.FloatRange(0),
    default=10.0,
    show_default=True,
    help="Seconds for what is under way when the process is told to stop.",
)
@click.option("--once", is_flag=True, help="Deliver what is due now, and exit.")
@click.option("--json", "as_json", is_flag=True, help="Print the last line as JSON.")
def deliver(  # noqa: PLR0913, PLR0917 - click's options
    path: str | Path,
    url: str,
    api_key: str | None,
    concurrency: int,
    pace: float | None,
    timeout: float,
    alias_wait: float,
    method: Any,  # noqa: ANN401 - one of three words
    grace: float,
    once: bool,
    as_json: bool,
) -> None:
    """
    Deliver what waits in a bridge's FILE_OR_URL to Kissmetrics, until told to stop.

    Several at once share the work, on one machine or on many, and keep the order. SIGTERM and SIGINT let what is
    under way end and give back the rest. What is not said here comes from the settings (docs/settings.md).
    """
    from identity.graph import IdentityGraph  # noqa: PLC0415 - commands load what they need
    from sdkbridge.aliases import Aliases  # noqa: PLC0415
    from sdkbridge.delivery import Delivery, DeliverySettings  # noqa: PLC0415
    from sdkbridge.delivery.daemon import DeliveryLoop  # noqa: PLC0415
    from sdkbridge.kissmetrics.client import KissmetricsClient  # noqa: PLC0415
    from sdkbridge.kissmetrics.requests import Sending  # noqa: PLC0415
    from sdkbridge.outbox.queue import Outbox  # noqa: PLC0415

    try:
        settings = DeliverySettings(
            concurrency=concurrency,
            pace=pace,
            timeout_s=timeout,
            lease_s=max(60.0, 2 * timeout),
            alias_wait_s=alias_wait,
            poll_s=POLL_S,
        )
        client = KissmetricsClient(url, timeout_s=timeout)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    key = key_for(url, api_key)
    try:
        database = Database(path)
        try:
            outbox = Outbox(database)
            before = outbox.counts()
            delivery = Delivery(
                database,
                client.connect,
                api_key=key,
                settings=settings,
                sending=Sending(method=method),
                release=Aliases(database, IdentityGraph(database), outbox, clock=system_clock).release,
            )
            with asyncio.Runner(loop_factory=DeliveryLoop) as runner:
                runner.run(_run(delivery, grace_s=grace, once=once))
            after = outbox.counts()
        finally:
            database.close()
    except (StoreError, ImportError) as error:
        raise Failure(str(error)) from error
    delivered, dead = after.delivered - before.delivered, max(0, after.dead - before.dead)
    if as_json:
        click.echo(json.dumps({"delivered": delivered, "dead": dead, "waiting": after.waiting}))
    else:
        click.echo(f"{delivered:,} delivered, {dead:,} given up, {after.waiting:,} left")


async def _run(delivery: Any, *, grace_s: float, once: bool) -> None:  # noqa: ANN401 - loaded when needed
    loop = asyncio.get_running_loop()

    # Whoever asks again does not want to wait.
    graces = chain([grace_s], repeat(0.0))

    def stop() -> None:
        delivery.stop(next(graces))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    await delivery.run(until_idle=once)
