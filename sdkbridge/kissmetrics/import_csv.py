"""
The CSV files that Kissmetrics imports.

Source: Kissmetrics' page on CSV import: the columns Identity, Timestamp, Event or Alias, and Prop:<name>, of which
there are at most ten. Events, properties alone and aliases come in files of their own.
"""

import csv
from collections.abc import Iterator, Mapping
from typing import TextIO

from attrs import frozen

from sdkbridge.kissmetrics.export_lines import ExportLine, InvalidExportLine, second_of
from sdkbridge.kissmetrics.imports import Numbered
from sdkbridge.kissmetrics.intake import writable

MOST_PROPERTIES = 10
PROPERTY = "prop:"
OTHERS = ("identity", "timestamp", "event", "alias")


class InvalidImportFile(ValueError):
    """
    A CSV file that cannot be imported, because of its headings.
    """


def csv_rows(file: TextIO, *, now: int) -> Iterator[Numbered]:
    """
    Read the rows of a CSV file; blank ones are passed over.

    A blank property is none. Cells in quotes are read, although Kissmetrics asks for none. An alias without a time
    happens now.

    Args:
        file: opened with ``newline=""``.
        now: in seconds since 1970 UTC.

    Raises:
        InvalidImportFile: the headings are not those of an import.
    """
    reader = csv.reader(file)
    try:
        columns = _columns(next(reader, []))
    except csv.Error:
        raise InvalidImportFile("the first row is not CSV") from None
    while True:
        try:
            cells = next(reader)
            if any(cell.strip() for cell in cells):
                yield reader.line_num, _line(columns, cells, now)
        except StopIteration:
            return
        except csv.Error:
            yield reader.line_num, InvalidExportLine("not_csv", "the row is not CSV")
        except InvalidExportLine as error:
            yield reader.line_num, error


@frozen
class _Columns:
    """
    Which column holds what, counted from 0.
    """

    places: Mapping[str, int]
    properties: Mapping[str, int]

    @property
    def width(self) -> int:
        return len(self.places) + len(self.properties)


def _columns(headings: list[str]) -> _Columns:
    places: dict[str, int] = {}
    properties: dict[str, int] = {}
    for place, heading in enumerate(headings):
        # Spreadsheets put a byte order mark in front.
        name = heading.removeprefix("\ufeff").strip()
        is_property = name.lower().startswith(PROPERTY) and len(name) > len(PROPERTY)
        known, key = (properties, name[len(PROPERTY) :]) if is_property else (places, name.lower())
        if key in known or not (is_property or key in OTHERS):
            raise InvalidImportFile(f"column {place + 1} has a heading that is unknown or there twice")
        known[key] = place
    _check(places, properties)
    return _Columns(places, properties)


def _check(places: Mapping[str, int], properties: Mapping[str, int]) -> None:
    if "identity" not in places:
        raise InvalidImportFile("the column Identity is missing")
    if "timestamp" not in places and "alias" not in places:
        raise InvalidImportFile("the column Timestamp is missing")
    if "alias" in places and ("event" in places or properties):
        raise InvalidImportFile("aliases need a file of their own, without Event and properties")
    if not ("alias" in places or "event" in places or properties):
        raise InvalidImportFile("a column Event, Alias or Prop:<name> is missing")
    if len(properties) > MOST_PROPERTIES:
        raise InvalidImportFile(f"there are more than {MOST_PROPERTIES} columns of properties")


def _line(columns: _Columns, cells: list[str], now: int) -> ExportLine:
    if len(cells) > columns.width:
        raise InvalidExportLine("too_many_cells", "the row has more cells than there are headings")
    if any(writable(cell) != cell for cell in cells):
        raise InvalidExportLine("not_utf8", "the row is not UTF-8")
    cells += [""] * (columns.width - len(cells))
    texts = {name: cells[place] for name, place in columns.places.items()}
    properties = {name: cells[place] for name, place in columns.properties.items() if cells[place]}
    if "alias" not in texts and not (texts["event"].strip() if "event" in texts else properties):
        raise InvalidExportLine("nothing_to_record", "the row has no event or property")
    return ExportLine(
        identity=_required(texts["identity"], "no_identity"),
        second=now
        if "alias" in texts and not texts.get("timestamp", "").strip()
        else second_of(texts["timestamp"]),
        event=texts.get("event"),
        other=_required(texts["alias"], "no_other_identity") if "alias" in texts else None,
        properties=properties,
    )


def _required(text: str, reason: str) -> str:
    if not text.strip():
        raise InvalidExportLine(reason, "a cell is blank")
    return text
