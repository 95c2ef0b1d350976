"""
Properties taken at a glance are those that would be found one by one.
"""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.policy import MergePolicy
from sdkbridge.kissmetrics.requests import EncodedProperties, encode
from sdkbridge.mapping.glance import MOST_AT_A_GLANCE, at_a_glance
from sdkbridge.mapping.names import LONGEST_SHAPE, MOST_NAMES, MOST_SHAPES, UNPREFIXED, Naming
from sdkbridge.mapping.properties import properties_one_by_one
from sdkbridge.options import PROFILES, MappingOptions, options_for
from sdkbridge.remarks import Remarks
from sdkbridge.stateless import map_alone

OPTIONS = [options_for(profile, {}) for profile in PROFILES] + [
    options_for("bridge", {"send_empty": True, "bool_style": "int", "iso_dates": "keep"}),
    options_for("bridge", {"nested_null": "empty", "object_array": "drop", "array_dates": "js"}),
]
NAMINGS = (UNPREFIXED, Naming(prefix="Signed Up - ", bare="billing amount", revenue_prefix="Signed Up : "))

USUAL = {
    "plan": "pro",
    "price": 12.5,
    "quantity": 3,
    "first": False,
    "title": "50% off & naïve 日本語",
    "tags": ["red", "blue"],
    "released": "2026-03-01T09:00:00.000Z",
    "zip": "10115",
    "version": "3.2.1",
    "cart": {"id": "cart-1", "value": {"net": 1.5, "empty": None}},
    "nothing": None,
}

names = st.sampled_from(["plan", "Plan", "a.b", "a", "b", "", "_x", "_k", "x:y", "x y", "größe", "Customer ID"])
texts = st.one_of(
    st.sampled_from(
        ["", " ", "pro", "12", "+1.5", "1e5", "1.5e-5", ".5", "-", "1234-5", "\0", "a\0b", "half \ud83d"]
    ),
    st.sampled_from(["2026-03-01", "2026-03-01T09:00:00Z", "2026-13-01", "2026-03-01 soon", "v" * 513]),
    st.text(max_size=4),
)
singles = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    texts,
    st.sampled_from(
        [datetime(2026, 3, 1, 9, tzinfo=UTC), date(2026, 3, 1), Decimal("1.5"), b"x", math.inf, object()]
    ),
)
keys = names | st.sampled_from([0, True, None, "half \ud83d", "n" * 256])


def values_under(keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        singles,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=8,
    )


usual_names = st.sampled_from(["plan", "a", "b", "a.b", "x y", "größe"])
objects = st.dictionaries(usual_names, values_under(usual_names), max_size=5) | st.dictionaries(
    keys, values_under(keys), max_size=5
)


def one_by_one(
    said: Mapping[Any, Any], own: Mapping[str, str], naming: Naming, options: MappingOptions
) -> tuple[Any, Any]:
    remarks = Remarks()
    found = properties_one_by_one(said, own=own, naming=naming, options=options, remarks=remarks)
    return found, remarks.warnings()


@given(
    said=objects,
    own=st.dictionaries(names.filter(bool), texts.filter(bool), max_size=2),
    naming=st.sampled_from(NAMINGS),
    options=st.sampled_from(OPTIONS),
)
def test_a_glance_finds_what_a_closer_look_finds(
    said: dict[Any, Any], own: dict[str, str], naming: Naming, options: MappingOptions
) -> None:
    """
    The same properties in the same order, the same remarks, and as they are written; or it leaves them alone.
    """
    remarks = Remarks()
    glanced = at_a_glance(said, own, naming=naming, options=options, remarks=remarks)
    if glanced is None:
        assert remarks.warnings() == ()
        return

    assert (glanced, remarks.warnings()) == one_by_one(said, own, naming, options)
    assert glanced.query == "".join(f"&{encode({name: text})}" for name, text in glanced)


@pytest.mark.parametrize("naming", NAMINGS)
def test_usual_properties_are_taken_at_a_glance(naming: Naming) -> None:
    """
    Nested objects, arrays, dates, numbers as texts and nulls among them, again and again.
    """
    for _ in range(2):
        glanced = at_a_glance(USUAL, {"id": "7"}, naming=naming, options=OPTIONS[0], remarks=Remarks())

        assert isinstance(glanced, EncodedProperties)
        assert glanced == one_by_one(USUAL, {"id": "7"}, naming, OPTIONS[0])[0]


@pytest.mark.parametrize(
    "said",
    [
        {f"name {number}": 1 for number in range(MOST_AT_A_GLANCE + 1)},
        {"a": {f"name {number}": 1 for number in range(MOST_AT_A_GLANCE + 1)}},
        {"a": [1] * (MOST_AT_A_GLANCE + 1)},
        {"a": [[1] * MOST_AT_A_GLANCE] * MOST_AT_A_GLANCE},
    ],
    ids=["many", "many in an object", "a long array", "arrays in arrays"],
)
def test_many_values_are_looked_at_one_by_one(said: dict[str, Any]) -> None:
    """
    Where what is looked at is counted.
    """
    assert at_a_glance(said, {}, naming=UNPREFIXED, options=OPTIONS[0], remarks=Remarks()) is None


def test_an_object_that_contains_itself_is_looked_at_closer() -> None:
    """
    At a glance it would never end.
    """
    loop: dict[str, Any] = {"plan": "pro"}
    loop["self"] = loop

    assert at_a_glance(loop, {}, naming=UNPREFIXED, options=OPTIONS[0], remarks=Remarks()) is None


def test_names_met_do_not_fill_the_memory() -> None:
    """
    Of what callers name their events and properties a number of objects is remembered in all, the last ones; and
    none whose names are long, as they are written.
    """
    first, second = Naming(prefix="First - "), Naming(prefix="Second - ")

    def take(naming: Naming, *names: str) -> None:
        said = dict.fromkeys(names, 1)
        assert at_a_glance(said, {}, naming=naming, options=OPTIONS[0], remarks=Remarks()) is not None

    for number in range(MOST_SHAPES // 2):
        take(first, f"name {number}")
    take(second, *(f"{number} {'n' * 200}" for number in range(LONGEST_SHAPE // 200)))
    take(second, *(f"{number} {'日' * 10}" for number in range(LONGEST_SHAPE // 90)))
    assert (len(first.shapes), len(second.shapes)) == (MOST_SHAPES // 2, 0)
    for number in range(MOST_SHAPES - 1):
        take(second, f"name {number}")

    assert [*first.shapes] == [(f"name {MOST_SHAPES // 2 - 1}",)]
    assert len(second.shapes) == MOST_SHAPES - 1
    for number in range(MOST_NAMES + 1):
        first.name(f"{number}, or so")
    assert len(first.names) == MOST_NAMES
    assert second.names == {}


@pytest.mark.parametrize(
    "call",
    [{"type": "group", "groupId": "g"}, {"type": "screen", "name": "Home"}, {"type": "page", "name": "Home"}],
    ids=lambda call: call["type"],
)
def test_calls_of_a_kind_remember_names_together(call: dict[str, Any]) -> None:
    """
    Each by itself would push out of memory what others have there, and find nothing again.
    """
    naming = Naming()
    said = {"plan": "pro"}
    at_a_glance(said, {}, naming=naming, options=OPTIONS[0], remarks=Remarks())

    for _ in range(MOST_SHAPES + 1):
        message = {"userId": "ann", "traits": said, "properties": said} | call
        map_alone(message, options=OPTIONS[0], policy=MergePolicy.guarded(), received=1.7e9)

    assert [*naming.shapes] == [("plan",)]
