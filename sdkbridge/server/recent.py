"""
The calls that came last, in memory, for people to look at; they are gone when the server ends.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from attrs import frozen

from identity.clock import Clock
from identity.links import Verdict
from sdkbridge.calls import JSONObject
from sdkbridge.errors import InvalidCall
from sdkbridge.kissmetrics.requests import Request
from sdkbridge.receipt import CallWarning, Receipt
from sdkbridge.refused import RefusedMessage

_IDENTITIES = ("userId", "anonymousId", "previousId")


@frozen(kw_only=True)
class RecentCall:
    """
    A call, and what came of it.

    Attributes:
        number: later ones have higher numbers.
        at_ms: when it came, in milliseconds since 1970 UTC.
        message: as it came.
        outcome: its receipt, or why it was refused.
    """

    number: int
    at_ms: int
    message: object
    outcome: Receipt | InvalidCall

    @property
    def kind(self) -> str:
        """
        Its type, such as ``track``; nothing if it has none.
        """
        return _text(self._members.get("type"))

    @property
    def name(self) -> str:
        """
        Its event or its page.
        """
        return _text(self._members.get("event") or self._members.get("name"))

    @property
    def identities(self) -> tuple[str, ...]:
        """
        Whom it names.
        """
        return tuple(text for member in _IDENTITIES if (text := _text(self._members.get(member))))

    @property
    def device(self) -> str:
        """
        The device that its context names.
        """
        context = self._members.get("context")
        device = context.get("device") if isinstance(context, Mapping) else None
        return _text(device.get("id")) if isinstance(device, Mapping) else ""

    @property
    def message_id(self) -> str:
        """
        By which a repeat of it would be recognised; nothing if it was refused.
        """
        return self.outcome.message_id if isinstance(self.outcome, Receipt) else ""

    @property
    def problem(self) -> str | None:
        """
        Why it was refused, if it was.
        """
        return str(self.outcome) if isinstance(self.outcome, InvalidCall) else None

    @property
    def repeated(self) -> bool:
        """
        Whether its message id had been taken before.
        """
        return isinstance(self.outcome, Receipt) and self.outcome.repeated

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """
        What was decided about links on its account.
        """
        return self.outcome.verdicts if isinstance(self.outcome, Receipt) else ()

    @property
    def requests(self) -> tuple[Request, ...]:
        """
        What it became.
        """
        return self.outcome.requests if isinstance(self.outcome, Receipt) else ()

    @property
    def warnings(self) -> tuple[CallWarning, ...]:
        """
        What its sender should look at.
        """
        return self.outcome.warnings if isinstance(self.outcome, Receipt) else ()

    @property
    def has_problem(self) -> bool:
        """
        Whether somebody should look at it: it was refused, held, or warned of.
        """
        held = any(verdict.outcome in {"hold", "refuse"} for verdict in self.verdicts)
        return self.problem is not None or held or bool(self.warnings)

    @property
    def _members(self) -> Mapping[str, Any]:
        return self.message if isinstance(self.message, Mapping) else {}


class RecentCalls:
    """
    The last calls of one project.

    Attributes:
        kept: how many at most. One holds 32 KB at most, most of them far less than one.

    Args:
        clock: the time in seconds since 1970 UTC.
        kept: how many at most.
    """

    def __init__(self, *, clock: Clock, kept: int) -> None:
        self.kept = kept
        self._clock = clock
        self._calls: deque[RecentCall] = deque(maxlen=kept)
        self._numbers = count(1)
        self._since_ms = int(clock() * 1000)
        self._second = -1
        self._in_second = 0

    @property
    def since_ms(self) -> int:
        """
        From when on all calls of this process are here, in milliseconds since 1970 UTC.
        """
        calls = self._calls.copy()
        return max(self._since_ms, calls[0].at_ms) if len(calls) == self.kept else self._since_ms

    def add(
        self,
        messages: Sequence[JSONObject],
        outcomes: Sequence[Receipt | InvalidCall],
        refused: Sequence[RefusedMessage],
    ) -> None:
        """
        Keep what a batch brought, and what came of it; not if as many as are kept at all came in this second.
        """
        at_ms = int(self._clock() * 1000)
        if self._second != at_ms // 1000:
            self._second, self._in_second = at_ms // 1000, 0
        # Nobody could look at more, and keeping a call, only to replace it at once, costs more than taking it in.
        if self._in_second >= self.kept:
            self._since_ms = at_ms + 1
            return
        last = slice(-self.kept, None)
        pairs = [*zip(messages[last], outcomes[last], strict=True), *((r.message, r.error) for r in refused)]
        self._in_second += len(pairs)
        for message, outcome in pairs[last]:
            self._calls.append(
                RecentCall(number=next(self._numbers), at_ms=at_ms, message=message, outcome=outcome)
            )

    def latest(
        self, *, identity: str = "", device: str = "", only_problems: bool = False, limit: int = 100
    ) -> list[RecentCall]:
        """
        Return the last calls, the newest first.

        Args:
            identity: a part of an identity that they name, case set aside.
            device: a part of their device.
            only_problems: only those that somebody should look at.
            limit: how many at most.
        """
        found = (
            call
            for call in reversed(self._calls.copy())
            if _has(identity, call.identities)
            and _has(device, (call.device,))
            and (call.has_problem or not only_problems)
        )
        return [call for call, _ in zip(found, range(limit), strict=False)]


def _has(part: str, texts: Sequence[str]) -> bool:
    return not part or any(part.lower() in text.lower() for text in texts)


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)[:255]
