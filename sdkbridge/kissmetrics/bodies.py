"""
Reading the body of a request: with its length said before, or in chunks as it comes (RFC 9112, 6 and 7.1).
"""

import re
from email.message import Message
from io import BufferedIOBase

MOST_BODY_BYTES = 1024 * 1024
PIECE_BYTES = 64 * 1024
LONGEST_LINE = 8192
MOST_TRAILERS = 100

LENGTH = re.compile("[0-9]{1,18}")
CHUNK_LENGTH = re.compile(rb"[0-9a-fA-F]{1,15}")


class UnreadBody(Exception):
    """
    A body that was not taken in.

    Attributes:
        reason: why, in one word.
        is_past: whether it was read to its end, so that the next request can be found.
    """

    def __init__(self, reason: str, *, is_past: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_past = is_past


def read_body(stream: BufferedIOBase, headers: Message) -> bytes:
    """
    Read the body that belongs to these headers; there may be none.

    Raises:
        UnreadBody: it is too large, or nobody can tell where it ends.
        ConnectionAbortedError: the client left before its end.
    """
    length, coding = headers.get_all("Content-Length", []), headers.get_all("Transfer-Encoding", [])
    if coding and not length and ",".join(coding).strip().lower() == "chunked":
        return _read_chunks(stream)
    if coding or len(length) > 1 or not all(LENGTH.fullmatch(one.strip()) for one in length):
        # What the two together mean is a matter of opinion, and so of request smuggling.
        raise UnreadBody("unreadable_body", is_past=False)
    size = int(length[0]) if length else 0
    if size > MOST_BODY_BYTES:
        _skip(stream, size)
        raise UnreadBody("body_too_large", is_past=True)
    return _read(stream, size)


def _read_chunks(stream: BufferedIOBase) -> bytes:
    body, size = bytearray(), 0
    while length := _chunk_length(stream):
        size += length
        if size > MOST_BODY_BYTES:
            body.clear()
            _skip(stream, length)
        else:
            body += _read(stream, length)
        if _line(stream):
            raise UnreadBody("unreadable_body", is_past=False)
    for _ in range(MOST_TRAILERS):
        if not _line(stream):
            break
    else:
        raise UnreadBody("unreadable_body", is_past=False)
    if size > MOST_BODY_BYTES:
        raise UnreadBody("body_too_large", is_past=True)
    return bytes(body)


def _chunk_length(stream: BufferedIOBase) -> int:
    # What follows a semicolon is an extension, of which none is known.
    length = _line(stream).partition(b";")[0].strip()
    if not CHUNK_LENGTH.fullmatch(length):
        raise UnreadBody("unreadable_body", is_past=False)
    return int(length, 16)


def _line(stream: BufferedIOBase) -> bytes:
    line = stream.readline(LONGEST_LINE)
    if line.endswith(b"\n"):
        return line.rstrip(b"\r\n")
    if len(line) < LONGEST_LINE:
        raise _left()
    raise UnreadBody("unreadable_body", is_past=False)


def _skip(stream: BufferedIOBase, length: int) -> None:
    # A client that is still sending would not see the answer.
    while length:
        length -= len(_read(stream, min(length, PIECE_BYTES)))


def _read(stream: BufferedIOBase, length: int) -> bytes:
    body = stream.read(length)
    if len(body) < length:
        raise _left()
    return body


def _left() -> ConnectionAbortedError:
    return ConnectionAbortedError("the client left in the middle of a request")
