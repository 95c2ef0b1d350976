"""
``sdkbridge resolve``: whole logs of links into people, on this machine or on a cluster.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sdkbridge.cli.exits import Failure
from sdkbridge.cli.progress import progress

if TYPE_CHECKING:
    import polars as pl
    from pyspark.sql import SparkSession

FORMATS = {".parquet": "parquet", ".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "ndjson"}


SPARKS = {"parquet": "parquet", "csv": "csv", "ndjson": "json"}
"""What Spark calls them."""


@click.command("resolve", short_help="Say for every identity in a log of links who it is.")
@click.argument("links")
@click.option("--out", required=True, help="The file of people to write: identity and canonical identity a row.")
@click.option(
    "--engine",
    type=click.Choice(["local", "spark"]),
    default="local",
    show_default=True,
    help="Where to resolve: on this machine, or on a cluster.",
)
@click.option(
    "--spark", "url", envvar="SDKBRIDGE_SPARK", help="The cluster's Spark Connect URL, as sc://host:15002."
)
@click.option("--checkpoints", help="A folder that all of the cluster can write to, for what is between rounds.")
@click.option("--older", default="older", show_default=True, help="The column of one end of the links.")
@click.option("--newer", default="newer", show_default=True, help="The column of the other end.")
@click.option("--refuse-placeholders", is_flag=True, help="Let no link join what stands for nobody, such as null.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def resolve_links(  # noqa: PLR0913 - each is an option of the command
    *,
    links: str,
    out: str,
    engine: str,
    url: str | None,
    checkpoints: str | None,
    older: str,
    newer: str,
    refuse_placeholders: bool,
    as_json: bool,
) -> None:
    """
    Say for every identity in LINKS which person it is: all that links lead to from it are one.

    LINKS is a Parquet, CSV or NDJSON file with a row a link; on a cluster, a path that the cluster can read. A
    person is called by its smallest identity. Nothing is sent, and no rule applies but those asked for.
    """
    from identity.errors import IdentityError  # noqa: PLC0415 - commands load what they need

    try:
        if engine == "local":
            summary = _on_this_machine(
                Path(links), Path(out), (older, newer), refuse_placeholders=refuse_placeholders
            )
        else:
            if url is None or checkpoints is None:
                raise click.UsageError("--engine spark needs --spark (or SDKBRIDGE_SPARK) and --checkpoints")
            if refuse_placeholders:
                raise click.UsageError("--refuse-placeholders works with --engine local only")
            summary = _on_a_cluster(links, out, (older, newer), url=url, checkpoints=checkpoints)
    except (IdentityError, ImportError) as error:
        raise Failure(str(error)) from error
    if as_json:
        click.echo(json.dumps(summary))
        return
    for what, count in summary.items():
        click.echo(f"{what.replace('_', ' '):<16}{count:>14,}")


def _on_this_machine(
    links: Path, out: Path, columns: tuple[str, str], *, refuse_placeholders: bool
) -> dict[str, int]:
    from identity.batch import join, placeholders  # noqa: PLC0415 - commands load what they need

    if not links.exists():
        raise Failure(f"{links} does not exist")
    _format_of(str(out))
    with progress("reading…") as show:
        resolution = join(
            links,
            older=columns[0],
            newer=columns[1],
            refuse=placeholders(*columns) if refuse_placeholders else None,
            count=False,
            told=lambda count: show(f"{count:,} links"),
        )
        show(f"writing {len(resolution.joined.ids):,} identities…")
        try:
            _write(resolution.identities(), out)
        except OSError as error:
            raise Failure(f"cannot write {out}: {error}") from error
    sizes = resolution.sizes().rows()
    return {"links": resolution.links, "joining_nobody": resolution.refused} | _summary(sizes)


def _write(people: pl.DataFrame, out: Path) -> None:
    """
    Write a table beside its place first, so that nobody ever finds half of one there.
    """
    unfinished = out.with_name(f"{out.name}.unfinished")
    try:
        match _format_of(str(out)):
            case "parquet":
                people.write_parquet(unfinished, compression="zstd", compression_level=1)
            case "csv":
                people.write_csv(unfinished)
            case _:
                people.write_ndjson(unfinished)
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)


def _on_a_cluster(links: str, out: str, columns: tuple[str, str], *, url: str, checkpoints: str) -> dict[str, int]:
    from pyspark.errors import PySparkException  # noqa: PLC0415 - commands load what they need

    from identity.batch import spark  # noqa: PLC0415

    for path in (links, out):
        _format_of(path)
    try:
        session = spark.connect(url)
    except (ConnectionError, ValueError) as error:
        raise Failure(str(error)) from error
    try:
        return _resolved_by(session, links, out, columns, checkpoints=checkpoints)
    except PySparkException as error:
        raise Failure(f"the cluster failed: {str(error).splitlines()[0]}") from error
    finally:
        session.stop()


def _resolved_by(
    session: SparkSession, links: str, out: str, columns: tuple[str, str], *, checkpoints: str
) -> dict[str, int]:
    from identity.batch import spark  # noqa: PLC0415 - commands load what they need
    from identity.squished.words import counted  # noqa: PLC0415

    read = session.read.option("header", "true").format(SPARKS[_format_of(links)]).load(links)
    if not read.columns:
        raise Failure(f"the cluster finds no links at {links}")
    rounds: list[spark.Round] = []

    def told(one: spark.Round) -> None:
        rounds.append(one)
        joining = counted(one.links, "link", "links")
        click.echo(f"round {one.number}: {joining} between different identities", err=True)

    people = spark.resolve(read, checkpoints=checkpoints, older=columns[0], newer=columns[1], told=told)
    people.write.mode("overwrite").option("header", "true").format(SPARKS[_format_of(out)]).save(out)
    sizes = [(row["identities"], row["persons"]) for row in spark.sizes(people).collect()]
    return {"links": read.count(), "rounds": rounds[-1].number} | _summary(sizes)


def _summary(sizes: list[tuple[int, int]]) -> dict[str, int]:
    return {
        "identities": sum(identities * persons for identities, persons in sizes),
        "persons": sum(persons for _, persons in sizes),
        "largest_person": max((identities for identities, _ in sizes), default=0),
    }


def _format_of(path: str) -> str:
    suffix = Path(path).suffix
    if suffix and suffix not in FORMATS:
        raise click.UsageError(f"{path}: the name must end in {', '.join(FORMATS)}")
    return FORMATS.get(suffix, "parquet")
