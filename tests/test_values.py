"""
What callers hand in as properties becomes names and texts.
"""

import enum
import json
import math
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sdkbridge.options import MappingOptions
from sdkbridge.values.arrays import MOST_VALUES
from sdkbridge.values.flattening import flatten
from sdkbridge.values.plain import plain, usual_text, written, written_date

BRIDGE = MappingOptions()


Plan = enum.Enum("Plan", {"PRO": "pro"})
Colour = enum.Enum("Colour", {"RED": "red"}, type=str)
Level = enum.IntEnum("Level", {"TOP": 3})


def sent(values, **options):
    leaves = flatten(values, MappingOptions(**options))
    return {leaf.name: leaf.text for leaf in leaves if leaf.text is not None}


def left_out(values, **options):
    leaves = flatten(values, MappingOptions(**options))
    return {leaf.name: list(leaf.problems) for leaf in leaves if leaf.text is None}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("pro", "pro"),
        (" ", " "),
        ("123", "123"),
        ("2014", "2014"),
        ("20140101", "20140101"),
        ("2014-13-01", "2014-13-01"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (3, "3"),
        (1.0, "1"),
        (1.5, "1.5"),
        (1e16, "10000000000000000"),
        (1e-7, "1e-7"),
        (-0.0, "0"),
        (2**60, "1152921504606847000"),
        (Decimal("39.95"), "39.95"),
        (Decimal("1E+2"), "100"),
        (Fraction(1, 4), "0.25"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (b"bytes", "bytes"),
        (Plan.PRO, "pro"),
        (Colour.RED, "red"),
        (Level.TOP, "3"),
        (date(2014, 1, 1), "1388534400"),
        (datetime(2014, 1, 1), "1388534400"),  # noqa: DTZ001 - naive on purpose: it counts as UTC
        (datetime(2014, 1, 1, 0, 0, 0, 999_999, tzinfo=UTC), "1388534400"),
        (datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC), "-1"),
        ("2014-01-01", "1388534400"),
        ("2014-01-01T00:00:00.000Z", "1388534400"),
        ("2014-01-01 02:00+02:00", "1388534400"),
    ],
)
def test_a_single_value_becomes_the_text_that_segment_sends(value, text):
    """
    A type that JSON or Segment's Python library knows is sent, in JavaScript's spelling, nested or not.
    """
    assert sent({"a": value, "b": {"c": value}}) == {"a": text, "b.c": text}


@pytest.mark.parametrize(
    "nothing", [None, "", {}, [], (), set(), [None], [[]], {"b": None}, float("nan"), Decimal("NaN"), b""]
)
def test_what_says_nothing_is_left_out_silently(nothing):
    """
    Empty values would only make empty properties; Kissmetrics' own SDKs drop them too.
    """
    assert sent({"a": nothing}) == {}
    assert all(problems == [] for problems in left_out({"a": nothing}).values())


@pytest.mark.parametrize(
    "value", [object(), 1j, math.inf, -math.inf, 10**400, Decimal("sNaN"), time(12), iter([1]), len]
)
def test_what_cannot_be_sent_is_left_out_aloud(value):
    """
    A value that no text can be made of is named, and costs nothing but itself.
    """
    assert sent({"a": value, "b": 1}) == {"b": "1"}
    assert left_out({"a": value, "b": 1}) == {"a": ["unsupported_value"]}


@pytest.mark.parametrize("broken", ["\ud800", "a\udfff", b"\xff"])
def test_half_a_character_is_left_out_aloud(broken):
    """
    Half of a surrogate pair cannot be encoded, whether it stands in a value, a name or an array.
    """
    assert left_out({"a": broken}) == {"a": ["half_character"]}
    assert sent({"a": [broken, 1]}) == {"a": ",1"}
    assert sent({"a": [{"b": broken}]}) == {"a": '[{"b":null}]'}
    if isinstance(broken, str):
        assert left_out({broken: 1}) == {broken: ["half_character"]}
        assert sent({"a": [{broken: 1, "b": 2}]}) == {"a": '[{"b":2}]'}


def test_pandas_missing_time_is_no_crash():
    """
    A datetime that refuses to be one, as pandas' NaT does, is left out.
    """

    class NotATime(datetime):
        def utcoffset(self):
            raise ValueError("not a time")

    assert left_out({"a": NotATime(2014, 1, 1)}) == {"a": ["unsupported_value"]}


def test_objects_are_flattened_with_dots_whole_and_in_order():
    """
    No sibling of a nested object is lost, which Segment's browser integration did.
    """
    values = {"foo": {"bar": {"prop": [1, 2, 3]}, "baz": 1}, "after": {"x": {"y": 1}, "z": 2}, "last": 0}

    assert list(sent(values).items()) == [
        ("foo.bar.prop", "1,2,3"),
        ("foo.baz", "1"),
        ("after.x.y", "1"),
        ("after.z", "2"),
        ("last", "0"),
    ]


def test_every_kind_of_mapping_is_an_object():
    """
    A read-only mapping is flattened like a dictionary.
    """
    assert sent({"a": MappingProxyType({"b": 1})}) == {"a.b": "1"}


def test_keys_that_are_numbers_count_as_in_json():
    """
    A Python caller's integer keys become the names they would have in JSON; other keys are named as left out.
    """
    values = {1: "a", 2.0: {"b": "c"}, False: "d", ("x", "y"): "e", None: "f"}

    assert sent(values) == {"1": "a", "2.b": "c", "false": "d"}
    assert left_out(values) == {"(tuple)": ["unsupported_value"], "(NoneType)": ["unsupported_value"]}


@pytest.mark.parametrize(
    ("array", "text"),
    [
        ([1, 2, 3], "1,2,3"),
        (("a", "b"), "a,b"),
        ([1, [2, 3], None], "1,2,3,"),
        ([[], 1, [[]]], ",1,"),
        ([None, None], ","),
        ([True, 1.0, "x"], "true,1,x"),
        ([float("nan"), 1], ",1"),
        ({"b", "a", "c"}, "a,b,c"),
        (frozenset({3, 1, 2}), "1,2,3"),
        (["2014-01-01"], "2014-01-01"),
        ([date(2014, 1, 1)], "1388534400"),
        ([object(), 1], ",1"),
        ([{"sku": 1}, {"sku": 2}], '[{"sku":1},{"sku":2}]'),
        ([{}], "[{}]"),
        ([1, [{"a": [True, None, "é\n"]}]], '[1,[{"a":[true,null,"é\\n"]}]]'),
        ([{"a": 1.0, "b": 1e21, 3: date(2014, 1, 1)}], '[{"a":1,"b":1e+21,"3":1388534400}]'),
    ],
)
def test_an_array_becomes_one_text(array, text):
    """
    Single values are joined as JavaScript joins them, with dates left as they are; objects make it JSON.
    """
    assert sent({"a": array}) == {"a": text}


def test_a_broken_part_of_an_array_is_named():
    """
    The rest of the array is sent, and the warning says where something is missing.
    """
    (leaf,) = flatten({"a": [1, object(), "\ud800"]}, BRIDGE)

    assert leaf.text == "1,,"
    assert leaf.problems == ("unsupported_value", "half_character")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"object_array": "json"}, '[{"a":[1]},2]'),
        ({"object_array": "js"}, "[object Object],2"),
        ({"object_array": "drop"}, None),
    ],
)
def test_arrays_of_objects_follow_their_option(options, text):
    """
    JSON by default, Segment's [object Object] for those who had it, or nothing at all.
    """
    (leaf,) = flatten({"a": [{"a": [1]}, 2]}, MappingOptions(**options))

    assert leaf.text == text
    assert leaf.problems == (("object_array",) if text is None else ())


def test_booleans_can_be_numbers():
    """
    Kissmetrics' own iOS SDK sends 1 and 0; those who come from there keep their history.
    """
    assert sent({"a": True, "b": [False, True]}, bool_style="int") == {"a": "1", "b": "0,1"}


def test_dates_can_stay_texts():
    """
    RudderStack leaves ISO dates alone; a datetime object is seconds all the same.
    """
    values = {"a": "2014-01-01", "b": date(2014, 1, 1)}

    assert sent(values, iso_dates="keep") == {"a": "2014-01-01", "b": "1388534400"}


def nested(inner, levels, around):
    for _ in range(levels):
        inner = around(inner)
    return inner


@pytest.mark.parametrize("levels", [200, 100_000])
def test_objects_nested_beyond_every_name_are_left_out(levels):
    """
    However deep the nesting, the answer comes, and says which branch was too long to have a name.
    """
    values = {"deep": nested(1, levels, lambda inner: {"a": inner}), "b": 1}

    assert sent(values) == {"b": "1"}
    ((name, problems),) = left_out(values).items()
    assert name.startswith("deep.a.a.")
    assert problems == ["name_too_long"]


@pytest.mark.parametrize("around", [lambda inner: [inner], lambda inner: [{"a": inner}]])
def test_arrays_nested_very_deeply_are_walked_without_recursion(around):
    """
    Twenty thousand levels are no crash, and the value at the bottom arrives.
    """
    (text,) = sent({"deep": nested([42], 20_000, around)}).values()

    assert text.replace("[", "").replace("]", "").replace('{"a":', "").replace("}", "") == "42"


@pytest.mark.parametrize(
    "values",
    [
        nested({"v": 1}, 60, lambda inner: {"a": inner, "b": inner}),
        {"a": nested([1], 60, lambda inner: [inner, inner])},
        {"a": nested([1], 100_000, lambda inner: [inner])},
        {"a": nested([{}], 60, lambda inner: [inner, {"b": inner}])},
        {"a": [0] * (MOST_VALUES + 1)},
        dict.fromkeys(range(MOST_VALUES + 1), 1),
    ],
    ids=["shared objects", "shared arrays", "deep array", "shared both", "long array", "many names"],
)
def test_more_values_than_anybody_could_keep_end_somewhere(values):
    """
    A few shared lists can stand for more values than there are atoms; the walk stops and says so.
    """
    assert len(sent(values)) <= MOST_VALUES
    assert list(left_out(values).values()) == [["too_many_values"]]


def test_a_structure_that_contains_itself_ends():
    """
    A loop is cut where it closes, and what is outside of it is sent.
    """
    thing = {"x": 1}
    thing["self"] = thing
    thing["list"] = ["a"]
    thing["list"].append(thing["list"])
    thing["twice"] = [{"thing": thing}]
    leaves = {leaf.name: leaf for leaf in flatten(thing, BRIDGE)}

    assert leaves["x"].text == "1"
    assert leaves["self"].problems == ("contains_itself",)
    assert leaves["list"].text == "a,"
    assert leaves["list"].problems == ("contains_itself",)
    assert leaves["twice"].problems == ("contains_itself",)


def test_the_same_object_twice_is_no_loop():
    """
    Sharing a value between two properties is fine.
    """
    address = {"city": "Bern"}

    assert sent({"home": address, "work": address, "both": [[address], [address]]}) == {
        "home.city": "Bern",
        "work.city": "Bern",
        "both": '[[{"city":"Bern"}],[{"city":"Bern"}]]',
    }


SINGLE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.just("\ud800"),
    st.dates(),
    st.just(1j),
)
ARRAY = st.recursive(SINGLE, lambda inner: st.lists(inner, max_size=4), max_leaves=8).filter(
    lambda value: isinstance(value, list)
)
OBJECT = st.recursive(
    st.dictionaries(st.text(max_size=6), SINGLE | ARRAY, max_size=4),
    lambda inner: st.dictionaries(st.text(max_size=6), SINGLE | ARRAY | inner, max_size=4),
    max_leaves=12,
)


def names_of(values, way=""):
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from names_of(value, f"{way}{key}.")
        else:
            yield f"{way}{key}", value


def says_nothing(value):
    return value is None or value in ("", [], [[]]) or value != value or isinstance(value, list)  # noqa: PLR0124 - NaN


@given(OBJECT)
@example({"": {"": {"": ""}}})
def test_every_value_is_sent_or_left_out_for_a_reason(values):
    """
    Nothing gets lost on the way, and what is missing said nothing or has a problem with a name.
    """
    expected = list(names_of(values))
    leaves = list(flatten(values, BRIDGE))

    assert [leaf.name for leaf in leaves] == [name for name, _ in expected]
    for leaf, (_, value) in zip(leaves, expected, strict=True):
        assert leaf.text or leaf.problems or says_nothing(value)
        assert leaf.text is None or leaf.text.encode()


@given(st.lists(OBJECT, min_size=1, max_size=3))
def test_an_array_of_objects_is_json_that_can_be_read(objects):
    """
    The text of such an array is valid JSON for as many objects as there were.
    """
    (leaf,) = flatten({"a": objects}, BRIDGE)

    assert len(json.loads(leaf.text)) == len(objects)


SINGLE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters()),
    st.datetimes().map(datetime.isoformat),
)


@given(value=SINGLE, bool_style=st.sampled_from(["text", "int"]))
def test_the_quick_way_to_a_text_leads_to_the_same_text(value, bool_style):
    """
    What most values are is answered without a closer look, and as the closer look would answer it.
    """
    options = MappingOptions(bool_style=bool_style)
    quick = usual_text(value, options)

    if quick is not None:
        assert quick == written(plain(value), options)
        assert written_date(value, options, nested=False) is None


@given(values=st.lists(SINGLE))
def test_an_array_of_usual_values_is_joined_like_any_other(values):
    """
    A list is written as the same values in a tuple, which are looked at one by one.
    """
    assert flatten({"a": values}, BRIDGE) == flatten({"a": tuple(values)}, BRIDGE)
