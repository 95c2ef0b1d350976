"""
What the server answers: Segment's bodies on Segment's routes, RFC 9457's problems on our own.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from starlette.responses import Response


class Refusal(Exception):
    """
    A request that is not taken.

    Attributes:
        status: of the answer.
        code: one word for programs.
        message: one sentence for people; holds nothing of the request.
        headers: of the answer, besides the usual ones.
    """

    def __init__(self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def put_off(status: int, code: str, message: str, *, seconds: int) -> Refusal:
    """
    Return the refusal of a request that will do later: clients keep what they hold, and come again.
    """
    return Refusal(status, code, message, headers={"Retry-After": str(seconds)})


class JSONAnswer(Response):
    """
    A JSON body.
    """

    media_type = "application/json"

    def render(self, content: Any) -> bytes:  # noqa: ANN401 - Starlette's signature
        """
        Write the body.
        """
        return orjson.dumps(content)


class Problem(JSONAnswer):
    """
    What went wrong, as RFC 9457 has it.
    """

    media_type = "application/problem+json"


TAKEN = orjson.dumps({"success": True})
"""The body that Segment answers with."""


def taken() -> Response:
    """
    Say that a request was taken.
    """
    return Response(TAKEN, media_type="application/json")


def refused(refusal: Refusal) -> Response:
    """
    Say why a request was not taken, in the shape that Segment's libraries read: ``code`` and ``message``.
    """
    body = {"success": False, "code": refusal.code, "message": refusal.message}
    return JSONAnswer(body, refusal.status, headers=refusal.headers)


def problem(
    status: int,
    detail: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response:
    """
    Say what went wrong on a route of our own.

    Args:
        status: of the answer.
        detail: what went wrong, in a sentence.
        headers: of the answer.
        more: members of the body, besides the usual ones.
    """
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if detail is not None:
        body["detail"] = detail
    return Problem({**body, **(more or {})}, status, headers=dict(headers or {}))
