"""
What people decide, through the bridge: an alias leaves with the decision, waits for its grace, or never leaves.
"""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from identity import InvalidDecision, MergePolicy, Placeholders
from identity.database import Database
from sdkbridge import Bridge


class Clock:
    """
    A clock that a test sets.
    """

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Recorder:
    """
    Makes transports that keep what they carry, or fail for as long as they are told to.
    """

    def __init__(self) -> None:
        self.carried: list[str] = []
        self.status = 200

    @property
    def aliases(self) -> int:
        return self.carried.count("/a")

    def __call__(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._carry)

    def _carry(self, request: httpx.Request) -> httpx.Response:
        if self.status == 0:
            raise httpx.ConnectError("no network")
        self.carried.append(request.url.path)
        return httpx.Response(self.status)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def bridge(tmp_path: Path, clock: Clock, recorder: Recorder) -> Iterator[Bridge]:
    with Bridge(tmp_path / "b.db", api_key="k", clock=clock, transport=recorder, deliver=False) as bridge:
        yield bridge


@pytest.fixture
def patient(tmp_path: Path, clock: Clock, recorder: Recorder) -> Iterator[Bridge]:
    """
    A bridge whose aliases wait for a minute.
    """
    with Bridge(
        tmp_path / "p.db", api_key="k", clock=clock, transport=recorder, deliver=False, alias_grace=60
    ) as bridge:
        yield bridge


def held_on_a_tablet(bridge: Bridge) -> None:
    bridge.identify("ann@example.com", anonymous_id="X")
    bridge.identify("bob@example.com", anonymous_id="X")


class TestApproveAndReject:
    """
    Approving and rejecting held links.
    """

    def test_many_are_decided_together(self, bridge: Bridge, recorder: Recorder) -> None:
        """
        Those that are held still: what one approval makes known, or somebody else decided, is left out.
        """
        for device, name in [("X", "ann"), ("X", "bob"), ("Y", "ann"), ("Y", "bob"), ("Z", "cleo"), ("Z", "dan")]:
            bridge.identify(name, anonymous_id=device)
        held = bridge.graph.held()
        approved = bridge.approve_all([verdict for verdict in held if verdict.link.newer == "bob"], by="kim")
        rejected = bridge.reject_all(held, by="kim", why="a shop's tablet")
        bridge.flush()

        assert len(held) == 3
        assert [str(verdict.outcome) for verdict in approved] == ["merge"]
        assert [(verdict.link.newer, verdict.by) for verdict in rejected] == [("dan", "kim")]
        assert bridge.graph.person("bob").identities == bridge.graph.person("ann").identities
        assert recorder.aliases == 4

    def test_many_are_decided_together_or_not_at_all(self, bridge: Bridge) -> None:
        """
        What goes wrong at one of them leaves the others undecided.
        """
        held_on_a_tablet(bridge)
        (held,) = bridge.graph.held()
        with pytest.raises(TypeError):
            bridge.approve_all([held, None], by="kim")

        assert bridge.graph.held() == [held]
        assert bridge.approve_all([held], by="kim") != []

    @pytest.mark.parametrize(("decide", "outcome"), [("approve_all", "merge"), ("reject_all", "refuse")])
    def test_many_are_decided_however_they_are_spelt(self, bridge: Bridge, decide: str, outcome: str) -> None:
        """
        As one is: an address with capitals is the same identity.
        """
        held_on_a_tablet(bridge)
        (verdict,) = getattr(bridge, decide)([("X", "Bob@Example.com")], by="kim")

        assert (verdict.outcome, verdict.link.ends) == (outcome, ("X", "bob@example.com"))

    def test_an_approved_link_sends_one_alias(self, bridge: Bridge, recorder: Recorder) -> None:
        """
        However often it is approved.
        """
        held_on_a_tablet(bridge)
        (held,) = bridge.graph.held()
        for _ in range(2):
            bridge.approve(held, by="kim", why="one household")
        bridge.flush()

        assert recorder.aliases == 2, "one for Ann's first identify, one for the approval"
        assert not bridge.plan()

    def test_a_rejected_link_sends_nothing_later(self, bridge: Bridge, recorder: Recorder) -> None:
        """
        The next identify on the tablet brings nothing back.
        """
        held_on_a_tablet(bridge)
        bridge.reject(("X", "bob@example.com"), by="kim")
        receipt = bridge.identify("bob@example.com", anonymous_id="X")
        bridge.flush()

        assert ([verdict.reason for verdict in receipt.verdicts], recorder.aliases) == (["rejected"], 1)


class TestGrace:
    """
    Aliases that wait before they leave.
    """

    def test_an_alias_waits_and_events_do_not(self, patient: Bridge, recorder: Recorder, clock: Clock) -> None:
        """
        What comes after the alias leaves before it; the alias leaves once it is due.
        """
        patient.identify("ann@example.com", anonymous_id="X", traits={"plan": "pro"})
        patient.track("ann@example.com", "Paid")
        patient.flush()
        early = list(recorder.carried)
        clock.now += 60
        patient.flush()

        assert (sorted(early), recorder.carried) == (["/e", "/s"], [*early, "/a"])

    def test_whoever_takes_a_call_next_queues_what_is_due(self, patient: Bridge, clock: Clock) -> None:
        """
        No call is needed on the same device.
        """
        patient.identify("ann@example.com", anonymous_id="X")
        before = patient.status().outbox.waiting
        clock.now += 60
        patient.track("somebody", "Else")

        assert patient.status().outbox.waiting == before + 2

    def test_an_alias_in_its_grace_is_retracted_without_a_trace(
        self, patient: Bridge, recorder: Recorder, clock: Clock
    ) -> None:
        """
        Kissmetrics never hears of it, and the two are two again.
        """
        patient.identify("ann@example.com", anonymous_id="X")
        waiting = patient.plan().waiting
        patient.retract(("X", "Ann@example.com"), by="kim")
        clock.now += 3600
        patient.track("ann@example.com", "Paid")
        patient.flush()

        assert (waiting, recorder.carried) == (1, ["/s", "/e"])
        assert not patient.graph.are_one("X", "ann@example.com")

    def test_an_approved_alias_waits_too(self, patient: Bridge, recorder: Recorder, clock: Clock) -> None:
        """
        A person's slip can be taken back like any other.
        """
        held_on_a_tablet(patient)
        patient.approve(("X", "bob@example.com"), by="kim")
        patient.retract(("X", "bob@example.com"), by="kim", why="wrong line")
        clock.now += 60
        patient.flush()

        assert recorder.aliases == 1

    def test_a_due_alias_leaves_from_the_next_bridge(
        self, tmp_path: Path, clock: Clock, recorder: Recorder
    ) -> None:
        """
        The process that took it may be gone, and the next one may have no grace of its own.
        """
        with Bridge(tmp_path / "b.db", api_key="k", clock=clock, deliver=False, alias_grace=60) as first:
            first.identify("ann@example.com", anonymous_id="X")
        clock.now += 60
        with Bridge(tmp_path / "b.db", api_key="k", clock=clock, transport=recorder, deliver=False) as second:
            second.flush()

        assert recorder.aliases == 1


class TestRetract:
    """
    Retracting without a grace.
    """

    def test_a_queued_alias_that_nobody_tried_is_withdrawn(self, bridge: Bridge, recorder: Recorder) -> None:
        """
        Ann's two identities are two people again, here and at Kissmetrics.
        """
        bridge.identify("ann@example.com", anonymous_id="X")
        bridge.retract(("X", "ann@example.com"), by="kim")
        bridge.flush()

        assert (recorder.aliases, bridge.graph.are_one("X", "ann@example.com")) == (0, False)

    def test_whether_it_can_be_retracted_is_told_before(self, bridge: Bridge) -> None:
        """
        So that nobody is offered what is too late.
        """
        bridge.identify("ann@example.com", anonymous_id="X")
        before = bridge.can_retract(("X", "ann@example.com"))
        bridge.flush()

        assert (before, bridge.can_retract(("X", "ann@example.com"))) == (True, False)

    @pytest.mark.parametrize("status", [200, 0], ids=["delivered", "tried in vain"])
    def test_an_alias_that_was_tried_stays(self, bridge: Bridge, recorder: Recorder, status: int) -> None:
        """
        It may have arrived, so the decision is refused and changes nothing.
        """
        recorder.status = status
        bridge.identify("ann@example.com", anonymous_id="X")
        while bridge.flush(timeout=0.05).last_error is None and not recorder.carried:
            pass
        with pytest.raises(InvalidDecision, match="has left"):
            bridge.retract(("X", "ann@example.com"), by="kim")

        assert bridge.graph.are_one("X", "ann@example.com")
        assert bool(bridge.status().outbox.waiting) == (status == 0)


class TestPlan:
    """
    What Kissmetrics lacks.
    """

    def test_what_was_linked_beside_the_bridge_is_planned_and_sent(
        self, bridge: Bridge, recorder: Recorder
    ) -> None:
        """
        A notebook that links on the bridge's graph leaves a plan, which the bridge sends once.
        """
        bridge.graph.link("X", "ann@example.com", kind="import")
        plan = bridge.plan()
        sent = [bridge.send(plan), bridge.send(plan)]
        bridge.flush()

        assert ([alias.ends for alias in plan.aliases], sent) == ([("X", "ann@example.com")], [1, 0])
        assert (recorder.carried, bool(bridge.plan())) == (["/a"], False)

    def test_an_alias_that_was_given_up_is_planned_again(self, bridge: Bridge, recorder: Recorder) -> None:
        """
        Kissmetrics answered that it can never take it: it was not told.
        """
        recorder.status = 400
        bridge.identify("ann@example.com", anonymous_id="X")
        bridge.flush()

        assert [alias.ends for alias in bridge.plan().aliases] == [("X", "ann@example.com")]


class TestForget:
    """
    Forgetting a person through the bridge.
    """

    def test_nothing_of_them_is_left_and_nothing_is_sent(self, bridge: Bridge, recorder: Recorder) -> None:
        """
        Session, links, seconds and queue: no table holds the address or what she did.
        """
        phone = bridge.device("phone")
        phone.track("Opened")
        phone.identify("ann@example.com", {"city": "Ulm"})
        bridge.track("bob@example.com", "Paid")
        forgotten = bridge.forget("ann@example.com")
        bridge.flush()
        database = Database(bridge._core.database.path, read_only=True)
        tables = [name for (name,) in database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [str(row) for table in tables for row in database.rows(f"SELECT * FROM {table}")]

        assert (len(forgotten.identities), forgotten.requests, recorder.carried) == (2, 3, ["/e"])
        assert [row for row in rows if "ann" in row or "Ulm" in row or forgotten.identities[0] in row] == []

    def test_refused_calls_that_name_them_are_erased(self, bridge: Bridge) -> None:
        """
        Under any identity, within a text, or in what is left of a long call; those of others stay.
        """
        bridge.identify("ann@example.com", anonymous_id="phone-of-ann")
        bad = {"type": "track", "event": ""}
        bridge.accept_batch(
            [
                bad | {"userId": "Ann@Example.com"},
                bad | {"anonymousId": "phone-of-ann"},
                bad | {"userId": "x", "properties": {"note": ["asked by ann@example.com"]}},
                bad | {"userId": "x", "properties": {"mail": "ann@example.com", "long": "y" * 5_000}},
                bad | {"userId": "joann@example.org", "messageId": "kept"},
            ]
        )
        bridge.forget("ann@example.com")

        assert [one.message_id for one in bridge.refused.latest()] == ["kept"]

    def test_late_calls_are_taken_and_dropped(self, bridge: Bridge) -> None:
        """
        By name, by anonymous id, or from the device: a warning, and nothing queued or kept.
        """
        phone = bridge.device("phone")
        phone.identify("ann@example.com")
        anonymous = phone.anonymous_id
        bridge.forget("ann@example.com")
        late = [
            bridge.track("ann@example.com", "Paid"),
            bridge.identify("ann@example.com", {"city": "Ulm"}, anonymous_id="new"),
            bridge.track(anonymous_id=anonymous, event="Opened"),
            bridge.alias("ann@example.com", "ann@new.example"),
            phone.identify("ann@example.com"),
        ]

        assert [[warning.code for warning in receipt.warnings] for receipt in late] == [["forgotten"]] * 5
        assert [receipt.requests for receipt in late] == [()] * 5
        assert bridge.status().graph.identities == 0

    def test_somebody_else_in_the_same_browser_is_heard(self, bridge: Bridge) -> None:
        """
        Only the forgotten browser's id is set aside.
        """
        bridge.identify("ann@example.com", anonymous_id="X")
        bridge.forget("ann@example.com")
        receipt = bridge.identify("bob@example.com", {"plan": "pro"}, anonymous_id="X")

        assert ([warning.code for warning in receipt.warnings], receipt.verdicts) == (["forgotten"], ())
        assert [request.path for request in receipt.requests] == ["/s"]

    def test_the_device_begins_anew(self, bridge: Bridge) -> None:
        """
        Whoever uses the phone next is somebody new.
        """
        phone = bridge.device("phone")
        phone.identify("ann@example.com", {"city": "Ulm"})
        before = phone.anonymous_id
        bridge.forget("ann@example.com")

        assert (phone.is_anonymous, phone.traits, phone.anonymous_id != before) == (True, {}, True)


def test_the_policys_own_placeholders_count_as_absent(tmp_path: Path) -> None:
    """
    A shop's shared mailbox names nobody, in every call and not only where a merge is proposed.
    """
    policy = MergePolicy.guarded(placeholders=Placeholders().plus("info@shop.example"))
    with Bridge(tmp_path / "b.db", api_key="k", policy=policy, deliver=False) as bridge:
        receipt = bridge.track("Info@shop.example", "Paid", anonymous_id="X")

    assert [warning.code for warning in receipt.warnings] == ["placeholder"]
    assert [request.identity for request in receipt.requests] == ["X"]
