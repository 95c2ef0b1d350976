"""
A line of an export is read for what it says, and refused for a reason.
"""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdkbridge.kissmetrics.export_lines import ExportLine, InvalidExportLine, parse_export_line

SHOP = Path(__file__).parent.parent.parent / "fixtures" / "exports" / "shop.json"


def test_the_lines_of_an_export_are_read():
    """
    Events, property sets and aliases are told apart, and what Kissmetrics adds is kept apart from properties.
    """
    lines = [parse_export_line(text) for text in SHOP.read_bytes().splitlines()]

    assert lines[0] == ExportLine(
        identity="4f1c",
        second=1_349_161_501,
        event="visited site",
        properties={"url": "https://shop.example/", "referrer": "Direct"},
    )
    assert lines[1] == ExportLine(identity="4f1c", second=1_349_161_502, properties={"returning": "1"})
    assert lines[2] == ExportLine(identity="ann@example.com", second=1_349_161_733, other="4f1c")
    assert lines[6].metadata == {"_c": "mobile_app", "_server_timestamp": "1349162102"}
    assert lines[6].properties == {"app version": "2.4.0"}
    assert lines[7].properties == {"Age": "32", "Balance": "-1.50"}


def test_octal_escapes_are_repaired():
    r"""
    Octal escapes are the bytes of UTF-8 text, but not after a backslash that is itself escaped.
    """
    line = parse_export_line(SHOP.read_bytes().splitlines()[5])

    assert (line.identity, line.properties) == ("jános@example.com", {"city": "Pécs \\303"})
    assert line.repaired
    assert not parse_export_line(b'{"_p":"j\\u00e1nos","_t":1349161800,"_n":"x\\\\303"}').repaired


def octal(text):
    return "".join(rf"\{byte:03o}" for byte in text.encode())


@given(st.text(min_size=1), st.text())
def test_any_text_survives_octal_escapes(before, after):
    """
    Whatever the text, its octal escapes are read as the text, quotes, backslashes and line ends included.
    """
    text = f'{{"_p":"a","_t":1349161800,"x":{json.dumps(before)[:-1]}{octal(after)}{octal(" ")}"}}'
    line = parse_export_line(text.encode())

    assert line.properties == {"x": f"{before}{after} "}
    assert line.repaired


@pytest.mark.parametrize(
    ("text", "reason", "field"),
    [
        (b"", "not_json", ""),
        (b"{", "not_json", ""),
        (b"[" * 100_000, "not_json", ""),
        (b'{"_p":"a","_t":NaN,"_n":"x"}', "not_json", ""),
        (b'{"_p":"a","_t":1349161800,"_n":"\\8"}', "not_json", ""),
        (b'{"_p":"a","_t":1349161800,"_n":"\xff"}', "not_utf8", ""),
        (b'{"_p":"a","_t":1349161800,"_n":"\\303"}', "not_utf8", ""),
        (b'{"_p":"a","_t":1349161800,"x":"\\ud800"}', "not_utf8", "x"),
        (b'["a"]', "not_an_object", ""),
        (b"null", "not_an_object", ""),
        (b'{"_t":1349161800,"_n":"x"}', "no_identity", "_p"),
        (b'{"_p":" ","_t":1349161800,"_n":"x"}', "no_identity", "_p"),
        (b'{"_p":"a","_n":"x"}', "no_time", "_t"),
        (b'{"_p":"a","_t":"yesterday","_n":"x"}', "time_unreadable", "_t"),
        (b'{"_p":"a","_t":1e999,"_n":"x"}', "time_unreadable", "_t"),
        (b'{"_p":"a","_t":100000000000,"_n":"x"}', "time_in_milliseconds", "_t"),
        (b'{"_p":"a","_t":1349161800}', "nothing_to_record", ""),
        (b'{"_p":"a","_t":1349161800,"_n":"","_c":"mobile_app"}', "nothing_to_record", ""),
        (b'{"_p":"a","_t":1349161800,"_p2":""}', "no_other_identity", "_p2"),
        (b'{"_p":"a","_t":1349161800,"_p2":"b","_n":"x"}', "alias_with_data", "_p2"),
        (b'{"_p":"a","_t":1349161800,"_p2":"b","x":"1"}', "alias_with_data", "_p2"),
        (b'{"_p":"a","_t":1349161800,"x":null}', "value_not_text", "x"),
        (b'{"_p":"a","_t":1349161800,"x":[1]}', "value_not_text", "x"),
        (b'{"_p":"a","_t":1349161800,"_n":true}', "value_not_text", "_n"),
    ],
)
def test_what_is_no_export_line_is_refused(text, reason, field):
    """
    A line that says nothing is refused for one reason, with the member that it is about.
    """
    with pytest.raises(InvalidExportLine) as refused:
        parse_export_line(text)

    assert (refused.value.reason, refused.value.field) == (reason, field)


@pytest.mark.parametrize(
    ("time", "second"),
    [("1349161800", 1_349_161_800), ("1349161800.9", 1_349_161_800), ('"1349161800"', 1_349_161_800), ("-1", -1)],
)
def test_a_time_may_be_a_number_or_its_text(time, second):
    """
    Times are read as numbers of seconds, fractions cut off; whether they are too old is for others to say.
    """
    assert parse_export_line(f'{{"_p":"a","_t":{time},"_n":"x"}}'.encode()).second == second


def test_a_refusal_holds_nothing_of_the_line():
    """
    What is said about a line shows the name of a member at most, never a value.
    """
    with pytest.raises(InvalidExportLine) as refused:
        parse_export_line(b'{"_p":"secret-identity","_t":"secret-time","_n":"secret-event"}')

    assert "secret" not in str(refused.value)


def test_a_long_number_stays_as_it_was_written():
    """
    No digit of a number is lost.
    """
    line = parse_export_line(b'{"_p":12345678901234567890123,"_t":1349161800,"x":0.10}')

    assert (line.identity, line.properties) == ("12345678901234567890123", {"x": "0.10"})
