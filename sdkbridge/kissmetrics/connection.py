"""
What the local Kissmetrics does at each address: what trk.kissmetrics.io does, and what is our own.

``/e``, ``/s`` and ``/a`` always answer 200 with a transparent image, be the request right or wrong, as
Kissmetrics documents, unless a fault was asked for at ``/faults``. ``/m/trk`` is what phones ask first. The pages
show what the requests came to, and hold no key.
"""

import json
from contextlib import suppress
from http import HTTPStatus
from io import BytesIO
from urllib.parse import parse_qsl

from attrs import frozen

from identity.clock import Clock
from identity.errors import StoreError
from sdkbridge.kissmetrics.answering import AnsweringConnection
from sdkbridge.kissmetrics.bodies import UnreadBody
from sdkbridge.kissmetrics.faults import Faults, InvalidFault, Strike, fault_from
from sdkbridge.kissmetrics.intake import PATHS
from sdkbridge.kissmetrics.pages import NoSuchPage, UnclearQuestion, show
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.kissmetrics.severing import has_left, reset
from sdkbridge.kissmetrics.verification import PATH as VERIFICATION
from sdkbridge.kissmetrics.verification import verify

IMAGE = bytes.fromhex(
    "474946383961 01000100 800000 000000ffffff 21f9040100000000 2c0000000001000100 00 02024401 003b"
)
"""A transparent GIF of one pixel, 43 bytes."""

NO_HTTP = b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n"
"""What a fault answers as garbage: so does a server begin that expected TLS."""

FAULTS = "/faults"


@frozen
class Service:
    """
    What all connections of one server answer from.
    """

    kissmetrics: LocalKissmetrics
    faults: Faults
    clock: Clock


class Connection(AnsweringConnection):
    """
    One client of the local Kissmetrics.
    """

    def __init__(self, service: Service, *connection: object) -> None:
        self._kissmetrics = service.kissmetrics
        self._faults = service.faults
        self._clock = service.clock
        # The base class serves the whole connection from within its constructor.
        super().__init__(*connection)  # type: ignore[arg-type] # as socketserver hands them over

    def answer_request(self, method: str) -> None:
        """
        Take a request, or show what became of those taken.
        """
        path, _, query = self.path.partition("?")
        try:
            if path == FAULTS:
                self._change_faults(method)
            elif method == "DELETE":
                self.send_error(HTTPStatus.NOT_IMPLEMENTED)
            elif path in PATHS:
                self._meet(path, dict(_form(query)))
            else:
                self._discard_body()
                self._show(path, _form(query))
        except StoreError:
            # The image would say that the request is kept; so, senders try again.
            self.answer_json({"error": "the database cannot be used"}, HTTPStatus.INTERNAL_SERVER_ERROR)

    def _meet(self, path: str, parameters: dict[str, str]) -> None:
        strike = self._faults.strike(path)
        if strike is None:
            self._take(path, parameters)
            self._answer_image()
        else:
            self._go_wrong(strike, path, parameters)

    def _take(self, path: str, parameters: dict[str, str]) -> None:
        try:
            # A form, whatever type it is said to have: the iOS SDK says nothing.
            body = self.body().decode("utf-8", "surrogateescape")
        except UnreadBody as error:
            self._kissmetrics.reject(path, parameters, error.reason)
        else:
            self._kissmetrics.receive(path, parameters | dict(_form(body)))

    def _answer_image(self) -> None:
        self.answer(HTTPStatus.OK, "image/gif", IMAGE)

    def _show(self, path: str, parameters: list[tuple[str, str]]) -> None:
        if path == VERIFICATION:
            verification = verify(
                asked_host=self.headers.get("Host"), own=self.connection.getsockname(), now=self._clock()
            )
            self.answer_json(verification.answer(), headers={"Expires": verification.expires})
            return
        try:
            shown = show(self._kissmetrics, path, parameters)
        except NoSuchPage:
            self.answer_json({"error": "no such page"}, HTTPStatus.NOT_FOUND)
        except UnclearQuestion as error:
            self.answer_json({"error": str(error)}, HTTPStatus.BAD_REQUEST)
        else:
            if isinstance(shown, dict):
                self.answer_json(shown)
            else:
                self.answer_lines(shown)

    def _go_wrong(self, strike: Strike, path: str, parameters: dict[str, str]) -> None:
        fault = strike.fault
        if fault.what == "latency":
            strike.wait(fault.lasts_s)
        if fault.takes_request:
            self._take(path, parameters)
        elif fault.what != "reset":
            self._discard_body()
        if isinstance(fault.what, int):
            self._answer_status(fault.what, fault.retry_after_s)
        else:
            self._answer_wrongly(fault.what, strike)

    def _answer_wrongly(self, what: str, strike: Strike) -> None:
        if what == "latency":
            self._answer_image()
        elif what == "drip":
            self._drip(strike)
        elif what == "garbage":
            self.close_connection = True
            self.wfile.write(NO_HTTP)
        elif what == "hang":
            self.close_connection = True
            strike.wait(strike.fault.lasts_s, unless=lambda: has_left(self.connection))
        else:
            self.close_connection = True
            reset(self.connection)

    def _answer_status(self, status: int, retry_after_s: int | None) -> None:
        headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        if status == HTTPStatus.OK:
            self.answer(status, "image/gif", IMAGE, headers)
        elif status in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
            self.answer_nothing(status, headers)
        else:
            self.answer_json({"error": "a fault that was asked for"}, status, headers)

    def _drip(self, strike: Strike) -> None:
        wire, self.wfile = self.wfile, BytesIO()
        self._answer_image()
        answer, self.wfile = self.wfile.getvalue(), wire
        for byte in answer:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            strike.wait((strike.fault.lasts_s or 0.0) / len(answer))

    def _change_faults(self, method: str) -> None:
        try:
            if method == "POST":
                self._faults.add(fault_from(json.loads(self.body())))
            else:
                self._discard_body()
        except (InvalidFault, UnreadBody) as error:
            self.answer_json({"error": str(error)}, HTTPStatus.BAD_REQUEST)
            return
        except (ValueError, RecursionError):
            self.answer_json({"error": "a fault must be a JSON object"}, HTTPStatus.BAD_REQUEST)
            return
        if method == "DELETE":
            self._faults.heal()
        self.answer_json({"faults": self._faults.report()})

    def _discard_body(self) -> None:
        with suppress(UnreadBody):
            self.body()


def _form(text: str) -> list[tuple[str, str]]:
    """
    Read a query or a form; no value is an empty one.

    What is not UTF-8 becomes lone surrogates, which the reader of requests rejects.
    """
    return parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="surrogateescape")
