"""
Any history of calls, decisions, deliveries, failures and kills: events in each device's order, and one alias each.
"""

import sqlite3
import tempfile
from collections import defaultdict
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sdkbridge import Bridge, Outcome, Verdict

DEVICES = st.sampled_from(["phone", "tablet", "watch"])
NAMES = st.sampled_from(["A", "B"])
BEGAN_S = 1_700_000_000


class Histories(RuleBasedStateMachine):
    """
    A bridge on a file, and a Kissmetrics that keeps what it gets, and forgets nothing when the bridge is killed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.files = (Path(self.folder.name) / f"{number}.db" for number in count())
        self.file = next(self.files)
        self.now = float(BEGAN_S)
        self.numbers = count()
        self.arrived: list[tuple[str, dict[str, str], bytes]] = []
        self.failing: set[str] = set()
        self.kill_after: int | None = None
        self.left_by_kill: Path | None = None
        self.expected: dict[str, list[str]] = defaultdict(list)
        self.aliases: set[tuple[str, str]] = set()
        self.held: dict[tuple[str, str], Verdict] = {}
        self.bridge = self.open()

    def open(self) -> Bridge:
        return Bridge(
            self.file,
            api_key="k",
            clock=lambda: self.now,
            deliver=False,
            transport=lambda: httpx.MockTransport(self.receive),
        )

    def receive(self, request: httpx.Request) -> httpx.Response:
        parameters = dict(request.url.params)
        if parameters["_p"] in self.failing:
            return httpx.Response(500)
        self.arrived.append((request.url.path, parameters, request.url.query))
        if self.kill_after is not None:
            self.kill_after -= 1
            if self.kill_after == 0:
                self.left_by_kill = self.as_killed_now()
        return httpx.Response(200)

    def as_killed_now(self) -> Path:
        """
        Return the file as a kill at this moment would leave it: what was sent last is not written down.
        """
        path = next(self.files)
        with closing(sqlite3.connect(self.file)) as now, closing(sqlite3.connect(path)) as left:
            now.backup(left)
        return path

    @rule(device=DEVICES)
    def track(self, device: str) -> None:
        name = f"Event {next(self.numbers)}"
        self.now += 1
        self.bridge.device(device).track(name)
        self.expected[device].append(name)

    @rule(device=DEVICES, name=NAMES)
    def identify(self, device: str, name: str) -> None:
        phone = self.bridge.device(device)
        self.now += 1
        if phone.is_anonymous:
            self.aliases.add((name, phone.anonymous_id))
        phone.identify(name)

    @rule(device=DEVICES, name=NAMES)
    def claim(self, device: str, name: str) -> None:
        """
        A backend says that a device's anonymous identity, which is somebody's by now, is theirs.
        """
        phone = self.bridge.device(device)
        self.now += 1
        if not phone.is_anonymous:
            receipt = self.bridge.identify(name, anonymous_id=phone.anonymous_id)
            for verdict in receipt.verdicts:
                assert verdict.outcome in {Outcome.KNOWN, Outcome.HOLD}
                if verdict.outcome is Outcome.HOLD:
                    self.held[verdict.link.older, verdict.link.newer] = verdict

    @precondition(lambda self: self.held)
    @rule()
    def approve(self) -> None:
        """
        A person joins what was held; what others joined in the meantime needs no alias.
        """
        (older, newer), verdict = self.held.popitem()
        self.now += 1
        if self.bridge.approve(verdict, by="a person").outcome is Outcome.MERGE:
            assert (newer, older) not in self.aliases
            self.aliases.add((newer, older))

    @rule(device=DEVICES)
    def reset(self, device: str) -> None:
        self.bridge.device(device).reset()

    @rule(device=DEVICES, failing=st.booleans())
    def fail(self, device: str, failing: bool) -> None:
        identity = self.bridge.device(device).identity
        self.failing = self.failing | {identity} if failing else self.failing - {identity}

    @rule(later_s=st.sampled_from([0, 0, 1, 400, -3600]))
    def deliver(self, later_s: int) -> None:
        self.now += later_s
        self.bridge.flush(timeout=0.05)

    @rule(requests=st.integers(1, 4))
    def deliver_and_be_killed(self, requests: int) -> None:
        self.kill_after, self.left_by_kill = requests, None
        self.bridge.flush(timeout=0.05)
        self.kill_after = None
        if self.left_by_kill is not None:
            self.bridge.close()
            self.file = self.left_by_kill
            self.bridge = self.open()

    @rule()
    def restart(self) -> None:
        self.bridge.close()
        self.bridge = self.open()

    @invariant()
    def what_arrived_is_in_order(self) -> None:
        """
        A request may come again, but none comes for the first time after one that followed it.
        """
        seen = list(dict.fromkeys(parameters["_n"] for path, parameters, _ in self.arrived if path == "/e"))
        for events in self.expected.values():
            mine = [name for name in seen if name in set(events)]
            assert mine == events[: len(mine)]

    def teardown(self) -> None:
        self.failing = set()
        for _ in range(8):  # each time all waits are over
            self.now += 400
            waiting = self.bridge.flush(timeout=0.5).waiting
            if not waiting:
                break
        self.bridge.close()
        self.folder.cleanup()
        self.what_arrived_is_in_order()
        events: dict[str, set[bytes]] = defaultdict(set)
        aliases: dict[tuple[str, str], set[bytes]] = defaultdict(set)
        for path, parameters, query in self.arrived:
            if path == "/a":
                aliases[parameters["_p"], parameters["_n"]].add(query)
            elif path == "/e":
                events[parameters["_n"]].add(query)

        assert waiting == 0
        assert set(events) == {name for names in self.expected.values() for name in names}
        assert set(aliases) == self.aliases
        assert all(len(queries) == 1 for queries in (*events.values(), *aliases.values())), (
            "repeats are the same bytes"
        )


# A history takes longer than most examples: half as many as the profile says, which are more in CI.
Histories.TestCase.settings = settings(max_examples=settings().max_examples // 2, stateful_step_count=30)
TestHistories: Any = Histories.TestCase
