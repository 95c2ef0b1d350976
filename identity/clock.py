"""
What time it is, in seconds since 1970 UTC.
"""

import time
from collections.abc import Callable

Clock = Callable[[], float]


def system_clock() -> float:
    """
    Return the machine's time, looked up at each call so that frozen time is seen.
    """
    return time.time()
