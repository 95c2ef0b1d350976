"""
What an answer means for a request, and how long a failed one waits: pure rules.
"""

from enum import StrEnum

from sdkbridge.kissmetrics.client import Answer

NEVER = frozenset({400, 404, 410, 413, 414, 431})
"""Statuses after which the same bytes can never succeed."""

FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 300.0
"""The longest that a failed request is put off, in seconds, whatever the other side asks for."""


class Outcome(StrEnum):
    """
    What becomes of a request.
    """

    DELIVERED = "delivered"
    DEAD = "dead"
    FAILED = "failed"


def outcome_of(answer: Answer) -> Outcome:
    """
    Tell what an answer means: 2xx and 304 are delivered, as for Kissmetrics' own SDKs, and `NEVER` is dead.
    """
    if answer.status == 304 or 200 <= answer.status < 300:
        return Outcome.DELIVERED
    return Outcome.DEAD if answer.status in NEVER else Outcome.FAILED


def retry_wait_s(attempts: int, *, jitter: float, retry_after_s: float | None = None) -> float:
    """
    Return how long to wait before the next try, in seconds.

    Doubles from a quarter of a second to five minutes; half of it is chance, so that workers do not return all
    at once. What the other side asked for counts as a minimum.

    Args:
        attempts: tries that failed before this one.
        jitter: a number from 0 to 1.
        retry_after_s: what the answer's Retry-After asked for.
    """
    longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(attempts, 32))
    return max(longest * (0.5 + jitter / 2), min(retry_after_s or 0.0, LONGEST_WAIT_S))
