"""
Squished people: several who count as one because of links that should not have been made.

    from identity import audit

    found = audit(graph_or_export_links)
    for person in found.squished:
        print(person.explanation)
"""

from identity.squished.audit import CROWD_OF, HUB_OF, audit
from identity.squished.kinds import Kind, Pattern, by_patterns, kind_of
from identity.squished.values import (
    Activity,
    Audit,
    AuditedIdentity,
    AuditedLink,
    BlamedLink,
    Cause,
    Part,
    Severity,
    SquishedPerson,
)

__all__ = [
    "CROWD_OF",
    "HUB_OF",
    "Activity",
    "Audit",
    "AuditedIdentity",
    "AuditedLink",
    "BlamedLink",
    "Cause",
    "Kind",
    "Part",
    "Pattern",
    "Severity",
    "SquishedPerson",
    "audit",
    "by_patterns",
    "kind_of",
]
