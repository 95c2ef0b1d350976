"""
Calls that came before, by their message ids.
"""

REMEMBERED = 100_000


class Repeats:
    """
    Recognises a message id that is among the last hundred thousand or more; older ones are forgotten.

    Attributes:
        found: how many repeats there were.
    """

    def __init__(self, *, remembered: int = REMEMBERED) -> None:
        self.found = 0
        self._remembered = remembered
        self._new: set[str] = set()
        self._old: set[str] = set()

    def is_repeat(self, message_id: str | None) -> bool:
        """
        Tell whether a call came before, and remember it.
        """
        if message_id is None:
            return False
        if message_id in self._new or message_id in self._old:
            self.found += 1
            return True
        self._new.add(message_id)
        if len(self._new) >= self._remembered:
            self._old, self._new = self._new, set()
        return False
