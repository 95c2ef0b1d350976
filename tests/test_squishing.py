"""
The documented ways to make one person of many, each as calls.

Segment's server mapper does it, the guarded graph does not, and says why.

Sources: Kissmetrics' pages on squished identities, troubleshooting, multiple domains and identifying by URL; its
JavaScript library's cookies; Segment's mobile SDKs, which send both ids once somebody is identified.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from identity import Database, MergePolicy
from identity.simulate.strategies import SEGMENT_SERVER
from sdkbridge import Bridge, InvalidCall
from sdkbridge.kissmetrics.people import LocalKissmetrics
from sdkbridge.strategies import SEGMENT_SERVER as AS_SEGMENT_SERVER
from sdkbridge.strategies import people_under

Message = Mapping[str, Any]
NOW = 1_700_000_000.0


def identify(user_id: str, anonymous_id: str) -> Message:
    return {"type": "identify", "userId": user_id, "anonymousId": anonymous_id, "traits": {"plan": "pro"}}


def track(user_id: str, anonymous_id: str | None = None) -> Message:
    return {"type": "track", "userId": user_id, "anonymousId": anonymous_id, "event": "Paid"}


def sign_up(user_id: str, shared: str) -> list[Message]:
    return [track(user_id), alias(user_id, shared)]


def alias(previous_id: str, user_id: str) -> Message:
    return {"type": "alias", "previousId": previous_id, "userId": user_id}


@frozen
class Way:
    """
    One way to squish: the calls, who is truly somebody else, and what the guarded graph says of it.
    """

    name: str
    calls: Sequence[Message]
    strangers: tuple[str, str]
    reasons: set[str]


WAYS = [
    Way(
        "a placeholder as user id",
        [identify("null", "X"), track("ann"), identify("ann", "X"), identify("null", "Y"), identify("bob", "Y")],
        ("ann", "bob"),
        {"placeholder"},
    ),
    Way(
        "the word guest, in quotes and capitals",
        [identify('"GUEST"', "X"), identify("ann", "X"), identify('"GUEST"', "Y"), identify("bob", "Y")],
        ("ann", "bob"),
        {"placeholder"},
    ),
    Way(
        "an advertising id that is all zeros",
        [
            identify("ann", "00000000-0000-0000-0000-000000000000"),
            identify("bob", "00000000-0000-0000-0000-000000000000"),
        ],
        ("ann", "bob"),
        set(),
    ),
    Way(
        "a template that nobody filled in",
        [track("ann"), track("bob"), alias("ann", "{{customer.email}}"), alias("bob", "{{customer.email}}")],
        ("ann", "bob"),
        {"placeholder"},
    ),
    Way(
        "another user on a device without a reset",
        [identify("ann", "X"), track("ann", "X"), identify("bob", "X"), track("bob", "X")],
        ("ann", "bob"),
        {"second_identity"},
    ),
    Way(
        "a tablet that a whole shop shares",
        [identify(f"user-{n}", "tablet") for n in range(12)],
        ("user-3", "user-9"),
        {"second_identity", "shared_device"},
    ),
    Way(
        "the cookie km_ai, which holds a name after the second identify",
        [track("ann"), identify("bob", "ann"), track("bob")],
        ("ann", "bob"),
        {"not_asked_for"},
    ),
    Way(
        "the browser's identity aliased to a new user while it is somebody else's",
        [identify("ann", "X"), alias("X", "bob")],
        ("ann", "bob"),
        {"second_identity"},
    ),
    Way(
        "an SDK whose reset keeps the anonymous id",
        [identify("ann", "X"), track("ann", "X"), track("", "X"), identify("bob", "X"), identify("cem", "X")],
        ("ann", "cem"),
        {"second_identity", "shared_device"},
    ),
    Way(
        "an alias to something that many have: a first name",
        [call for n in range(8) for call in sign_up(f"user-{n}@example.com", "Ann")],
        ("user-3@example.com", "user-7@example.com"),
        {"too_many_named_lately"},
    ),
    Way(
        "a public link with somebody's id in it, which everyone opens",
        [track("ann"), *(identify("ann", f"visitor-{n}") for n in range(3)), identify("bob", "visitor-2")],
        ("ann", "bob"),
        {"second_identity"},
    ),
    Way(
        "a shared mailbox",
        [call for n in range(8) for call in sign_up(f"user-{n}@example.com", "info@shop.example")],
        ("user-3@example.com", "user-7@example.com"),
        {"too_many_named_lately"},
    ),
]


def are_squished(people: LocalKissmetrics, pair: tuple[str, str]) -> bool:
    return any({*pair} <= set(person.identities) for person in people.people())


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_the_naive_mapper_squishes_and_the_guarded_graph_does_not(way: Way, tmp_path: Path) -> None:
    """
    Two strangers are one person for ever under Segment's server mapper, and two under the guarded policy.
    """
    naive = people_under(SEGMENT_SERVER, way.calls, received=NOW, options=AS_SEGMENT_SERVER)
    guarded = LocalKissmetrics(Database(":memory:"), clock=lambda: NOW)
    reasons: set[str] = set()
    with Bridge(tmp_path / "b.db", api_key="k", deliver=False, clock=lambda: NOW) as bridge:
        for call in way.calls:
            reasons |= reasons_given(bridge, guarded, call)
        together = bridge.graph.are_one(*way.strangers)

    assert are_squished(naive, way.strangers)
    assert (together, are_squished(guarded, way.strangers)) == (False, False)
    assert way.reasons <= reasons


def reasons_given(bridge: Bridge, kissmetrics: LocalKissmetrics, call: Message) -> set[str]:
    try:
        receipt = bridge.accept(call)
    except InvalidCall as error:
        return {error.reason}
    for request in receipt.requests:
        kissmetrics.receive(request.path, {"_k": "k", **request.parameters()})
    return {verdict.reason for verdict in receipt.verdicts if verdict.outcome in {"hold", "refuse"}}


def test_what_looks_like_one_person_stays_one(tmp_path: Path) -> None:
    """
    The same rules leave an ordinary customer whole: two phones, a change of address, an account id.
    """
    calls = [
        identify("ann@old.example", "phone-1"),
        identify("ann@old.example", "phone-2"),
        alias("ann@old.example", "ann@new.example"),
        identify("ann@new.example", "phone-1"),
        alias("ann@new.example", "4711"),
    ]
    with Bridge(tmp_path / "b.db", api_key="k", deliver=False, policy=MergePolicy.guarded()) as bridge:
        for call in calls:
            bridge.accept(call)

        assert len(bridge.graph.person("4711").identities) == 5
        assert bridge.graph.held() == []
