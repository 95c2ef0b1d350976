"""
Any history of devices, played through the bridge, against a model that remembers only who was named when.
"""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
from attrs import Factory, define
from hypothesis import given
from hypothesis import strategies as st

from identity.database import Database
from sdkbridge import Bridge
from sdkbridge.kissmetrics.people import LocalKissmetrics

DEVICES = ["phone", "tablet"]
NAMES = ["A", "B", "C"]

steps = st.one_of(
    st.tuples(st.just("track"), st.sampled_from(DEVICES), st.none()),
    st.tuples(st.just("identify"), st.sampled_from(DEVICES), st.sampled_from([*NAMES, None, "", "null"])),
    st.tuples(st.just("reset"), st.sampled_from(DEVICES), st.none()),
    st.tuples(st.just("restart"), st.none(), st.none()),
    st.tuples(st.just("repeat"), st.none(), st.integers(0, 30)),
)


def straight_to(kissmetrics: LocalKissmetrics) -> Callable[[], httpx.AsyncBaseTransport]:
    """
    Make transports without a network: they hand each request to a Kissmetrics in this process.
    """

    def receive(request: httpx.Request) -> httpx.Response:
        kissmetrics.receive(request.url.path, dict(request.url.params))  # type: ignore[arg-type]
        return httpx.Response(200)

    return lambda: httpx.MockTransport(receive)


@define
class Model:
    """
    Who is anonymous on which device, and whom each anonymous identity was named as first.
    """

    anonymous: dict[str, str] = Factory(dict)
    named: dict[str, str | None] = Factory(dict)
    aliases: list[tuple[str, str]] = Factory(list)
    tracks: int = 0

    def play(self, kind: str, device: str, name: Any, anonymous_id: str) -> None:
        if kind == "reset" or device not in self.anonymous:
            self.anonymous[device] = anonymous_id
            self.named[device] = None
        if kind == "identify" and name not in {None, "", "null"}:
            if self.named[device] is None:
                self.aliases.append((name, self.anonymous[device]))
            self.named[device] = name
        self.tracks += kind == "track"


@given(st.lists(steps, max_size=20))
def test_each_anonymous_identity_is_aliased_once_to_the_first_name_that_followed(
    history: list[tuple[str, Any, Any]],
) -> None:
    """
    Calls, resets, restarts and repeats in any order: one alias each, nobody joined unasked, nothing lost.
    """
    kissmetrics, model = LocalKissmetrics(Database(":memory:")), Model()
    sent: list[Mapping[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:

        def start() -> Bridge:
            return Bridge(
                Path(folder) / "bridge.db", api_key="k", transport=straight_to(kissmetrics), deliver=False
            )

        bridge = start()
        for number, (kind, device, value) in enumerate(history):
            if kind == "restart":
                bridge.close()
                bridge = start()
            elif kind == "repeat":
                if sent:
                    assert bridge.accept(sent[value % len(sent)]).repeated
            else:
                message = {
                    "type": kind,
                    "device": device,
                    "messageId": f"m{number}",
                    "event": "Seen",
                    "userId": value,
                }
                bridge.accept(message)
                sent.append(message)
                model.play(kind, device, value, bridge.device(device).anonymous_id)
        assert bridge.flush().waiting == 0
        bridge.close()
    requests = list(kissmetrics.requests())
    aliases = [(r.parameters["_p"], r.parameters["_n"]) for r in requests if r.path == "/a"]

    assert sorted(aliases) == sorted(model.aliases)
    assert len({anonymous for _, anonymous in aliases}) == len(aliases)
    people = kissmetrics.people()
    assert sum(person.event_counts.get("Seen", 0) for person in people) == model.tracks
    for person in people:
        assert len(set(person.identities) & set(NAMES)) <= 1
