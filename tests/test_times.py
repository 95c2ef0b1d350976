"""
When a call happened.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st

from sdkbridge.values.times import EARLIEST_SECOND, event_second, moment_of, strict_date

NOON = 1_388_577_600  # 2014-01-01T12:00:00Z
MIDNIGHT = 1_388_534_400  # 2014-01-01T00:00:00Z
DAY = 86_400


def codes(time):
    return [warning.code for warning in time.warnings]


@pytest.mark.parametrize(
    ("written", "second"),
    [
        ("2014", MIDNIGHT),
        ("2014-01", MIDNIGHT),
        ("2014-01-01", MIDNIGHT),
        ("20140101", MIDNIGHT),
        ("2014-01-01T12:00Z", NOON),
        ("2014-01-01T12:00:00Z", NOON),
        ("2014-01-01 12:00:00", NOON),
        ("2014-01-01T12:00:00", NOON),
        ("2014-01-01t12:00:00z", NOON),
        ("20140101T120000Z", NOON),
        ("2014-01-01T12:00:00.999Z", NOON),
        ("2014-01-01T12:00:00.999999999Z", NOON),
        ("2014-01-01T12:00:00,5Z", NOON),
        ("2014-01-01T14:00:00+02:00", NOON),
        ("2014-01-01T14:00:00+0200", NOON),
        ("2014-01-01T14:00:00+02", NOON),
        ("2014-01-01T06:30:00-05:30", NOON),
        ("2014-01-01 12:00:00 +00:00", NOON),
        ("  2014-01-01T12:00:00Z ", NOON),
        ("1388577600", NOON),
        ("1388577600.9", NOON),
        (NOON, NOON),
        (NOON + 0.9, NOON),
        (Decimal(NOON), NOON),
        (date(2014, 1, 1), MIDNIGHT),
        (datetime(2014, 1, 1, 12), NOON),  # noqa: DTZ001 - naive on purpose: it counts as UTC
        (datetime(2014, 1, 1, 12, microsecond=999_999, tzinfo=UTC), NOON),
        (datetime(2014, 1, 1, 14, tzinfo=timezone(timedelta(hours=2))), NOON),
    ],
)
def test_every_way_to_write_a_time_is_read(written, second):
    """
    Segment's libraries write times in many forms; each becomes the whole second it lies in.
    """
    time = event_second(written, None, NOON + DAY)

    assert (time.second, codes(time)) == (second, [])


@pytest.mark.parametrize("written", [NOON * 1000 + 999, f"{NOON}999", NOON * 1000.0, Decimal(NOON * 1000)])
def test_milliseconds_are_read_and_said_aloud(written):
    """
    As Segment reads them; sent to Kissmetrics as they are, they would count as a time far ahead.
    """
    time = event_second(written, None, NOON + DAY)

    assert (time.second, codes(time)) == (NOON, ["milliseconds"])


@pytest.mark.parametrize("missing", [None, "", "  "])
def test_a_call_without_a_time_happened_when_it_arrived(missing):
    """
    No time is no mistake: the call is as old as its arrival.
    """
    time = event_second(missing, None, NOON + 0.7)

    assert (time.second, codes(time)) == (NOON, [])


@pytest.mark.parametrize(
    "written",
    [
        "yesterday",
        "NaN",
        "2014-13-01",
        "2014-02-30",
        "2014-01-01T25:00:00Z",
        "2014-01-01T12:00:00+99:00",
        "0000-01-01",
        "9" * 21,
        "9" * 5000,
        True,
        float("nan"),
        float("inf"),
        10**400,
        Decimal("sNaN"),
        1e18,
        {"$date": 1},
        [],
    ],
)
def test_a_time_that_cannot_be_read_is_said_aloud(written):
    """
    A broken time costs nobody the call: it counts as just arrived, with a warning.
    """
    time = event_second(written, None, NOON)

    assert (time.second, codes(time)) == (NOON, ["unreadable_time"])


def test_a_late_upload_keeps_the_time_of_the_device():
    """
    What happened offline, days before it was sent, is not moved to when it was sent.
    """
    time = event_second(NOON - 3 * DAY, NOON, NOON + 1)

    assert (time.second, codes(time)) == (NOON - 3 * DAY, [])


def test_a_clock_that_is_ahead_is_corrected():
    """
    A call sent an hour after it arrived comes from a clock that is an hour ahead.
    """
    time = event_second(NOON + 3600 - 60, NOON + 3600, NOON)

    assert (time.second, codes(time)) == (NOON - 60, [])


def test_a_clock_that_is_ahead_spoils_past_times_too():
    """
    An offline event of such a clock lies in the past and is moved by the same hour.
    """
    time = event_second(NOON - DAY, NOON + 3600, NOON)

    assert (time.second, codes(time)) == (NOON - DAY - 3600, [])


def test_a_few_minutes_between_two_clocks_are_left_alone():
    """
    Up to five minutes the device's own time stays, so that a call sent again has the same second.
    """
    time = event_second(NOON - 10, NOON + 300, NOON)

    assert (time.second, codes(time)) == (NOON - 10, [])


def test_a_future_time_is_corrected_where_the_sender_told_its_clock():
    """
    With the time of sending, even a small lead of the device's clock is known and taken out.
    """
    time = event_second(NOON + 100, NOON + 120, NOON)

    assert (time.second, codes(time)) == (NOON - 20, [])


def test_a_future_time_is_kept_where_nothing_is_known_of_the_clock():
    """
    The bridge does not invent another time, and says that this one is odd.
    """
    time = event_second(NOON + DAY, None, NOON)

    assert (time.second, codes(time)) == (NOON + DAY, ["future_time"])


def test_a_clock_that_starts_in_1970_is_corrected():
    """
    A device that lost its clock still knows how long ago something was.
    """
    time = event_second(100, 160, NOON)

    assert (time.second, codes(time)) == (NOON - 60, [])


@pytest.mark.parametrize(("timestamp", "sent_at"), [("1999", None), (0, None), ("2001", "2014-01-01"), (-5, None)])
def test_a_time_before_2009_is_replaced(timestamp, sent_at):
    """
    Kissmetrics silently drops what is older than 2009; the call counts as just arrived, with a warning.
    """
    time = event_second(timestamp, sent_at, NOON)

    assert (time.second, codes(time)) == (NOON, ["before_2009"])


def test_the_first_second_of_2009_is_kept():
    """
    The limit itself is inside.
    """
    assert event_second("2009", None, NOON).second == EARLIEST_SECOND


def test_an_unreadable_time_of_sending_counts_as_none():
    """
    A broken sentAt does not spoil a good timestamp.
    """
    time = event_second(NOON, "soon", NOON + 5)

    assert (time.second, codes(time)) == (NOON, [])


@freeze_time("2014-01-01 12:00:00")
def test_times_are_read_in_frozen_time():
    """
    Users' own tests with freezegun get the second they froze.
    """
    assert moment_of(datetime.now(UTC)) == NOON
    assert moment_of(datetime.now()) == NOON  # noqa: DTZ005 - naive on purpose
    assert moment_of(date.today()) == MIDNIGHT  # noqa: DTZ011 - as above
    assert moment_of("2014-01-01") == MIDNIGHT


@pytest.mark.parametrize(
    "text", ["2014", "201401", "20140101", "2014-01", "2014-1-1", "on 2014-01-01", "2014-01-01!"]
)
def test_only_a_whole_strict_date_is_a_date_by_itself(text):
    """
    A property such as "2014" or a sentence with a date in it stays the text it is.
    """
    assert strict_date(text) is None


@given(
    st.one_of(st.none(), st.text(max_size=30), st.floats(), st.integers(), st.datetimes(), st.dates()),
    st.one_of(st.none(), st.text(max_size=30), st.floats(), st.integers(), st.datetimes()),
)
def test_whatever_comes_there_is_a_second_that_kissmetrics_keeps(timestamp, sent_at):
    """
    No input crashes, and no second is one that Kissmetrics would drop without a word.
    """
    time = event_second(timestamp, sent_at, NOON)

    assert time.second >= EARLIEST_SECOND
    assert time.second <= NOON or codes(time) == ["future_time"]


@given(moment=st.datetimes(), digits=st.integers(0, 9))
def test_the_usual_spelling_is_read_like_any_other(moment, digits):
    """
    What Segment's SDKs write is read in a quicker way, and means the same as with a space instead of the T.
    """
    whole, _, fraction = moment.isoformat(timespec="microseconds").partition(".")
    text = f"{whole}.{fraction[:digits]}Z" if digits else f"{whole}Z"

    assert moment_of(text) == moment_of(text.replace("T", " "))
