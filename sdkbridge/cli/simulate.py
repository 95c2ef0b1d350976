"""
``sdkbridge simulate``: the same calls under several strategies, side by side.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from sdkbridge.cli.exits import REFUSED, Failure
from sdkbridge.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from identity.simulate import Comparison, Simulation, Strategy, Truth

IN_A_REPORT = 25
USUAL = "never,ios,segment-server,guarded"


@click.command("simulate", short_help="Show what each strategy of aliases would make of calls.")
@click.argument("files", metavar="CALLS…", type=click.File("rb"), nargs=-1, required=True)
@click.option(
    "--strategies",
    default=USUAL,
    show_default=True,
    help="Names with commas between; your own as module:function.",
)
@click.option(
    "--truth", type=click.File("rb"), help="Who truly made the calls, as `population --truth` writes it."
)
@click.option("--funnel", help="Events of a funnel with commas between, in their order.")
@click.option("--within", "within_days", type=click.FloatRange(min=0), help="Days that the funnel may take.")
@click.option(
    "--differences", type=click.IntRange(min=0), default=5, show_default=True, help="How many differences to show."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write a report: one file that needs no network.",
)
def simulate_calls(
    files: tuple[BinaryIO, ...],
    strategies: str,
    truth: BinaryIO | None,
    funnel: str | None,
    within_days: float | None,
    differences: int,
    as_json: bool,
    html: Path | None,
) -> None:
    """
    Show what each strategy of aliases would make of recorded calls; nothing is sent.

    CALLS are files with one Segment message a line, in the order of their arrival, plain or compressed with gzip;
    - is standard input. A strategy is never, ios (the first identify of each session), segment-server (each
    identify that carries both ids), guarded (this bridge), or your own module:function, which is called with a
    call and a dict that is its memory, and returns pairs of an older and a newer identity.

    Exit code 3 if a line was refused.
    """
    from identity.simulate import Simulation  # noqa: PLC0415 - commands load what they need
    from identity.simulate.funnel import USUAL_STEPS  # noqa: PLC0415

    try:
        simulation = Simulation(
            _strategies(strategies),
            truth=_truth(truth),
            funnel=[step.strip() for step in funnel.split(",")] if funnel else USUAL_STEPS,
            within_s=None if within_days is None else round(within_days * 86_400),
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with progress("reading…") as show:
        lines = 0
        for file in files:
            lines += _take(file, simulation, lines, lambda number: show(f"{number:,} lines"))
        show("comparing…")
        comparison = simulation.result(most_differences=max(differences, IN_A_REPORT if html else 0))
    if html is not None:
        _write(comparison, html)
    if as_json:
        click.echo(json.dumps(_as_json(comparison, differences), ensure_ascii=False))
    else:
        from sdkbridge.cli.comparison import print_comparison  # noqa: PLC0415

        print_comparison(comparison, differences=differences)
    if comparison.refused_calls:
        raise SystemExit(REFUSED)


def _strategies(names: str) -> list[Strategy]:
    import sys  # noqa: PLC0415

    from identity.simulate import strategy_named  # noqa: PLC0415

    # A user's own module is looked for in the current folder, too, as `python -m` does.
    if "" not in sys.path:
        sys.path.insert(0, "")
    return [strategy_named(name.strip()) for name in names.split(",") if name.strip()]


def _truth(file: BinaryIO | None) -> Truth | None:
    from identity.simulate import Truth  # noqa: PLC0415

    return None if file is None else Truth.read(file)


def _take(file: BinaryIO, simulation: Simulation, before: int, progress: Callable[[int], None]) -> int:
    from sdkbridge.call_files import UnreadableCalls, take_calls  # noqa: PLC0415

    try:
        return take_calls(file, simulation, lines_before=before, progress=progress)
    except UnreadableCalls as error:
        raise Failure(f"{file.name}: {error}") from error


def _write(comparison: Comparison, path: Path) -> None:
    from identity.simulate.reports import report  # noqa: PLC0415

    try:
        path.write_text(report(comparison), encoding="utf-8")
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}") from error


def _as_json(comparison: Comparison, differences: int) -> dict[str, object]:
    told = comparison.as_json()
    told["differences"] = told["differences"][:differences]
    return told
