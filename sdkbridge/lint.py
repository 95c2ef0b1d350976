"""
What Kissmetrics would silently change or drop, found in a file before it is sent.

Calls go through a bridge in memory, which says on each receipt what it warns about; lines of a Kissmetrics export
are judged by the rules of the local Kissmetrics.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing

from attrs import Factory, define, frozen

from identity.clock import Clock, system_clock
from identity.database import Database
from sdkbridge.bridge import Bridge
from sdkbridge.errors import InvalidCall
from sdkbridge.lint_export import ExportLint, is_export_line
from sdkbridge.messages import Line
from sdkbridge.remedies import remedy_for

MOST_EXAMPLES = 5


@frozen
class Example:
    """
    One place where something was found.

    Attributes:
        line: its number, counted from 1.
        message: one sentence for people.
    """

    line: int
    message: str


@define
class Finding:
    """
    One kind of problem in a file.

    Attributes:
        code: one word for programs.
        exported: whether it was found in an export; in calls otherwise.
        count: how often it was found.
        examples: the first few places.
    """

    code: str
    exported: bool = False
    count: int = 0
    examples: list[Example] = Factory(list)

    @property
    def remedy(self) -> str:
        """
        What the bridge does about it.
        """
        return remedy_for(self.code, exported=self.exported)

    def add(self, line: int, message: str) -> None:
        """
        Count one more line.
        """
        self.count += 1
        if len(self.examples) < MOST_EXAMPLES:
            self.examples.append(Example(line, message))


@define
class LintReport:
    """
    What was found.

    Attributes:
        lines: how many were read.
        findings: by code, and whether they were found in an export.
    """

    lines: int = 0
    findings: dict[tuple[str, bool], Finding] = Factory(dict)

    def worst_first(self) -> list[Finding]:
        """
        Return the findings, the most frequent first.
        """
        return sorted(self.findings.values(), key=lambda finding: -finding.count)


def lint(lines: Iterable[Line], *, clock: Clock = system_clock) -> Iterator[LintReport]:
    """
    Look at each line; yield the report so far after each.

    A line that holds ``_p`` is one of a Kissmetrics export, any other a call in Segment's spelling.
    """
    report = LintReport()
    with (
        closing(Database()) as names,
        closing(Bridge(":memory:", api_key="lint", deliver=False, clock=clock)) as bridge,
    ):
        exported = ExportLint(names)
        for line in lines:
            report.lines += 1
            from_export = is_export_line(line.text)
            found = exported.findings(line.text, received=clock()) if from_export else _in_call(line, bridge)
            for code, message in found:
                finding = report.findings.setdefault((code, from_export), Finding(code, from_export))
                finding.add(line.number, message)
            yield report


def _in_call(line: Line, bridge: Bridge) -> list[tuple[str, str]]:
    try:
        receipt = bridge.accept(line.message())
    except InvalidCall as error:
        return [(error.reason, str(error))]
    return [(warning.code, warning.message) for warning in receipt.warnings]
