"""
An audit as plain values, for programs and for ``sdkbridge repair``.
"""

from datetime import UTC, datetime
from typing import Any

from identity.squished import Audit, AuditedLink, BlamedLink, Part, SquishedPerson
from sdkbridge.export_audit import ExportTally


def audit_values(found: Audit, tally: ExportTally | None = None) -> dict[str, Any]:
    """
    Return an audit as values that JSON has.

    Args:
        found: the squished people.
        tally: what was read, if it was an export.
    """
    return {
        "identities": found.identities,
        "people": found.people,
        "links": found.links,
        **({} if tally is None else _export(tally)),
        "squished": [_person(person) for person in found.squished],
    }


def _export(tally: ExportTally) -> dict[str, Any]:
    return {
        "export": {
            "lines": tally.lines,
            "aliases": tally.aliases,
            "refused": dict(tally.refused),
            "first": moment(tally.first),
            "last": moment(tally.last),
        },
        "placeholders": [
            {"identity": identity, "records": records} for identity, records in tally.placeholders.most_common()
        ],
    }


def _person(person: SquishedPerson) -> dict[str, Any]:
    return {
        "name": person.name,
        "severity": person.severity.value,
        "explanation": person.explanation,
        "people": person.people,
        "identities": person.identities,
        "records": person.records,
        "causes": [cause.value for cause in person.causes],
        "exact": person.exact,
        "blamed": [_blamed(blamed) for blamed in person.blamed],
        "parts": [_part(part) for part in person.parts],
    }


def _blamed(blamed: BlamedLink) -> dict[str, Any]:
    return {
        **_link(blamed.link),
        "cause": blamed.cause.value,
        "through": blamed.through,
        "bridge": blamed.bridge,
        "explanation": blamed.explanation,
    }


def _link(link: AuditedLink) -> dict[str, Any]:
    return {"older": link.older, "newer": link.newer, "at": moment(link.at_ms // 1000), "count": link.count}


def _part(part: Part) -> dict[str, Any]:
    return {
        "name": part.name,
        "nobody": part.nobody,
        "records": part.records,
        "identities": [
            {"name": one.name, "kind": str(one.kind), "records": one.activity.records} for one in part.identities
        ],
    }


def moment(second: int | None) -> str | None:
    """
    Return a second as a time in ISO 8601, or None where there is none that has a date.
    """
    try:
        return None if second is None else datetime.fromtimestamp(second, UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return None
