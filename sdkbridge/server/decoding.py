"""
JSON, read so that one call that is none costs the others of its batch nothing.

A strict and fast parser reads what is right. What it refuses is read again with a lenient one, which keeps the
place of what is wrong, if it stands inside a value: NaN, half of a surrogate pair, bytes that are no UTF-8.
A member that comes twice is found by counting, since parsers take the last one without a word.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from sdkbridge.errors import InvalidCall
from sdkbridge.server.answers import Refusal
from sdkbridge.values.plain import is_writable

_MEMBER = b'":'
"""What stands once after each member's name where no space does, and in a text that has it, escaped or not."""

_BY_CODE = (rb"\u0022", rb"\u003a", rb"\u003A")
"""A quote and a colon by their codes, which are written as they are when the text is written anew."""

_SPACED_COLONS = (b" :", b"\t:", b"\n:", b"\r:")
_SPACED_MEMBER = re.compile(rb'"[ \t\n\r]+:')

_NUL = rb"\u0000"


class Repeated(dict[str, Any]):
    """
    An object in which a member came twice.
    """


class NoNumber:
    """
    Where a number should be: NaN, or one beyond all that can be reckoned with.
    """

    def __str__(self) -> str:
        return "not a number"


def decode(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """
    Return the JSON value of a body.

    What is wrong inside it stays in its place, for `checked` to find.

    Raises:
        Refusal: it is no JSON.
    """
    try:
        value = orjson.loads(body)
        written = orjson.dumps(value)
    except (orjson.JSONDecodeError, TypeError):  # the latter: too deep to be written, which `checked` finds again
        return _decode_leniently(body)
    if _tells_its_members(body) and written.count(_MEMBER) == body.count(_MEMBER):
        return value
    return _decode_leniently(body)


def _tells_its_members(body: bytes) -> bool:
    """
    Tell whether JSON has as much of `_MEMBER` as when it is written anew, unless a member is lost by that.
    """
    if any(code in body for code in _BY_CODE):
        return False
    # Texts have such colons, too, and a quote before them hardly ever.
    return not any(colon in body for colon in _SPACED_COLONS) or _SPACED_MEMBER.search(body) is None


def _decode_leniently(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(
            body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape"),
            object_pairs_hook=_object,
            parse_constant=lambda _: NoNumber(),
            parse_float=_float,
            parse_int=_int,
        )
    except RecursionError:
        raise Refusal(400, "invalid_json", "the body is nested too deeply") from None
    except ValueError as error:
        where = f" ({error.msg}, at character {error.pos})" if isinstance(error, json.JSONDecodeError) else ""
        raise Refusal(400, "invalid_json", f"the body is not JSON{where}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Repeated(found)


def _float(text: str) -> float | NoNumber:
    number = float(text)
    return NoNumber() if number in {float("inf"), float("-inf")} else number


def _int(text: str) -> int | float | NoNumber:
    # Beyond 64 bits the fast parser has floating-point numbers too.
    number = int(text) if len(text) <= 20 else 2**64
    return number if -(2**63) <= number < 2**64 else _float(text)


def checked(message: Any, longest: int) -> bytes:  # noqa: ANN401 - any JSON value
    """
    Make sure that a message is JSON throughout, and not too large; return it as JSON without spaces.

    Args:
        message: what `decode` returned, or a part of it.
        longest: bytes that it may have as JSON without spaces.

    Raises:
        InvalidCall: it is not.
    """
    try:
        written = orjson.dumps(message, option=orjson.OPT_PASSTHROUGH_SUBCLASS)
    except TypeError:
        raise _wrong(message) from None
    if len(written) > longest:
        problem = f"has {len(written)} bytes; at most {longest} are taken"
        raise InvalidCall("message", problem, reason="too_large")
    # What PostgreSQL cannot keep, and C programs take for the end of a text.
    if _NUL in written and any(isinstance(value, str) and "\0" in value for value in _values(message)):
        raise InvalidCall("message", "holds the character NUL", reason="control_character")
    return written


def _wrong(message: object) -> InvalidCall:
    for value in _values(message):
        if isinstance(value, Repeated):
            return InvalidCall("message", "holds an object with a member twice", reason="repeated_member")
        if isinstance(value, NoNumber):
            return InvalidCall("message", "holds NaN or an infinity, which are no JSON", reason="not_a_number")
        if isinstance(value, str) and not is_writable(value):
            problem = "holds half of a surrogate pair, or bytes that are not UTF-8"
            return InvalidCall("message", problem, reason="not_a_character")
    return InvalidCall("message", "is nested too deeply: more than 250 levels", reason="too_deep")


def _values(message: object) -> Iterator[object]:
    """
    Yield every value inside a message, names of members too; without recursion, however deep it is.
    """
    waiting = [message]
    while waiting:
        value = waiting.pop()
        yield value
        if isinstance(value, dict):
            waiting.extend(value.keys())
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
