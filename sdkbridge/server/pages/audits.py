"""
Audits of uploaded exports: what is in them is looked at and shown, and kept nowhere else.
"""

import json
from collections.abc import Callable
from typing import Any

from starlette.datastructures import FormData

from sdkbridge.audit_json import audit_values
from sdkbridge.audit_report import report_page
from sdkbridge.export_audit import ExportAudit, ExportTally, audit_export
from sdkbridge.kissmetrics.exported import UnreadableExport
from sdkbridge.server.pages.runs import Run, Unreadable
from sdkbridge.server.pages.uploads import Uploads

EXPORT = "export"


class Audits(Uploads):
    """
    The pages that audit exports.
    """

    section = "audits"
    word = "audit"
    files = {EXPORT: True}  # noqa: RUF012 - a constant of the class
    made = frozenset({"report.html", "links.json"})

    def work(self, _: FormData, /) -> Callable[[Run], Any]:
        """
        Return what audits an export; the form asks for nothing else.
        """
        return _audit

    def stored_as(self, field: str, filename: str, /) -> str:
        """
        Return a name by which a table is known from lines of JSON.
        """
        return f"{field}.csv" if filename.lower().endswith(".csv") else f"{field}.json"


def _audit(run: Run) -> ExportAudit:
    path = next(run.folder.glob(f"{EXPORT}.*"))
    try:
        done = audit_export([path], progress=run.tell)
    except UnreadableExport as error:
        raise Unreadable(f"It cannot be read: {str(error).removeprefix(f'{path}: ')}.") from None
    if sum(done.tally.refused.values()) == done.tally.lines:
        raise Unreadable(_nothing(done.tally))
    run.tell("writing the report")
    (run.folder / "report.html").write_text(report_page(done.found, done.tally), encoding="utf-8")
    values = json.dumps(audit_values(done.found, done.tally), ensure_ascii=False)
    (run.folder / "links.json").write_text(values, encoding="utf-8")
    return done


def _nothing(tally: ExportTally) -> str:
    if not tally.lines:
        return "There is no line in it."
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in tally.refused.most_common())
    return f"None of its lines could be read: {reasons}."
