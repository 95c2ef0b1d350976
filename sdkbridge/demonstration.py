"""
The demo: a story through the real bridge, over real HTTP, into a local Kissmetrics, beside other strategies.
"""

import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from attrs import frozen

from identity.database import Database
from identity.simulate import strategies
from sdkbridge.bridge import Bridge
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.kissmetrics.server import KissmetricsServer
from sdkbridge.receipt import Receipt
from sdkbridge.stories import Score, Story, StoryIds, score
from sdkbridge.strategies import SEGMENT_SERVER, people_under


@frozen(kw_only=True)
class CountedPerson:
    """
    One person as a Kissmetrics counts them.

    Attributes:
        identities: all their identities.
        event_counts: how often they did what.
    """

    identities: frozenset[str]
    event_counts: Mapping[str, int]


@frozen(kw_only=True)
class Demonstration:
    """
    What the story came to.

    Attributes:
        story: what was played.
        receipts: what the bridge said of each call, in order.
        requests: what the local Kissmetrics received, in order, without the key.
        people: by strategy, the people counted; ``guarded`` is the bridge's, asked of its Kissmetrics over HTTP.
    """

    story: Story
    receipts: tuple[tuple[Mapping[str, Any], Receipt], ...]
    requests: tuple[Mapping[str, Any], ...]
    people: Mapping[str, tuple[CountedPerson, ...]]

    @property
    def is_true(self) -> bool:
        """
        Whether the people that the bridge's Kissmetrics reports are those of the story, with all they did.
        """
        told = {(person.identities, _sorted(person.event_counts)) for person in self.people["guarded"]}
        true = {(person.identities, _sorted(person.event_counts)) for person in self.story.people}
        return told == true and len(self.people["guarded"]) == len(self.story.people)

    def score(self, strategy: str) -> Score:
        """
        Compare a strategy's people with the truth.
        """
        return score([person.identities for person in self.people[strategy]], self.story.people)


def demonstrate(story: Story) -> Demonstration:
    """
    Play a story through a bridge of its own into a local Kissmetrics on a free port of this machine.
    """
    with tempfile.TemporaryDirectory(prefix="sdkbridge-demo-") as folder:
        kissmetrics = LocalKissmetrics(Database(":memory:"))
        with (
            KissmetricsServer(kissmetrics) as server,
            Bridge(Path(folder) / "bridge.db", api_key="demo-key", url=server.url, ids=StoryIds()) as bridge,
        ):
            receipts = tuple((message, bridge.accept(message)) for message in story.messages)
            bridge.flush(timeout=30.0)
            told = json.loads(_get(f"{server.url}/people"))["people"]
            requests = tuple(json.loads(line) for line in _get(f"{server.url}/requests").splitlines())
    return Demonstration(
        story=story,
        receipts=receipts,
        requests=requests,
        people={
            "never": _counted(people_under(strategies.NEVER, story.messages, received=time.time())),
            "segment-server": _counted(
                people_under(
                    strategies.SEGMENT_SERVER, story.messages, received=time.time(), options=SEGMENT_SERVER
                )
            ),
            "guarded": tuple(
                CountedPerson(identities=frozenset(person["identities"]), event_counts=person["event_counts"])
                for person in told
            ),
        },
    )


def _get(url: str) -> str:
    # Without a proxy: the server is on this machine, whatever the environment says.
    with build_opener(ProxyHandler({})).open(url, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def _counted(kissmetrics: LocalKissmetrics) -> tuple[CountedPerson, ...]:
    return tuple(
        CountedPerson(identities=frozenset(person.identities), event_counts=person.event_counts)
        for person in kissmetrics.people()
    )


def _sorted(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items()))
