"""
One line on the terminal that says how far a command is; nothing where stderr is no terminal.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(first: str) -> Iterator[Callable[[str], None]]:
    """
    Show a line while the block runs, and take it away afterwards.

    Yields:
        what changes the line.
    """
    from rich.console import Console  # noqa: PLC0415 - commands load what they need

    console = Console(stderr=True, quiet=not sys.stderr.isatty())
    with console.status(first) as line:
        yield line.update
