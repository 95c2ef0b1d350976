"""
Simulations of uploaded calls: what each strategy of aliases would make of them; nothing is sent.
"""

import zlib
from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from attrs import frozen
from starlette.datastructures import FormData

from identity.drawing.style import DARK, LIGHT
from identity.simulate import Comparison, Simulation, Truth
from identity.simulate.funnel import USUAL_STEPS
from identity.simulate.reports import report
from identity.simulate.reports.comparison import parts_of
from identity.simulate.reports.drawn import Drawn, drawn_of
from identity.simulate.reports.page import figure
from identity.simulate.strategies import KNOWN
from sdkbridge.call_files import UnreadableCalls, take_calls, unpacked
from sdkbridge.server.pages.runs import Run, Unreadable
from sdkbridge.server.pages.uploads import InvalidForm, Uploads

CALLS, TRUTH = "calls", "truth"

MOST_CHARTS = 4
MOST_DIFFERENCES = 25
MOST_STEPS = 12

UNPACKED = 20
"""A compressed file may hold so many times what may be uploaded."""

MOST_SECONDS = 1e10

TRUTH_BYTES = 100_000_000
"""A truth is held in memory."""

COLOURS = (
    f"<style>svg{{color:{LIGHT['ink']}}}@media(prefers-color-scheme:dark){{svg{{color:{DARK['ink']}}}}}</style>"
)
"""In a document of its own a chart has no page around it whose text colour it could take."""


@frozen(kw_only=True)
class Asked:
    """
    What the form asks for.

    Attributes:
        strategies: their names.
        funnel: events, in their order.
        within_s: how long the way through the funnel may take, in seconds.
        most_bytes: how long the calls may be, unpacked.
    """

    strategies: tuple[str, ...]
    funnel: tuple[str, ...]
    within_s: int | None
    most_bytes: int


@frozen(kw_only=True)
class Simulated:
    """
    What came of a simulation.

    Attributes:
        comparison: the strategies side by side.
        charts: what is drawn of them.
    """

    comparison: Comparison
    charts: tuple[Drawn, ...]

    def html(self, address: str) -> str:
        """
        Return what a page tells of it.

        Args:
            address: where the charts are.
        """
        figures = [
            figure(*chart.words, f'<img src="{escape(address)}/chart-{place}.svg" alt="{escape(chart.below)}">')
            for place, chart in enumerate(self.charts)
        ]
        return "".join(parts_of(self.comparison, figures))


class Simulations(Uploads):
    """
    The pages that simulate.
    """

    section = "simulations"
    word = "simulation"
    files = {CALLS: True, TRUTH: False}  # noqa: RUF012 - a constant of the class
    made = frozenset({"report.html", *(f"chart-{place}.svg" for place in range(MOST_CHARTS))})

    def asked(self) -> Mapping[str, Any]:
        """
        Return the strategies that there are, and the usual funnel.
        """
        return {"strategies": KNOWN.values(), "funnel": ", ".join(USUAL_STEPS)}

    def work(self, form: FormData, /) -> Callable[[Run], Any]:
        """
        Return what simulates.
        """
        # Only by their names: one's own would be code that somebody uploads.
        strategies = tuple(name for name in KNOWN if name in form.getlist("strategy"))
        if not strategies:
            raise InvalidForm("Choose at least one strategy.")
        steps = tuple(step.strip() for step in _text(form, "funnel").split(",") if step.strip())
        if len(steps) > MOST_STEPS:
            raise InvalidForm(f"A funnel may have {MOST_STEPS} steps.")
        asked = Asked(
            strategies=strategies,
            funnel=steps or USUAL_STEPS,
            within_s=_seconds(_text(form, "within")),
            most_bytes=UNPACKED * self.upload_bytes,
        )
        return partial(_simulate, asked)


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _seconds(days: str) -> int | None:
    if not days:
        return None
    try:
        seconds = float(days) * 86_400
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < MOST_SECONDS:
        raise InvalidForm(f"“{days[:20]}” is no number of days.")
    return round(seconds)


def _simulate(asked: Asked, run: Run) -> Simulated:
    simulation = Simulation(
        [KNOWN[name] for name in asked.strategies],
        truth=_truth(run.folder / TRUTH),
        funnel=asked.funnel,
        within_s=asked.within_s,
    )
    _play(run, simulation, most_bytes=asked.most_bytes)
    run.tell("comparing", 1.0)
    comparison = simulation.result(most_differences=MOST_DIFFERENCES)
    if not comparison.calls:
        raise Unreadable(_nothing(comparison))
    run.tell("drawing the charts", 1.0)
    charts = tuple(drawn_of(comparison)[:MOST_CHARTS])
    for place, chart in enumerate(charts):
        start, end, rest = chart.svg.partition(">")
        (run.folder / f"chart-{place}.svg").write_text(f"{start}{end}{COLOURS}{rest}", encoding="utf-8")
    (run.folder / "report.html").write_text(report(comparison, drawn=charts), encoding="utf-8")
    return Simulated(comparison=comparison, charts=charts)


def _play(run: Run, simulation: Simulation, *, most_bytes: int) -> None:
    path = run.folder / CALLS
    size = path.stat().st_size or 1
    with path.open("rb") as file:

        def progress(line: int) -> None:
            run.tell(f"{line:,} lines read", file.tell() / size)

        try:
            take_calls(file, simulation, most_bytes=most_bytes, progress=progress)
        except UnreadableCalls as error:
            raise Unreadable(str(error)) from None


def _truth(path: Path) -> Truth | None:
    if not path.exists():
        return None
    try:
        with path.open("rb") as file:
            text = unpacked(file).read(TRUTH_BYTES + 1)
        if len(text) > TRUTH_BYTES:
            raise Unreadable(f"The truth may have {TRUTH_BYTES:,} bytes.")
        return Truth.read(text.splitlines(keepends=True))
    except UnicodeDecodeError:
        raise Unreadable("The truth is not UTF-8.") from None
    except (ValueError, EOFError, zlib.error) as error:
        raise Unreadable(f"The truth cannot be used: {error}.") from None


def _nothing(comparison: Comparison) -> str:
    if not comparison.refused:
        return "There is no call in it."
    first = comparison.refused[0]
    return f"None of its lines is a call. Line {first.number:,}: {first.problem}."
