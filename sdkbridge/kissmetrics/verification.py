"""
What phones ask before they send anything, by ``GET /m/trk``: whether to track, and where to send it.

Source: Kissmetrics' iOS and Android SDKs. They read ``tracking`` and ``tracking_endpoint``, which they then reach
by https, and ask again once the answer's ``Expires`` has passed, after 14 days at most.
"""

import re
from email.utils import formatdate
from typing import Any

from attrs import frozen

PATH = "/m/trk"
VALID_S = 24 * 60 * 60
ENDPOINT = re.compile(r"[A-Za-z0-9.\-_]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


@frozen
class Verification:
    """
    The answer: yes, here, for a day.

    Attributes:
        tracking_endpoint: host and port to send to.
        expires: when to ask again, as the SDKs read it: ``Thu, 01 Jan 1970 00:00:00 GMT``.
    """

    tracking_endpoint: str
    expires: str

    def answer(self) -> dict[str, object]:
        """
        Return what the SDKs expect as JSON.
        """
        return {"reason": "LOCAL", "tracking": True, "tracking_endpoint": self.tracking_endpoint}


def verify(*, asked_host: str | None, own: tuple[Any, ...], now: float) -> Verification:
    """
    Tell a phone to send to where it reached us: the address that this machine knows may not be one for a phone.

    Args:
        asked_host: the request's ``Host``.
        own: where the connection was accepted, for a request without one: address, port, and maybe more.
        now: seconds since 1970 UTC.
    """
    if asked_host and ENDPOINT.fullmatch(asked_host):
        endpoint = asked_host
    else:
        endpoint = f"[{own[0]}]:{own[1]}" if ":" in own[0] else f"{own[0]}:{own[1]}"
    return Verification(endpoint, formatdate(now + VALID_S, usegmt=True))
