"""
What a request says follows from its parameters alone.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdkbridge.kissmetrics.intake import Alias, Name, Record, identity_of, moment, name_of, read, writable
from sdkbridge.kissmetrics.rules import Rules

NOW = 1_700_000_000
RULES = st.builds(
    lambda longest, replace, fold: Rules(
        longest_name=longest, longest_identity=longest, replace_in_identities=replace, fold_identities=fold
    ),
    st.integers(1, 6),
    st.booleans(),
    st.booleans(),
)
TEXTS = st.text(max_size=8) | st.text("aAİΣßŉ,: ", max_size=8)


@given(TEXTS, RULES)
def test_a_name_that_was_stored_is_stored_the_same(text, rules):
    """
    What an export says of a name becomes that name again, within its length.
    """
    name = name_of(text, rules)

    assert name_of(name.key, rules).key == name.key
    assert len(name.key) <= rules.longest_name >= len(name.spelling)
    assert not {",", ":"} & set(name.key + name.spelling)


@given(TEXTS, RULES)
def test_an_identity_that_was_stored_is_stored_the_same(text, rules):
    """
    What an export says of an identity becomes that identity again, within its length.
    """
    identity = identity_of(text, rules)

    assert identity_of(identity, rules) == identity
    assert len(identity) <= rules.longest_identity


# What becomes of a capital sigma depends on the letters around it.
@given(TEXTS.filter(lambda text: "Σ" not in text))
def test_names_in_any_case_are_one(text):
    """
    A name in upper and lower case is the same, and its spelling stays as it was.
    """
    assert name_of(text.lower()).key == name_of(text).key
    assert name_of(text).spelling == text.replace(",", " ").replace(":", " ")


def test_a_record_and_an_alias_are_read():
    """
    Parameters become an event with its properties, or an alias, and say whether their time was given.
    """
    event = {"_k": "key", "_p": "ann", "_n": "Signed Up", "_d": "1", "_t": str(NOW - 5), "Plan": "Pro", "_c": "x"}

    assert read("/e", event, received=NOW).content == Record(
        identity="ann",
        event=Name("signed up", "Signed Up"),
        second=NOW - 5,
        properties=((Name("plan", "Plan"), "Pro"),),
        dated=True,
    )
    assert read("/s", event | {"_d": "0"}, received=NOW).content == Record(
        identity="ann", event=None, second=NOW, properties=((Name("plan", "Plan"), "Pro"),)
    )
    assert read("/a", event, received=NOW).content == Alias(identity="ann", other="Signed Up", second=NOW - 5)


@pytest.mark.parametrize(
    ("text", "second"),
    [("5", 5), ("5.9", 5), ("-0.5", -1), ("1e3", 1000), ("", None), ("5s", None), ("inf", None), ("٣", None)],
)
def test_a_moment_is_a_whole_second(text, second):
    """
    Numbers are cut to whole seconds, and anything else is none.
    """
    assert moment(text) == second


@given(st.text(st.characters(categories=["L", "Cs"])))
def test_every_text_can_be_made_writable(text):
    """
    What cannot be written as UTF-8 is replaced, and all else stays.
    """
    changed = writable(text)
    changed.encode()

    assert writable(changed) == changed
    assert (changed == text) == (not any("\ud800" <= character <= "\udfff" for character in text))
