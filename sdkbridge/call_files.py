"""
Files of recorded calls, plain or compressed with gzip, played into a simulation line by line.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from identity.simulate.simulation import Simulation
from sdkbridge.calls import parse_call
from sdkbridge.errors import InvalidCall
from sdkbridge.mapping import wanted
from sdkbridge.messages import Line

LINES_BETWEEN_SIGNS = 10_000

LONGEST_LINE = 1_000_000
"""Bytes; Segment takes calls of 32 KB. More of a line is never held in memory."""

_GZIP = b"\x1f\x8b"


class UnreadableCalls(Exception):
    """
    A file of calls that cannot be read to its end; the message is for people.
    """


def take_calls(
    file: BinaryIO,
    simulation: Simulation,
    *,
    lines_before: int = 0,
    most_bytes: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """
    Play a file into a simulation, and return how many lines it has.

    A line that is no call is refused by its number, and the others go on.

    Args:
        file: with one message a line, plain or compressed with gzip.
        simulation: what takes the calls.
        lines_before: how many lines other files had before: numbers go on after them.
        most_bytes: how long it may be once it is no longer compressed.
        progress: is told the number of a line now and then.

    Raises:
        UnreadableCalls: it is damaged, or too long.
    """
    number = seen = 0
    try:
        for number, text in enumerate(_lines(unpacked(file)), start=1):
            seen += len(text)
            if most_bytes is not None and seen > most_bytes:
                raise UnreadableCalls(f"Unpacked it has more than {most_bytes:,} bytes.")
            if text.strip():
                _take(Line(lines_before + number, text), simulation)
            if number % LINES_BETWEEN_SIGNS == 0:
                progress(lines_before + number)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise UnreadableCalls(f"The compressed file is damaged after line {lines_before + number:,}.") from None
    return number


def unpacked(file: BinaryIO) -> BinaryIO:
    """
    Return what a file holds: of a compressed one what was compressed.
    """
    peek = getattr(file, "peek", None)
    if peek is not None and peek(len(_GZIP))[: len(_GZIP)] == _GZIP:
        return cast("BinaryIO", gzip.GzipFile(fileobj=file))
    return file


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """
    Yield the lines; of one that is too long its beginning, one byte more than may be.
    """
    while text := file.readline(LONGEST_LINE + 1):
        rest = text
        while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
            rest = file.readline(LONGEST_LINE + 1)
        yield text


def _take(line: Line, simulation: Simulation) -> None:
    if len(line.text) > LONGEST_LINE:
        simulation.refuse(f"line is longer than {LONGEST_LINE:,} bytes", number=line.number)
        return
    try:
        message = line.message()
    except InvalidCall as error:
        simulation.refuse(str(error), number=line.number)
        return
    if _is_switched_off(message):
        simulation.leave_out()
    else:
        simulation.take(message, number=line.number)


def _is_switched_off(message: object) -> bool:
    """
    Tell whether a call's integrations keep it from Kissmetrics; one that is no call is left to be refused.
    """
    if not isinstance(message, dict) or not message.get("integrations"):
        return False
    try:
        return not wanted(parse_call(message))
    except InvalidCall:
        return False
