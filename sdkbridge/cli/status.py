"""
``sdkbridge status``: how much a bridge's file holds.
"""

import json
from contextlib import closing
from pathlib import Path

import click

from identity.errors import StoreError
from sdkbridge.cli.addresses import database_option
from sdkbridge.cli.exits import Failure


@click.command(short_help="Show what a bridge's database and its outbox hold.")
@database_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(path: str | Path, as_json: bool) -> None:
    """
    Show how many identities, people and links a bridge's database holds, and what its outbox has done.
    """
    from identity.database import Database  # noqa: PLC0415 - commands load what they need
    from identity.graph import IdentityGraph  # noqa: PLC0415
    from sdkbridge.outbox.queue import Outbox  # noqa: PLC0415

    try:
        with closing(Database(path, read_only=True)) as database:
            graph, outbox = IdentityGraph(database).counts(), Outbox(database).counts()
    except (StoreError, ImportError) as error:
        raise Failure(str(error)) from error
    links = {outcome.value: count for outcome, count in graph.links.items()}
    if as_json:
        click.echo(
            json.dumps(
                {
                    "identities": graph.identities,
                    "people": graph.people,
                    "links": links,
                    "outbox": {"waiting": outbox.waiting, "delivered": outbox.delivered, "dead": outbox.dead},
                }
            )
        )
        return
    rows = [
        ("identities", graph.identities),
        ("people", graph.people),
        *((f"links: {outcome}", count) for outcome, count in links.items()),
        ("outbox: waiting", outbox.waiting),
        ("outbox: delivered", outbox.delivered),
        ("outbox: dead", outbox.dead),
    ]
    for name, count in rows:
        click.echo(f"{name:<18}{count:>10,}")
