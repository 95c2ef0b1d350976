"""
Who is who: an identity graph that decides about aliases before they are sent, because none can be undone.

    from identity import IdentityGraph

    graph = IdentityGraph("graph.db")
    verdict = graph.link("4F1C…", "ann@example.com", kind="first_identify")
    print(verdict)
"""

from identity.database import Database
from identity.errors import IdentityError, InvalidIdentity, StoreError
from identity.graph import IdentityGraph
from identity.ids import IdentityKind
from identity.links import Link, LinkKind, Outcome, Verdict
from identity.person import GraphCounts, Person
from identity.policy import MergePolicy

__all__ = [
    "Database",
    "GraphCounts",
    "IdentityError",
    "IdentityGraph",
    "IdentityKind",
    "InvalidIdentity",
    "Link",
    "LinkKind",
    "MergePolicy",
    "Outcome",
    "Person",
    "StoreError",
    "Verdict",
]
