"""
The body of a request, within limits: how long it may take, how large it may be, and how large once inflated.
"""

import asyncio
import zlib

from starlette.requests import ClientDisconnect, Request

from sdkbridge.server.answers import Refusal
from sdkbridge.server.settings import Limits

READ_ON = 20
"""How many times the limit is read, and forgotten, before the connection is cut: a client that is still sending
would take that for a failure of the network, not see the answer, and send the same again."""

GZIP = zlib.MAX_WBITS | 16

# The rest of the body is not read, so nothing that follows on this connection could be told from it.
_CLOSE = {"Connection": "close"}


async def read_body(request: Request, limits: Limits) -> bytes:
    """
    Return a request's body, inflated.

    Raises:
        Refusal: it is too large, comes too slowly, breaks off, or is encoded in a way that cannot be read.
    """
    _check_headers(request, limits)
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "", "gzip", "x-gzip"}:
        raise Refusal(415, "unsupported_encoding", "Content-Encoding must be gzip, or none", headers=_CLOSE)
    try:
        async with asyncio.timeout(limits.body_timeout_s):
            body = await _received(request, limits.body_bytes)
    except TimeoutError:
        raise Refusal(
            408, "timeout", f"the body took more than {limits.body_timeout_s:g} seconds to arrive", headers=_CLOSE
        ) from None
    except ClientDisconnect:
        raise Refusal(400, "disconnected", "the client went away before the body ended", headers=_CLOSE) from None
    return inflated(body, limits.body_bytes) if encoding.endswith("gzip") else body


def _check_headers(request: Request, limits: Limits) -> None:
    size = sum(len(name) + len(value) + 4 for name, value in request.headers.raw)
    if size > limits.header_bytes:
        message = f"the header lines have {size} bytes; at most {limits.header_bytes} are taken"
        raise Refusal(431, "headers_too_large", message, headers=_CLOSE)
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and (len(length) > 18 or int(length) > limits.body_bytes * READ_ON):
        raise _too_large(limits.body_bytes)


async def _received(request: Request, longest: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size <= longest:
            pieces.append(piece)
        elif size > longest * READ_ON:
            break
    if size > longest:
        raise _too_large(longest)
    return b"".join(pieces)


def inflated(body: bytes, longest: int) -> bytes:
    """
    Return what gzip made smaller; stops at the limit, so that a small body cannot fill the memory.

    Raises:
        Refusal: it is no gzip, breaks off, has something behind it, or is too large.
    """
    result = b""
    rest = body
    while rest:
        member = zlib.decompressobj(GZIP)
        try:
            result += member.decompress(rest, longest + 1 - len(result))
        except zlib.error:
            raise Refusal(
                400, "invalid_gzip", "the body is not gzip, though its Content-Encoding says so"
            ) from None
        if len(result) > longest:
            raise _too_large(longest)
        if not member.eof:
            raise Refusal(400, "invalid_gzip", "the body breaks off in the middle of its gzip")
        rest = member.unused_data
    return result


def _too_large(longest: int) -> Refusal:
    # 400 and not 413: Segment's Swift library sends again for ever what is refused with anything else.
    return Refusal(400, "too_large", f"the body is larger than {longest} bytes", headers=_CLOSE)
