"""
Reading files of calls: one JSON object a line.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import frozen

from sdkbridge.errors import InvalidCall


@frozen
class Line:
    """
    One line of a file of calls.

    Attributes:
        number: counted from 1.
        text: the line as it was read.
    """

    number: int
    text: bytes

    def message(self) -> Any:  # noqa: ANN401 - any JSON value; whether it is a call is judged elsewhere
        """
        Return the JSON value on the line.

        Raises:
            InvalidCall: it is no JSON.
        """
        try:
            return json.loads(self.text.decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise InvalidCall("line", "is not UTF-8", reason="json") from None
        except RecursionError:
            raise InvalidCall("line", "is nested too deeply", reason="json") from None
        except ValueError as error:
            problem = error.msg if isinstance(error, json.JSONDecodeError) else "a number is too long"
            raise InvalidCall("line", f"is not JSON ({problem})", reason="json") from None


def read_lines(file: Iterable[bytes]) -> Iterator[Line]:
    """
    Yield the lines that hold anything.
    """
    for number, text in enumerate(file, start=1):
        if text.strip():
            yield Line(number, text)
