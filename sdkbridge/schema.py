"""
Every table that a bridge keeps, made without a bridge.
"""

from identity.clock import system_clock
from identity.database import Database
from identity.graph import IdentityGraph
from sdkbridge.acceptance.messages import Acceptance
from sdkbridge.ids import RandomIds
from sdkbridge.options import MappingOptions
from sdkbridge.refused import RefusedCalls
from sdkbridge.writable import Writable


def make_tables(database: Database) -> None:
    """
    Make what is missing of a bridge's tables, in this version's form.

    Raises:
        StoreError: the database cannot be written, or a later version has changed it.
    """
    # Whatever a call can touch makes its tables when it is built.
    Acceptance(database, IdentityGraph(database), options=MappingOptions(), clock=system_clock, ids=RandomIds())
    RefusedCalls(database, clock=system_clock)
    Writable(database, clock=system_clock)
