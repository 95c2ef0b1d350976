"""
From the outbox to Kissmetrics: in order, at speed, again and again, and never twice.
"""

from sdkbridge.delivery.engine import Delivery
from sdkbridge.delivery.problems import DeliveryProblem
from sdkbridge.delivery.settings import DeliverySettings

__all__ = ["Delivery", "DeliveryProblem", "DeliverySettings"]
