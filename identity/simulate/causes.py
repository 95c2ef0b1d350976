"""
Which calls joined people, under which strategies.
"""

from array import array
from collections.abc import Iterator, Sequence

from attrs import frozen


@frozen(kw_only=True)
class Cause:
    """
    A call that joined two people under some strategies, and not under others.

    Attributes:
        number: the call's place among all calls, from 1.
        type: identify or alias.
        message_id: its message id, if it has one.
        older: the identity that was there before.
        newer: the identity that it was joined with.
        at_ms: when it happened, in milliseconds since 1970 UTC, if anybody said.
        joined_by: the strategies under which it joined two people.
        remark: what a strategy that gives verdicts said of it, such as ``hold second_identity``.
    """

    number: int
    type: str
    message_id: str | None
    older: str
    newer: str
    at_ms: int | None
    joined_by: tuple[str, ...]
    remark: str


NO_TIME = -(2**62)


class Causes:
    """
    Every call that joined anybody under any strategy, in flat columns.
    """

    def __init__(self, strategies: Sequence[str]) -> None:
        self._strategies = strategies
        self._number = array("q")
        self._older = array("i")
        self._newer = array("i")
        self._at_ms = array("q")
        self._joined_by = array("q")
        self._types: list[str] = []
        self._remarks: list[str] = []
        self._message_ids: list[str | None] = []
        self._known_remarks: dict[str, str] = {}

    def add(
        self,
        *,
        number: int,
        type: str,  # noqa: A002 - Segment's word
        message_id: str | None,
        joined: tuple[int, int],
        at_ms: int | None,
        joined_by: int,
        remark: str,
    ) -> None:
        """
        Keep one; ``joined_by`` has a bit for each strategy.
        """
        self._number.append(number)
        self._older.append(joined[0])
        self._newer.append(joined[1])
        self._at_ms.append(NO_TIME if at_ms is None else at_ms)
        self._joined_by.append(joined_by)
        self._types.append(type)
        self._remarks.append(self._known_remarks.setdefault(remark, remark))
        self._message_ids.append(message_id)

    def pairs(self) -> Iterator[tuple[int, int, int]]:
        """
        Yield the place of each cause, with the two identities that it joined.
        """
        return zip(range(len(self._number)), self._older, self._newer, strict=True)

    def is_joined_by(self, place: int, strategy: int) -> bool:
        """
        Tell whether one of the strategies joined people by a call.
        """
        return bool(self._joined_by[place] >> strategy & 1)

    def joined_by_how_many(self, place: int) -> int:
        """
        Return under how many strategies a call joined people.
        """
        return self._joined_by[place].bit_count()

    def is_of_all(self, place: int) -> bool:
        """
        Tell whether each strategy joined people by this call.
        """
        return self.joined_by_how_many(place) == len(self._strategies)

    def cause(self, place: int, names: Sequence[str]) -> Cause:
        """
        Return one, with the identities by name.
        """
        mask, at_ms = self._joined_by[place], self._at_ms[place]
        return Cause(
            number=self._number[place],
            type=self._types[place],
            message_id=self._message_ids[place],
            older=names[self._older[place]],
            newer=names[self._newer[place]],
            at_ms=None if at_ms == NO_TIME else at_ms,
            joined_by=tuple(name for bit, name in enumerate(self._strategies) if mask >> bit & 1),
            remark=self._remarks[place],
        )
