"""
Fork: what a parent process has open is closed before, so that neither side ever uses the other's.

SQLite remembers per process which locks it holds. A child that inherits an open file would believe in its parent's
locks for ever: it could not write, or would write without a lock.
"""

import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    """
    What must not be open while a process forks.
    """

    def before_fork(self) -> bool:
        """
        Wait for what is under way in other threads, and close; return whether that succeeded.
        """

    def after_fork(self, *, in_child: bool, ready: bool) -> None:
        """
        Go on; the next use opens anew, unless it was not ready to fork.
        """


_open: "weakref.WeakSet[Forkable]" = weakref.WeakSet()
_forking: list[tuple[Forkable, bool]] = []


def close_at_fork(store: Forkable) -> None:
    """
    Have a store closed whenever this process forks, as long as the store exists.
    """
    _open.add(store)


def _before() -> None:
    _forking.extend((store, store.before_fork()) for store in list(_open))


def _after(*, in_child: bool) -> None:
    while _forking:
        store, ready = _forking.pop()
        store.after_fork(in_child=in_child, ready=ready)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before,
        after_in_parent=lambda: _after(in_child=False),
        after_in_child=lambda: _after(in_child=True),
    )
