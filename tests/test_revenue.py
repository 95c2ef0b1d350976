"""
How much money a text means.
"""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdkbridge.values.revenue import revenue_amount


@pytest.mark.parametrize(
    ("revenue", "amount"),
    [
        (19.99, 19.99),
        (Decimal("39.95"), 39.95),
        (0, 0),
        (-5, -5),
        ("19.99", 19.99),
        ("1e3", 1000),
        (".5", 0.5),
        ("$19.99", 19.99),
        ("$1.5 USD", 1.5),
        ("USD 19.99", 19.99),
        ("US$ 19.99", 19.99),
        ("19.99 €", 19.99),
        ("Rs.500", 500),
        ("19.99/month", 19.99),
        ("1,234.50", 1234.5),
        ("$1,234.50", 1234.5),
        ("1,234,567", 1234567),
        ("1.234.567", 1234567),
        ("12,34,567.50", 1234567.5),
        ("1'234.50", 1234.5),
        ("1 234,50", 1234.5),
        ("1\u202f234,50 €", 1234.5),
        ("€39,95", 39.95),
        ("39,9", 39.9),
        ("1.234,50", 1234.5),
        ("0,125", 0.125),
        ("1,234", 1234),
        ("1.234", 1.234),
        ("-5", -5),
        ("-$1,234.50", -1234.5),
        ("$-5", -5),
        ("\u22125", -5),
        ("($12.50)", -12.5),
        ("\uff11\uff12.\uff15", 12.5),
        ("$0.00", 0),
    ],
)
def test_an_amount_is_read_as_a_person_would_read_it(revenue, amount):
    """
    Currencies, thousands, decimal commas and minus signs, of which Segment's own parser knows only the dollar.
    """
    assert revenue_amount(revenue) == amount


@pytest.mark.parametrize(
    "revenue",
    [
        *(None, True, "", "  ", "abc", "$", "-", "NaN", "Infinity", "inf", "1_000"),
        *("5-10", "--5", "1.2.3", "1,2,3", "1..2", "5 10", "Order 5", "5 or 6", "1 dollar 50"),
        *("1,23.4,5", "1.2,34.5", "9" * 65, [5], {"amount": 5}),
        *(float("nan"), float("inf"), 10**400, Decimal("sNaN")),
    ],
    ids=lambda revenue: repr(revenue)[:20] if isinstance(revenue, str) else type(revenue).__name__,
)
def test_what_is_no_single_amount_is_none(revenue):
    """
    Money is never guessed: what could mean two amounts, or none, counts as no revenue.
    """
    assert revenue_amount(revenue) is None


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2))
def test_both_ways_to_write_thousands_give_the_same_amount(amount):
    """
    1,234.50 and 1.234,50 are one amount, whatever its size and sign.
    """
    english = f"{amount:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))

    assert revenue_amount(english) == revenue_amount(german) == float(amount)


@given(st.text(max_size=80))
def test_no_text_is_a_crash(text):
    """
    Whatever stands in a revenue, the answer is a finite number or nothing.
    """
    amount = revenue_amount(text)

    assert amount is None or math.isfinite(amount)
