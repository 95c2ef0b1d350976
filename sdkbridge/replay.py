"""
Playing a file of calls through a bridge.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from attrs import Factory, define, frozen

from sdkbridge.bridge import Bridge
from sdkbridge.errors import InvalidCall
from sdkbridge.messages import Line
from sdkbridge.receipt import Receipt


@frozen
class Refusal:
    """
    A line that could not be accepted.

    Attributes:
        line: its number, counted from 1.
        reason: one word for programs.
        message: one sentence for people.
    """

    line: int
    reason: str
    message: str


@define
class Tally:
    """
    What became of the lines so far.

    Attributes:
        accepted: lines taken for the first time.
        repeated: lines whose message id was taken before.
        refused: lines that could not be accepted.
        requests: Kissmetrics requests queued for the accepted ones.
        verdicts: how many links were decided how.
        warnings: how many receipts carried which warning.
    """

    accepted: int = 0
    repeated: int = 0
    refused: list[Refusal] = Factory(list)
    requests: int = 0
    verdicts: Counter[str] = Factory(Counter)
    warnings: Counter[str] = Factory(Counter)

    @property
    def lines(self) -> int:
        """
        How many lines that is.
        """
        return self.accepted + self.repeated + len(self.refused)

    def count(self, receipt: Receipt) -> None:
        """
        Add what one receipt says.
        """
        if receipt.repeated:
            self.repeated += 1
            return
        self.accepted += 1
        self.requests += len(receipt.requests)
        self.verdicts.update(verdict.outcome.value for verdict in receipt.verdicts)
        self.warnings.update(warning.code for warning in receipt.warnings)


def replay(lines: Iterable[Line], bridge: Bridge, *, source: str | None = None) -> Iterator[Tally]:
    """
    Play each line through the bridge; yield the tally after each.

    Playing the same file again repeats nothing: message ids are recognised, and a line without one is known by
    its file, its number and its text.

    Args:
        lines: the calls.
        bridge: what takes them.
        source: the file's name; without one, lines without a message id are always new.

    Raises:
        StoreError: the bridge's file cannot be written.
    """
    tally = Tally()
    for line in lines:
        try:
            tally.count(bridge.accept(_with_message_id(line, source)))
        except InvalidCall as error:
            tally.refused.append(Refusal(line.number, error.reason, str(error)))
        yield tally


def _with_message_id(line: Line, source: str | None) -> Mapping[str, object]:
    message = line.message()
    if not isinstance(message, dict) or message.get("messageId") or source is None:
        return message  # type: ignore[no-any-return] # whether it is a call is judged by the bridge
    known_by = f"{source}\n{line.number}\n".encode() + line.text.strip()
    return {**message, "messageId": f"line-{hashlib.sha256(known_by).hexdigest()[:32]}"}
