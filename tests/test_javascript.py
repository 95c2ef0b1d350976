"""
Numbers as JavaScript writes them, checked against JavaScript itself where node is installed.
"""

import json
import math
import random
import shutil
import struct
import subprocess
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdkbridge.values.javascript import id_text, number_text

NODE = shutil.which("node")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.0, "1"),
        (-1.5, "-1.5"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e-5, "0.00001"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1.5e-7, "1.5e-7"),
        (1e16, "10000000000000000"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e21, "1e+21"),
        (-1.25e22, "-1.25e+22"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (2**53, "9007199254740992"),
        (2**53 + 1, "9007199254740992"),
        (12345678901234567890, "12345678901234567000"),
        (10**21, "1e+21"),
    ],
)
def test_a_number_is_written_as_javascript_writes_it(number, text):
    """
    Python's own spelling, such as 1.0 or 1e+16, never reaches Kissmetrics.
    """
    assert number_text(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(math.nan, "NaN"), (math.inf, "Infinity"), (-(10**400), "-Infinity"), (10**400, "Infinity")],
)
def test_a_number_that_javascript_does_not_have_is_no_crash(number, text):
    """
    What no double can hold is written as JavaScript's word for it.
    """
    assert number_text(number) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_written_number_reads_back_as_itself(number):
    """
    No digit is lost on the way to text.
    """
    assert float(number_text(number)) == number


def doubles() -> list[float]:
    """
    Doubles of every size, and those around the places where JavaScript changes its way of writing.
    """
    chance = random.Random(2009)
    bits = (struct.unpack("<d", chance.randbytes(8))[0] for _ in range(5000))
    numbers = [number for number in bits if math.isfinite(number)]
    for exponent in range(-30, 30):
        edge = 10.0**exponent
        numbers += [edge, math.nextafter(edge, 0), math.nextafter(edge, math.inf), -edge, edge * 1.5, edge / 3]
    whole = [float(chance.randrange(10**size)) for size in range(1, 25) for _ in range(20)]
    money = [chance.randrange(10**7) / 100 for _ in range(500)]
    return numbers + whole + money


@pytest.mark.skipif(NODE is None, reason="node is not installed, so there is no JavaScript to compare with")
def test_every_number_is_written_as_node_writes_it():
    """
    Thousands of doubles, and whole numbers beyond 2**53, come out letter for letter as from JavaScript.
    """
    numbers = [*doubles(), *(sign * (2**53 + step**3) for step in range(300) for sign in (1, -1))]
    program = "console.log(JSON.stringify(JSON.parse(require('fs').readFileSync(0)).map(String)))"
    run = subprocess.run(
        [NODE, "-e", program], input=json.dumps(numbers), capture_output=True, text=True, check=True
    )

    assert [number_text(number) for number in numbers] == json.loads(run.stdout)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (7, "7"),
        (2**63 + 1, "9223372036854775809"),
        (12345678901234567890123, "12345678901234567890123"),
        (42.0, "42"),
        (1.5, "1.5"),
        (Decimal("9007199254740993"), "9007199254740993"),
        (Decimal("12.50"), "12.5"),
        (Fraction(1, 2), "0.5"),
    ],
)
def test_an_identity_keeps_every_digit(number, text):
    """
    Two long account numbers that differ in the last digit stay two people.
    """
    assert id_text(number) == text


@pytest.mark.parametrize(
    "number",
    [
        math.nan,
        math.inf,
        Decimal("NaN"),
        Decimal("1e9999"),
        pytest.param(10**5000, id="5001 digits"),
        Fraction(10**400),
        1j,
    ],
)
def test_a_number_that_names_nobody_is_no_identity(number):
    """
    What is not finite, or far longer than any identity, is nothing rather than a crash.
    """
    assert id_text(number) is None
