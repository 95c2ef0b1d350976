"""
``sdkbridge outbox``: what waits to be delivered, and what was given up.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from identity.database import Database
from identity.errors import StoreError
from identity.squished.words import counted
from sdkbridge.cli.addresses import database_option
from sdkbridge.cli.exits import Failure
from sdkbridge.cli.printable import printable

SHOWN = 20

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
limit = click.option(
    "--limit", type=click.IntRange(1), default=SHOWN, show_default=True, help="How many to show at most."
)


@click.group(short_help="See what waits or was given up, and deal with it.")
def outbox() -> None:
    """
    See what waits to be delivered, and deal with what was given up.
    """


@outbox.command("list", short_help="Show how much waits, and the lanes that are put off.")
@database_option
@limit
@as_json
def list_waiting(path: str | Path, limit: int, as_json: bool) -> None:
    """
    Show the lanes that wait for a retry or for another one, and how much waits in all.
    """
    from sdkbridge.outbox.waiting import Waiting  # noqa: PLC0415 - commands load what they need

    with _opened(path, read_only=True) as database:
        waiting = Waiting(database)
        total, lanes = waiting.total(), waiting.blocked(limit=limit)
        put_off = max(waiting.put_off(), len(lanes))
    if as_json:
        _print_json({"waiting": total, "put_off": put_off, "blocked": lanes})
        return
    click.echo(f"{counted(total, 'request waits', 'requests wait')}; {_put_off(put_off, len(lanes))}")
    for lane in lanes:
        click.echo(
            f"{_at(lane['until_ms'])}  {lane['path']} of {printable(lane['identity'])}, "
            f"{lane['waiting']:,} in its lane, {counted(lane['attempts'], 'try', 'tries')}: "
            f"{lane['error'] or 'waits for its other side'}"
        )


def _put_off(lanes: int, shown: int) -> str:
    if not lanes:
        return "no lane is put off"
    if lanes == 1:
        return "1 lane is put off:"
    if shown == lanes:
        return f"{lanes:,} lanes are put off, the longest first:"
    return f"{lanes:,} lanes are put off, the {'longest is' if shown == 1 else f'{shown:,} longest are'}:"


@outbox.command("dead")
@database_option
@limit
@as_json
def list_dead(path: str | Path, limit: int, as_json: bool) -> None:
    """
    Show what was given up, with the reason, oldest first.
    """
    from attrs import asdict  # noqa: PLC0415

    from sdkbridge.outbox.dead_letters import DeadLetters  # noqa: PLC0415

    with _opened(path, read_only=True) as database:
        letters, total = DeadLetters(database).oldest(limit=limit), len(DeadLetters(database).numbers())
    if as_json:
        _print_json({"dead": total, "letters": [asdict(letter) for letter in letters]})
        return
    click.echo(f"{total:,} dead")
    for letter in letters:
        click.echo(
            f"{letter.number:>8}  {_at(letter.died_ms)}  {letter.path} of {printable(letter.identity)}: "
            f"{letter.reason}"
        )


def _chosen(work: Callable[..., None]) -> Callable[..., None]:
    for option in (
        as_json,
        click.option("--all", "everything", is_flag=True, help="All that were given up."),
        database_option,
        click.argument("numbers", nargs=-1, type=int),
    ):
        work = option(work)
    return work


@outbox.command("retry", short_help="Queue what was given up again.")
@_chosen
def retry(path: str | Path, numbers: tuple[int, ...], everything: bool, as_json: bool) -> None:
    """
    Queue what was given up again: the requests with these NUMBERS, as `outbox dead` shows them, or all.
    """
    from sdkbridge.outbox.dead_letters import DeadLetters  # noqa: PLC0415

    with _opened(path) as database:
        letters = DeadLetters(database)
        done = letters.retry(
            _numbers(letters.numbers, numbers, everything=everything), now_ms=int(time.time() * 1000)
        )
    left_out = (
        "number is not among what was given up, or is an alias that must not leave any more",
        "numbers are not among what was given up, or are aliases that must not leave any more",
    )
    _told("queued again", "retried", done, numbers, left_out, as_json=as_json)


@outbox.command("drop", short_help="Forget what was given up, for good.")
@_chosen
def drop(path: str | Path, numbers: tuple[int, ...], everything: bool, as_json: bool) -> None:
    """
    Forget what was given up for good: the requests with these NUMBERS, or all.
    """
    from sdkbridge.outbox.dead_letters import DeadLetters  # noqa: PLC0415

    with _opened(path) as database:
        letters = DeadLetters(database)
        done = letters.drop(_numbers(letters.numbers, numbers, everything=everything))
    left_out = "number is not among what was given up", "numbers are not among what was given up"
    _told("dropped", "dropped", done, numbers, left_out, as_json=as_json)


def _numbers(find_all: Callable[[], list[int]], numbers: Sequence[int], *, everything: bool) -> Sequence[int]:
    if everything and numbers:
        raise click.UsageError("give numbers or --all, not both")
    if not everything and not numbers:
        raise click.UsageError("give the numbers of requests, or --all")
    return find_all() if everything else sorted(set(numbers))


def _told(
    said: str, key: str, done: int, numbers: Sequence[int], left_out: tuple[str, str], *, as_json: bool
) -> None:
    missing = len(set(numbers)) - done if numbers else 0
    if as_json:
        _print_json({key: done, "unknown": missing})
    else:
        click.echo(f"{done:,} {said}")
    if missing:
        raise Failure(counted(missing, *left_out))


@contextmanager
def _opened(path: str | Path, *, read_only: bool = False) -> Iterator[Database]:
    try:
        database = Database(path, read_only=read_only)
        try:
            yield database
        finally:
            database.close()
    except (StoreError, ImportError) as error:
        raise Failure(str(error)) from error


def _at(moment_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(moment_ms / 1000))


def _print_json(value: object) -> None:
    click.echo(json.dumps(value))
