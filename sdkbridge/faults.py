"""
Mistakes of ours, told without what they say: an exception's words may hold a key or a user's property.
"""

import traceback
from pathlib import Path


def place_of(error: BaseException) -> str:
    """
    Return an exception's name and where it was raised, such as ``TypeError in values.py, line 12``.
    """
    found = traceback.extract_tb(error.__traceback__)
    place = f" in {Path(found[-1].filename).name}, line {found[-1].lineno}" if found else ""
    return f"{type(error).__name__}{place}"
