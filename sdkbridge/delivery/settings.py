"""
How delivery is to behave.
"""

from typing import Any

from attrs import Attribute, field, frozen

from sdkbridge.kissmetrics.client import TIMEOUT_S


def _number(attribute: "Attribute[Any]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{attribute.name} must be a number, not {type(value).__name__}")


def _positive(_: object, attribute: "Attribute[Any]", value: float | None) -> None:
    if value is None and attribute.default is None:
        return
    _number(attribute, value)
    if not value > 0:  # type: ignore[operator] # a number by now
        raise ValueError(f"{attribute.name} must be more than 0")


def _not_negative(_: object, attribute: "Attribute[Any]", value: float) -> None:
    _number(attribute, value)
    if not value >= 0:
        raise ValueError(f"{attribute.name} must not be negative")


@frozen(kw_only=True)
class DeliverySettings:
    """
    How delivery is to behave; each process has its own.

    Attributes:
        concurrency: how many requests are under way at once, each on a connection of its own. At 50 ms a request,
            each one makes 20 requests a second.
        pace: how many requests to send a second at most; None for as many as can be.
        timeout_s: how long a request may take in all, in seconds.
        alias_wait_s: for how long an alias waits for its other side while that is failing, in seconds.
        lease_s: for how long a worker keeps what it has claimed unless it says that it is still there, in seconds;
            after that another one takes it over.
        poll_s: how often to look for what other processes have queued, in seconds.

    Raises:
        TypeError: a value that is no number.
        ValueError: a number that cannot be.
    """

    concurrency: int = field(default=32, validator=_positive)
    pace: float | None = field(default=None, validator=_positive)
    timeout_s: float = field(default=TIMEOUT_S, validator=_positive)
    alias_wait_s: float = field(default=60.0, validator=_not_negative)
    lease_s: float = field(default=60.0, validator=_positive)
    poll_s: float = field(default=1.0, validator=_positive)

    def __attrs_post_init__(self) -> None:
        if self.timeout_s > self.lease_s / 2:
            # A request must be over before anybody else may take its lane.
            raise ValueError("timeout_s must be at most half of lease_s")


AS_USUAL = DeliverySettings()
