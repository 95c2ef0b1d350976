"""
Who truly made a call.

A truth is kept in a file with one line a person, such as

    {"person": "h1-p2", "identities": ["p2@mail.example"],
     "held": [{"anonymous_id": "tablet.1", "from": "2026-01-08T15:17:52.089Z", "to": "2026-01-08T15:21:04.590Z"}]}

``identities`` are theirs alone, whatever the time. ``held`` says when they were the one who used an anonymous
identity that several people used, by the clock of the device, both ends included.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Self

from identity.ids import fold
from identity.simulate.activity import UNKNOWN
from identity.simulate.calls import Call, moment_ms


class Truth:
    """
    Who truly made each call; it may grow while calls are taken.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """
        Forget everything.
        """
        self.people: list[str] = []
        self._numbers: dict[str, int] = {}
        self._owner: dict[str, int] = {}
        # For each anonymous identity that was held: since when, and by whom from then on.
        self._since: dict[str, list[int]] = {}
        self._holder: dict[str, list[int]] = {}
        self._until: dict[str, int] = {}

    def number(self, person: str) -> int:
        """
        Return a person's number, a new one the first time.
        """
        number = self._numbers.get(person)
        if number is None:
            number = self._numbers[person] = len(self.people)
            self.people.append(person)
        return number

    def owns(self, person: str, identity: str) -> None:
        """
        Say that an identity is a person's alone.
        """
        self._owner[fold(identity)] = self.number(person)

    def holds(self, person: str, anonymous_id: str, *, from_ms: int, to_ms: int) -> None:
        """
        Say that a person used an anonymous identity for some time, by the clock of the device.

        Must be said in the order of time, for one identity.
        """
        number = self.number(person)
        since = self._since.setdefault(anonymous_id, [])
        holder = self._holder.setdefault(anonymous_id, [])
        if not holder or holder[-1] != number:
            since.append(from_ms)
            holder.append(number)
        self._until[anonymous_id] = to_ms

    def person_of(self, call: Call) -> int:
        """
        Return the number of who made a call, or `UNKNOWN`.

        Whoever held the device goes before whose name was on the call.
        """
        anonymous = call.anonymous_id
        if anonymous is not None:
            since = self._since.get(anonymous)
            if since is not None:
                place = bisect_right(since, call.clock_ms) if call.clock_ms is not None else len(since)
                return self._holder[anonymous][max(place - 1, 0)]
        for identity in (call.user_id, anonymous, call.previous_id):
            if identity is not None and identity in self._owner:
                return self._owner[identity]
        return UNKNOWN

    def lines(self) -> Iterator[dict[str, Any]]:
        """
        Yield one JSON object a person, as a truth file holds them.
        """
        identities: dict[int, list[str]] = {}
        held: dict[int, list[dict[str, str]]] = {}
        for identity, number in self._owner.items():
            identities.setdefault(number, []).append(identity)
        for anonymous, holders in self._holder.items():
            if len(holders) == 1:
                identities.setdefault(holders[0], []).append(anonymous)
                continue
            since = self._since[anonymous]
            ends = [start - 1 for start in since[1:]] + [self._until[anonymous]]
            for number, start, end in zip(holders, since, ends, strict=True):
                held.setdefault(number, []).append(
                    {"anonymous_id": anonymous, "from": moment_text(start), "to": moment_text(end)}
                )
        for number, person in enumerate(self.people):
            line: dict[str, Any] = {"person": person, "identities": identities.get(number, [])}
            if number in held:
                line["held"] = held[number]
            yield line

    @classmethod
    def read(cls, lines: Iterable[str | bytes]) -> Self:
        """
        Read a truth file: a line a person, or one object with ``people``, each with ``who`` and ``identities``.

        Raises:
            ValueError: it is neither; says which line.
        """
        text = [line if isinstance(line, str) else line.decode() for line in lines]
        try:
            story = json.loads("".join(text))
        except ValueError:
            story = None
        if isinstance(story, dict) and "people" in story:
            return cls.of({"person": one.get("who"), **one} for one in story["people"])
        return cls.of(_parsed(text))

    @classmethod
    def of(cls, people: Iterable[Any]) -> Self:
        """
        Make a truth of JSON objects, one a person.

        Raises:
            ValueError: one is no object, or lacks its person.
        """
        truth = cls()
        intervals: list[tuple[str, int, int, str]] = []
        for place, line in enumerate(people, start=1):
            try:
                person = str(line["person"])
                truth.number(person)
                for identity in line.get("identities", ()):
                    truth.owns(person, identity)
                intervals += [_interval(person, one) for one in line.get("held", ())]
            except (AttributeError, KeyError, TypeError) as error:
                raise ValueError(
                    f"line {place} of the truth must be an object with person and identities"
                ) from error
        for anonymous, start, end, person in sorted(intervals):
            truth.holds(person, anonymous, from_ms=start, to_ms=end)
        return truth


def moment_text(at_ms: int) -> str:
    """
    Write a time as ISO 8601 does, with milliseconds.
    """
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03}Z"


def _interval(person: str, held: Any) -> tuple[str, int, int, str]:  # noqa: ANN401 - any JSON value
    start, end = moment_ms(held["from"]), moment_ms(held["to"])
    if start is None or end is None:
        raise ValueError(f"{held['anonymous_id']!r} is held from or to no time that can be read")
    return held["anonymous_id"], start, end, person


def _parsed(lines: Iterable[str]) -> Iterator[Any]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError:
                raise ValueError(f"line {number} of the truth is no JSON") from None
