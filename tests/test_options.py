"""
The options of the mapping, and the profiles that bundle them.
"""

import json
from pathlib import Path

import pytest
from attrs import exceptions, fields

from sdkbridge.errors import BridgeError
from sdkbridge.options import PROFILES, InvalidOption, MappingOptions, options_for
from sdkbridge.options.described import Description, described


def test_the_bridge_profile_is_the_default():
    """
    Options made without a word, and those of the profile `bridge`, are the same.
    """
    assert options_for("bridge", {}) == MappingOptions()


def test_a_setting_changes_the_profile():
    """
    What a user sets goes before what the profile says; the rest stays.
    """
    options = options_for("bridge", {"prefix_properties": False, "prefix_separator": "-"})

    assert options == MappingOptions(prefix_properties=False, prefix_separator="-")


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_can_be_made(profile):
    """
    No profile names an option that does not exist.
    """
    assert isinstance(options_for(profile, {}), MappingOptions)


def test_an_unknown_profile_is_named_with_the_known_ones():
    """
    A typing error is answered with what would have been right.
    """
    with pytest.raises(InvalidOption, match="profile must be one of bridge") as error:
        options_for("brigde", {})

    assert error.value.option == "profile"
    assert isinstance(error.value, BridgeError)
    assert isinstance(error.value, ValueError)


def test_an_unknown_option_is_answered_with_the_one_that_was_meant():
    """
    Segment's spelling leads to ours, and all options are listed.
    """
    with pytest.raises(InvalidOption, match=r"did you mean prefix_properties\?.*identify_order") as error:
        options_for("bridge", {"prefixProperties": False})

    assert error.value.option == "prefixProperties"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("prefix_properties", "no", "must be true or false, not str"),
        ("prefix_properties", 1, "must be true or false, not int"),
        ("object_array", "xml", "must be one of json, js, drop"),
        ("object_array", None, "must be one of json, js, drop"),
        ("bool_style", ["text"], "must be one of text, int"),
        ("billing_property", 5, "must be a text, not int"),
        ("billing_property", "", "must not be empty"),
        ("product_time_step", -1, "must be a whole number of seconds, 0 or more"),
        ("product_time_step", True, "must be a whole number of seconds, 0 or more"),
        ("product_time_step", 1.5, "must be a whole number of seconds, 0 or more"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(name, value, problem):
    """
    The error names the option and what it takes, whichever way the options are made.
    """
    with pytest.raises(InvalidOption) as error:
        options_for("bridge", {name: value})
    with pytest.raises(InvalidOption) as same_error:
        MappingOptions(**{name: value})

    assert str(error.value) == str(same_error.value) == f"{name} {problem}"


def test_a_separator_may_be_empty():
    """
    Nothing between prefix and name is a choice like any other.
    """
    assert options_for("bridge", {"prefix_separator": ""}).prefix_separator == ""


@pytest.mark.parametrize("option", fields(MappingOptions), ids=lambda option: option.name)
def test_every_option_says_what_it_does(option):
    """
    A list of options can be printed with a sentence for each.
    """
    meaning = option.metadata["meaning"]

    assert meaning[0].isupper()
    assert meaning.endswith(".")


def test_options_cannot_be_changed_afterwards():
    """
    Options are shared by many calls at once, and stay what they are.
    """
    options = MappingOptions()

    with pytest.raises(exceptions.FrozenInstanceError):
        options.bool_style = "int"


def as_row(option: Description) -> str:
    """
    Return the row of the documents' table that says all there is to say of an option.
    """

    def code(value: object) -> str:
        plain = value if isinstance(value, str) and value else json.dumps(value)
        return "`" + plain.replace("|", "\\|") + "`"

    others = ", ".join(code(choice) for choice in option.choices if choice != option.default)
    default = code(option.default) + (f" (or {others})" if others else "")
    elsewhere = "; ".join(f"{profile}: {code(value)}" for profile, value in option.profiles.items())
    return f"| `{option.name}` | {default} | {option.meaning} | {elsewhere} |"


def test_every_option_is_documented() -> None:
    """
    docs/mapping.md lists each option with its default, what it does, and which profiles differ, and no other.
    """
    page = (Path(__file__).parent.parent / "docs" / "mapping.md").read_text(encoding="utf-8")
    listed = [line for line in page.partition("\n## Options")[2].splitlines() if line.startswith("| `")]

    assert listed == [as_row(option) for option in described()]
