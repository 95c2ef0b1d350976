"""
A Kissmetrics request, byte for byte as it goes over the wire.
"""

import copy
import json
import pickle
from urllib.parse import parse_qsl, quote

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdkbridge import Bridge
from sdkbridge.kissmetrics.requests import ALIAS, RECORD, RESERVED, SET, Request, encode, wire

KEY = "f1d2d2f924e986ac86fdf7b36c94bcdf32beec15"

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NAME = TEXT.filter(bool)


def test_an_event_carries_its_own_time():
    """
    Without `_d=1` Kissmetrics would take the time of arrival, and count an event sent twice as two.
    """
    request = Request(
        path=RECORD, identity="ann", name="Signed Up", second=1_388_534_400, properties=(("plan", "pro"),)
    )

    assert request.parameters() == {
        "_p": "ann",
        "_n": "Signed Up",
        "_d": "1",
        "_t": "1388534400",
        "plan": "pro",
    }


def test_a_request_can_be_taken_apart_and_made_again():
    """
    By attrs, pickle and copy, and written by every JSON library.
    """
    with Bridge(":memory:", api_key=KEY, deliver=False) as bridge:
        (request,) = bridge.track("ann", "Signed Up", {"plan": "pro", "größe": 7}).requests
    parts = attrs.asdict(request)
    again = [
        Request(**parts),
        *(pickle.loads(pickle.dumps(request, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)),
        copy.copy(request),
        copy.deepcopy(request),
        attrs.evolve(request),
        attrs.evolve(request, properties=type(request.properties)(request.properties)),
        attrs.evolve(request, properties=copy.copy(request.properties)),
    ]

    assert orjson.loads(orjson.dumps(parts)) == json.loads(json.dumps(parts))
    assert {(one, repr(one), one.query()) for one in again} == {(request, repr(request), request.query())}


def test_an_alias_is_two_identities_and_no_time():
    """
    Kissmetrics' specification of `/a` knows no time.
    """
    request = Request(path=ALIAS, identity="ann", name="anonymous", ip="8.8.8.8", user_agent="iPhone")

    assert request.parameters() == {"_p": "ann", "_n": "anonymous", "_ip": "8.8.8.8", "_ua": "iPhone"}


@given(st.dictionaries(st.sampled_from(sorted(RESERVED)) | NAME, TEXT))
def test_no_property_takes_the_place_of_a_reserved_parameter(properties):
    """
    Whatever a caller's properties are called, the request stays about the same person, event and time.
    """
    request = Request(path=RECORD, identity="ann", name="E", second=1, properties=tuple(properties.items()))
    parameters = request.parameters()

    assert {name: parameters.get(name) for name in RESERVED} == {
        **dict.fromkeys(RESERVED),
        "_p": "ann",
        "_n": "E",
        "_d": "1",
        "_t": "1",
    }
    assert {name: text for name, text in properties.items() if name not in RESERVED}.items() <= parameters.items()


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("!*'();:@&=+$,/?#[]", "%21%2A%27%28%29%3B%3A%40%26%3D%2B%24%2C%2F%3F%23%5B%5D"),
        ("<>#%{}|\\^~` []", "%3C%3E%23%25%7B%7D%7C%5C%5E~%60%20%5B%5D"),
        ("azAZ09-_.~", "azAZ09-_.~"),
        ("é 😀", "%C3%A9%20%F0%9F%98%80"),
    ],
)
def test_texts_are_encoded_as_the_sdks_do(text, encoded):
    """
    The first two vectors are those of the iOS and Android SDKs' own tests.
    """
    assert encode({"v": text}) == f"v={encoded}"
    assert encode({text: "v"}) == f"{encoded}=v"


@given(st.dictionaries(NAME, TEXT))
def test_what_is_encoded_can_be_read_back(parameters):
    """
    A server that decodes the query gets every name and text, in order.
    """
    decoded = parse_qsl(encode(parameters), keep_blank_values=True, strict_parsing=bool(parameters))

    assert decoded == list(parameters.items())


@given(NAME, NAME, st.integers(min_value=1_230_768_000, max_value=2**33), st.dictionaries(NAME, TEXT))
def test_a_request_arrives_as_it_was_made(identity, event, second, properties):
    """
    From the request to the wire and back, with the key.
    """
    request = Request(
        path=RECORD, identity=identity, name=event, second=second, properties=tuple(properties.items())
    )
    sent = wire(request.path, encode(request.parameters()), KEY)

    assert dict(parse_qsl(sent.query, keep_blank_values=True)) == {"_k": KEY} | request.parameters()


@pytest.mark.parametrize(("length", "method"), [(1999, "GET"), (2000, "GET"), (2001, "POST"), (2049, "POST")])
def test_long_requests_are_posted(length, method):
    """
    Up to 2000 encoded characters, the key included, a request is a GET, as from the iOS SDK.
    """
    empty = wire(SET, encode({"v": ""}), KEY)
    sent = wire(SET, encode({"v": "x" * (length - len(empty.query))}), KEY)

    assert (len(sent.query), sent.method) == (length, method)


def test_encoded_characters_are_what_counts():
    """
    A space is three characters on the wire.
    """
    assert wire(SET, encode({"v": " " * 700}), KEY).method == "POST"


def test_the_key_stays_out_of_sight():
    """
    A wire request that is logged shows no key.
    """
    assert KEY not in repr(wire(SET, encode({"v": "x"}), KEY))


@given(name=NAME, value=TEXT)
def test_all_but_the_unreserved_characters_are_escaped(name, value):
    """
    Letters, digits and ``-_.~`` stay; Python's own library, told to spare nothing, agrees on every text.
    """
    assert encode({name: value}) == f"{quote(name, safe='')}={quote(value, safe='')}"


@given(value=st.text("aé /", min_size=250, max_size=260))
def test_long_texts_are_escaped_like_short_ones(value):
    """
    A text that is too long to be remembered reads the same.
    """
    assert encode({"a": value}) == f"a={quote(value, safe='')}"
