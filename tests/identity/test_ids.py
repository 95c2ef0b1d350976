"""
What an identity is.
"""

from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import InvalidIdentity
from identity.ids import checked, fold, is_placeholder

PLACEHOLDERS = [
    # Segment Unify's suggestion
    "null", "anonymous", "-1", "", "0", "0000", "00000000-0000-0000-0000-000000000000", "---",
    # PostHog's illegal ids
    "guest", "distinctid", "distinct_id", "id", "not_authenticated", "email", "undefined", "true", "false",
    "[object Object]", "NaN", "None", "none",
    # Amplitude, Mixpanel's importer
    "nil", "n/a", "na", "unknown", "{}", "[]", "lmy47d", "anon", "<nil>",
    # Kissmetrics on squished identities, Adobe
    "missing", "invalid",
    # a React Native release
    "anonymousId",
    # templates that nobody filled in
    "{{user_id}}", "${userId}", "%s", "<user id>",
]  # fmt: skip


@pytest.mark.parametrize("text", PLACEHOLDERS)
@pytest.mark.parametrize("dress", ["{}", " {} ", "'{}'", '"{}"', "\u201c{}\u201d"])
def test_a_placeholder_is_recognised_in_any_case_with_spaces_and_in_quotes(text: str, dress: str) -> None:
    """
    What stands for nobody is recognised however it is dressed up.
    """
    spellings = {text, text.upper(), text.lower()}

    assert all(is_placeholder(dress.replace("{}", spelling)) for spelling in spellings)


@pytest.mark.parametrize(
    "text",
    ["12345", "1", "A", "ann@old.example", "nullable", "Guesthouse", "92fh49fqh9849hf", "a0", "00000001", "idris",
     "7C9E6679-7425-40DE-944B-E07FC1F90AE7", "5TYjk0ZrRtnz5xDmcjZHso4bdyAU="],
)  # fmt: skip
def test_a_real_identity_is_no_placeholder(text: str) -> None:
    """
    Short ids, and ids that contain a placeholder, are still identities.
    """
    assert not is_placeholder(text)


def test_email_addresses_fold_to_lower_case() -> None:
    """
    One address in two spellings is one identity.
    """
    assert fold(" Ann@Old.Example ") == "ann@old.example"


@given(st.text(min_size=1))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    """
    A folded identity is its own spelling.
    """
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet="ABab01-_="))
def test_other_identities_keep_their_case(text: str) -> None:
    """
    Anonymous ids in base64 differ by case alone, so nothing but e-mail addresses is folded.
    """
    assert fold(text) == text


@pytest.mark.parametrize(
    ("value", "problem"),
    [(None, "must be a text"), (7, "must be a text"), ("", "empty"), (" \t", "empty"), ("a\ud800", "surrogate")],
)
def test_what_cannot_be_an_identity_names_its_field(value: object, problem: str) -> None:
    """
    The error names the argument and the problem.
    """
    with pytest.raises(InvalidIdentity, match=problem) as caught:
        checked(value, "older")  # type: ignore[arg-type]

    assert caught.value.field == "older"


def test_an_enumeration_that_is_a_text_is_its_text() -> None:
    """
    And nothing else, in whatever is told of it.
    """
    Person = Enum("Person", {"ANN": "ann"}, type=str)  # noqa: N806 - a class
    identity = checked(Person.ANN, "identity")

    assert (type(identity), f"{identity} {identity!r}") == (str, "ann 'ann'")
