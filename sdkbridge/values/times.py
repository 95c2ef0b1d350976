"""
When a call happened: from what its sender wrote to the whole second that Kissmetrics is told.

Sources: the date forms that Segment's libraries recognise (``@segment/isodate``, ``new-date``), and
Kissmetrics' limits (times in whole seconds; nothing from before 2009).
"""

import math
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from numbers import Real
from typing import Literal

from attrs import frozen

from sdkbridge.receipt import CallWarning

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

EARLIEST_SECOND = 1_230_768_000
"""2009-01-01 UTC; Kissmetrics stores nothing older."""

MILLISECONDS_FROM = 100_000_000_000
"""A number this large is meant in milliseconds (Kissmetrics' own URL builder draws the same line)."""

YEAR_10000 = 253_402_300_800

LAST_SECOND = 59

CLOCK_AHEAD_S = 300
"""Sent this much later than it was received: no delay explains it, so the sender's clock is ahead."""

_ISO = re.compile(
    r"""
    (?P<year>\d{4}) (?:-?(?P<month>\d\d) (?:-?(?P<day>\d\d))?)?
    (?:[Tt\ ]
        (?P<hour>\d\d) :?(?P<minute>\d\d) (?: :?(?P<second>\d\d) (?:[.,](?P<fraction>\d+))? )?
        (?:\ ?(?P<zone>[Zz] | (?P<sign>[+-])(?P<zone_hours>\d\d)(?: :?(?P<zone_minutes>\d\d))?))?
    )?
    """,
    re.ASCII | re.VERBOSE,
)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_USUAL = re.compile(r"\d{4}-\d\d-\d\dT(?!24)\d\d:\d\d:\d\d(?:\.\d{3})?Z", re.ASCII)
_STRICT_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,20}(\.\d*)?", re.ASCII)


@frozen
class EventTime:
    """
    The second under which Kissmetrics is told of a call, and what was wrong with the time it came with.
    """

    second: int
    warnings: tuple[CallWarning, ...] = ()


def event_second(
    timestamp: object,
    sent_at: object,
    received: float,
    *,
    policy: Literal["device", "segment", "received"] = "device",
) -> EventTime:
    """
    Return the second at which a call happened.

    By the policy ``device``, the sender's own time is kept, so that a call sent again has the same second and
    Kissmetrics drops the repeat. It is corrected by the difference of the two clocks only when it cannot be
    right: the call was sent more than five minutes after it was received, or happened in the future or before
    2009. By ``segment`` it is always corrected, as Segment's servers do; by ``received`` it counts for nothing.

    Args:
        timestamp: when it happened, by the sender's clock; see `moment_of` for what can be read.
        sent_at: when it was sent, by the same clock.
        received: when it arrived, in seconds since 1970 UTC.
        policy: which time counts.
    """
    now = math.floor(received)
    if policy == "device":
        # Nearly all come so: from the past, and sent by a clock that is not ahead.
        usual = usual_second(timestamp)
        sent = now if sent_at is None else usual_second(sent_at)
        if usual is not None and sent is not None and is_plausible(usual, now) and sent < now + CLOCK_AHEAD_S:
            return EventTime(usual)
    return _any_second(timestamp, sent_at, received, policy=policy)


def _any_second(timestamp: object, sent_at: object, received: float, *, policy: str) -> EventTime:
    now = math.floor(received)
    if policy == "received" or timestamp is None or (isinstance(timestamp, str) and not timestamp.strip()):
        return EventTime(now)
    happened = moment_of(timestamp)
    if happened is None:
        return _at(now, "unreadable_time", "timestamp is no date that can be read; the time of arrival was used")
    sent = None if sent_at is None else moment_of(sent_at)
    impossible = sent is not None and (sent > received + CLOCK_AHEAD_S or not is_plausible(happened, now))
    if sent is not None and (impossible or policy == "segment"):
        happened = received - (sent - happened)
    second = math.floor(happened)
    if second < EARLIEST_SECOND:
        return _at(
            now, "before_2009", "timestamp is before 2009, which Kissmetrics drops; the time of arrival was used"
        )
    if second > now:
        return _at(second, "future_time", "timestamp is in the future; it was kept")
    if _is_in_milliseconds(timestamp):
        return _at(second, "milliseconds", "timestamp is in milliseconds; Kissmetrics was told whole seconds")
    return EventTime(second)


def moment_of(value: object) -> float | None:
    """
    Return a moment in seconds since 1970 UTC, or None if the value is none.

    Read are dates and datetimes, numbers in seconds or (from 1e11 on) milliseconds, and texts of either: ISO 8601
    down to a bare year, with ``T`` or a space, a fraction, an offset. Without an offset it is UTC.
    """
    moment = _parsed(value.strip()) if isinstance(value, str) else value
    if isinstance(moment, date):
        return _seconds(moment)
    number = _number(value)
    return None if number is None else _counted(number)


def unix_second(value: date) -> int | None:
    """
    Return the whole second of a date or datetime; without a time zone it is UTC. None for pandas' ``NaT``.
    """
    seconds = _seconds(value)
    return None if seconds is None else math.floor(seconds)


def strict_date(text: str) -> datetime | None:
    """
    Return the moment of a text that begins with ``YYYY-MM-DD`` and is a date as a whole; None otherwise.
    """
    return _parsed(text) if _STRICT_DATE.match(text) else None


def iso_text(value: date) -> str | None:
    """
    Write a date or datetime as JavaScript's ``toISOString`` does; None for what is out of Python's range.
    """
    moment = _in_utc(value)
    if moment is None:
        return None
    return f"{moment.year:04}-{moment:%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def javascript_date_text(value: date) -> str | None:
    """
    Write a date or datetime as JavaScript does on a machine whose clock is UTC; None as above.
    """
    moment = _in_utc(value)
    if moment is None:
        return None
    names = f"{_DAYS[moment.weekday()]} {_MONTHS[moment.month - 1]}"
    return f"{names} {moment:%d} {moment.year:04} {moment:%H:%M:%S} GMT+0000 (Coordinated Universal Time)"


def _in_utc(value: date) -> datetime | None:
    since = _since_epoch(value)
    try:
        return None if since is None else EPOCH + since
    except OverflowError:
        return None


def is_plausible(happened: float, now: int) -> bool:
    """
    Tell whether something can have happened at a moment: not in the future, and not before Kissmetrics' time.
    """
    return EARLIEST_SECOND <= math.floor(happened) <= now


def _at(second: int, code: str, message: str) -> EventTime:
    return EventTime(second, (CallWarning(code, message),))


def _number(value: object) -> float | None:
    """
    Return the number that is counted from 1970, or None if the value is another kind of time, or none.
    """
    if isinstance(value, str):
        if value[4:5] == "-":
            # After a year; the sign of a number is its first character.
            return None
        text = value.strip()
        return float(text) if _NUMBER.fullmatch(text) and _parsed(text) is None else None
    if isinstance(value, Real | Decimal) and not isinstance(value, bool):
        try:
            return float(value)
        except (OverflowError, ValueError):
            return None
    return None


def _is_in_milliseconds(value: object) -> bool:
    number = _number(value)
    return number is not None and abs(number) >= MILLISECONDS_FROM


def _counted(number: float) -> float | None:
    seconds = number / 1000 if abs(number) >= MILLISECONDS_FROM else number
    return seconds if abs(seconds) < YEAR_10000 else None


def usual_second(text: object) -> int | None:
    """
    Return the whole second of a date as all of Segment's SDKs write it, or None for anything else.
    """
    if type(text) is not str or not _USUAL.fullmatch(text):
        return None
    minute, second = _minute(text[:16]), int(text[17:19])
    return None if minute is None or second > LAST_SECOND else minute + second


# Calls that come together happened in the same few minutes.
@lru_cache(maxsize=4096)
def _minute(text: str) -> int | None:
    moment = strict_date(f"{text}:00Z")
    return None if moment is None else int(moment.timestamp())


def _seconds(value: date) -> float | None:
    if type(value) is datetime and value.tzinfo is UTC:
        return value.timestamp()
    since = _since_epoch(value)
    return None if since is None else since / timedelta(seconds=1)


def _since_epoch(value: date) -> timedelta | None:
    try:
        if not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day, tzinfo=UTC)
        elif value.utcoffset() is None:
            value = value.replace(tzinfo=UTC)
        return value - EPOCH
    except ValueError:
        return None


def _parsed(text: str) -> datetime | None:
    if _USUAL.fullmatch(text):
        # Python reads what all of Segment's SDKs write much faster by itself.
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return None
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    part = match.groupdict(default="")
    try:
        return datetime(
            int(part["year"]),
            int(part["month"] or 1),
            int(part["day"] or 1),
            int(part["hour"] or 0),
            int(part["minute"] or 0),
            int(part["second"] or 0),
            # Digits past the microsecond cannot change the second.
            int(part["fraction"][:6].ljust(6, "0")),
            tzinfo=_zone(part),
        )
    except ValueError:
        return None


def _zone(part: dict[str, str]) -> timezone:
    if not part["sign"]:
        return UTC
    offset = timedelta(hours=int(part["zone_hours"]), minutes=int(part["zone_minutes"] or 0))
    return timezone(-offset if part["sign"] == "-" else offset)
