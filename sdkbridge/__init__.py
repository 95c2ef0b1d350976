"""
Segment-spec calls in, Kissmetrics requests out, with an identity graph in front of every alias.

    from sdkbridge import Bridge

    bridge = Bridge("bridge.db", api_key="…")
    phone = bridge.device("A1B2-C3")
    phone.track("App Opened")
    phone.identify("ann@example.com", {"plan": "pro"})
"""

from typing import TYPE_CHECKING

from sdkbridge.guard import check_identity

check_identity()

if TYPE_CHECKING:
    from identity import (
        Decision,
        Explanation,
        Forgotten,
        History,
        Identifiers,
        IdentityGraph,
        InvalidDecision,
        Link,
        LinkKind,
        MergePolicy,
        Outcome,
        Person,
        Placeholders,
        Plan,
        Proposal,
        StoreError,
        Verdict,
    )
    from sdkbridge.async_bridge import AsyncBridge
    from sdkbridge.async_device import AsyncDevice
    from sdkbridge.bridge import Bridge
    from sdkbridge.delivery import DeliveryProblem, DeliverySettings
    from sdkbridge.device import Device
    from sdkbridge.errors import BridgeClosed, BridgeError, InvalidCall, OutboxFull
    from sdkbridge.options import MappingOptions
    from sdkbridge.receipt import CallWarning, Receipt
    from sdkbridge.settings import InvalidSetting
    from sdkbridge.status import BridgeStatus, FlushReport

__version__ = "0.1.0"

_HOME = {
    "AsyncBridge": "sdkbridge.async_bridge",
    "AsyncDevice": "sdkbridge.async_device",
    "Bridge": "sdkbridge.bridge",
    "BridgeClosed": "sdkbridge.errors",
    "BridgeError": "sdkbridge.errors",
    "BridgeStatus": "sdkbridge.status",
    "CallWarning": "sdkbridge.receipt",
    "Decision": "identity",
    "DeliveryProblem": "sdkbridge.delivery",
    "DeliverySettings": "sdkbridge.delivery",
    "Device": "sdkbridge.device",
    "Explanation": "identity",
    "FlushReport": "sdkbridge.status",
    "Forgotten": "identity",
    "History": "identity",
    "Identifiers": "identity",
    "IdentityGraph": "identity",
    "InvalidCall": "sdkbridge.errors",
    "InvalidDecision": "identity",
    "InvalidSetting": "sdkbridge.settings",
    "Link": "identity",
    "LinkKind": "identity",
    "MappingOptions": "sdkbridge.options",
    "MergePolicy": "identity",
    "OutboxFull": "sdkbridge.errors",
    "Outcome": "identity",
    "Person": "identity",
    "Placeholders": "identity",
    "Plan": "identity",
    "Proposal": "identity",
    "Receipt": "sdkbridge.receipt",
    "StoreError": "identity",
    "Verdict": "identity",
}

__all__ = [
    "AsyncBridge",
    "AsyncDevice",
    "Bridge",
    "BridgeClosed",
    "BridgeError",
    "BridgeStatus",
    "CallWarning",
    "Decision",
    "DeliveryProblem",
    "DeliverySettings",
    "Device",
    "Explanation",
    "FlushReport",
    "Forgotten",
    "History",
    "Identifiers",
    "IdentityGraph",
    "InvalidCall",
    "InvalidDecision",
    "InvalidSetting",
    "Link",
    "LinkKind",
    "MappingOptions",
    "MergePolicy",
    "OutboxFull",
    "Outcome",
    "Person",
    "Placeholders",
    "Plan",
    "Proposal",
    "Receipt",
    "StoreError",
    "Verdict",
]


def __getattr__(name: str) -> object:
    """
    Import a public name when it is first used, so that importing the package costs next to nothing.
    """
    if name not in _HOME:
        raise AttributeError(f"module 'sdkbridge' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    public: object = getattr(import_module(_HOME[name]), name)
    return public
