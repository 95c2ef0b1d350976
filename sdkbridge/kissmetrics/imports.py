"""
An import: its lines, in the form of an export, and what came of them.

Source: Kissmetrics' page on JSON import.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from attrs import Factory, define, frozen

from sdkbridge.kissmetrics.export_lines import ExportLine, InvalidExportLine, parse_export_line
from sdkbridge.kissmetrics.intake import Reading, read
from sdkbridge.kissmetrics.log import Received
from sdkbridge.kissmetrics.requests import ALIAS, RECORD, SET
from sdkbridge.kissmetrics.rules import Rules

IMPORT = "import"
"""The path under which a line is in the log of requests."""

MOST_EXAMPLES = 100

Numbered = tuple[int, ExportLine | InvalidExportLine]
"""The number of a line, from 1, and what it says or why it says nothing."""


@frozen
class RefusedLine:
    """
    A line that was not imported.

    Attributes:
        number: its number in the file, counted from 1.
        reason: why, in one word.
    """

    number: int
    reason: str


@frozen(kw_only=True)
class ImportReport:
    """
    What came of an import.

    Attributes:
        lines: how many there were, blank ones left out.
        stored: how many were taken.
        duplicates: how many repeat a record that was there.
        repaired: how many had octal escapes that were made UTF-8.
        refused: how many were not taken, by reason.
        examples: the first hundred of those.
    """

    lines: int
    stored: int
    duplicates: int
    repaired: int
    refused: Mapping[str, int]
    examples: tuple[RefusedLine, ...]


@define
class ImportTally:
    """
    What came of the lines so far.
    """

    stored: int = 0
    duplicates: int = 0
    repaired: int = 0
    refused: Counter[str] = Factory(Counter)
    examples: list[RefusedLine] = Factory(list)

    def count(self, number: int, line: ExportLine, received: Received) -> None:
        """
        Count a line that could be read.
        """
        self.repaired += line.repaired
        if received.outcome == "rejected":
            self.refuse(number, received.reason or "")
        elif received.outcome == "duplicate":
            self.duplicates += 1
        else:
            self.stored += 1

    def refuse(self, number: int, reason: str) -> None:
        """
        Count a line that is not taken.
        """
        self.refused[reason] += 1
        if len(self.examples) < MOST_EXAMPLES:
            self.examples.append(RefusedLine(number, reason))

    def report(self) -> ImportReport:
        """
        Return all of it.
        """
        return ImportReport(
            lines=self.stored + self.duplicates + self.refused.total(),
            stored=self.stored,
            duplicates=self.duplicates,
            repaired=self.repaired,
            refused=dict(self.refused),
            examples=tuple(self.examples),
        )


def json_lines(lines: Iterable[bytes]) -> Iterator[Numbered]:
    """
    Read lines of JSON; blank ones are passed over.
    """
    for number, text in enumerate(lines, start=1):
        if text.strip():
            try:
                yield number, parse_export_line(text)
            except InvalidExportLine as error:
                yield number, error


def read_line(line: ExportLine, api_key: str, *, received: int, rules: Rules) -> Reading:
    """
    Read a line as the request that would say the same, except that its time cannot give way to that of receipt.
    """
    path = ALIAS if line.other is not None else RECORD if line.event else SET
    name = {ALIAS: line.other, RECORD: line.event}.get(path)
    reserved = {"_k": api_key, "_p": line.identity, "_t": str(line.second), "_d": "1"}
    parameters = {**line.properties, **reserved} | ({"_n": name} if name else {})
    reading = read(path, parameters, received=received, rules=rules)
    if reading.content is None or reading.content.second == line.second:
        return reading
    return Reading(rejection=next(note for note in reading.notes if note.field == "_t"))
