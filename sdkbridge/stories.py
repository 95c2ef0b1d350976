"""
Stories: calls that somebody might make, and the people who truly made them.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from sdkbridge.ids import RandomIds

_PACKAGED = Path(__file__).parent / "data" / "stories"
_CHECKOUT = Path(__file__).parent.parent / "fixtures" / "stories"


@frozen(kw_only=True)
class TruePerson:
    """
    Somebody in a story.

    Attributes:
        who: a few words about them.
        identities: every identity that is truly theirs.
        event_counts: what they truly did.
    """

    who: str
    identities: frozenset[str]
    event_counts: Mapping[str, int]


@frozen(kw_only=True)
class Story:
    """
    Calls, and the truth about them.
    """

    title: str
    messages: tuple[Mapping[str, Any], ...]
    people: tuple[TruePerson, ...]


def load_story(name: str) -> Story:
    """
    Read a story that comes with the package.
    """
    folder = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
    lines = (folder / f"{name}.ndjson").read_text(encoding="utf-8").splitlines()
    truth = json.loads((folder / f"{name}.truth.json").read_text(encoding="utf-8"))
    return Story(
        title=truth["title"],
        messages=tuple(json.loads(line) for line in lines),
        people=tuple(
            TruePerson(
                who=person["who"],
                identities=frozenset(person["identities"]),
                event_counts=person["event_counts"],
            )
            for person in truth["people"]
        ),
    )


class StoryIds(RandomIds):
    """
    Anonymous ids that a reader can follow: the device's name, and how many sessions it has begun.
    """

    def __init__(self) -> None:
        self._sessions: dict[str, int] = {}

    def anonymous_id(self, device: str) -> str:
        """
        Return ``<device>-anonymous-<n>``.
        """
        self._sessions[device] = self._sessions.get(device, 0) + 1
        return f"{device}-anonymous-{self._sessions[device]}"


@frozen(kw_only=True)
class Score:
    """
    How people that were counted compare with the true ones.

    Attributes:
        counted: how many people were counted.
        squished: counted people that hold two or more true ones.
        split: true people that were counted as two or more.
    """

    counted: int
    squished: int
    split: int


def score(people: Collection[Collection[str]], truth: Collection[TruePerson]) -> Score:
    """
    Compare counted people, each a set of identities, with the true ones.
    """
    owner = {identity: number for number, person in enumerate(truth) for identity in person.identities}
    holds = [{owner[identity] for identity in person if identity in owner} for person in people]
    parts = [sum(number in held for held in holds) for number in range(len(truth))]
    return Score(
        counted=len(people),
        squished=sum(len(held) > 1 for held in holds),
        split=sum(part > 1 for part in parts),
    )
