"""
What there is to say of each option: for lists on the terminal, in JSON and in the documents.
"""

from collections.abc import Mapping
from typing import Any

from attrs import fields, frozen

from sdkbridge.options.profiles import PROFILES
from sdkbridge.options.settings import SECTIONS


@frozen(kw_only=True)
class Description:
    """
    One option.

    Attributes:
        name: what it is called.
        about: which calls it is about.
        default: what it is unless somebody says otherwise.
        choices: the texts it is limited to; none if it takes any.
        meaning: what it does, in a sentence.
        profiles: the profiles that differ from the default, and what they say.
    """

    name: str
    about: str
    default: Any
    choices: tuple[str, ...]
    meaning: str
    profiles: Mapping[str, Any]


def described() -> tuple[Description, ...]:
    """
    Return every option, in the order of the sections that they belong to.
    """
    return tuple(
        Description(
            name=option.name,
            about=about,
            default=option.default,
            choices=option.metadata.get("choices", ()),
            meaning=option.metadata["meaning"],
            profiles={
                name: settings[option.name] for name, settings in PROFILES.items() if option.name in settings
            },
        )
        for about, section in SECTIONS.items()
        for option in fields(section)
    )
