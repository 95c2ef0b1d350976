"""
Who is aliased: the table in docs/aliases.md, row by row, from the call to the people at Kissmetrics.

X is an anonymous identity, A, B and C are named ones.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from attrs import frozen

from sdkbridge import Bridge, InvalidCall, Receipt
from sdkbridge.kissmetrics.requests import ALIAS
from sdkbridge.pytest_plugin import RunningKissmetrics

Message = Mapping[str, Any]


def identify(user_id: str | None, anonymous_id: str | None = None, **traits: Any) -> Message:
    return {"type": "identify", "userId": user_id, "anonymousId": anonymous_id, "traits": traits}


def track(user_id: str | None = None, anonymous_id: str | None = None, event: str = "Seen") -> Message:
    return {"type": "track", "userId": user_id, "anonymousId": anonymous_id, "event": event}


def alias(previous_id: str | None, user_id: str | None, **more: Any) -> Message:
    return {"type": "alias", "previousId": previous_id, "userId": user_id, **more}


def on(device: str, message: Message) -> Message:
    return {**message, "device": device}


@frozen
class Row:
    """
    One row of the table: what came before, what arrives, and what follows.
    """

    name: str
    before: list[Message]
    arrives: Message
    verdict: tuple[str, str] | None
    aliases: list[tuple[str, str]]
    people: list[set[str]]
    warnings: set[str] = frozenset()  # type: ignore[assignment]


SEEN_X = track(anonymous_id="X")

ROWS = [
    Row(
        "first identify in a message that carries both ids",
        [SEEN_X],
        identify("A", "X", plan="pro"),
        ("merge", "first_identify"),
        [("A", "X")],
        [{"A", "X"}],
    ),
    Row(
        "first identify of an anonymous identity never seen",
        [],
        identify("A", "X"),
        ("merge", "first_identify"),
        [("A", "X")],
        [{"A", "X"}],
    ),
    Row(
        "identify again",
        [SEEN_X, identify("A", "X")],
        identify("A", "X"),
        ("known", "one_person"),
        [("A", "X")],
        [{"A", "X"}],
    ),
    Row(
        "alias of two identities of one person",
        [SEEN_X, identify("A", "X")],
        alias("X", "A"),
        ("known", "one_person"),
        [("A", "X")],
        [{"A", "X"}],
    ),
    Row(
        "a second named identity on X",
        [SEEN_X, identify("A", "X")],
        identify("B", "X"),
        ("hold", "second_identity"),
        [("A", "X")],
        [{"A", "X"}, {"B"}],
    ),
    Row(
        "a third named identity on X",
        [SEEN_X, identify("A", "X"), identify("B", "X")],
        identify("C", "X"),
        ("refuse", "shared_device"),
        [("A", "X")],
        [{"A", "X"}, {"B"}, {"C"}],
    ),
    Row(
        "a fourth, and the second again",
        [SEEN_X, identify("A", "X"), identify("B", "X"), identify("C", "X")],
        identify("B", "X"),
        ("refuse", "shared_device"),
        [("A", "X")],
        [{"A", "X"}, {"B"}, {"C"}],
    ),
    Row(
        "no userId",
        [SEEN_X],
        identify(None, "X", plan="pro"),
        None,
        [],
        [{"X"}],
    ),
    Row(
        "an empty userId",
        [SEEN_X],
        identify("", "X", plan="pro"),
        None,
        [],
        [{"X"}],
    ),
    Row(
        "a placeholder as userId",
        [SEEN_X],
        identify("null", "X", plan="pro"),
        ("refuse", "placeholder"),
        [],
        [{"X"}],
        {"placeholder"},
    ),
    Row(
        "a real identify after a placeholder",
        [SEEN_X, identify("null", "X"), track("undefined", "X")],
        identify("A", "X"),
        ("merge", "first_identify"),
        [("A", "X")],
        [{"A", "X"}],
    ),
    Row(
        "alias of two named identities",
        [identify("A"), identify("B")],
        alias("A", "B"),
        ("merge", "identity_change"),
        [("A", "B")],
        [{"A", "B"}],
        {"history_on_both_sides"},
    ),
    Row(
        "an e-mail change before the new address was used",
        [identify("ann@old.example")],
        alias("ann@old.example", "Ann@New.example"),
        ("merge", "identity_change"),
        [("ann@old.example", "ann@new.example")],
        [{"ann@old.example", "ann@new.example"}],
    ),
    Row(
        "alias of X, which belongs to nobody",
        [SEEN_X],
        alias("X", "B"),
        ("merge", "server_alias"),
        [("X", "B")],
        [{"X", "B"}],
    ),
    Row(
        "identify after such an alias",
        [SEEN_X, alias("X", "B")],
        identify("B", "X"),
        ("known", "one_person"),
        [("X", "B")],
        [{"X", "B"}],
    ),
    Row(
        "alias of X, which belongs to A",
        [SEEN_X, identify("A", "X"), identify("B")],
        alias("X", "B"),
        ("hold", "second_identity"),
        [("A", "X")],
        [{"A", "X"}, {"B"}],
    ),
    Row(
        "an alias without previousId, from anonymousId",
        [SEEN_X],
        alias(None, "B", anonymousId="X"),
        ("merge", "server_alias"),
        [("X", "B")],
        [{"X", "B"}],
    ),
    Row(
        "a track with both ids",
        [SEEN_X],
        track("A", "X"),
        None,
        [],
        [{"A"}, {"X"}],
    ),
    Row(
        "a page with both ids",
        [SEEN_X],
        {"type": "page", "name": "Docs", "userId": "A", "anonymousId": "X"},
        None,
        [],
        [{"A"}, {"X"}],
    ),
    Row(
        "a screen with both ids",
        [SEEN_X],
        {"type": "screen", "name": "Home", "userId": "A", "anonymousId": "X"},
        None,
        [],
        [{"A"}, {"X"}],
    ),
    Row(
        "a group with both ids",
        [SEEN_X],
        {"type": "group", "groupId": "g", "userId": "A", "anonymousId": "X"},
        None,
        [],
        [{"A"}, {"X"}],
    ),
    Row(
        "the user's id on both sides",
        [],
        identify("A", "A"),
        None,
        [],
        [{"A"}],
    ),
    Row(
        "an identify that its integrations switch off",
        [SEEN_X],
        {**identify("A", "X"), "integrations": {"Kissmetrics": False}},
        None,
        [],
        [{"X"}],
        {"switched_off"},
    ),
    Row(
        "an identify that is switched on again",
        [SEEN_X, {**identify("A", "X"), "integrations": {"All": False}}],
        {**identify("A", "X"), "integrations": {"All": False, "KISSmetrics": True}},
        ("merge", "first_identify"),
        [("A", "X")],
        [{"A", "X"}],
    ),
]


def sent_aliases(kissmetrics: RunningKissmetrics) -> list[tuple[str, str]]:
    requests = kissmetrics.requests
    return [(r.parameters["_p"], r.parameters["_n"]) for r in requests if r.path == ALIAS]


def seen_people(kissmetrics: RunningKissmetrics) -> list[set[str]]:
    return sorted((set(person.identities) for person in kissmetrics.people), key=sorted)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_messages(row: Row, bridge: Bridge, kissmetrics: RunningKissmetrics) -> None:
    """
    Each row of the table, sent as messages that carry their own ids.
    """
    for message in row.before:
        bridge.accept(message)
    receipt = bridge.accept(row.arrives)
    assert bridge.flush().waiting == 0

    assert [(v.outcome, v.reason) for v in receipt.verdicts] == ([] if row.verdict is None else [row.verdict])
    assert sent_aliases(kissmetrics) == row.aliases
    assert seen_people(kissmetrics) == sorted(row.people, key=sorted)
    assert {warning.code for warning in receipt.warnings} == set(row.warnings)


REFUSED = [
    ("an alias from a placeholder", alias("null", "B"), "placeholder"),
    ("an alias to a placeholder", alias("A", "undefined"), "placeholder"),
    ("an alias to itself", alias("A", "A"), "itself"),
    ("an alias to itself in another case", alias("Ann@Example.com", "ann@example.com"), "itself"),
    ("an alias from a text over 255 characters", alias("A" * 256, "B"), "too_long"),
    ("an alias to a text over 255 characters", alias("A", "B" * 256), "too_long"),
    ("an alias from nobody", alias(None, "B"), "required"),
    ("an alias to nobody", alias("A", None), "required"),
    ("an identify that names nobody", identify(None), "required"),
    ("a placeholder and no other id", identify("null"), "placeholder"),
    ("a placeholder on either side", identify("null", "anonymous"), "placeholder"),
    ("a track of nobody", track(), "required"),
    ("a user id over 255 characters", track("A" * 256), "too_long"),
]


@pytest.mark.parametrize(("message", "reason"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_refused_calls(message: Message, reason: str, bridge: Bridge, kissmetrics: RunningKissmetrics) -> None:
    """
    What can only be a mistake raises with its reason; nothing is queued, and nobody is joined.
    """
    with pytest.raises(InvalidCall) as caught:
        bridge.accept(message)

    assert caught.value.reason == reason
    assert bridge.status().outbox.waiting == 0
    assert bridge.graph.counts().identities == 0
    assert kissmetrics.requests == []


class TestDevice:
    """
    The rows of the table that a device session decides.
    """

    @pytest.fixture
    def play(self, bridge: Bridge) -> Callable[..., list[Receipt]]:
        def play(*messages: Message) -> list[Receipt]:
            return [bridge.accept(on("phone", message)) for message in messages]

        return play

    def test_first_identify_on_a_device_session(
        self, play: Any, bridge: Bridge, kissmetrics: RunningKissmetrics
    ) -> None:
        """
        One alias from the generated identity to the first name; the session is named.
        """
        anonymous = bridge.device("phone").anonymous_id
        _, receipt, _ = play(track(), identify("A", plan="pro"), track())
        bridge.flush()

        assert [str(v.outcome) for v in receipt.verdicts] == ["merge"]
        assert bridge.device("phone").identity == "A"
        assert sent_aliases(kissmetrics) == [("A", anonymous)]
        assert seen_people(kissmetrics) == [{"A", anonymous}]

    def test_identify_again_is_known(self, play: Any, bridge: Bridge, kissmetrics: RunningKissmetrics) -> None:
        """
        The same name at each launch sends no second alias.
        """
        _, again = play(identify("A"), identify("A"))
        bridge.flush()

        assert [(v.outcome, v.reason) for v in again.verdicts] == [("known", "one_person")]
        assert len(sent_aliases(kissmetrics)) == 1

    def test_another_name_without_a_reset(
        self, play: Any, bridge: Bridge, kissmetrics: RunningKissmetrics
    ) -> None:
        """
        Named to named proposes no link: the session is B's, the receipt warns, A and B stay two people.
        """
        anonymous = bridge.device("phone").anonymous_id
        _, switch, again, _ = play(identify("A"), identify("B"), identify("B"), track())
        bridge.flush()

        assert switch.verdicts == again.verdicts == ()
        assert [warning.code for warning in switch.warnings] == ["user_switch_without_reset"]
        assert bridge.device("phone").identity == "B"
        assert seen_people(kissmetrics) == sorted([{"A", anonymous}, {"B"}], key=sorted)

    def test_a_new_name_of_the_same_person_is_no_switch(self, play: Any, bridge: Bridge) -> None:
        """
        After an asked-for e-mail change, the new address on the same phone is nothing to warn of.
        """
        play(identify("ann@old.example"))
        bridge.alias("ann@old.example", "ann@new.example")
        (receipt,) = play(identify("ann@new.example"))

        assert receipt.warnings == ()

    def test_reset(self, play: Any, bridge: Bridge, kissmetrics: RunningKissmetrics) -> None:
        """
        A new anonymous identity, no traits, the queue stays, and the next identify is a first one.
        """
        phone = bridge.device("phone")
        first = phone.anonymous_id
        play(track(), identify("A", plan="pro"), {"type": "reset"})
        second = phone.anonymous_id
        assert (phone.is_anonymous, phone.traits) == (True, {})
        play(track(), identify("B"))
        bridge.flush()

        assert first != second
        assert sent_aliases(kissmetrics) == [("A", first), ("B", second)]
        assert seen_people(kissmetrics) == sorted([{"A", first}, {"B", second}], key=sorted)

    @pytest.mark.parametrize("nobody", [None, "", "null"])
    def test_an_identify_that_names_nobody_still_sets_traits(
        self, nobody: str | None, play: Any, bridge: Bridge, kissmetrics: RunningKissmetrics
    ) -> None:
        """
        No name, or a placeholder: still anonymous, traits go to the anonymous identity.
        """
        anonymous = bridge.device("phone").anonymous_id
        (receipt,) = play(identify(nobody, plan="pro"))
        bridge.flush()

        assert bridge.device("phone").is_anonymous
        assert [v.reason for v in receipt.verdicts] == (["placeholder"] if nobody else [])
        person = kissmetrics.person(anonymous)
        assert person.properties["plan"].last == "pro"
        assert sent_aliases(kissmetrics) == []

    def test_alias_goes_from_the_current_identity_which_stays(
        self, play: Any, bridge: Bridge, kissmetrics: RunningKissmetrics
    ) -> None:
        """
        phone.alias(B) joins the session's identity with B; the session keeps its own.
        """
        phone = bridge.device("phone")
        anonymous = phone.anonymous_id
        play(track())
        receipt = phone.alias("B")
        assert phone.identity == anonymous
        known = phone.identify("B")
        bridge.flush()

        assert [v.reason for v in (*receipt.verdicts, *known.verdicts)] == ["server_alias", "one_person"]
        assert sent_aliases(kissmetrics) == [(anonymous, "B")]

    def test_alias_from_a_named_session_is_an_identity_change(self, play: Any, bridge: Bridge) -> None:
        """
        On a session named A, alias(B) joins A with B.
        """
        play(identify("A"))

        assert [v.reason for v in bridge.device("phone").alias("B").verdicts] == ["identity_change"]

    def test_the_anonymous_identity_handed_over_to_somebody_else(self, play: Any, bridge: Bridge) -> None:
        """
        A phone whose anonymous identity a server gave to B is held when A is identified on it.
        """
        anonymous = bridge.device("phone").anonymous_id
        bridge.alias(anonymous, "B")
        (receipt,) = play(identify("A"))

        assert [v.reason for v in receipt.verdicts] == ["second_identity"]
        assert bridge.device("phone").identity == "A"

    def test_integrations_that_switch_kissmetrics_off(
        self, play: Any, bridge: Bridge, kissmetrics: RunningKissmetrics
    ) -> None:
        """
        Kissmetrics' own SDK would not hear of such a call: the session stays anonymous.
        """
        off, on_again = play({**identify("A"), "integrations": {"Kissmetrics": False}}, identify("A"))
        bridge.flush()

        assert [warning.code for warning in off.warnings] == ["switched_off"]
        assert [v.outcome for v in on_again.verdicts] == ["merge"]
        assert len(sent_aliases(kissmetrics)) == 1
