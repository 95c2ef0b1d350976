"""
A local Kissmetrics: it takes tracking requests and tells which people Kissmetrics would make of them.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from identity.clock import Clock, system_clock
from identity.database import Database
from sdkbridge.kissmetrics.answers import (
    EventCount,
    FunnelStep,
    Happening,
    Person,
    PropertyAnswer,
    PropertyCount,
    PropertyHistory,
    PropertyValue,
)
from sdkbridge.kissmetrics.export_files import write_revisions
from sdkbridge.kissmetrics.export_lines import ExportLine, InvalidExportLine
from sdkbridge.kissmetrics.import_csv import csv_rows
from sdkbridge.kissmetrics.imports import IMPORT, ImportReport, ImportTally, Numbered, json_lines, read_line
from sdkbridge.kissmetrics.intake import Alias, Reading, Record, Remark, read
from sdkbridge.kissmetrics.log import Kind, LoggedRequest, Received
from sdkbridge.kissmetrics.questions import Questions
from sdkbridge.kissmetrics.records import Records
from sdkbridge.kissmetrics.rules import DEFAULT, Rules, settle

__all__ = [
    "EventCount",
    "FunnelStep",
    "Happening",
    "ImportReport",
    "LocalKissmetrics",
    "Person",
    "PropertyAnswer",
    "PropertyCount",
    "PropertyHistory",
    "PropertyValue",
    "Rules",
]

LINES_IN_A_TRANSACTION = 1000


class LocalKissmetrics(Questions):
    """
    What trk.kissmetrics.io does with requests, and what the reports behind it would show.

    Args:
        database: where requests and what follows from them are kept; its tables are made if missing.
        clock: seconds since 1970 UTC, asked once for each request.
        rules: what is cut, dropped, counted and remarked upon. A file keeps those it was filled under.

    Raises:
        StoreError: the database cannot be used, or was filled under other rules.
    """

    def __init__(self, database: Database, *, clock: Clock = system_clock, rules: Rules = DEFAULT) -> None:
        super().__init__(database, rules)
        self._clock = clock
        self._records = Records(database, self._identities, rules)
        with database.transaction():
            settle(database, rules, filled=self._log.last_number() > 0)

    def __repr__(self) -> str:
        return f"LocalKissmetrics({self._database!r})"

    def receive(self, path: str, parameters: Mapping[str, str]) -> Received:
        """
        Take one request, and keep it whatever it is worth.

        Args:
            path: ``/e`` for an event, ``/s`` for properties, ``/a`` for an alias.
            parameters: all that were sent, ``_k`` among them, decoded.

        Raises:
            StoreError: the database cannot be written; nothing of the request is kept.
        """
        with self._database.transaction():
            received_ms = self._now_ms()
            reading = read(path, parameters, received=received_ms // 1000, rules=self._rules)
            return self._keep(reading, path, parameters, received_ms)

    def reject(self, path: str, parameters: Mapping[str, str], reason: str) -> Received:
        """
        Keep a request that could not be read to its end, for a reason in one word.

        Raises:
            StoreError: the database cannot be written; nothing of the request is kept.
        """
        with self._database.transaction():
            return self._keep(Reading(rejection=Remark(reason)), path, parameters, self._now_ms())

    def import_lines(self, lines: Iterable[bytes], *, api_key: str) -> ImportReport:
        """
        Take the lines of an export, or of a file for Kissmetrics' JSON import, with their order and times.

        They are read one by one and stored a thousand at a time. A line that says nothing is reported, and the
        others go on. By the current rule on duplicates an import can be done again, and changes nothing then.

        Args:
            lines: such as an open file has, each a JSON object.
            api_key: chooses the product.

        Raises:
            ValueError: the key is blank.
            StoreError: the database cannot be written; what was stored before stays.
        """
        return self._import(json_lines(lines), api_key)

    def import_csv(self, file: TextIO, *, api_key: str) -> ImportReport:
        """
        Take the rows of a file for Kissmetrics' CSV import, as `import_lines` takes lines.

        Args:
            file: opened with ``newline=""``; its first row names the columns ``Identity``, ``Timestamp``,
                ``Event`` or ``Alias``, and up to ten ``Prop:<name>``.
            api_key: chooses the product.

        Raises:
            InvalidImportFile: the columns are not those of an import.
            ValueError: the key is blank.
            StoreError: the database cannot be written; what was stored before stays.
        """
        return self._import(csv_rows(file, now=self._now_ms() // 1000), api_key)

    def export(self, *, api_key: str | None = None) -> Iterator[dict[str, Any]]:
        """
        Yield the lines that Kissmetrics would export, in order of receipt, up to what is stored at the start.

        An event is ``{"_p", "_t", "_n", …properties}``, properties alone lack ``_n``, and an alias is
        ``{"_p", "_t", "_p2"}``; names are in lower case and values are texts, as in real exports. The database
        is free between two lines, so that a slow reader holds nobody up.

        Args:
            api_key: only the lines of that product; otherwise those of all products.

        Raises:
            StoreError: the database cannot be read.
        """
        last = self._log.last_number()
        if api_key is None:
            yield from self._records.lines(None, last=last)
        for product in [] if api_key is None else self._products(api_key):
            yield from self._records.lines(product, last=last)

    def export_revisions(self, folder: Path, *, lines_per_file: int = 10_000, api_key: str | None = None) -> int:
        """
        Write the export as Kissmetrics delivers it: ``revisions/1.json`` and on, ``index.csv`` and ``status.csv``.

        A file has its name only once it is whole. Written again later, the same folder holds what came since, too.

        Args:
            folder: made if missing.
            lines_per_file: how many lines a revision has.
            api_key: only the lines of that product; otherwise those of all products.

        Returns:
            how many revisions there are.

        Raises:
            FileExistsError: the folder holds an export with more revisions, so another one.
            OSError: the folder cannot be written.
            StoreError: the database cannot be read.
        """
        products = [None] if api_key is None else self._products(api_key)
        count = sum(self._records.count(product) for product in products)
        lines = self.export(api_key=api_key)
        return write_revisions(folder, lines, count=count, lines_per_file=lines_per_file)

    def requests(self) -> Iterator[LoggedRequest]:
        """
        Yield every request that was received, right or wrong, in order of receipt and without its key.

        Lines that were imported are among them, with the path ``import``.

        Raises:
            StoreError: the database cannot be read.
        """
        return self._log.requests()

    def diagnostics(self) -> dict[str, Any]:
        """
        Return what Kissmetrics would not tell: how many requests were dropped or spoilt, why, and examples.

        ``received``; ``stored`` by kind (``events``, ``property_sets``, ``aliases``); ``duplicates``;
        ``rejected`` and ``notes`` by reason; ``examples``, the latest first, each with the ``number`` of the
        request, its ``path``, whether it is ``about`` a rejection, a duplicate or a note, the ``reason`` and
        the ``field``.

        Raises:
            StoreError: the database cannot be read.
        """
        return self._log.diagnostics()

    def _now_ms(self) -> int:
        return math.floor(self._clock() * 1000)

    def _keep(self, reading: Reading, path: str, parameters: Mapping[str, str], received_ms: int) -> Received:
        key, number = parameters.get("_k", ""), self._log.last_number() + 1
        product = self._log.ensure_product(key) if key.strip() else None
        if reading.content is None or product is None:
            received = Received(number=number, outcome="rejected", rejection=reading.rejection)
        else:
            received = self._store(number, product, reading.content, reading.notes)
        self._log.append(received, path, parameters, received_ms=received_ms, product=product)
        return received

    def _store(self, number: int, product: int, content: Record | Alias, notes: tuple[Remark, ...]) -> Received:
        kept = self._records.add(number, product, content)
        return Received(
            number=number,
            outcome="stored" if kept.counts else "duplicate",
            kind=_kind(content),
            notes=(*notes, *kept.notes),
        )

    def _import(self, lines: Iterator[Numbered], api_key: str) -> ImportReport:
        if not api_key.strip():
            raise ValueError("api_key must not be blank")
        tally = ImportTally()
        # The lines are read outside the transaction: whoever yields them may be slow.
        while batch := list(islice(lines, LINES_IN_A_TRANSACTION)):
            with self._database.transaction():
                for number, line in batch:
                    self._take_line(number, line, api_key, tally)
        return tally.report()

    def _take_line(
        self, number: int, line: ExportLine | InvalidExportLine, api_key: str, tally: ImportTally
    ) -> None:
        if isinstance(line, InvalidExportLine):
            tally.refuse(number, line.reason)
            return
        received_ms, parameters = self._now_ms(), {"_k": api_key} | line.members()
        reading = read_line(line, api_key, received=received_ms // 1000, rules=self._rules)
        tally.count(number, line, self._keep(reading, IMPORT, parameters, received_ms))


def _kind(content: Record | Alias) -> Kind:
    if isinstance(content, Alias):
        return "alias"
    return "event" if content.event else "properties"
