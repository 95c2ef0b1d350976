"""
Who is who: an identity graph that decides about aliases before they are sent, because none can be undone.

    from identity import IdentityGraph

    graph = IdentityGraph("graph.db")
    verdict = graph.link("4F1C…", "ann@example.com", kind="first_identify")
    print(verdict)
"""

from identity.database import Database
from identity.errors import IdentityError, InvalidDecision, InvalidIdentity, StoreError
from identity.explanation import Explanation, History, Step
from identity.forgetting import Forgotten
from identity.graph import IdentityGraph
from identity.identifiers import Identifiers
from identity.ids import IdentityKind
from identity.known import KnownIdentity
from identity.links import Link, LinkKind, Outcome, Verdict, Verdicts
from identity.past import PastGraph
from identity.person import GraphCounts, Person
from identity.placeholders import PLACEHOLDERS, Placeholders
from identity.plan import Plan, PlannedAlias
from identity.policy import MergePolicy
from identity.proposal import Caution, Decision, Proposal, Rule, Side
from identity.sightings import Sighting
from identity.squished import audit

__all__ = [
    "PLACEHOLDERS",
    "Caution",
    "Database",
    "Decision",
    "Explanation",
    "Forgotten",
    "GraphCounts",
    "History",
    "Identifiers",
    "IdentityError",
    "IdentityGraph",
    "IdentityKind",
    "InvalidDecision",
    "InvalidIdentity",
    "KnownIdentity",
    "Link",
    "LinkKind",
    "MergePolicy",
    "Outcome",
    "PastGraph",
    "Person",
    "Placeholders",
    "Plan",
    "PlannedAlias",
    "Proposal",
    "Rule",
    "Side",
    "Sighting",
    "Step",
    "StoreError",
    "Verdict",
    "Verdicts",
    "audit",
]
